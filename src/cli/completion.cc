#include "cli/completion.h"

#include <algorithm>

#include "base/names.h"
#include "cli/completions/completions.h"

namespace sd::cli {
namespace {

struct Shell {
  const char* name;
  std::string (*script)(const CommandPage& program);
};

constexpr Shell kShells[] = {
    {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};

}  // namespace

std::vector<std::string> completion_shells() {
  std::vector<std::string> names;
  for (const Shell& shell : kShells) names.emplace_back(shell.name);
  return names;
}

std::string completion_script(const CommandPage& program, const std::string& shell) {
  for (const Shell& each : kShells) {
    if (each.name == shell) return each.script(program);
  }
  throw unknown_name("completion for", shell, completion_shells());
}

std::vector<std::string> flag_words(const FlagPage& flag) {
  std::vector<std::string> words;
  for (const std::string& name : flag.names) words.push_back("--" + name);
  if (!flag.letter.empty()) words.push_back("-" + flag.letter);
  return words;
}

bool goes_with(const FlagPage& flag, const std::string& part) {
  return part.empty() || flag.parts.empty() ||
         std::find(flag.parts.begin(), flag.parts.end(), part) != flag.parts.end();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace sd::cli
