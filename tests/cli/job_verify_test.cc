// What sd job says of folders: whether each file is what its line asks for, and what is damaged.

#include <nlohmann/json.hpp>

#include "cli/job_run.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class JobCheckRun : public JobRun {
 protected:
  /// Lines that set much of what lines may set.
  void write_lines() {
    out_.write("prompts.txt",
               "a\nb --seed 9\nc --sampler euler_a --steps 3\nd --W 128 --scale 3\n"
               "e --negative-prompt blue\nf --variation-strength 0.2 --seed 5\n");
  }
  Finished verify(const std::string& folder, const Words& more = {}) const {
    Words all = {"--ckpt", "model/model.safetensors"};
    all.insert(all.end(), more.begin(), more.end());
    return job("verify", folder, all);
  }
  static void expect_part(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }
  void take_picture(const std::string& from, const std::string& to) const {
    fs::copy_file(out_ / from, out_ / to, fs::copy_options::overwrite_existing);
  }
};

TEST_F(JobCheckRun, FindsEachPictureAsItsLineAsks) {
  write_lines();
  for (const std::string mode : {"stream", "image"}) {
    ASSERT_EQ(draw(mode, {"--seed-mode", mode, "--n_iter", "2"}).exit_code, 0);
    const Finished sound = verify(mode);
    EXPECT_EQ(sound.exit_code, 0) << sound.err;
    EXPECT_EQ(lines_of(sound.out).size(), 12U);
    expect_part(sound.err, "the settings of lines are as prompts.txt says");
  }
}

TEST_F(JobCheckRun, SaysWhichSettingsOfAPictureAreNotItsLines) {
  write_lines();
  ASSERT_EQ(draw("job", {"--seed-mode", "image", "--n_samples", "1"}).exit_code, 0);
  take_picture("job/samples/000000.png", "job/samples/000004.png");
  take_picture("job/samples/000001.png", "job/samples/000002.png");
  const Finished bad = verify("job");
  EXPECT_EQ(bad.exit_code, 3);
  expect_part(bad.err,
              "samples/000004.png: its record differs from line 5 of prompts.txt in prompt: "
              "expected \"e\", found \"a\"; negative_prompt: expected \"blue\", found \"\"");
  expect_part(bad.err, "seed: expected 46, found 42");
  expect_part(bad.err, "sampler: expected \"euler_a\", found \"ddim\"");
  expect_part(bad.err, "steps: expected 3, found 2");
  expect_part(bad.err, "2 of 6 files");
  const auto lines = lines_of(verify("job", {"--json"}).out);
  ASSERT_EQ(lines.size(), 6U);
  expect_part(json::parse(lines[4])["problem"], "in prompt: expected");
}

TEST_F(JobCheckRun, LooksIntoTars) {
  const Words tar = {"--sink", "tar", "--block", "2"};
  ASSERT_EQ(draw("job", tar).exit_code, 0);
  const Finished sound = verify("job");
  EXPECT_EQ(sound.exit_code, 0) << sound.err;
  expect_part(sound.err, "the settings of lines are as prompts.txt says");
  fs::copy_file(out_ / "prompts.txt", out_ / "kept.txt");
  std::string other = read_file(out_ / "prompts.txt");
  other.replace(other.find("prompt 5"), 8, "a cat, 5");
  out_.write("prompts.txt", other);
  ASSERT_EQ(draw("other", tar).exit_code, 0);
  take_picture("other/00001.tar", "job/00001.tar");
  take_picture("other/00001.json", "job/00001.json");
  const Finished bad = verify("job", {"--from-file", "kept.txt"});
  EXPECT_EQ(bad.exit_code, 3);
  expect_part(bad.err,
              "00001.tar: 000000005.png: its record differs from line 6 of kept.txt in prompt: "
              "expected \"prompt 5\", found \"a cat, 5\"");
  expect_part(bad.err, "1 of 3 files");
}

TEST_F(JobCheckRun, PlansLinesThatStartFromPictures) {
  write_png(out_ / "init.png", Image(64, 64));
  out_.write("prompts.txt", "a --init-img init.png\nb --init-img init.png --strength 0.5\n");
  Words all = words("job");
  all[0] = "img2img";
  ASSERT_EQ(run_here(all).exit_code, 0);
  const Finished sound = verify("job");
  EXPECT_EQ(sound.exit_code, 0) << sound.err;
  expect_part(sound.err, "the settings of lines are as prompts.txt says");
  fs::remove(out_ / "init.png");
  const Finished without = verify("job");
  EXPECT_EQ(without.exit_code, 0) << without.err;
  expect_part(without.err, "2 pictures belong to lines that cannot be planned here: ");
}

TEST_F(JobCheckRun, KnowsThePromptOfLinesThatNameNone) {
  out_.write("prompts.txt", "{\"seed\": 7}\n\n{\"prompt\": \"b\", \"steps\": 3}\n");
  ASSERT_EQ(draw("job", {"--prompt", "a heart"}).exit_code, 0);
  const Finished sound = verify("job");
  EXPECT_EQ(sound.exit_code, 0) << sound.err;
  expect_part(sound.err, "the settings of lines are as prompts.txt says");
  const Finished other = draw("job", {"--prompt", "a star"});
  EXPECT_EQ(other.exit_code, 2);
  expect_part(other.err, "prompts/default: \"a heart\" in the job, \"a star\" here");
}

TEST_F(JobCheckRun, SaysWhyLinesAreNotCompared) {
  write_prompts(2);
  ASSERT_EQ(draw("job").exit_code, 0);
  const auto said = [&](const Words& more, bool with_model = true) {
    const Finished run = with_model ? verify("job", more) : job("verify", "job", more);
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return run.err;
  };
  expect_part(said({}, false), "the model of the job is not known here; name it with --ckpt");
  fs::create_directory(out_ / "beside");
  fs::rename(out_ / "job", out_ / "beside/job");
  fs::rename(out_ / "prompts.txt", out_ / "beside/prompts.txt");
  expect_part(verify("beside/job").err, "/beside/prompts.txt says");
  fs::rename(out_ / "beside/job", out_ / "job");
  expect_part(said({}), "the prompt file prompts.txt is not here; name it with --from-file");
  write_prompts(3);
  expect_part(said({}), "the prompt file prompts.txt has changed since the job began");
  expect_failure(verify("job", {"--from-file", "prompts.txt"}), 2,
                 "prompts.txt is not the prompt file of the job: expected the SHA-256 ");
  const Finished absent = verify("job", {"--from-file", "absent.txt"});
  EXPECT_EQ(absent.exit_code, 3);
  expect_part(absent.err, "absent.txt");
  expect_failure(job("status", "job", {"--from-file", "prompts.txt"}), 2, "go with sd job verify");
}

TEST_F(JobCheckRun, PassesForeignFilesOver) {
  out_.write("prompts.txt", "a\nb --W 100\nc\n");
  for (const std::string sink : {"folder", "tar"}) {
    SCOPED_TRACE(sink);
    ASSERT_EQ(draw(sink, {"--sink", sink}).exit_code, 2);
    for (const char* name :
         {"7.json", "00099.json", "99999999999999999999.json", "notes.json", "samples/x.png",
          "samples/1.png", "failed/notes.json", "failed/000099.json", "failed/1.json"}) {
      out_.write(sink + "/" + name, "[1, 2");
    }
    const json status = json::parse(job("status", sink, {"--json"}).out);
    EXPECT_EQ(status["drawn"], 2);
    EXPECT_EQ(status["failed"], 1);
    EXPECT_EQ(status["missing"], 0);
    const Finished sound = verify(sink);
    EXPECT_EQ(sound.exit_code, 0) << sound.err;
    const Finished merged = job("merge", sink);
    EXPECT_EQ(merged.exit_code, 0) << merged.err;
  }
}

TEST_F(JobCheckRun, CountsNoFailureOfAPictureThatIsThere) {
  write_prompts(2);
  ASSERT_EQ(draw("job").exit_code, 0);
  out_.write("job/failed/000001.json", "{\"attempts\": 1}");  // of a run that was killed
  EXPECT_EQ(json::parse(job("status", "job", {"--json"}).out)["failed"], 0);
  EXPECT_EQ(draw("job", {"--retry-failed"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(out_ / "job/failed/000001.json"));
}

TEST_F(JobCheckRun, LeavesDamagedTarsOut) {
  ASSERT_EQ(draw("job", {"--sink", "tar", "--block", "2"}).exit_code, 0);
  for (const char* text :
       {"", "[]", "{ damaged", "{}", "{\"sha256\": 3}",
        "{\"sha256\": \"x\", \"samples\": \"4\", \"failed\": 0, \"bytes\": 9}"}) {
    SCOPED_TRACE(text);
    out_.write("job/00001.json", text);
    const json status = json::parse(job("status", "job", {"--json"}).out);
    EXPECT_EQ(status["drawn"], 6);
    EXPECT_EQ(status["missing"], 4);
    const Finished bad = verify("job");
    EXPECT_EQ(bad.exit_code, 3);
    expect_part(bad.err, "00001.tar: its statistics 00001.json are damaged");
    EXPECT_EQ(job("merge", "job").exit_code, 2);
    const Finished some = job("merge", "job", {"--partial"});
    EXPECT_EQ(some.exit_code, 2);
    expect_part(some.err, "00001.json: these statistics are damaged; left out");
    EXPECT_EQ(lines_of(read_file(out_ / "job/tars.jsonl")).size(), 2U);
  }
  fs::resize_file(out_ / "job/00002.tar", 2048);
  expect_part(job("merge", "job", {"--partial"}).err,
              "00002.tar: it is missing, or does not have the");
  expect_part(verify("job").err, "00002.tar: its SHA-256 is not what 00002.json says");
  expect_failure(job("gallery", "job"), 2, "the job's are in tars");
}

TEST_F(JobCheckRun, RefusesAJobJsonThatIsNone) {
  write_prompts(2);
  ASSERT_EQ(draw("job").exit_code, 0);
  const json sheet = json::parse(read_file(out_ / "job/job.json"));
  const auto changed = [&](const char* place, const json& value) {
    json other = sheet;
    other[json::json_pointer(place)] = value;
    return other.dump();
  };
  const Words sheets = {"",
                        "[]",
                        sheet.dump().substr(0, 300),
                        changed("/settings", json::array()),
                        changed("/settings", 3),
                        changed("/model", nullptr),
                        changed("/prompts", "x"),
                        changed("/prompts/lines", 0),
                        changed("/pictures", -3),
                        changed("/pictures", 1e30),
                        changed("/pictures", INT64_MAX),
                        changed("/settings/format", "avif"),
                        changed("/settings/sink", 3),
                        changed("/command", "draw")};
  for (const std::string& text : sheets) {
    SCOPED_TRACE(text.substr(0, 60));
    out_.write("job/job.json", text);
    for (const char* part : {"status", "verify", "merge", "gallery"}) {
      const Finished run = job(part, "job");
      expect_failure(run, 3, "job/job.json: ");
    }
    EXPECT_NE(draw("job").exit_code, 1);
  }
  json newer = sheet;
  newer["version"] = "99.1.0";
  newer["settings"]["format"] = "avif";
  out_.write("job/job.json", newer.dump());
  const Finished run = job("status", "job");
  expect_failure(run, 3, "format: ");
  expect_part(run.err, "version 99.1.0 of the program began the job");
  newer["settings"]["format"] = "png";
  out_.write("job/job.json", newer.dump());
  EXPECT_EQ(job("status", "job").exit_code, 0);
  expect_part(verify("job").err, "the version: expected \"99.1.0\", found ");
}

TEST_F(JobCheckRun, SaysWhatALineFailedOfByFlags) {
  out_.write("prompts.txt", "a --W 100\nb\n");
  ASSERT_EQ(draw("job").exit_code, 2);
  const std::string reason = json::parse(read_file(out_ / "job/failed/000000.json"))["reason"];
  EXPECT_EQ(reason.find('`'), std::string::npos) << reason;
  expect_part(reason, "--W ");
}

}  // namespace
}  // namespace sd::test
