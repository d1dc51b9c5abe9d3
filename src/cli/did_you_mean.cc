#include "cli/did_you_mean.h"

#include <algorithm>
#include <vector>

#include "base/names.h"
#include "base/strings.h"
#include "cli/whole_words.h"

namespace sd::cli {
namespace {

constexpr std::string_view kDashes = "--";

/// What a word may be: the commands, or where one is chosen nothing.
std::vector<std::string> command_names(const CLI::App& program) {
  std::vector<std::string> names;
  if (!program.get_subcommands().empty()) return names;
  for (const CLI::App* each : program.get_subcommands({})) names.push_back(each->get_name());
  return names;
}

/// The flags of the chosen command, without their dashes.
std::vector<std::string> flag_names(const CLI::App& program) {
  const auto chosen = program.get_subcommands();
  const CLI::App& command = chosen.empty() ? program : *chosen.front();
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back(name);
  }
  return names;
}

/// The one of `names` that `typed` abbreviates, else the nearest; empty if none is near.
std::string meant(const std::string& typed, const std::vector<std::string>& names) {
  constexpr size_t kLongest = 64;  // no name of ours is nearly as long
  if (typed.empty() || typed.size() > kLongest) return "";
  const auto longer = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
    return typed.size() > 1 && name.starts_with(typed);
  });
  if (longer != names.end()) return *longer;
  const std::vector<std::string> near = nearest_names(typed, names);
  return near.empty() ? "" : near.front();
}

/// "did you mean --prompt instead of --promt?", or empty.
std::string guess(const CLI::App& program, const std::string& argument) {
  if (!argument.starts_with(kDashes)) {
    const std::string name = meant(argument, command_names(program));
    return name.empty() ? "" : "did you mean " + name + " instead of " + printable(argument) + "?";
  }
  const std::string typed = argument.substr(kDashes.size(), argument.find('=') - kDashes.size());
  const std::string name = meant(typed, flag_names(program));
  if (name.empty()) return "";
  return "did you mean --" + name + " instead of --" + printable(typed) + "?";
}

}  // namespace

std::string unexpected_arguments(const CLI::App& program, std::string* hint) {
  const std::vector<std::string> arguments = program.remaining(/*recurse=*/true);
  std::vector<std::string> shown;
  std::string guessed;
  for (const std::string& word : arguments) {
    const std::string argument = unmarked(word);
    shown.push_back(argument.empty() ? "'' (an empty text)" : printable(argument, 60));
    if (guessed.empty()) guessed = guess(program, argument);
  }
  if (!guessed.empty()) *hint = guessed;
  return (shown.size() == 1 ? "unknown argument: " : "unknown arguments: ") + join(shown, " ");
}

}  // namespace sd::cli
