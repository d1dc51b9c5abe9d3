#include "job/prompt_file.h"

#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "weights/sha256.h"

namespace sd {
using namespace job;
using namespace weights;

namespace {

using test::TempFolder;

std::vector<std::string> texts_of(const PromptFile& file) {
  std::vector<std::string> texts;
  for (int64_t block = 0; block < file.blocks(); ++block) {
    for (const auto& line : file.read(block)) texts.push_back(line.text);
  }
  return texts;
}

class PromptFileTest : public ::testing::Test {
 protected:
  PromptFile open(const std::string& text, int64_t lines = 2, const char* name = "prompts.txt") {
    return PromptFile(folder_.write(name, text).string(), lines);
  }
  TempFolder folder_;
};

TEST_F(PromptFileTest, ReadsTheLinesThatTheWholeTextHas) {
  for (const std::string text : {"a\nb\nc", "a\r\nb\r\n\r\nc\r\n",
                                 "a\rb\vc\fd\x1c"
                                 "e\n",
                                 "\xef\xbb\xbf"
                                 "a\nb\n",
                                 "a\xe2\x80\xa8"
                                 "b\xc2\x85"
                                 "c\n",
                                 "\n\n\n"}) {
    EXPECT_EQ(texts_of(open(text)), split_lines(text)) << text;
  }
}

TEST_F(PromptFileTest, FindsLineBreaksThatLieAcrossItsReads) {
  // The reader takes a megabyte at a time.
  for (const std::string line_break : {"\r\n", "\xe2\x80\xa8"}) {
    for (size_t before = 0; before <= line_break.size(); ++before) {
      const std::string long_line((size_t{1} << 20) - before, 'x');
      const std::string text = long_line + line_break + "second" + line_break;
      EXPECT_EQ(texts_of(open(text)), split_lines(text)) << before;
    }
  }
}

TEST_F(PromptFileTest, KnowsItsHashAndCount) {
  const std::string text = "a\nb\nc\nd\ne\n";
  const PromptFile file = open(text);
  EXPECT_EQ(file.sha256(), sha256_of(text.data(), text.size()));
  EXPECT_EQ(file.lines(), 5);
  EXPECT_EQ(file.blocks(), 3);
  EXPECT_EQ(file.lines_in(2), 1);
}

TEST_F(PromptFileTest, LeavesBlankLinesOfJsonLinesOut) {
  const PromptFile file = open("\n{\"prompt\": \"a\"}\n\n \n{\"prompt\": \"b\"}\n{}\n");
  EXPECT_TRUE(file.json());
  EXPECT_EQ(file.lines(), 3);
  EXPECT_EQ(file.read(0)[1].number, 5);
  EXPECT_EQ(file.read(1)[0].number, 6);
  EXPECT_FALSE(file.is_plain(0));
}

TEST_F(PromptFileTest, TellsPlainBlocksFromOthers) {
  const PromptFile file = open("a -- cat\na--b\n\nb --seed 7\n\xff\nc\n\xc3\xa9\nd\n");
  EXPECT_TRUE(file.is_plain(0));
  EXPECT_FALSE(file.is_plain(1));
  EXPECT_FALSE(file.is_plain(2));
  EXPECT_TRUE(file.is_plain(3));
}

TEST_F(PromptFileTest, RefusesAFileThatChanges) {
  const PromptFile file = open("a\nb\nc\n");
  std::ofstream(folder_ / "prompts.txt", std::ios::app) << "d\n";
  test::expect_error(ErrorKind::kFile, "has changed", [&] { file.read(1); });
}

TEST_F(PromptFileTest, RefusesWhatHoldsNoLine) {
  test::expect_error(ErrorKind::kUsage, "has no lines", [&] { open(""); });
  test::expect_error(ErrorKind::kUsage, "has no lines", [&] { open("\n \n", 2, "a.jsonl"); });
  test::expect_error(ErrorKind::kUsage, "standard input", [] { PromptFile("-", 2); });
  test::expect_error(ErrorKind::kFile, "", [] { PromptFile("/nowhere.txt", 2); });
}

}  // namespace
}  // namespace sd
