#include "base/strings.h"
#include "cli/completions/completions.h"

namespace sd::cli {
namespace {

constexpr const char* kHead = R"(# Completion of sd for fish; written by `sd completion fish`.
function __sd_files -a endings
  set -l word (commandline -ct | string replace -r '^--[^=]*=' '')
  for file in $word*
    if test -d $file
      echo $file/
    else if string match -qr "\\.($endings)\$" -- $file
      echo $file
    end
  end
end
complete -c sd -f
complete -c stable-diffusion -w sd
)";

std::string quoted(std::string text) {
  text = replaced(std::move(text), "\\", "\\\\");
  return "'" + replaced(std::move(text), "'", "\\'") + "'";
}

/// The options of `complete` for a value; empty for a switch.
std::string value_options(const FlagPage& flag) {
  if (flag.kind.empty()) return "";
  if (!flag.values.empty()) return " -x -a " + quoted(join(flag.values, " "));
  if (flag.takes_folder()) return " -x -a '(__fish_complete_directories)'";
  if (!flag.endings.empty()) {
    return " -x -a '(__sd_files \"" + join(flag.endings, "|") + "\")'";
  }
  return flag.takes_file() ? " -r -F" : " -x";
}

std::string line_of(const FlagPage& flag, const std::string& condition) {
  std::string line = "complete -c sd -n " + quoted(condition);
  if (flag.positional) return line + value_options(flag) + "\n";
  if (!flag.letter.empty()) line += " -s " + flag.letter;
  if (!flag.names.empty()) line += " -l " + flag.names.front();
  return line + value_options(flag) + " -d " + quoted(flag.help) + "\n";
}

}  // namespace

std::string fish_completion(const CommandPage& program) {
  std::string script = kHead;
  for (const FlagPage& flag : program.flags) script += line_of(flag, "__fish_use_subcommand");
  for (const CommandPage& command : program.commands) {
    script += "complete -c sd -n __fish_use_subcommand -a " + command.name + " -d " +
              quoted(command.summary) + "\n";
    const std::string condition = "__fish_seen_subcommand_from " + command.name;
    for (const FlagPage& flag : command.flags) script += line_of(flag, condition);
  }
  return script;
}

}  // namespace sd::cli
