// The form of the sources, and what no file of the project may name.

#include <gtest/gtest.h>

#include <regex>

#include "checks/source_files.h"
#include "support/command.h"

namespace sd::test {
namespace {

TEST(Format, IsClangFormats) {
  // Each version formats a little otherwise: this is Debian 12's.
  int status = 0;
  const std::string version = printed_by("clang-format-14 --version 2>&1", &status);
  if (status != 0) GTEST_SKIP() << "clang-format-14 is not installed";
  std::string command = "cd '" SD_SOURCE_DIR "' && clang-format-14 --dry-run --Werror";
  const auto files =
      source_files({"src", "include", "tests", "benchmarks", "tools"}, {".h", ".cc", ".cu"});
  ASSERT_GT(files.size(), 100U);
  for (const SourceFile& file : files) command += " '" + file.path + "'";
  const std::string complaints = printed_by(command + " 2>&1", &status);
  EXPECT_EQ(status, 0) << complaints << "scripts/format puts this right";
}

TEST(Format, LinesAreCleanAtTheirEnds) {
  const auto files =
      source_files({"src", "include", "tests", "benchmarks", "tools", "cmake", "docs", "configs"},
                   {".h", ".cc", ".cu", ".cmake", ".md", ".yaml", ".txt", ".py"});
  for (const SourceFile& file : files) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      const bool clean =
          line.empty() || (line.back() != ' ' && line.back() != '\t' && line.back() != '\r');
      EXPECT_TRUE(clean) << file.path << ":" << i + 1 << " ends in white space";
    }
  }
}

/// What is the business of one machine and not of the project.
bool names_a_machine(const std::string& line) {
  static const std::regex kPattern(
      // folders of a machine …
      R"((^|[^\w.~$}])/(work|root|home|tmp)/)"
      // … package servers, and options that name one
      R"(|(--?|\b)(extra-)?index-url\b|\bpypi\.org/simple|\bfiles\.pythonhosted\.org\b)"
      R"(|https?://[^ ]*\b(registry|artifactory|nexus|proxy|mirror)\b)");
  return std::regex_search(line, kPattern);
}

TEST(Sources, NameNoMachine) {
  const auto files =
      source_files({"src", "include", "scripts", "docs", "cmake", "tools", "configs", ".ci"});
  ASSERT_GT(files.size(), 100U);
  for (const SourceFile& file : files) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(names_a_machine(file.lines[i]))
          << file.path << ":" << i + 1 << ": " << file.lines[i];
    }
  }
}

TEST(Sources, WriteToTheTerminalThroughOneDoor) {
  const std::regex pattern(
      R"(\bstd(out|err)\s*[,);]|std::(cout|cerr|clog|f?printf|f?puts|perror)\b)");
  const std::regex comment(R"(^\s*//|///<)");
  for (const SourceFile& file : source_files({"src"}, {".h", ".cc"})) {
    if (file.path == "src/base/log.cc" || file.path == "src/base/output.cc") continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      const bool code = !std::regex_search(line, comment);
      EXPECT_FALSE(code && std::regex_search(line, pattern))
          << file.path << ":" << i + 1 << ": use base/log.h or base/output.h: " << line;
    }
  }
}

/// Whether a text in `line` names a flag of the program; a script's own flags are another matter.
bool names_a_flag(const std::string& line) {
  static const std::regex kFlag(R"re("([^"]*[^"\w/-])?--[a-z][a-z_-]+[^"]*")re");
  static const std::regex kScript(R"(scripts/\w+ --[a-z])");
  return std::regex_search(line, kFlag) && !std::regex_search(line, kScript);
}

TEST(Sources, NameSettingsAndNotFlagsBelowTheJob) {
  EXPECT_TRUE(names_a_flag(R"(throw Error(kind, "leave --weights ema out");)"));
  EXPECT_TRUE(names_a_flag(R"("--config names another")"));
  EXPECT_FALSE(names_a_flag(R"("leave `weights` ema out")"));
  EXPECT_FALSE(names_a_flag(R"re("not here (scripts/setup --cuda)")re"));
  for (const SourceFile& file : source_files({"src", "include"}, {".h", ".cc", ".cu"})) {
    const bool above = file.path.rfind("src/cli/", 0) == 0 || file.path.rfind("src/job/", 0) == 0;
    for (size_t i = 0; !above && i < file.lines.size(); ++i) {
      EXPECT_FALSE(names_a_flag(file.lines[i]))
          << file.path << ":" << i + 1 << ": name the setting in backticks: " << file.lines[i];
    }
  }
}

TEST(Sources, TheMachineCheckFindsWhatItShould) {
  for (const char* line : {"/work/x", "see /root/file", "open(\"/tmp/x\")", "cd /home/me/",
                           "pip --index-url x", "https://files.pythonhosted.org/packages/x",
                           "https://registry.example.com/x", "http://pypi.org/simple"}) {
    EXPECT_TRUE(names_a_machine(line)) << line;
  }
  for (const char* line : {"the homework/tmp/ folder", "${TMP}/tmp/x", "../shared", "build/root/x",
                           "from PyPI", "https://arxiv.org/abs/2010.02502", "mktemp -d"}) {
    EXPECT_FALSE(names_a_machine(line)) << line;
  }
}

}  // namespace
}  // namespace sd::test
