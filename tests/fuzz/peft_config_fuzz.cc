// Any bytes in the place of PEFT's adapter_config.json give the layers beside it numbers that can
// be computed with, or an error that says why not.
#include <ATen/ATen.h>

#include <string>

#include "base/log.h"
#include "models/adapters/adapter_file.h"
#include "support/fuzz.h"
#include "support/temp_folder.h"
#include "support/tensor_file.h"

namespace {

using sd::models::AdapterRole;

/// A layer of each kind that the config says something of.
std::map<std::string, at::Tensor> tensors() {
  const std::string layer = "base_model.model.down_blocks.0.attentions.1.";
  std::map<std::string, at::Tensor> all = {{layer + "to_q.lora_A.weight", at::ones({2, 4})},
                                           {layer + "to_q.lora_B.weight", at::ones({4, 2})},
                                           {layer + "to_k.lokr_w1", at::ones({2, 2})},
                                           {layer + "to_k.lokr_w2", at::ones({2, 2})},
                                           {layer + "to_v.oft_R.weight", at::ones({1, 6})},
                                           {layer + "proj_in.oft_r", at::ones({1, 4, 4})},
                                           {layer + "proj_out.ia3_l", at::ones({1, 4, 1, 1})}};
  for (const char* end : {"w1_a", "w1_b", "w2_a", "w2_b"}) {
    all.emplace(layer + "to_out.0.hada_" + end, at::ones({2, 2}));
  }
  return all;
}

class Folder {
 public:
  Folder() { sd::test::write_tensors(path(), tensors()); }
  std::string path() const { return files_ / "adapter_model.safetensors"; }
  void write(const std::string& config) const { files_.write("adapter_config.json", config); }

 private:
  sd::test::TempFolder files_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  sd::set_verbosity(sd::Verbosity::kQuiet);
  folder.write(std::string(reinterpret_cast<const char*>(data), size));
  sd::test::expect_error_kinds({sd::ErrorKind::kCheckpoint}, [&] {
    const sd::models::AdapterFile file = sd::models::read_adapter(folder.path());
    for (const auto& [layer, parts] : file.layers) {
      const double terms = parts.number(AdapterRole::kOftTerms, 0);
      sd::test::require(terms >= 0 && terms <= 64, "endless terms");
    }
  });
  return 0;
}
