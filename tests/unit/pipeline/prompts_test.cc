// Prompts of the web UI's syntax through whole runs of a small model.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/small_pipeline.h"

namespace sd::test {
namespace {

std::string words(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "red ";
  return text;
}

/// A request of these prompts, each with a stream of its own.
Request request_of(const std::vector<std::string>& prompts) {
  Request request = small_request(static_cast<int>(prompts.size()), 64);
  request.batch.prompts.syntax = PromptSyntax::kWebUi;
  request.noise = {.rng = RngKind::kCuda, .seeds = {}, .rows = 0};
  for (size_t i = 0; i < prompts.size(); ++i) {
    request.pictures[i].prompt = prompts[i];
    request.noise.seeds.push_back(100 + i);
  }
  return request;
}

class Prompts : public testing::Test {
 protected:
  /// The latents [N, C, h, w].
  at::Tensor draw(const Request& request) {
    Session session = pipeline_.start();
    at::Tensor latent;
    session.set_tap([&](const std::string& name, const at::Tensor& tensor) {
      if (name == "latent") latent = tensor.clone();
    });
    session.generate(request, nullptr);
    return latent;
  }

  static double difference(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
  }

  ModelOnDisk model_;
  Pipeline pipeline_ = Pipeline::load(model_.options, cpu_policy(true));
};

TEST_F(Prompts, OfDifferentLengthsGiveThePicturesTheyGiveAlone) {
  const std::vector<std::string> prompts = {words(3), words(80), words(160) + "AND [a|b] :0.5"};
  const at::Tensor together = draw(request_of(prompts));
  for (size_t i = 0; i < prompts.size(); ++i) {
    Request alone = request_of({prompts[i]});
    alone.noise.seeds = {100 + i};
    const at::Tensor latent = draw(alone);
    EXPECT_LE(difference(latent, together.narrow(0, static_cast<int64_t>(i), 1)),
              1e-5 * latent.abs().max().item<double>())
        << i;
  }
}

TEST_F(Prompts, ChangeFromStepToStep) {
  const at::Tensor first = draw(request_of({"a"}));
  EXPECT_GT(difference(draw(request_of({"[a:b:1]"})), first), 1e-4);
  EXPECT_EQ(difference(draw(request_of({"[a:b:3]"})), first), 0);  // after the last step
  EXPECT_EQ(difference(draw(request_of({"[b:a:0]"})), first), 0);
}

TEST_F(Prompts, JoinedByAndLeadByTheirWeights) {
  EXPECT_LE(difference(draw(request_of({"a AND a :0"})), draw(request_of({"a"}))), 1e-4);
  EXPECT_GT(difference(draw(request_of({"a AND b"})), draw(request_of({"a"}))), 1e-4);
}

TEST_F(Prompts, WithoutAnythingSpecialAreThePlainOnes) {
  Request plain = request_of({"a red circle"});
  plain.batch.prompts = {};
  EXPECT_EQ(difference(draw(plain), draw(request_of({"a red circle"}))), 0);
}

TEST_F(Prompts, ArePaddedToOneLengthIfAsked) {
  Request request = request_of({words(80)});
  const at::Tensor apart = draw(request);
  request.batch.prompts.unequal = UnequalLengths::kPad;
  EXPECT_GT(difference(draw(request), apart), 0);
}

TEST_F(Prompts, MayBeLongInPlainSyntax) {
  Request request = request_of({words(80) + "blue"});
  request.batch.prompts = {};
  const at::Tensor cut = draw(request);
  request.batch.prompts.long_prompts = true;
  EXPECT_GT(difference(draw(request), cut), 0);
}

TEST_F(Prompts, ThatCannotBeReadAreRefused) {
  expect_error(ErrorKind::kUsage, "1.2.3", [&] { draw(request_of({"(a:1.2.3)"})); });
  expect_error(ErrorKind::kUsage, "adapter x", [&] { draw(request_of({"a <lora:x:1>"})); });
  Request request = request_of({"a"});
  request.batch.prompts.clip_skip = 99;
  expect_error(ErrorKind::kUsage, "clip_skip", [&] { draw(request); });
}

TEST_F(Prompts, AreRefusedWithTheUsualNumberOfEachSetting) {
  const auto hint_of = [](const PromptSettings& prompts) -> std::string {
    Request request = request_of({"a"});
    request.batch.prompts = prompts;
    try {
      check_request({}, request);
    } catch (const Error& error) {
      return error.hint();
    }
    return "";
  };
  PromptSettings prompts;
  prompts.clip_skip = 0;
  EXPECT_EQ(hint_of(prompts), "the usual one is 1");
  prompts = {};
  prompts.comma_backtrack = 99;
  EXPECT_EQ(hint_of(prompts), "the usual one is 20");
}

}  // namespace
}  // namespace sd::test
