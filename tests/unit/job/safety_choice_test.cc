#include "job/safety_choice.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd {
using namespace job;

namespace {

TEST(SafetyChoice, TakesTheFolderOfAChecker) {
  const test::TempFolder folder;
  Settings settings;
  settings.safety_ckpt = folder.path().string();
  test::expect_error(ErrorKind::kFile, "expected model.safetensors or pytorch_model.bin",
                     [&] { choose_safety(settings); });
  const std::string old = folder.write("pytorch_model.bin", "x").string();
  EXPECT_EQ(choose_safety(settings).checkpoint, old);
  const std::string weights = folder.write("model.safetensors", "x").string();
  EXPECT_EQ(choose_safety(settings).checkpoint, weights);
  settings.safety_ckpt = old;
  EXPECT_EQ(choose_safety(settings).checkpoint, old);
  EXPECT_EQ(choose_safety(settings).mode, SafetyMode::kBlack);
}

}  // namespace
}  // namespace sd
