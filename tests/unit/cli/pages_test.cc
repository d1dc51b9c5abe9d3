// Help pages, manual pages and completions: all are made from the commands, and say the same.

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "base/output.h"
#include "base/wrap.h"
#include "cli/command_page.h"
#include "cli/completion.h"
#include "cli/completions/completions.h"
#include "cli/flags.h"
#include "cli/help_page.h"
#include "cli/man_page.h"
#include "cli/program.h"
#include "job/presets.h"

namespace sd::test {
using namespace cli;
using namespace job;

namespace {

using Words = std::vector<std::string>;

CommandPage program_page() {
  CLI::App app("draw", "sd");
  RunFn run;
  add_commands(&app, &run);
  return page_of(app);
}

const CommandPage& command(const CommandPage& program, const std::string& name) {
  for (const CommandPage& page : program.commands) {
    if (page.name == name) return page;
  }
  throw std::runtime_error("no command " + name);
}

TEST(Pages, OfEachCommandNameEachFlagEverywhere) {
  const CommandPage program = program_page();
  ASSERT_GT(program.commands.size(), 10U);
  for (const CommandPage& page : program.commands) {
    const std::string help = help_text(page, true, 100);
    const std::string man = replaced(man_page(page, program), "\\-", "-");
    for (const FlagPage& flag : page.flags) {
      const std::string word = flag.positional ? flag.names.front() : "--" + flag.names.front();
      EXPECT_NE(help.find(word), std::string::npos) << page.name << " " << word;
      EXPECT_NE(man.find(word + "\\f"), std::string::npos) << page.name << " " << word;
    }
  }
  for (const std::string& shell : completion_shells()) {
    const std::string script = completion_script(program, shell);
    for (const FlagPage& flag : command(program, "txt2img").flags) {
      const std::string word = (shell == "fish" ? "-l " : "--") + flag.names.front();
      EXPECT_NE(script.find(word), std::string::npos) << shell << " " << word;
    }
  }
}

TEST(Pages, AreShortFirst) {
  const CommandPage program = program_page();
  for (const char* name : {"txt2img", "img2img"}) {
    const CommandPage& page = command(program, name);
    EXPECT_TRUE(page.is_long());
    const auto common = std::count_if(page.flags.begin(), page.flags.end(),
                                      [](const FlagPage& flag) { return flag.common; });
    EXPECT_GE(common, 18) << name;
    EXPECT_LE(common, 24) << name;
    const std::string shown = help_text(page, false, 80);
    EXPECT_NE(shown.find("Examples:"), std::string::npos);
    EXPECT_NE(shown.find("--help-all shows all"), std::string::npos);
    EXPECT_NE(shown.find("--seed INT"), std::string::npos);
    EXPECT_EQ(shown.find("--beta-alpha"), std::string::npos);
  }
  EXPECT_FALSE(command(program, "show").is_long());
}

TEST(Pages, KeepToTheWidth) {
  const CommandPage program = program_page();
  const FlagPage flag{.names = {"a_flag"},
                      .kind = "INT",
                      .fallback = "7",
                      .group = "All",
                      .help = "words that must be broken at forty columns, and not within a word"};
  const CommandPage page{.name = "x", .summary = "does", .examples = "", .flags = {flag}};
  for (const int columns : {40, 64, 80, 100, 200}) {
    std::istringstream text(help_text(page, true, columns));
    for (std::string line; std::getline(text, line);) {
      EXPECT_LE(text_columns(line), columns) << line;
    }
  }
  EXPECT_EQ(wrap("one two  three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrap("a longerword b", 4), (std::vector<std::string>{"a", "longerword", "b"}));
}

/// Only what has no place to be broken, such as a long path or a text between quotes, is longer.
TEST(Pages, OfEachCommandKeepToTheWidth) {
  const CommandPage program = program_page();
  std::vector<CommandPage> pages = program.commands;
  pages.push_back(program);
  for (const CommandPage& page : pages) {
    for (const int columns : {40, 80, 200}) {
      std::istringstream text(help_text(page, true, columns));
      for (std::string line; std::getline(text, line);) {
        const size_t first = std::min(line.find_first_not_of(' '), line.size());
        const bool is_text = line[first] == '"';
        if (is_text || line.find_first_of(" |", first) == std::string::npos) continue;
        EXPECT_LE(text_columns(line), columns) << page.name << ": " << line;
      }
    }
  }
}

TEST(Pages, BreakExamplesAsAShellReadsThem) {
  const CommandPage page{.name = "x",
                         .summary = "does",
                         .examples = "sd x --prompt \"a b c d e\" --steps 20 --seed 7"};
  EXPECT_NE(help_text(page, true, 40)
                .find("  sd x --prompt \"a b c d e\" --steps 20 \\\n      --seed 7\n"),
            std::string::npos)
      << help_text(page, true, 40);
}

TEST(Pages, ListWhatAFlagMayBe) {
  const CommandPage program = program_page();
  const auto flag = [&](const char* of, const char* name) {
    for (const FlagPage& each : command(program, of).flags) {
      if (each.names.front() == name) return each;
    }
    throw std::runtime_error(name);
  };
  EXPECT_EQ(flag("txt2img", "rng").values,
            (std::vector<std::string>{"cuda", "cpu", "nv", "numpy"}));
  EXPECT_EQ(flag("txt2img", "sampler").values.front(), "ddim");
  EXPECT_EQ(flag("txt2img", "ckpt").endings, (std::vector<std::string>{"ckpt", "safetensors"}));
  EXPECT_EQ(flag("replay", "ckpt").endings, flag("txt2img", "ckpt").endings);
  EXPECT_TRUE(flag("txt2img", "outdir").takes_folder());
  EXPECT_TRUE(flag("show", "FILE").takes_file());
  EXPECT_FALSE(flag("tokenize", "TEXT").takes_file());
  EXPECT_EQ(flag("settings", "settings").endings, Words{"toml"});
  EXPECT_EQ(flag("txt2img", "settings").endings, Words{"toml"});
  EXPECT_TRUE(flag("txt2img", "preset").names_preset);
  EXPECT_EQ(flag("txt2img", "preset").values, preset_names());
  EXPECT_EQ(flag("txt2img", "hires-sampler").values, flag("txt2img", "sampler").values);
  EXPECT_EQ(flag("man", "PAGE").values.front(), "sd");
  EXPECT_EQ(flag("man", "PAGE").values.size(), program.commands.size() + 1);
  EXPECT_EQ(flag("job", "PART").values.front(), "status");
  EXPECT_TRUE(flag("job", "DIR").takes_folder());
  EXPECT_EQ(flag("job", "json").parts, (Words{"status", "verify"}));
  EXPECT_EQ(flag("job", "partial").parts, Words{"merge"});
  EXPECT_EQ(flag("job", "quiet").parts, Words{});
  EXPECT_EQ(flag("txt2img", "watermark").parts, Words{});
}

std::string text_of(const std::string& file) {
  std::stringstream text;
  text << std::ifstream(std::string(SD_SOURCE_DIR "/") + file).rdbuf();
  return text.str();
}

/// The numbers that the expression finds in a text.
std::set<int> numbers_in(const std::string& text, const std::string& expression) {
  const std::regex number(expression);
  std::set<int> all;
  for (std::sregex_iterator found(text.begin(), text.end(), number), end; found != end; ++found) {
    all.insert(std::stoi((*found)[1]));
  }
  return all;
}

TEST(Pages, ExitCodesAreReadmesAndErrorsOwn) {
  const std::string readme = text_of("README.md");
  const size_t begin = readme.find("## Exit codes");
  ASSERT_NE(begin, std::string::npos);
  const std::string table = readme.substr(begin, readme.find("\n## ", begin) - begin);
  const CommandPage program = program_page();
  std::set<int> known;
  for (const ExitCode& each : exit_codes()) {
    known.insert(each.code);
    const std::string row = "| " + std::to_string(each.code) + " | " + each.meaning;
    EXPECT_NE(table.find(row), std::string::npos) << row;
  }
  EXPECT_EQ(numbers_in(table, R"(\n\| (\d+) \|)"), known);
  std::set<int> of_errors = numbers_in(text_of("include/sd/error.h"), R"(\n  k\w+ = (\d+),)");
  EXPECT_GE(of_errors.size(), 7U);
  of_errors.insert({0, kReaderGone});
  EXPECT_EQ(of_errors, known);
  EXPECT_EQ(numbers_in(man_page(program, program), R"(\n\.TP\n(\d+)\n)"), known);
}

}  // namespace
}  // namespace sd::test
