#include "cli/man_page.h"

#include <algorithm>
#include <cctype>

#include "base/strings.h"
#include "base/version.h"
#include "cli/completions/completions.h"

namespace sd::cli {
namespace {

/// A text as troff reads it.
std::string roff(std::string text) {
  text = replaced(std::move(text), "\\", "\\e");
  text = replaced(std::move(text), "-", "\\-");
  text = replaced(std::move(text), "`", "");
  const bool is_request = text.starts_with('.') || text.starts_with('\'');
  return is_request ? "\\&" + text : text;
}

std::string sentence(std::string text) {
  if (text.empty()) return text;
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text.back() == '.' ? text : text + ".";
}

/// "\fB\-\-n_samples\fR, \fB\-\-n\-samples\fR \fIINT\fR".
std::string label_of(const FlagPage& flag) {
  if (flag.positional) return "\\fI" + roff(flag.names.front()) + "\\fR";
  std::vector<std::string> words;
  for (const std::string& word : flag_words(flag)) words.push_back("\\fB" + roff(word) + "\\fR");
  return join(words, ", ") + (flag.kind.empty() ? "" : " \\fI" + roff(flag.kind) + "\\fR");
}

std::string text_of(const FlagPage& flag) {
  std::string text = sentence(flag.help);
  if (!flag.more.empty()) text += " " + sentence(flag.more);
  if (!flag.fallback.empty()) text += " Default: " + flag.fallback + ".";
  return roff(text);
}

std::string flags_text(const CommandPage& page) {
  std::string text, group;
  for (const FlagPage& flag : page.flags) {
    if (std::exchange(group, flag.group) != flag.group) text += ".SS " + roff(flag.group) + "\n";
    text += ".TP\n" + label_of(flag) + "\n" + text_of(flag) + "\n";
  }
  return text;
}

/// The flags with those of a group together, in the order of the groups' first flags.
CommandPage grouped(CommandPage page) {
  std::vector<std::string> groups;
  const auto place = [&](const FlagPage& flag) {
    const auto found = std::find(groups.begin(), groups.end(), flag.group);
    if (found == groups.end()) groups.push_back(flag.group);
    return std::find(groups.begin(), groups.end(), flag.group) - groups.begin();
  };
  for (const FlagPage& flag : page.flags) place(flag);
  std::stable_sort(page.flags.begin(), page.flags.end(),
                   [&](const FlagPage& a, const FlagPage& b) { return place(a) < place(b); });
  return page;
}

std::string synopsis_of(const CommandPage& page) {
  std::string text = ".B " + roff(page.full_name()) + "\n";
  if (!page.commands.empty()) text += ".I COMMAND\n";
  text += "[\\fIFLAGS\\fR]";
  for (const FlagPage& flag : page.flags) {
    if (flag.positional) text += " \\fI" + roff(flag.names.front()) + "\\fR";
  }
  return text + "\n";
}

std::string commands_text(const CommandPage& page) {
  std::string text = page.commands.empty() ? "" : ".SH COMMANDS\n";
  for (const CommandPage& command : page.commands) {
    text += ".TP\n\\fB" + roff(man_name(command)) + "\\fR(1)\n" + roff(sentence(command.summary)) +
            "\n";
  }
  return text;
}

std::string examples_text(const CommandPage& page) {
  if (page.examples.empty()) return "";
  std::string text = ".SH EXAMPLES\n.nf\n";
  std::string line;
  for (const char c : page.examples + "\n") {
    if (c != '\n') {
      line += c;
      continue;
    }
    text += roff(line) + "\n";
    line.clear();
  }
  return text + ".fi\n";
}

std::string exit_text() {
  std::string text = ".SH EXIT STATUS\n";
  for (const ExitCode& each : exit_codes()) {
    text += ".TP\n" + std::to_string(each.code) + "\n" + roff(sentence(each.meaning)) + "\n";
  }
  return text;
}

std::string see_also(const CommandPage& page, const CommandPage& program) {
  std::vector<std::string> names;
  if (!page.name.empty()) names.push_back("\\fB" + man_name(program) + "\\fR(1)");
  for (const CommandPage& command : program.commands) {
    if (command.name != page.name) names.push_back("\\fB" + roff(man_name(command)) + "\\fR(1)");
  }
  return ".SH SEE ALSO\n" + join(names, ",\n") + "\n";
}

}  // namespace

std::span<const ExitCode> exit_codes() {
  static constexpr ExitCode kCodes[] = {
      {0, "done"},
      {1, "a bug in the program"},
      {2, "a flag or value that cannot be used; reported before any weight is read"},
      {3, "a file, or stdout itself, that cannot be read or written"},
      {4, "a checkpoint or config that lacks required parts"},
      {5, "a device that is absent or fails, or too little memory"},
      {75,
       "a job that was stopped by SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU or --time-limit: run the same "
       "command to resume it"},
      {130, "stopped by Ctrl-C, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU or SIGHUP"},
      {141, "stopped because the reader of stdout went away"}};
  return kCodes;
}

std::string man_name(const CommandPage& page) {
  return page.name.empty() ? "sd" : "sd-" + page.name;
}

std::string man_page(const CommandPage& page, const CommandPage& program) {
  std::string title = man_name(page);
  std::transform(title.begin(), title.end(), title.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return ".TH " + roff(title) + " 1 \"\" \"sd " + program_version() + "\" \"User Commands\"\n" +
         ".SH NAME\n" + roff(man_name(page)) + " \\- " + roff(page.summary) + "\n.SH SYNOPSIS\n" +
         synopsis_of(page) + commands_text(page) + ".SH OPTIONS\n" + flags_text(grouped(page)) +
         examples_text(page) + exit_text() + see_also(page, program);
}

}  // namespace sd::cli
