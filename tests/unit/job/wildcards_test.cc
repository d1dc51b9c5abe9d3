// Wildcards: values of text, JSON and YAML files below a folder.

#include "job/wildcards.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd::test {
using namespace job;
using namespace text;

namespace {

std::vector<std::string> texts(const std::vector<WildcardValue>& values) {
  std::vector<std::string> all;
  for (const WildcardValue& value : values) all.push_back(value.text);
  return all;
}

using Texts = std::vector<std::string>;

TEST(Wildcards, HaveAHashOfAllValues) {
  const TempFolder folder;
  const auto hash = [&] { return Wildcards(folder.path().string()).sha256(); };
  EXPECT_EQ(hash(), "");
  folder.write("a.txt", "red\nblue\n");
  const std::string first = hash();
  folder.write("a.txt", "# with a comment\nred\nblue\n");
  EXPECT_EQ(hash(), first);
  folder.write("a.txt", "red\n2::blue\n");
  EXPECT_NE(hash(), first);
}

TEST(Wildcards, AreReadFromFiles) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "deep/er");
  folder.write("colours.txt", "red\n# a comment\n\n  blue \nred\n");
  folder.write("deep/er/colours-warm.txt", "orange\n");
  folder.write("artists.yaml", "artists:\n  dutch:\n    - 2::Vermeer\n    - Hals\n  none: []\n");
  folder.write("list.json", R"(["a", 5, "b"])");
  Wildcards wildcards(folder.path().string());
  EXPECT_EQ(texts(wildcards.values("colours")), Texts({"blue", "red"}));
  EXPECT_EQ(texts(wildcards.values("colours-warm")), Texts({"orange"}));  // wherever it lies
  EXPECT_EQ(texts(wildcards.values("**colours*")), Texts({"blue", "orange", "red"}));
  EXPECT_EQ(texts(wildcards.values("list")), Texts({"a", "b"}));
  const auto dutch = wildcards.values("artists/dutch");
  ASSERT_EQ(dutch.size(), 2U);
  EXPECT_EQ(dutch[1], (WildcardValue{"Vermeer", 2}));
  expect_error(ErrorKind::kFile, "no wildcard nowhere", [&] { wildcards.values("nowhere"); });
  // (A list without values is one.)
  expect_error(ErrorKind::kFile, "the wildcard none", [&] { wildcards.values("none"); });
}

TEST(Wildcards, OfADamagedFileAreAnError) {
  const TempFolder folder;
  folder.write("a.json", "{");
  Wildcards wildcards(folder.path().string());
  expect_error(ErrorKind::kFile, "a.json", [&] { wildcards.values("a"); });
  Wildcards absent((folder / "absent").string());
  expect_error(ErrorKind::kFile, "no wildcard", [&] { absent.values("a"); });
}

TEST(Wildcards, AreReadOnce) {
  const TempFolder folder;
  folder.write("colours.txt", "red\n");
  Wildcards wildcards(folder.path().string());
  const std::vector<WildcardValue>& first = wildcards.values("colours");
  std::filesystem::remove(folder / "colours.txt");
  EXPECT_EQ(&wildcards.values("colours"), &first);
  EXPECT_EQ(texts(wildcards.values("col*")), Texts({"red"}));
}

TEST(Wildcards, OfOtherFilesThanADamagedOneAreThere) {
  const TempFolder folder;
  for (const char* name : {"a.txt", "c.txt"}) folder.write(name, "red\n");
  folder.write("b.json", "{");
  folder.write("d.txt", "\xff\n");
  Wildcards wildcards(folder.path().string());
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(texts(wildcards.values("a")), Texts({"red"}));
    EXPECT_EQ(texts(wildcards.values("c")), Texts({"red"}));
    expect_error(ErrorKind::kFile, "b.json", [&] { wildcards.values("b"); });
    expect_error(ErrorKind::kFile, "d.txt", [&] { wildcards.values("d"); });
    // Nobody knows which names the JSON file holds.
    expect_error(ErrorKind::kFile, "b.json", [&] { wildcards.values("*"); });
  }
  std::string hint;
  try {
    wildcards.values("x");
  } catch (const Error& error) {
    hint = error.hint();
  }
  EXPECT_NE(hint.find("b.json"), std::string::npos) << hint;
}

TEST(Wildcards, OfADamagedFileAreAPartOfTheHash) {
  const TempFolder folder;
  const auto hash = [&] { return Wildcards(folder.path().string()).sha256(); };
  folder.write("a.txt", "red\n");
  const std::string sound = hash();
  folder.write("b.json", "{");
  const std::string damaged = hash();
  EXPECT_NE(damaged, sound);
  folder.write("b.json", R"(["blue"])");
  EXPECT_NE(hash(), damaged);
}

TEST(Wildcards, WithoutValuesAreAnError) {
  const TempFolder folder;
  folder.write("empty.txt", "");
  folder.write("comments.txt", "# nothing\n\n");
  folder.write("list.json", "[]");
  Wildcards wildcards(folder.path().string());
  for (const char* name : {"empty", "comments", "list"}) {
    expect_error(ErrorKind::kFile, std::string("the wildcard ") + name,
                 [&] { wildcards.values(name); });
  }
}

}  // namespace
}  // namespace sd::test
