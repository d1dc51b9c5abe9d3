// Pictures that the safety checker may withhold are not shown while they grow either.

#include <gtest/gtest.h>

#include "cli/run_program.h"
#include "unit/safety/small_checker.h"

namespace sd::test {

namespace {

TEST(Withheld, PicturesHaveNoPreviewUnderAServerEither) {
  const TempFolder files;
  const std::string config = write_config(files, tiny_config()).string();
  const std::string model = (files / "model.safetensors").string();
  ASSERT_EQ(run({"random-checkpoint", model, "--config", config}).exit_code, 0);
  SmallChecker checker;
  checker.tensors["concept_embeds_weights"].fill_(-1);  // every picture is flagged
  const std::string weights = checker.write_safetensors().string();
  for (const std::string mode : {"refuse", "off"}) {
    const Finished served =
        run({"txt2img",       "--serve", "--ckpt",    model, "--outdir",  "out", "--H",      "64",
             "--W",           "64",      "--steps",   "3",   "--preview", "1",   "--safety", mode,
             "--safety-ckpt", weights,   "--threads", "1"},
            "{\"prompt\": \"a cat\"}\n", files.path());
    EXPECT_EQ(served.exit_code, 0) << served.err;
    EXPECT_NE(served.out.find("\"event\":\"end\""), std::string::npos) << served.out;
    EXPECT_EQ(std::filesystem::exists(files / "out/preview.png"), mode == "off") << served.out;
  }
}

}  // namespace
}  // namespace sd::test
