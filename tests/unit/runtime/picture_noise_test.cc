// The noise of pictures against the web UI's ImageRNG.

#include "runtime/picture_noise.h"

#include <gtest/gtest.h>

#include "support/webui.h"

namespace sd::test {
using namespace runtime;

namespace {

NoiseChanges changes_of(const nlohmann::json& recorded) {
  return {.variation_strength = recorded.value("subseed_strength", 0.0),
          .from_width = recorded.value("seed_resize_from_w", 0),
          .from_height = recorded.value("seed_resize_from_h", 0),
          .seed_delta = recorded.value("ensd", uint64_t{0})};
}

TEST(PictureNoise, IsTheWebUis) {
  SD_NEEDS_WEBUI();
  const auto file = webui_json("unit/rng.json");
  const int64_t every = file.at("every");
  for (const auto& recorded : file.at("cases")) {
    SCOPED_TRACE(recorded.at("source").get<std::string>() + " " + recorded.at("seeds").dump());
    std::vector<int64_t> shape = {1};
    for (const int64_t side : recorded.at("shape")) shape.push_back(side);
    const auto seeds = recorded.at("seeds").get<std::vector<uint64_t>>();
    std::vector<PictureNoise> pictures;
    for (size_t i = 0; i < seeds.size(); ++i) {
      const uint64_t variation =
          recorded.contains("subseeds") ? recorded.at("subseeds").at(i).get<uint64_t>() : 0;
      pictures.emplace_back(source_of(recorded.at("source")), seeds[i], variation,
                            changes_of(recorded));
    }
    for (const auto& expected : recorded.at("draws")) {
      std::vector<at::Tensor> rows;
      for (PictureNoise& picture : pictures) rows.push_back(picture.normal(shape));
      const at::Tensor ours = at::cat(rows).flatten().slice(0, 0, INT64_MAX, every);
      const at::Tensor theirs = numbers_tensor(expected, {std::ssize(expected)});
      ASSERT_EQ(ours.numel(), theirs.numel());
      EXPECT_LE((ours - theirs).abs().max().item<double>(), 4e-6);
    }
  }
}

TEST(PictureNoise, GoesBackToWhereItWas) {
  const std::vector<int64_t> shape = {1, 4, 8, 8};
  for (const uint64_t delta : {0, 31337}) {
    for (const RngKind rng : {RngKind::kCuda, RngKind::kCpu, RngKind::kNv}) {
      PictureNoise noise(rng, 5, 7, {.variation_strength = 0.3, .seed_delta = delta});
      std::vector<at::Tensor> drawn;
      for (int i = 0; i < 3; ++i) drawn.push_back(noise.normal(shape));
      for (const uint64_t place : {2, 0, 1}) {
        noise.seek(place);
        EXPECT_EQ(noise.position(), place);
        EXPECT_TRUE(at::equal(noise.normal(shape), drawn[place])) << place << " " << delta;
      }
    }
  }
}

}  // namespace
}  // namespace sd::test
