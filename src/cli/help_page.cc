#include "cli/help_page.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/split.h"
#include "base/strings.h"
#include "base/terminal.h"
#include "base/wrap.h"

namespace sd::cli {
namespace {

/// The text cut behind each `end` that is not between double quotes.
std::vector<std::string> pieces(const std::string& text, char end) {
  std::vector<std::string> all = {""};
  bool quoted = false;
  for (const char c : text) {
    all.back() += c;
    if (c == '"') quoted = !quoted;
    if (c == end && !quoted) all.emplace_back();
  }
  return all;
}

/// Two columns of a page: what is explained, and the explanation.
class TwoColumns {
 public:
  explicit TwoColumns(int columns)
      : columns_(columns), indent_(columns >= kNarrow ? kRight : kUnder) {}

  std::string lines(const std::string& left, const std::string& right) const {
    std::string text = broken("  " + left);
    bool first = text_columns(text) + 2 <= indent_ && indent_ == kRight;
    if (first) text.append(static_cast<size_t>(indent_ - text_columns(text)), ' ');
    for (const std::string& line : wrap(right, columns_ - indent_)) {
      if (!std::exchange(first, false)) {
        text.append("\n").append(static_cast<size_t>(indent_), ' ');
      }
      text += line;
    }
    return text + "\n";
  }

 private:
  /// A label that is too long, broken behind the bars between what a flag may be.
  std::string broken(const std::string& label) const {
    if (text_columns(label) <= columns_) return label;
    std::string text;
    int column = 0;
    for (const std::string& word : pieces(label, '|')) {
      if (column > 0 && column + text_columns(word) > columns_) {
        text += "\n" + std::string(kUnder, ' ');
        column = kUnder;
      }
      text += word;
      column += text_columns(word);
    }
    return text;
  }

  static constexpr int kNarrow = 64, kRight = 30, kUnder = 6;
  int columns_;
  int indent_;
};

/// "-q, --quiet", "--n_samples INT".
std::string flag_label(const FlagPage& flag) {
  if (flag.positional) return flag.names.front();
  std::vector<std::string> shown;
  if (!flag.letter.empty()) shown.push_back("-" + flag.letter);
  if (!flag.names.empty()) shown.push_back("--" + flag.names.front());
  return join(shown, ", ") + (flag.kind.empty() ? "" : " " + flag.kind);
}

std::string flag_help(const FlagPage& flag) {
  if (flag.fallback.empty()) return flag.help;
  const std::string quote = flag.kind == "TEXT" ? "\"" : "";
  return flag.help + " (" + quote + flag.fallback + quote + ")";
}

std::vector<std::string> groups_of(const CommandPage& page) {
  std::vector<std::string> groups;
  for (const FlagPage& flag : page.flags) {
    if (std::find(groups.begin(), groups.end(), flag.group) == groups.end()) {
      groups.push_back(flag.group);
    }
  }
  return groups;
}

std::string usage_of(const CommandPage& page) {
  std::string usage = page.full_name();
  if (!page.commands.empty()) return usage + " COMMAND [FLAGS]";
  usage += " [FLAGS]";
  for (const FlagPage& flag : page.flags) {
    if (flag.positional) usage += " " + flag.names.front();
  }
  return usage;
}

std::string group_text(const CommandPage& page, const std::string& group, bool all,
                       const TwoColumns& columns) {
  std::string text;
  for (const FlagPage& flag : page.flags) {
    if (flag.group == group && (all || flag.common || flag.positional)) {
      text += columns.lines(flag_label(flag), flag_help(flag));
    }
  }
  return text.empty() ? "" : "\n" + group + ":\n" + text;
}

/// A line of a shell; a longer one goes on behind a backslash, a comment in another one.
std::string example_line(const std::string& line, int columns) {
  if (text_columns(line) + 2 <= columns) return "  " + line + "\n";
  if (line.starts_with("# ")) {
    return "  # " + join(wrap(line.substr(2), columns - 4), "\n  # ") + "\n";
  }
  std::string text;
  int column = 2;
  for (const std::string& word : pieces(line, ' ')) {
    if (!text.empty() && column + text_columns(word) + 1 > columns) {
      text += "\\\n      ";
      column = 6;
    }
    text += word;
    column += text_columns(word);
  }
  return "  " + text + "\n";
}

std::string examples_text(const CommandPage& page, int columns) {
  if (page.examples.empty()) return "";
  std::string text = "\nExamples:\n";
  for (const std::string_view line : split(page.examples, '\n')) {
    text += example_line(std::string(line), columns);
  }
  return text;
}

/// The line below a page: where more is said.
std::string pointer_text(const CommandPage& page, bool all, int columns) {
  std::string text;
  if (!page.commands.empty()) {
    text = "sd COMMAND --help shows the flags of a command.";
  } else if (page.is_long() && !all) {
    text =
        page.full_name() + " --help-all shows all " + std::to_string(page.flags.size()) + " flags.";
  } else {
    return "";
  }
  return "\n" + join(wrap(text, columns), "\n") + "\n";
}

class PageFormatter final : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode mode) const override {
    constexpr int kWidest = 100;
    return help_text(page_of(*app), mode == CLI::AppFormatMode::All,
                     std::min(terminal_columns(STDOUT_FILENO), kWidest));
  }
};

}  // namespace

std::string help_text(const CommandPage& page, bool all, int columns) {
  const TwoColumns two(columns);
  const bool everything = all || !page.is_long();
  std::string text =
      join(wrap(page.full_name() + ": " + page.summary, columns), "\n") + "\n\nUsage: ";
  text += usage_of(page) + "\n";
  for (const std::string& group : groups_of(page)) {
    text += group_text(page, group, everything, two);
  }
  if (!page.commands.empty()) text += "\nCommands:\n";
  for (const CommandPage& command : page.commands) text += two.lines(command.name, command.summary);
  return text + examples_text(page, columns) + pointer_text(page, all, columns);
}

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<PageFormatter>(); }

}  // namespace sd::cli
