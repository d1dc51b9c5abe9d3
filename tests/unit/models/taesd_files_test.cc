// Files of a TAESD that hold something odd.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/layouts/vae.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"
#include "support/tensor_file.h"

namespace sd::test {
using namespace models;

namespace {

struct Odd {
  std::vector<std::string> names;
  const char* said;
};

TEST(TaesdFiles, AreRefusedForOddNames) {
  const Odd cases[] = {
      {{"1.weight", "01.weight"}, "two weights for taesd.decoder.1.weight"},
      {{"decoder.layers.0.weight", "taesd_decoder.1.weight"}, "two weights for"},
      {{"9223372036854775807.weight"}, "none of the names that TAESDs have"},
      {{"decoder.layers.9223372036854775807.weight"}, "none of the names that TAESDs have"},
      {{"-1.weight", "1001.weight", ".weight", "1"}, "none of the names that TAESDs have"}};
  for (const Odd& one : cases) {
    const TempFolder folder;
    std::map<std::string, at::Tensor> tensors;
    for (const std::string& name : one.names) tensors[name] = at::ones({1});
    const std::string path = write_tensors(folder / "taesd_decoder.safetensors", tensors);
    ModelSource source = shapes_of(ModelConfig());
    expect_error(ErrorKind::kCheckpoint, one.said, [&] { take_taesd(path, &source); });
  }
}

}  // namespace
}  // namespace sd::test
