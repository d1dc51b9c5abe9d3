#include "runtime/cuda_library.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/version.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd::test {
using namespace runtime;

namespace {

namespace fs = std::filesystem;

bool is_mapped(const fs::path& file) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(file.string()) != std::string::npos) return true;
  }
  return false;
}

/// Any library does for it: they are opened by their paths.
TEST(KernelCompiler, IsOpenedWithItsBuiltinsByPath) {
  const TempFolder folder;
  const char* names[] = {"libnvrtc.so.13", "libnvrtc-builtins.so.13.0"};
  const char* others[] = {"libnvrtc-builtins.alt.so.13.0", "libnvrtc-builtins.a",
                          "libcublas.so.13"};
  for (const char* name : names) fs::copy_file(SD_FAKE_DRIVER_LIBRARY, folder / name);
  for (const char* name : others) fs::copy_file(SD_FAKE_DRIVER_LIBRARY, folder / name);
  open_kernel_compiler(folder.path());
  for (const char* name : names) EXPECT_TRUE(is_mapped(folder / name)) << name;
  for (const char* name : others) EXPECT_FALSE(is_mapped(folder / name)) << name;
}

TEST(KernelCompiler, MayBeAbsent) {
  const TempFolder folder;
  EXPECT_NO_THROW(open_kernel_compiler(folder.path()));
  EXPECT_NO_THROW(open_kernel_compiler(folder / "absent"));
  EXPECT_NO_THROW(open_kernel_compiler(""));
}

TEST(SameTorch, IsTheOneThatTheProgramWasBuiltFor) {
  EXPECT_EQ(running_torch_version(), torch_version());
  EXPECT_NO_THROW(require_same_torch());
  for (const char* other : {"2.10.0", "2.11.1", "unknown"}) {
    expect_error(ErrorKind::kFile, std::string("found ") + other,
                 [&] { require_same_torch(other); });
  }
}

}  // namespace
}  // namespace sd::test
