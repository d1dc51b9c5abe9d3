#include "job/tar_file.h"

#include <cstdlib>

#include "support/temp_folder.h"

namespace sd {
using namespace job;

namespace {

using test::TempFolder;

TEST(TarFile, IsWhatTarReads) {
  const TempFolder folder;
  TarFile tar(folder / "a.tar", folder.path());
  tar.add("000000000.txt", "a red heart");
  tar.add("000000000.png", std::string(1025, 'x'));
  tar.add("empty", "");
  ASSERT_TRUE(tar.finish(/*over=*/false));
  const std::string into = folder.path().string();
  ASSERT_EQ(std::system(("tar -xf " + into + "/a.tar -C " + into).c_str()), 0);
  std::string text;
  std::getline(std::ifstream(folder / "000000000.txt"), text);
  EXPECT_EQ(text, "a red heart");
  EXPECT_EQ(std::filesystem::file_size(folder / "000000000.png"), 1025U);
  EXPECT_EQ(std::filesystem::file_size(folder / "empty"), 0U);
}

TEST(TarFile, HasTheSameBytesForTheSameFiles) {
  const TempFolder folder;
  TarFile a(folder / "a.tar", folder.path()), b(folder / "b.tar", folder.path());
  for (TarFile* tar : {&a, &b}) {
    tar->add("x", "1");
    ASSERT_TRUE(tar->finish(/*over=*/false));
  }
  EXPECT_EQ(a.sha256(), b.sha256());
  EXPECT_EQ(a.bytes(), 2048U);
}

TEST(TarFile, TakesANameThatIsTakenOnlyWhenTold) {
  const TempFolder folder;
  folder.write("a.tar", "another");
  TarFile kept(folder / "a.tar", folder.path());
  EXPECT_FALSE(kept.finish(/*over=*/false));
  TarFile put(folder / "a.tar", folder.path());
  EXPECT_TRUE(put.finish(/*over=*/true));
  EXPECT_EQ(std::filesystem::file_size(folder / "a.tar"), 1024U);
}

}  // namespace
}  // namespace sd
