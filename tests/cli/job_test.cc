// Jobs: what a folder holds after any runs, in any shards, and what the program says of it.

#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/job_run.h"
#include "image/picture_texts.h"
#include "support/ulimit.h"

namespace sd::test {
using namespace image;

namespace {

using nlohmann::json;
namespace fs = std::filesystem;

TEST_F(JobRun, NamesPicturesByTheirPlaceAndGoesOn) {
  const Finished first = draw("job");
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(lines_of(first.out).size(), 10U);
  const auto all = files("job");
  ASSERT_EQ(all.size(), 11U);
  EXPECT_TRUE(all.contains("job.json"));
  EXPECT_TRUE(all.contains("samples/000000.png"));
  EXPECT_TRUE(all.contains("samples/000009.png"));
  fs::remove(out_ / "job/samples/000003.png");
  const Finished second = draw("job");
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(second.out, "job/samples/000003.png\n");
  EXPECT_EQ(files("job"), all);
  EXPECT_EQ(draw("job").out, "");
}

TEST_F(JobRun, GivesTheSameFilesInAnyShards) {
  for (const std::string mode : {"stream", "image"}) {
    const Words by_mode = {"--seed-mode", mode, "--n_iter", "2"};
    ASSERT_EQ(draw("one-" + mode, by_mode).exit_code, 0);
    const auto expected = files("one-" + mode);
    ASSERT_EQ(expected.size(), 21U);
    for (const char* shard : {"1/3", "0/2", "1/2"}) {  // n changes half-way
      Words more = by_mode;
      more.insert(more.end(), {"--shard", shard, "--threads", "2"});
      EXPECT_EQ(draw("many-" + mode, more).exit_code, 0);
    }
    EXPECT_EQ(files("many-" + mode), expected);
  }
}

TEST_F(JobRun, DrawsThePicturesOfARunThatIsNone) {
  ASSERT_EQ(draw("job").exit_code, 0);
  Words plain = words("job", {"--outdir", "plain", "--skip_grid"});
  plain.erase(plain.begin() + 5, plain.begin() + 7);  // --job
  ASSERT_EQ(run_here(plain).exit_code, 0);
  for (int i = 0; i < 10; ++i) {
    const std::string digit = std::to_string(i);
    EXPECT_EQ(read_image(out_ / ("job/samples/00000" + digit + ".png")).rgb,
              read_image(out_ / ("plain/samples/0000" + digit + ".png")).rgb);
  }
}

TEST_F(JobRun, SaysNothingOfTheMachineInItsRecords) {
  ASSERT_EQ(draw("job").exit_code, 0);
  const PngMetadata texts = read_png_metadata(out_ / "job/samples/000001.png");
  const json record = json::parse(*texts.find(kRecordKeyword));
  EXPECT_EQ(record["device"]["threads"], 0);
  EXPECT_EQ(record["device"]["name"], "cpu");
  EXPECT_EQ(record["model"]["checkpoint"], "model.safetensors");
}

TEST_F(JobRun, RefusesAnotherJobInTheFolder) {
  ASSERT_EQ(draw("job").exit_code, 0);
  const Finished other = draw("job", {"--seed", "43", "--steps", "3"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("seed: 42 in the job, 43 here"), std::string::npos) << other.err;
  EXPECT_NE(other.err.find("steps: 2 in the job, 3 here"), std::string::npos) << other.err;
  EXPECT_NE(other.err.find("belongs to another job"), std::string::npos) << other.err;
  write_prompts(11);
  const Finished longer = draw("job");
  EXPECT_EQ(longer.exit_code, 2);
  EXPECT_NE(longer.err.find("prompts/lines: 10 in the job, 11 here"), std::string::npos);
  EXPECT_EQ(files("job").size(), 11U);
}

TEST_F(JobRun, AdoptsNoPicturesOfAnUnknownJob) {
  ASSERT_EQ(draw("job").exit_code, 0);
  std::filesystem::remove(out_ / "job" / "job.json");
  const Finished other = draw("job", {"--seed", "43"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("has pictures, but no job.json"), std::string::npos) << other.err;
}

TEST_F(JobRun, RefusesFlagsThatDoNotGoTogether) {
  expect_failure(draw("job", {"--outdir", "there"}), 2, "--job does not go with --outdir");
  expect_failure(draw("job", {"--sweep", "scale=3,5"}), 2, "--sweep does not go with --job");
  expect_failure(draw("job", {"--skip_save"}), 2, "--skip_save leaves nothing to write");
  expect_failure(run_here({"txt2img", "--job", "job"}), 2, "--job draws the lines of a file");
  expect_failure(run_here({"txt2img", "--shard", "0/2"}), 2, "go with --job");
  expect_failure(draw("job", {"--shard", "2/2"}), 2, "--shard must be like 0/8");
  expect_failure(draw("job", {"--sink", "cloud"}), 2, "there is no sink 'cloud'");
  expect_failure(draw("job", {"--time-limit", "soon"}), 2, "a time like 90");
  expect_failure(draw("job", {"--steps", "0"}), 2, "steps");
  EXPECT_FALSE(fs::exists(out_ / "job"));
}

TEST_F(JobRun, LeavesWhatALineFailedOf) {
  out_.write("prompts.txt", "a\nb --W 100\nc\n");
  const Finished run = draw("job");
  EXPECT_EQ(run.exit_code, 2) << run.err;
  EXPECT_EQ(lines_of(run.out).size(), 2U);
  const json failure = json::parse(read_file(out_ / "job/failed/000001.json"));
  EXPECT_EQ(failure["line"], 2);
  EXPECT_EQ(failure["attempts"], 1);
  EXPECT_EQ(draw("job").exit_code, 2);
  EXPECT_EQ(draw("job", {"--retry-failed"}).exit_code, 2);
  EXPECT_EQ(json::parse(read_file(out_ / "job/failed/000001.json"))["attempts"], 2);
  const json status = json::parse(job("status", "job", {"--json"}).out);
  EXPECT_EQ(status["drawn"], 2);
  EXPECT_EQ(status["failed"], 1);
  EXPECT_EQ(status["missing"], 0);
}

/// The lines of the first block are known when the model is loaded, the others are not.
TEST_F(JobRun, DrawsALaterLineThatEncodes) {
  out_.write("prompts.txt", "a\nb\nc --hires-scale 2 --hires-upscaler lanczos\n");
  const Finished run = draw("job", {"--n_samples", "1", "--block", "2"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(read_image(out_ / "job/samples/000002.png").width, 128);
}

TEST_F(JobRun, RemovesAtOnceWhatADeadRunLeft) {
  ASSERT_EQ(draw("job").exit_code, 0);
  out_.write("job/.sd-0123456789abcdef.tmp", "half a picture");
  EXPECT_EQ(draw("job").exit_code, 0);
  EXPECT_EQ(files("job").size(), 11U);
}

TEST_F(JobRun, EndsWithAnExitCodeForEngines) {
  write_prompts(4000);
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGINT}) {
    SCOPED_TRACE(strsignal(signal));
    Program program(words((out_ / "job").string(), {"--ckpt", checkpoint(), "--from-file",
                                                    (out_ / "prompts.txt").string()}));
    ASSERT_TRUE(program.wait_for_line()) << program.err();
    program.send(signal);
    EXPECT_EQ(program.wait(), signal == SIGINT ? 130 : 75) << program.err();
  }
  const Finished late = draw("job", {"--time-limit", "2"});
  EXPECT_EQ(late.exit_code, 75) << late.err;
  EXPECT_NE(late.err.find("run the same command again"), std::string::npos) << late.err;
  for (const auto& [name, bytes] : files("job")) EXPECT_NE(name.front(), '.') << name;
}

/// A line whose init image is being waited for when the signal comes.
TEST_F(JobRun, BlamesNoLineForASignal) {
  const std::string pipe = (out_ / "pipe.png").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const fs::path prompts = out_.write("prompts.txt", "a --init-img " + pipe + "\nb\n");
  Words all =
      words((out_ / "job").string(), {"--ckpt", checkpoint(), "--from-file", prompts.string()});
  all[0] = "img2img";
  Program program(all);
  const int writer = open_to_reader(program, pipe);
  ASSERT_GE(writer, 0) << program.err();
  program.send(SIGTERM);
  EXPECT_EQ(program.wait(), 75) << program.err();
  close(writer);
  EXPECT_FALSE(fs::exists(out_ / "job/failed")) << program.err();
}

TEST_F(JobRun, SaysWhatAFileMayNotHold) {
  {
    const Ulimit limit(RLIMIT_FSIZE, 8192);
    expect_failure(draw("job", {"--sink", "tar", "--block", "5", "--quiet"}), 3,
                   "00000.tar: cannot be written: File too large");
  }
  EXPECT_EQ(names(files("job")), Words{"job.json"});
  EXPECT_EQ(draw("job", {"--sink", "tar", "--block", "5"}).exit_code, 0);
}

/// As a file system leaves it that can neither link nor rename without replacing, or a copy.
TEST_F(JobRun, DrawsWhatIsAnEmptyFile) {
  ASSERT_EQ(draw("job").exit_code, 0);
  const auto expected = files("job");
  out_.write("job/samples/000004.png", "");
  EXPECT_EQ(json::parse(job("status", "job", {"--json"}).out)["missing"], 1);
  EXPECT_EQ(draw("job").exit_code, 0);
  EXPECT_EQ(files("job"), expected);
  out_.write("new/job.json", "");
  EXPECT_EQ(draw("new").exit_code, 0);
  EXPECT_EQ(files("new"), expected);
}

TEST_F(JobRun, NeedsNoRoomOnceItIsDrawn) {
  ASSERT_EQ(draw("job").exit_code, 0);
  const Ulimit limit(RLIMIT_FSIZE, 1024);
  const Finished again = draw("job", {"--quiet"});
  const Finished other = draw("job", {"--quiet", "--seed", "43"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(other.exit_code, 2) << other.err;
}

TEST_F(JobRun, RefusesTextsThatNameNothing) {
  for (const char* flag : {"--job", "--shard", "--from-file", "--ckpt"}) {
    SCOPED_TRACE(flag);
    expect_failure(draw("job", {flag, ""}), 2, std::string(flag) + ": expected ");
  }
  EXPECT_FALSE(fs::exists(out_ / "job"));
  EXPECT_FALSE(fs::exists(out_ / "outputs"));
}

TEST_F(JobRun, RefusesAnotherSafetyChecker) {
  out_.write("checker.safetensors", "one");
  const Words checked = {"--safety", "refuse", "--safety-ckpt", "checker.safetensors"};
  EXPECT_EQ(draw("job", checked).exit_code, 4);  // damaged, and known by its hash all the same
  out_.write("checker.safetensors", "another");
  const Finished other = draw("job", checked);
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("safety_sha256: "), std::string::npos) << other.err;
}

/// Of a model in a folder each part counts, and what its scheduler says.
TEST_F(JobRun, RefusesAModelOfWhichAPartChanged) {
  const Finished made = run_here({"convert", "model/model.safetensors", "parts"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Words of_folder = {"--ckpt", "parts"};
  ASSERT_EQ(draw("job", of_folder).exit_code, 0);
  EXPECT_EQ(draw("job", of_folder).exit_code, 0);
  for (const std::string part : {"text_encoder", "scheduler"}) {
    SCOPED_TRACE(part);
    const bool is_network = part == "text_encoder";
    const fs::path file =
        out_ / "parts" / part / (is_network ? "model.safetensors" : "scheduler_config.json");
    const std::string before = read_file(file);
    ASSERT_FALSE(before.empty());
    std::ofstream(file, std::ios::binary | std::ios::app) << "\n";
    const Finished other = draw("job", of_folder);
    EXPECT_EQ(other.exit_code, 2) << other.err;
    EXPECT_NE(other.err.find("model/parts/" + part), std::string::npos) << other.err;
    std::ofstream(file, std::ios::binary) << before;
  }
  EXPECT_EQ(draw("job", of_folder).exit_code, 0);
}

TEST_F(JobRun, WritesTarsThatAreEqualInAnyShards) {
  const Words tar = {"--sink", "tar", "--block", "2"};
  ASSERT_EQ(draw("one", tar).exit_code, 0);
  const auto expected = files("one");
  EXPECT_EQ(names(expected), (Words{"00000.json", "00000.tar", "00001.json", "00001.tar",
                                    "00002.json", "00002.tar", "job.json"}));
  EXPECT_EQ(json::parse(expected.at("00002.json"))["samples"], 2);
  for (const char* shard : {"0/3", "0/2", "1/2"}) {
    Words more = tar;
    more.insert(more.end(), {"--shard", shard});
    ASSERT_EQ(draw("many", more).exit_code, 0);
  }
  EXPECT_EQ(files("many"), expected);
  fs::remove(out_ / "many/00001.json");  // as a run leaves it that ends between the two
  ASSERT_EQ(draw("many", tar).exit_code, 0);
  EXPECT_EQ(files("many"), expected);
  EXPECT_EQ(job("verify", "many").exit_code, 0);
  std::ofstream(out_ / "many/00000.tar", std::ios::app) << "x";
  EXPECT_EQ(job("verify", "many").exit_code, 3);
  fs::remove(out_ / "many/00000.tar");  // as verify says
  ASSERT_EQ(draw("many", tar).exit_code, 0);
  EXPECT_EQ(files("many"), expected);
  const auto list = run_here({"job", "merge", "many"});
  EXPECT_EQ(lines_of(read_file(out_ / "many/tars.jsonl")).size(), 3U) << list.err;
}

/// Samples in a tar of the job.
size_t pictures_in(const std::string& tar) {
  size_t count = 0;
  for (size_t at = tar.find(".png"); at != std::string::npos; at = tar.find(".png", at + 1)) {
    // The name of a header, and no byte of a picture.
    if (at % 512 == 9) ++count;
  }
  return count;
}

/// (A picture a batch: a batch of which one is kept is drawn again.)
TEST_F(JobRun, KeepsWhatItHasDrawnOfATarWhenItIsStopped) {
  write_prompts(4000);
  size_t kept = 0;
  for (int i = 0; i < 2; ++i) {
    Program program(
        words((out_ / "job").string(),
              {"--ckpt", checkpoint(), "--from-file", (out_ / "prompts.txt").string(), "--sink",
               "tar", "--block", "2000", "--n_samples", "1", "--progress-fd", "1"}));
    ASSERT_TRUE(program.wait_until([&] {
      return program.out().find("\"batch\":7") != std::string::npos;
    })) << program.err();
    program.send(SIGTERM);
    EXPECT_EQ(program.wait(), 75) << program.err();
    EXPECT_EQ(names(files("job")), (Words{"00000.tar", "job.json"}));
    const size_t now = pictures_in(files("job").at("00000.tar"));
    EXPECT_GE(now, kept + 6);
    kept = now;
  }
}

TEST_F(JobRun, WritesTarsOfLinesOfWhichNoneCanBeDrawn) {
  out_.write("prompts.txt", "a --init-img absent.png\nb --init-img absent.png\n");
  Words lines = words("job", {"--sink", "tar"});
  lines[0] = "img2img";
  const Finished run = run_here(lines);
  EXPECT_EQ(run.exit_code, 2) << run.err;
  EXPECT_NE(run.err.find("2 pictures of the job failed"), std::string::npos) << run.err;
  const json statistics = json::parse(read_file(out_ / "job/00000.json"));
  EXPECT_EQ(statistics["samples"], 0);
  EXPECT_EQ(statistics["failed"], 2);
}

TEST_F(JobRun, DrawsFailedLinesOfATarAgain) {
  write_png(out_ / "early.png", Image(64, 64));
  out_.write("prompts.txt",
             "a --init-img early.png\nb --init-img late.png\nc --init-img early.png\n");
  const auto draw_tars = [&](const std::string& folder, const Words& more = {}) {
    Words all = words(
        folder, {"--sink", "tar", "--n_samples", "1", "--block", "3", "--seed-mode", "image"});
    all[0] = "img2img";
    all.insert(all.end(), more.begin(), more.end());
    return run_here(all);
  };
  EXPECT_EQ(draw_tars("job").exit_code, 2);
  EXPECT_EQ(draw_tars("job", {"--retry-failed"}).exit_code, 2);
  write_png(out_ / "late.png", Image(64, 64));
  EXPECT_EQ(draw_tars("job").exit_code, 2);  // it was not told to
  const Finished again = draw_tars("job", {"--retry-failed"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, "job/00000.tar\n");
  EXPECT_EQ(draw_tars("undisturbed").exit_code, 0);
  EXPECT_EQ(files("job"), files("undisturbed"));
}

TEST_F(JobRun, SavesSmallerPicturesInOtherFormats) {
  for (const std::string format : {"jpg", "webp"}) {
    ASSERT_EQ(draw(format, {"--format", format, "--quality", "80", "--save-size", "32"}).exit_code,
              0);
    const std::string path = format + "/samples/000004." + format;
    EXPECT_EQ(read_image(out_ / path).width, 32);
    const Finished shown = run_here({"show", path, "--json"});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_EQ(json::parse(shown.out)["texts"]["stable-diffusion"]["prompt"], "prompt 4");
    const Finished again =
        run_here({"replay", path, "--ckpt", "model/model.safetensors", "--json"});
    EXPECT_EQ(again.exit_code, 0) << again.err;
    EXPECT_EQ(job("verify", format).exit_code, 0);
  }
}

TEST_F(JobRun, IsVerifiedAgainstItsSettings) {
  ASSERT_EQ(draw("job").exit_code, 0);
  const Finished sound = job("verify", "job");
  EXPECT_EQ(sound.exit_code, 0) << sound.err;
  EXPECT_EQ(lines_of(sound.out).size(), 10U);
  ASSERT_EQ(draw("other", {"--rng", "cpu"}).exit_code, 0);
  fs::copy_file(out_ / "other/samples/000002.png", out_ / "job/samples/000002.png",
                fs::copy_options::overwrite_existing);
  fs::resize_file(out_ / "job/samples/000005.png", 3000);
  const Finished bad = job("verify", "job");
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_NE(bad.err.find("000002.png: its record differs from the job in rng"), std::string::npos)
      << bad.err;
  EXPECT_NE(bad.err.find("000005.png"), std::string::npos) << bad.err;
  EXPECT_NE(bad.err.find("2 of 10 files"), std::string::npos) << bad.err;
}

TEST_F(JobRun, IsVerifiedWithTheAutoencoderThatItNames) {
  const std::string vae = checkpoint();  // an absolute path
  for (const std::string& given : {std::string("none"), vae}) {
    SCOPED_TRACE(given);
    const std::string folder = given == vae ? "other" : "own";
    const Finished drawn = draw(folder, {"--vae", given});
    ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
    const Finished sound = job("verify", folder);
    EXPECT_EQ(sound.exit_code, 0) << sound.err;
    EXPECT_EQ(read_file(out_ / folder / "job.json").find(model_->path().string()),
              std::string::npos);
  }
  const PngMetadata texts = read_png_metadata(out_ / "other/samples/000001.png");
  const json record = json::parse(*texts.find(kRecordKeyword));
  EXPECT_EQ(record["model"]["vae"], "model.safetensors");
  const Finished without = draw("other");
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_NE(without.err.find("model/vae_sha256: "), std::string::npos) << without.err;
  fs::copy_file(out_ / "own/samples/000002.png", out_ / "other/samples/000002.png",
                fs::copy_options::overwrite_existing);
  const Finished bad = job("verify", "other");
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_NE(bad.err.find("000002.png: its record differs from the job in the autoencoder"),
            std::string::npos)
      << bad.err;
}

TEST_F(JobRun, RefusesAnotherMaskOfTheSameName) {
  write_png(out_ / "init.png", Image(64, 64));
  Image mask(64, 64);
  std::fill_n(mask.rgb.begin(), mask.rgb.size() / 2, uint8_t{255});
  write_png(out_ / "mask.png", mask);
  Words all = words("job", {"--init-img", "init.png", "--mask", "mask.png"});
  all[0] = "img2img";
  const Finished first = run_here(all);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  fs::remove(out_ / "mask.png");
  mask.rgb[mask.rgb.size() - 1] = 255;
  write_png(out_ / "mask.png", mask);
  const Finished other = run_here(all);
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("mask_sha256: "), std::string::npos) << other.err;
}

TEST_F(JobRun, GoesOnBehindAPictureThatCannotBeRead) {
  ASSERT_EQ(draw("job").exit_code, 0);
  out_.write("job/samples/000002.png", "no picture");
  fs::resize_file(out_ / "job/samples/000005.png", 40);
  for (const std::string part : {"merge", "gallery"}) {
    const Finished run = job(part, "job");
    EXPECT_EQ(run.exit_code, 2) << run.err;
    EXPECT_EQ(lines_of(run.out).size(), 1U);
    EXPECT_NE(run.err.find("samples/000002.png: "), std::string::npos) << run.err;
    EXPECT_NE(run.err.find("samples/000005.png: "), std::string::npos) << run.err;
    EXPECT_NE(run.err.find("2 files of the job cannot be read"), std::string::npos) << run.err;
  }
  EXPECT_EQ(lines_of(read_file(out_ / "job/metadata.jsonl")).size(), 8U);
  const std::string page = read_file(out_ / "job/gallery.html");
  EXPECT_NE(page.find("samples/000009.png"), std::string::npos);
  EXPECT_EQ(page.find("samples/000005.png"), std::string::npos);
  EXPECT_EQ(job("merge", "job", {"--grid", "5"}).exit_code, 2);
  EXPECT_EQ(read_image(out_ / "job/grid.png").height, 2 * 66 + 2);
}

TEST_F(JobRun, IsMergedOnceItIsComplete) {
  ASSERT_EQ(draw("job", {"--shard", "0/2"}).exit_code, 0);
  EXPECT_EQ(job("merge", "job").exit_code, 2);
  ASSERT_EQ(draw("job", {"--shard", "1/2"}).exit_code, 0);
  const Finished merged = job("merge", "job", {"--grid", "5"});
  EXPECT_EQ(merged.exit_code, 0) << merged.err;
  const Words lines = lines_of(read_file(out_ / "job/metadata.jsonl"));
  ASSERT_EQ(lines.size(), 10U);
  EXPECT_EQ(json::parse(lines[3])["file_name"], "samples/000003.png");
  EXPECT_EQ(json::parse(lines[3])["text"], "prompt 3");
  EXPECT_EQ(read_image(out_ / "job/grid.png").width, 5 * 66 + 2);
}

TEST_F(JobRun, IsShownByOnePageThatNeedsNothingElse) {
  out_.write("prompts.txt", "a </script><b>\nit's \"quoted\"\n\xc3\xa9\n");
  ASSERT_EQ(draw("job", {"--seed-mode", "image", "--scale", "3"}).exit_code, 0);
  const Finished made = job("gallery", "job");
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(made.out, "job/gallery.html\n");
  const std::string page = read_file(out_ / "job/gallery.html");
  EXPECT_EQ(page.find("http:"), std::string::npos);
  EXPECT_EQ(page.find("https:"), std::string::npos);
  const std::string start = "type=\"application/json\">";
  const size_t begin = page.find(start) + start.size();
  const json pictures = json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  ASSERT_EQ(pictures.size(), 3U);
  EXPECT_EQ(pictures[0]["f"], "samples/000000.png");
  EXPECT_EQ(pictures[0]["p"], "a </script><b>");
  EXPECT_EQ(pictures[1]["s"], "43");
  const std::string command = pictures[1]["c"];
  EXPECT_NE(command.find("--prompt 'it'\\''s \"quoted\"'"), std::string::npos) << command;
  EXPECT_NE(command.find(" --scale 3 "), std::string::npos) << command;
  EXPECT_NE(command.find(" --seed 43 "), std::string::npos) << command;
}

TEST_F(JobRun, GivesCommandsThatDrawItsPictures) {
  write_prompts(2);
  ASSERT_EQ(draw("job", {"--seed-mode", "image", "--n_samples", "1"}).exit_code, 0);
  ASSERT_EQ(job("gallery", "job").exit_code, 0);
  const std::string page = read_file(out_ / "job/gallery.html");
  const size_t begin = page.rfind("\"c\":\"sd ") + 8;
  const std::string command = page.substr(begin, page.find('"', begin) - begin);
  const std::string line = "cd '" + out_.path().string() + "' && '" SD_PROGRAM "' " + command +
                           " --ckpt model/model.safetensors --config model/model.yaml"
                           " --outdir again --skip_grid --safety off -q >/dev/null 2>&1";
  ASSERT_EQ(std::system(line.c_str()), 0) << line;
  EXPECT_EQ(read_image(out_ / "again/samples/00000.png").rgb,
            read_image(out_ / "job/samples/000001.png").rgb);
}

TEST_F(JobRun, SaysThatAFolderIsNoJob) {
  for (const char* part : {"status", "verify", "merge", "gallery"}) {
    expect_failure(job(part, "model"), 3, "is not a job");
  }
}

TEST_F(JobRun, WritesOneLineAPictureForDataSets) {
  ASSERT_EQ(
      draw_here("txt2img", {"--n_iter", "2", "--metadata-jsonl", "--format", "jpg"}).exit_code, 0);
  const Words lines = lines_of(read_file(out_ / "out/samples/metadata.jsonl"));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(json::parse(lines[1])["file_name"], "00001.jpg");
  EXPECT_TRUE(fs::exists(out_ / "out/samples/00001.jpg"));
}

TEST_F(JobRun, WritesTarsWithoutAJobToo) {
  ASSERT_EQ(draw_here("txt2img", {"--n_iter", "5", "--sink", "tar", "--block", "2"}).exit_code, 0);
  EXPECT_EQ(names(files("out")), (Words{"00000.json", "00000.tar", "00001.json", "00001.tar",
                                        "00002.json", "00002.tar"}));
}

}  // namespace
}  // namespace sd::test
