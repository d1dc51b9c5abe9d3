// Command lines for a shell: any text comes back as it was, and nothing steers the terminal.

#include "job/command_line.h"

#include <gtest/gtest.h>

#include "base/printable.h"
#include "support/command.h"

namespace sd::test {
using namespace job;

namespace {

/// What bash makes of a word.
std::string read_by_bash(const std::string& word) {
  // The command goes to bash by its standard input: no other shell reads it before.
  const std::string line = "bash <<'END_OF_WORD'\nprintf %s " + word + "\nEND_OF_WORD\n";
  return printed_by(line);
}

TEST(ShellWords, ComeBackAsTheyWere) {
  for (const std::string& text :
       {std::string("plain"), std::string("two words"), std::string("it's \\( \"x\" $HOME `a` !"),
        std::string("a\nb"),
        std::string("\xEF\xBB\xBF"
                    "cat \\' $x"),
        std::string("👩\u200d🚀, \u200fשלום \\(x\\)"), std::string("tab\tesc\x1b[31m'\\\n\\x41"),
        std::string("日本語 😀")}) {
    const std::string word = shell_word(text);
    EXPECT_EQ(printable_lines(word), word);
    EXPECT_EQ(read_by_bash(word), text) << word;
  }
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("a b"), "'a b'");
}

}  // namespace
}  // namespace sd::test
