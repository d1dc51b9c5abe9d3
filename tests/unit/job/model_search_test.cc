#include "job/model_search.h"

#include <gtest/gtest.h>

#include "support/temp_folder.h"
#include "weights/sha256.h"

namespace sd::test {
using namespace job;

namespace {

TEST(ModelSearch, FindsFilesByHashOrName) {
  const TempFolder folder;
  const std::string root = folder.path().string();
  const std::string model = folder.write("deep/a.safetensors", "model").string();
  const std::string vae = folder.write("b.vae.pt", "vae").string();
  const std::string digits = weights::sha256_of("vae", 3).substr(0, 10);
  EXPECT_EQ(find_vae(root, digits, "other.pt"), vae);
  EXPECT_EQ(find_vae(root, "", "b.vae.pt"), vae);
  EXPECT_EQ(find_vae(root, "0123456789", "b.vae.pt"), "");
  EXPECT_EQ(find_model(root, digits, "b.vae.pt"), "");  // no checkpoint ends so
  EXPECT_EQ(find_model(root, weights::sha256_of("model", 5), ""), model);
  EXPECT_EQ(find_model(root, "no hash", "a"), model);
}

}  // namespace
}  // namespace sd::test
