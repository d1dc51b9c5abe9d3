#include "base/strings.h"
#include "cli/completions/completions.h"

namespace sd::cli {
namespace {

// `word` is what is typed so far, `flag` the flag that it is the value of. bash cuts "--flag=value"
// into three words.
constexpr const char* kHead = R"(# Completion of sd for bash; written by `sd completion bash`.
_sd_values() { COMPREPLY=($(compgen -W "$1" -- "$word")); }
_sd_files() {
  local file
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do
    [[ -d $file || -z $1 || $file =~ \.($1)$ ]] && COMPREPLY+=("$file")
  done < <(compgen -f -- "$word")
}
_sd_folders() {
  compopt -o filenames 2>/dev/null
  local IFS=$'\n'
  COMPREPLY=($(compgen -d -- "$word"))
}
_sd() {
  local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} command= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }
  done
  if [[ $word == = ]]; then
    word=
  elif [[ $flag == = ]]; then
    flag=${COMP_WORDS[COMP_CWORD-2]}
  fi
  case "$command $flag" in
)";

/// The call that completes a value; empty where only the user knows.
std::string value_call(const FlagPage& flag) {
  if (!flag.values.empty()) return "_sd_values '" + join(flag.values, " ") + "'";
  if (flag.takes_folder()) return "_sd_folders";
  if (flag.takes_file()) return "_sd_files '" + join(flag.endings, "|") + "'";
  return "";
}

std::string value_cases(const CommandPage& command) {
  std::string cases;
  for (const FlagPage& flag : command.flags) {
    if (flag.positional || flag.kind.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& word : flag_words(flag)) {
      patterns.push_back("'" + command.name + " " + word + "'");
    }
    const std::string call = value_call(flag);
    cases +=
        "    " + join(patterns, "|") + ") " + (call.empty() ? "" : call + "; ") + "return ;;\n";
  }
  return cases;
}

std::string flag_names(const CommandPage& command) {
  std::vector<std::string> names;
  for (const FlagPage& flag : command.flags) {
    if (!flag.positional) names.push_back(flag_words(flag).front());
  }
  return join(names, " ");
}

/// What completes a word of the command that is no flag.
std::string word_call(const CommandPage& command) {
  for (const FlagPage& flag : command.flags) {
    if (flag.positional) return value_call(flag);
  }
  return "";
}

std::string flags_case(const CommandPage& command) {
  std::string line = "    '" + command.name + "') ";
  line += "if [[ $word == -* ]]; then _sd_values '" + flag_names(command) + "'";
  const std::string call = word_call(command);
  if (!call.empty()) line += "; else " + call;
  return line + "; fi ;;\n";
}

}  // namespace

std::string bash_completion(const CommandPage& program) {
  std::string cases, flags;
  std::vector<std::string> commands;
  for (const CommandPage& command : program.commands) {
    commands.push_back(command.name);
    cases += value_cases(command);
    flags += flags_case(command);
  }
  return kHead + cases + "  esac\n  case \"$command\" in\n    '') _sd_values '" +
         join(commands, " ") + " " + flag_names(program) + "' ;;\n" + flags +
         "  esac\n}\ncomplete -F _sd sd stable-diffusion\n";
}

}  // namespace sd::cli
