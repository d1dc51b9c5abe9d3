// --serve: requests in, events out.

#include <map>

#include "cli/events.h"
#include "cli/small_model.h"
#include "cli/tmux.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;

class Serve : public SmallModel {
 protected:
  /// All events of a process that is given these lines.
  std::vector<json> events_of(const std::string& input, const Words& more = {}) {
    Words words = {"txt2img",   "--serve", "--ckpt",       "model/model.safetensors",
                   "--outdir",  "out",     "--H",          "64",
                   "--W",       "64",      "--ddim_steps", "2",
                   "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    const Finished done = run_here(words, input);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    std::vector<json> events;
    for (const std::string& line : lines_of(done.out)) events.push_back(json::parse(line));
    return events;
  }
};

TEST_F(Serve, DrawsEachRequestAndTellsItsId) {
  const auto events = events_of(
      "{\"id\": \"a\", \"prompt\": \"a cat\", \"seed\": 7}\n{\"id\": 2, \"prompt\": \"a dog\"}\n");
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(of_kind(events, "ready").size(), 1U);
  const auto pictures = of_kind(events, "picture");
  ASSERT_EQ(pictures.size(), 2U);
  EXPECT_EQ(pictures[0]["id"], "a");
  EXPECT_EQ(pictures[0]["path"], "out/samples/00000.png");
  EXPECT_EQ(pictures[1]["id"], 2);
  EXPECT_EQ(of_kind(events, "end").size(), 2U);
  // The same picture as a run draws.
  const Finished alone = draw_here(
      "txt2img", {"--prompt", "a cat", "--seed", "7", "--seed-mode", "image", "--outdir", "alone"});
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_EQ(read_image(out_ / "alone/samples/00000.png").rgb, sample(0).rgb);
  EXPECT_EQ(run_here({"replay", "out/samples/00001.png"}).exit_code, 0);
}

/// What a request needs of the model is not known when that is loaded.
TEST_F(Serve, DrawsASecondPassThatEncodesWhereOneLineAsksForIt) {
  const auto events = events_of(
      "{\"id\": 1, \"prompt\": \"a cat\", \"seed\": 7}\n"
      "{\"id\": 2, \"prompt\": \"a cat\", \"hires_scale\": 2, \"hires_upscaler\": \"lanczos\"}\n"
      "{\"id\": 3, \"prompt\": \"a cat\", \"seed\": 7}\n");
  EXPECT_EQ(of_kind(events, "error").size(), 0U);
  ASSERT_EQ(of_kind(events, "picture").size(), 3U);
  EXPECT_EQ(sample(1).width, 128);
  EXPECT_TRUE(sample(0) == sample(2));
}

TEST_F(Serve, AnswersABadLineAndGoesOn) {
  const auto events = events_of(
      "bananas\n{\"id\": 1, \"prompt\": 3}\n{\"id\": 2, \"stps\": 3}\n"
      "{\"id\": 3, \"H\": 65}\n{\"id\": [1]}\n\n{\"id\": 4, \"prompt\": \"x\"}");
  const auto errors = of_kind(events, "error");
  ASSERT_EQ(errors.size(), 5U);
  for (const json& error : errors) EXPECT_EQ(error["code"], 2) << error;
  EXPECT_FALSE(errors[0].contains("id"));
  EXPECT_EQ(errors[1]["id"], 1);
  EXPECT_NE(errors[2]["text"].get<std::string>().find("stps"), std::string::npos);
  EXPECT_EQ(errors[3]["id"], 3);
  ASSERT_EQ(of_kind(events, "picture").size(), 1U);
  EXPECT_EQ(of_kind(events, "picture")[0]["id"], 4);
}

TEST_F(Serve, SkipsALineThatIsTooLong) {
  const auto events = events_of("{\"id\": 1, \"prompt\": \"" + std::string(3 << 20, 'a') +
                                "\"}\n{\"id\": 2, \"prompt\": \"x\"}\n");
  ASSERT_EQ(of_kind(events, "error").size(), 1U);
  ASSERT_EQ(of_kind(events, "picture").size(), 1U);
  EXPECT_EQ(of_kind(events, "picture")[0]["id"], 2);
}

TEST_F(Serve, TakesARequestBack) {
  const auto events = events_of(
      "{\"id\": 1, \"prompt\": \"x\", \"ddim_steps\": 900}\n{\"id\": 2, \"prompt\": \"x\"}\n"
      "{\"id\": 3, \"prompt\": \"x\"}\n{\"cancel\": 2}\n{\"cancel\": 1}\n");
  std::map<int, std::string> why;
  for (const json& end : of_kind(events, "end")) {
    why[end["id"].get<int>()] = end["why"].get<std::string>();
  }
  EXPECT_EQ(why, (std::map<int, std::string>{{1, "cancelled"}, {2, "cancelled"}, {3, ""}}));
  ASSERT_EQ(of_kind(events, "picture").size(), 1U);
  EXPECT_EQ(of_kind(events, "picture")[0]["id"], 3);
}

TEST_F(Serve, AnswersEachCancel) {
  const auto events = events_of(
      "{\"id\": \"a\", \"prompt\": \"x\", \"ddim_steps\": 900}\n{\"id\": 2, \"prompt\": \"x\"}\n"
      "{\"cancel\": 2}\n{\"cancel\": 2}\n{\"cancel\": \"a\"}\n{\"cancel\": [2]}\n{\"cancel\": "
      "null}\n"
      "{\"id\": 3, \"cancel\": 2, \"prompt\": \"x\"}\n");
  std::vector<std::pair<json, int>> answers;
  for (const json& one : of_kind(events, "cancel")) {
    answers.emplace_back(one.at("id"), one.at("requests").get<int>());
  }
  EXPECT_EQ(answers, (std::vector<std::pair<json, int>>{{2, 1}, {2, 0}, {"a", 1}}));
  const auto errors = of_kind(events, "error");
  ASSERT_EQ(errors.size(), 3U);
  for (const json& error : errors) EXPECT_FALSE(error.contains("id")) << error;
  EXPECT_NE(errors[0]["text"].get<std::string>().find("must be the id of a request"),
            std::string::npos);
  EXPECT_NE(errors[2]["text"].get<std::string>().find("no other member"), std::string::npos);
}

TEST_F(Serve, RefusesAnIdThatIsNoneOrIsTaken) {
  const auto events = events_of(
      "{\"id\": 1, \"prompt\": \"x\", \"ddim_steps\": 100}\n{\"id\": 1, \"prompt\": \"y\"}\n"
      "{\"id\": null}\n"
      "{\"id\": true}\n{\"id\": 1.5}\n{\"id\": \"1\", \"prompt\": \"x\"}\n");
  const auto errors = of_kind(events, "error");
  ASSERT_EQ(errors.size(), 4U);
  for (const json& error : errors) EXPECT_FALSE(error.contains("id")) << error;
  EXPECT_NE(errors[0]["text"].get<std::string>().find("is waiting or being drawn"),
            std::string::npos);
  const auto ends = of_kind(events, "end");
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(ends[0]["id"], 1);
  EXPECT_EQ(ends[1]["id"], "1");
}

TEST_F(Serve, EndsEachRequestWhenItIsStopped) {
  const std::string outdir = (out_ / "out").string();
  Program program({"txt2img", "--serve", "--ckpt", checkpoint(), "--outdir", outdir, "--H", "64",
                   "--W", "64", "--threads", "1"},
                  "{\"id\": 1, \"prompt\": \"x\", \"ddim_steps\": 900}\n"
                  "{\"id\": 2, \"prompt\": \"x\"}\n{\"prompt\": \"x\"}\n");
  ASSERT_TRUE(program.wait_until([&] {
    return program.out().find("\"stage\":\"sample\"") != std::string::npos;
  })) << program.err();
  program.send(SIGTERM);
  EXPECT_EQ(program.wait(), 130) << program.err();
  std::vector<json> ends;
  for (const std::string& line : lines_of(program.out())) {
    const json event = json::parse(line);
    if (event.at("event") == "end") ends.push_back(event);
  }
  ASSERT_EQ(ends.size(), 3U) << program.out();
  for (const json& end : ends) EXPECT_EQ(end["why"], "cancelled");
  EXPECT_EQ(ends[0]["id"], 1);
  EXPECT_EQ(ends[1]["id"], 2);
  EXPECT_FALSE(ends[2].contains("id"));
}

TEST_F(Serve, TellsEventsInTheOrderThatItsPageHas) {
  const auto events = events_of("{\"id\": 1, \"prompt\": \"x\"}\n{\"id\": 2, \"prompt\": \"x\"}\n");
  Words order;
  for (const json& event : events) {
    const std::string kind = event.at("event");
    if (kind == "notice" || kind == "progress") continue;
    order.push_back(kind + (event.contains("id") ? event["id"].dump() : ""));
  }
  EXPECT_EQ(order, (Words{"ready", "picture1", "end1", "picture2", "end2"}));
  const std::string page = read_file(SD_SOURCE_DIR "/docs/embedding.md");
  for (const json& event : events) {
    for (const auto& [member, value] : event.items()) {
      EXPECT_NE(page.find("`" + member + "`"), std::string::npos) << member;
    }
  }
}

TEST_F(Serve, RefusesWhatHasNoRequests) {
  const std::vector<Words> others = {{"--from-file", "-"},
                                     {"--sweep", "scale=3,5"},
                                     {"--devices", "cpu,cpu"},
                                     {"--job", "job"},
                                     {"--shard", "0/2"},
                                     {"--retry-failed"},
                                     {"--time-limit", "90"},
                                     {"--sink", "tar"},
                                     {"--metadata-jsonl"},
                                     {"--skip_save"},
                                     {"--profile"},
                                     {"--profile-json", "p.json"}};
  for (const Words& other : others) {
    Words words = {"txt2img", "--serve"};
    words.insert(words.end(), other.begin(), other.end());
    expect_failure(run_here(words), 2, other.front() + " does not go with --serve");
  }
  expect_failure(run_here({"txt2img", "--serve", "--ckpt", "absent.ckpt"}), 3, "absent.ckpt");
}

/// The example of docs/embedding.md runs as it stands.
TEST_F(Serve, IsDrivenByThePythonOfItsPage) {
  if (!has_command("python3")) GTEST_SKIP() << "python3 is not installed";
  const std::string page = read_file(SD_SOURCE_DIR "/docs/embedding.md");
  const std::string fence = "```python\n";
  const size_t begin = page.find(fence) + fence.size();
  out_.write("drive.py", page.substr(begin, page.find("```", begin) - begin));
  std::filesystem::create_symlink(SD_PROGRAM, out_ / "sd");
  const std::string folder = in_quotes(out_.path().string());
  EXPECT_EQ(
      output_of("(cd " + folder + " && PATH=" + folder + ":$PATH python3 drive.py 2>/dev/null)"),
      "heart outputs/served/samples/00000.png\nsun outputs/served/samples/00001.png\n");
}

}  // namespace
}  // namespace sd::test
