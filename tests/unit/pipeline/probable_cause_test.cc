#include "pipeline/probable_cause.h"

#include <gtest/gtest.h>

namespace sd::test {
using namespace pipeline;

namespace {

Request request_of(const std::string& prompt) {
  Request request;
  request.batch.prompts.syntax = PromptSyntax::kWebUi;
  request.pictures.resize(2);
  request.pictures[1].prompt = prompt;
  return request;
}

TEST(ProbableCause, IsNothingWhereNoNumberIsHuge) {
  Request request = request_of("a (cat:1.5) AND [b|c] :2");
  request.batch.loras = {{.file = "x.safetensors", .unet = -8}};
  request.pictures[1].scale = 30;
  EXPECT_EQ(probable_cause(request, 1), "");
}

TEST(ProbableCause, NamesTheHugeNumber) {
  Request request = request_of("a [(cat:100000000000000000000):b:0.5]");
  EXPECT_EQ(probable_cause(request, 1), "the weight 1e+20 of \"cat\" in a prompt");
  EXPECT_EQ(probable_cause(request, 0), "");
  request.batch.prompts.syntax = PromptSyntax::kPlain;
  EXPECT_EQ(probable_cause(request, 1), "");
  EXPECT_EQ(probable_cause(request_of("a AND b :-500"), 1),
            "the weight -500 of a part that AND joins");
  request = request_of("a");
  request.pictures[1].negative_prompt = "(dog:500)";
  EXPECT_EQ(probable_cause(request, 1), "the weight 500 of \"dog\" in a prompt");
  request.pictures[1].scale = 1e9;
  EXPECT_EQ(probable_cause(request, 1), "`scale` 1e+09");
}

TEST(ProbableCause, NamesTheAdapterOfEitherPass) {
  Request request = request_of("a");
  request.batch.loras = {{.file = "deep/style.safetensors", .unet = 1, .text = 2e6}};
  EXPECT_EQ(probable_cause(request, 1), "the strength 2e+06 of the adapter style");
  request.batch.hires.loras = {{.file = "other.pt", .unet = -3e7}};
  EXPECT_EQ(probable_cause(request, 1), "the strength -3e+07 of the adapter other");
}

}  // namespace
}  // namespace sd::test
