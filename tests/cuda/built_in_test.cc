// The built-in model, drawn by the program's own command on a card and on the processor: the same
// latents, within the rounding of each precision. It needs nothing but what comes with the program.

#include <gtest/gtest.h>

#include "cuda/card.h"
#include "cuda/precisions.h"
#include "runtime/data_files.h"
#include "support/case_run.h"
#include "support/temp_folder.h"

namespace sd::test {
using namespace runtime;

namespace {

using Flags = std::vector<std::string>;

struct Way {
  const char* name;
  Script script;
  Flags flags;
};

const Way kWays[] = {
    {"Ddim", Script::kTxt2Img, {"--sampler", "ddim", "--ddim_steps", "10"}},
    {"Plms", Script::kTxt2Img, {"--sampler", "plms", "--ddim_steps", "10"}},
    {"DpmSolver", Script::kTxt2Img, {"--sampler", "dpm_solver", "--ddim_steps", "10"}},
    {"Img2Img", Script::kImg2Img, {"--ddim_steps", "10", "--strength", "0.6"}},
};

/// The tensors of two pictures.
TensorLists drawn(const Way& way, const Flags& where) {
  const TempFolder folder;
  Flags flags = {"--prompt",
                 "a red heart on a blue background",
                 "--scale",
                 "4",
                 "--n_samples",
                 "2",
                 "--n_iter",
                 "1",
                 "--skip_grid",
                 "--outdir",
                 folder.path().string(),
                 "--ckpt",
                 data_file("models/demo/model.safetensors").string(),
                 "--config",
                 data_file("models/demo/model.yaml").string()};
  if (way.script == Script::kImg2Img) {
    const std::string picture = data_file("models/demo/selftest/heart.png").string();
    flags.insert(flags.end(), {"--init-img", picture});
  } else {
    flags.insert(flags.end(), {"--H", "128", "--W", "128"});
  }
  flags.insert(flags.end(), way.flags.begin(), way.flags.end());
  flags.insert(flags.end(), where.begin(), where.end());
  TensorLists tensors;
  EXPECT_EQ(run_flags(way.script, flags, &tensors), 0);
  return tensors;
}

class CudaBuiltIn : public testing::TestWithParam<Way> {};

TEST_P(CudaBuiltIn, DrawsWhatTheProcessorDraws) {
  SD_NEEDS_CARD();
  const TensorLists expected = drawn(GetParam(), {"--device", "cpu", "--precision", "full"});
  for (const OnCard& on_card : precisions_of_card()) {
    const TensorLists found =
        drawn(GetParam(), {"--device", "cuda:0", "--precision", on_card.flag});
    for (const char* kind : {"cond", "latent", "image"}) {
      ASSERT_FALSE(expected.at(kind).empty()) << kind;
      ASSERT_EQ(found.at(kind).size(), expected.at(kind).size()) << kind;
      expect_near(std::string(on_card.flag) + "_" + kind, found.at(kind)[0], expected.at(kind)[0],
                  on_card.of_a_run);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, CudaBuiltIn, testing::ValuesIn(kWays),
                         [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace sd::test
