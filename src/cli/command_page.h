#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace sd::cli {

/// A flag of a command, or one of the words that stand without a flag.
struct FlagPage {
  std::string letter = {};              ///< "q" of -q, or empty
  std::vector<std::string> names = {};  ///< without dashes, the one to show first
  std::string kind = {};                ///< of its value, as a help page names it; empty: a switch
  std::string fallback = {};            ///< its default, or empty
  std::string group = {};               ///< heading of the help page
  std::string help = {};                ///< without a full stop
  std::string more = {};  ///< what is said after `help` where there is room; may be empty
  std::vector<std::string> values = {};   ///< what it may be, where that can be listed
  std::vector<std::string> endings = {};  ///< of the files that it names, without dots; empty: any
  std::vector<std::string> parts = {};  ///< of a command with parts, those it goes with; empty: all
  bool names_preset = false;            ///< presets of settings files are values, too
  bool common = false;                  ///< on the short help page
  bool positional = false;

  bool takes_file() const { return kind == "FILE" || !endings.empty(); }
  bool takes_folder() const { return kind == "DIR"; }
};

/// All that is said of a command: help page, man page and completion are made from it.
struct CommandPage {
  std::string name = {};      ///< "txt2img"; of the program: empty
  std::string summary = {};   ///< begins with a small letter and has no full stop
  std::string examples = {};  ///< lines of a shell and comments; may be empty
  std::vector<FlagPage> flags = {};
  std::vector<CommandPage> commands = {};  ///< of the program

  /// "sd", "sd txt2img".
  std::string full_name() const { return name.empty() ? "sd" : "sd " + name; }
  /// What the first argument may be, where others follow it: `sd job status DIR`.
  std::vector<std::string> parts() const;
  /// Whether some flags are left out of the short help page.
  bool is_long() const;
};

/// The page of a command, or of the program with those of its commands. What the table of settings
/// knows of a flag of that name counts for every command.
CommandPage page_of(const CLI::App& app);

/// The values that a kind lists: "fp32|fp16"; none where it lists none.
std::vector<std::string> values_in(const std::string& kind);

}  // namespace sd::cli
