// README's table of flags is the table of settings. Where it is not: SD_WRITE_README=1 writes it.

#include "cli/flag_table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace sd::test {
using namespace cli;

namespace {

constexpr const char* kReadme = SD_SOURCE_DIR "/README.md";
constexpr const char* kBegin =
    "<!-- flags: written by SD_WRITE_README=1 build/release/tests/unit_cli -->\n";
constexpr const char* kEnd = "<!-- end of flags -->\n";

TEST(FlagTable, IsReadmes) {
  std::stringstream text;
  text << std::ifstream(kReadme).rdbuf();
  std::string readme = text.str();
  const size_t begin = readme.find(kBegin), end = readme.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const size_t first = begin + std::string(kBegin).size();
  if (std::getenv("SD_WRITE_README") != nullptr) {
    std::ofstream(kReadme) << readme.replace(first, end - first, flag_table());
    return;
  }
  EXPECT_EQ(readme.substr(first, end - first), flag_table())
      << "SD_WRITE_README=1 writes the table into README.md";
}

TEST(FlagTable, HasARowForEachGroupAndFlag) {
  const std::string table = flag_table();
  for (const char* row : {"| **What to draw** | | |\n", "| `--n_samples INT` | 3, img2img 2 | ",
                          "| `--rng cuda`, `cpu`, `nv`, `numpy` | cuda | ",
                          "| `--strength FLOAT` | 0.75 | img2img: how much"}) {
    EXPECT_NE(table.find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace sd::test
