#include "models/inspect.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/checkpoint_writer.h"
#include "support/expect_error.h"
#include "support/golden.h"

namespace sd {
using namespace models;

namespace {

Inspection inspect_reference(const std::string& name) {
  return inspect_file((test::reference_dir() / "ckpt" / name).string(), false);
}

TEST(Inspect, KnowsTheFamilies) {
  SD_NEEDS_REFERENCE();
  EXPECT_EQ(inspect_reference("sd-tiny.ckpt").family, "sd-v1");
  EXPECT_EQ(inspect_reference("sd-tiny.safetensors").family, "sd-v1");
  EXPECT_EQ(inspect_reference("laion-tiny.ckpt").family, "laion400m");
  EXPECT_EQ(inspect_reference("safety-tiny/pytorch_model.bin").family, "safety-checker");
}

TEST(Inspect, ReadsDimensionsPartsAndTheRest) {
  SD_NEEDS_REFERENCE();
  const Inspection full = inspect_reference("sd-full.ckpt");
  EXPECT_EQ(full.dims.model_channels, 32);
  EXPECT_EQ(full.dims.context_dim, 32);
  EXPECT_EQ(full.dims.text_layers, 3);
  EXPECT_EQ(full.dims.vocabulary, 49408);
  EXPECT_TRUE(full.has_ema);
  EXPECT_EQ(full.schedule_buffers.size(), 12U);
  EXPECT_EQ(full.contents.global_step, 470001);
  int64_t tensors = 0;
  for (const PartSummary& part : full.parts) tensors += part.tensors;
  EXPECT_EQ(tensors, static_cast<int64_t>(full.contents.tensors.size()));
  EXPECT_EQ(inspect_reference("laion-tiny.ckpt").dims.text_layers, 4);
  const Inspection half = inspect_reference("sd-tiny-fp16.ckpt");
  EXPECT_EQ(half.parts[0].dtypes[0].dtype, "f16");
}

TEST(Inspect, WritesTextAndJson) {
  const test::TempFile file(test::SmallCheckpoint().as_zip());
  const Inspection inspection = inspect_file(file.path(), true);
  const std::string text = to_text(inspection);
  for (const char* part :
       {"torch zip", "some.module.Callback  (unusual", "global step  7", "sha256"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  const nlohmann::json json = nlohmann::json::parse(to_json(inspection).dump());
  EXPECT_EQ(json.at("global_step"), 7);
  EXPECT_EQ(json.at("parts").at(0).at("tensors"), 3);
  EXPECT_EQ(json.at("sha256").get<std::string>().size(), 64U);
  EXPECT_FALSE(json.at("ema").get<bool>());
}

TEST(Inspect, DescribesWhatCannotBeLoaded) {
  const test::SmallCheckpoint small;
  auto records = test::torch_records(small.pickle, small.storages);
  records[2].method = 12;   // bzip2
  records[3].data.clear();  // too short
  const test::TempFile file(test::zip_file(records));
  const Inspection inspection = inspect_file(file.path(), false);
  EXPECT_EQ(inspection.contents.tensors.size(), 3U);
  EXPECT_EQ(inspection.contents.problems.size(), 3U);
  EXPECT_NE(to_text(inspection).find("a.weight: expected a stored or deflated zip entry"),
            std::string::npos);
}

TEST(Inspect, WritesNamesOfAnyBytes) {
  const test::FakeStorage storage = test::floats("0", {1});
  const std::string pickle = test::pkl::whole(
      test::pkl::dict({{test::pkl::text("bad\xff\n"), test::tensor(storage, 9, {1}, {1})},
                       {test::pkl::text("\xfe"), test::pkl::integer(1)},
                       {test::pkl::global("m\xff", "x"), test::pkl::integer(1)}}));
  const test::TempFile file(test::zip_file(test::torch_records(pickle, {storage})));
  const Inspection inspection = inspect_file(file.path(), false);
  EXPECT_NO_THROW(to_json(inspection).dump());
  EXPECT_NE(to_text(inspection).find("bad\\xFF\\x0A"), std::string::npos);
}

TEST(Inspect, RefusesAnUnknownFormat) {
  const test::TempFile file("just text");
  test::expect_error(ErrorKind::kCheckpoint, "found the text \"just text\"",
                     [&] { inspect_file(file.path(), false); });
}

}  // namespace
}  // namespace sd
