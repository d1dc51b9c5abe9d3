// Names of files: what is there, and what cannot be told.

#include "base/regular_file.h"

#include <gtest/gtest.h>

#include "support/as_nobody.h"
#include "support/temp_folder.h"

namespace sd::test {
namespace {

namespace fs = std::filesystem;

TEST(IsFound, TellsWhetherSomethingHasTheName) {
  const TempFolder folder;
  const fs::path file = folder.write("a", "x");
  fs::create_symlink("nowhere", folder / "link");
  EXPECT_TRUE(is_found(file));
  EXPECT_TRUE(is_found(folder.path()));
  for (const fs::path& none : {folder / "b", file / "below", folder / "link", fs::path()}) {
    EXPECT_FALSE(is_found(none)) << none;
  }
}

TEST(IsFound, SaysThatAFolderOnTheWayMayNotBeEntered) {
  const TempFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  const fs::path file = folder.write("locked/a", "x");
  fs::permissions(folder / "locked", fs::perms::none);
  EXPECT_EXIT(as_nobody([&] { is_found(file); }), ::testing::ExitedWithCode(3),
              "Permission denied");
  fs::permissions(folder / "locked", fs::perms::owner_all);
}

}  // namespace
}  // namespace sd::test
