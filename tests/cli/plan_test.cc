// What a run needs of memory: said before it, and by `sd plan`.

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/small_model.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

class Plan : public SmallModel {
 protected:
  json plan(const Words& more = {}) const {
    Words words = {"plan", "--json", "--ckpt", checkpoint()};
    words.insert(words.end(), more.begin(), more.end());
    const Finished done = run(words);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return json::parse(done.out);
  }
};

TEST_F(Plan, AddsUpAndGrowsWithThePicture) {
  const json small = plan({"--H", "64", "--W", "64", "--n_samples", "1"});
  const json large = plan({"--H", "512", "--W", "512", "--n_samples", "2"});
  for (const json& each : {small, large}) {
    int64_t most = 0;
    for (const json& stage : each.at("stages")) {
      EXPECT_GE(stage.at("held"), stage.at("tensors"));
      EXPECT_NE(stage.at("layer"), "");
      most = std::max(most, stage.at("weights").get<int64_t>() + stage.at("held").get<int64_t>());
    }
    EXPECT_EQ(each.at("total"),
              most + each.at("workspace").get<int64_t>() + each.at("program").get<int64_t>());
    EXPECT_TRUE(each.at("fits"));
  }
  EXPECT_EQ(large.at("pictures"), 2);
  EXPECT_EQ(large.at("height"), 512);
  EXPECT_GT(large.at("total"), small.at("total"));
}

TEST_F(Plan, IsMadeForACardThatIsNotThere) {
  const json half = plan({"--device", "cuda", "--H", "64", "--W", "64"});
  const json full = plan({"--device", "cuda", "--H", "64", "--W", "64", "--precision", "full"});
  const auto weights = [](const json& of) {
    int64_t bytes = 0;
    for (const json& part : of.at("weights")) bytes += part.at("copied").get<int64_t>();
    return bytes;
  };
  EXPECT_EQ(2 * weights(half), weights(full));
}

TEST_F(Plan, IsMadeForACardOfAGivenSize) {
  const Words of_card = {"--device", "cuda", "--H", "512", "--W", "512", "--n_samples", "2"};
  const json any = plan(of_card);
  EXPECT_TRUE(any.at("free").is_null());
  EXPECT_TRUE(any.at("fits"));
  EXPECT_EQ(any.at("unet_pictures_at_a_time"), 2);
  EXPECT_GT(any.at("recordings"), 0);  // a card that is not there has our kernels and graphs
  EXPECT_TRUE(any.at("keeps_recordings"));
  Words small = of_card;
  small.insert(small.end(), {"--card-memory", "1"});
  const json tight = plan(small);
  EXPECT_EQ(tight.at("free"), 1'000'000'000);
  EXPECT_FALSE(tight.at("fits"));
  EXPECT_TRUE(tight.at("vae_tiling"));
  EXPECT_FALSE(tight.at("keeps_recordings"));
  EXPECT_EQ(tight.at("unet_pictures_at_a_time"), 0.5);
  const Finished done = run({"plan", "--ckpt", checkpoint(), "--card-memory", "8"});
  expect_failure(done, 2, "--card-memory goes with --device cuda");
}

TEST_F(Plan, ListsLayers) {
  const json planned = plan({"--H", "64", "--W", "64"});
  for (const json& stage : planned.at("stages")) {
    int64_t most = 0;
    for (const json& layer : stage.at("layers")) {
      most = std::max(most, layer.at("tensors").get<int64_t>());
    }
    EXPECT_EQ(most, stage.at("tensors"));
  }
  const Finished done = run({"plan", "--ckpt", checkpoint(), "--H", "64", "--W", "64", "--layers"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  for (const char* layer : {"  input_blocks.0 ", "  middle_block ", "  decoder.conv_out "}) {
    EXPECT_NE(done.out.find(layer), std::string::npos) << done.out;
  }
}

TEST_F(Plan, NamesItsParts) {
  const Finished done = run({"plan", "--ckpt", checkpoint(), "--H", "64", "--W", "64"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  for (const char* part : {"weights: UNet", "tensors: decode", "most at a time", "free"}) {
    EXPECT_NE(done.out.find(part), std::string::npos) << done.out;
  }
}

TEST_F(Plan, IsSaidBeforeARun) {
  const Finished done = run(arguments());
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(count_lines(done.err, "memory: about "), 1) << done.err;
  EXPECT_LT(done.err.find("memory: about "), done.err.find("weights: ")) << done.err;
}

TEST_F(Plan, TilesChangeNoPictureByMoreThanRounding) {
  Words words = arguments({"--vae-tiling", "off"});
  ASSERT_EQ(run(words).exit_code, 0);
  const Image whole = read_image((out_ / "out/samples/00000.png").string());
  words.back() = "on";
  words.insert(words.end(), {"--outdir", (out_ / "tiles").string()});
  ASSERT_EQ(run(words).exit_code, 0);
  const Image tiles = read_image((out_ / "tiles/samples/00000.png").string());
  ASSERT_EQ(tiles.rgb.size(), whole.rgb.size());
  size_t differing = 0;
  for (size_t i = 0; i < whole.rgb.size(); ++i) {
    const int difference = std::abs(int{tiles.rgb[i]} - int{whole.rgb[i]});
    EXPECT_LE(difference, 1);
    differing += difference != 0 ? 1 : 0;
  }
  EXPECT_LT(differing, whole.rgb.size() / 200);
}

}  // namespace
}  // namespace sd::test
