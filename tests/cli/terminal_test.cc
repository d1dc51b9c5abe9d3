// What a terminal gets to see: nothing that a file or its name could steer it with.

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/small_model.h"

namespace sd::test {
using namespace image;

namespace {

/// Each kind of what a terminal must not get: ESC, BEL, CSI as C1, a change of direction.
const std::string kHostile = "x\x1b[31m\x07\u009b1m\u202e";
const std::string kShown = "x\\x1B[31m\\x07\\xC2\\x9B1m\\xE2\\x80\\xAE";

bool is_clean(const std::string& text) {
  for (const char* part : {"\x1b", "\x07", "\u009b", "\u202e"}) {
    if (text.find(part) != std::string::npos) return false;
  }
  return true;
}

/// A terminal, seen from its other side.
class Terminal {
 public:
  Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    grantpt(master_);
    unlockpt(master_);
    path_ = ptsname(master_);
    slave_ = open(path_.c_str(), O_RDWR | O_NOCTTY);  // so that it does not hang up
  }
  ~Terminal() {
    close(slave_);
    close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  const std::string& path() const { return path_; }
  /// What was written to it, once that is there, or after a while without it: the bytes may come
  /// after the end of the program that wrote them.
  std::string text_with(const std::string& part) const {
    constexpr int kPatience = 60'000;  // milliseconds
    std::string text, piece(4096, '\0');
    pollfd wait = {master_, POLLIN, 0};
    while (text.find(part) == std::string::npos && poll(&wait, 1, kPatience) > 0) {
      const ssize_t count = read(master_, piece.data(), piece.size());
      if (count <= 0) break;
      text.append(piece, 0, static_cast<size_t>(count));
    }
    return text;
  }

 private:
  int master_;
  int slave_ = -1;
  std::string path_;
};

class TerminalText : public SmallModel {};

TEST_F(TerminalText, HasNoControlsOfFileNames) {
  const std::string name = (out_ / (kHostile + ".png")).string();
  const std::vector<Words> commands = {{"show", name},
                                       {"show", "--json", name},
                                       {"replay", name},
                                       {"watermark", name},
                                       {"inspect", name},
                                       {"tokenize", "--jsonl", name},
                                       {"convert", name, name + ".ckpt"},
                                       {"random-checkpoint", name, "--config", name},
                                       {"txt2img", "--config", name},
                                       {"txt2img", "--ckpt", name},
                                       {"txt2img", "--H", "1", "--from-file", name},
                                       {"txt2img", "--safety", "black", "--safety-ckpt", name},
                                       {"txt2img", "--device", name},
                                       {"txt2img", kHostile},
                                       {"txt2img", "--" + kHostile},
                                       {"img2img", "--init-img", name},
                                       {kHostile}};
  for (const Words& words : commands) {
    SCOPED_TRACE(words[0] + " " + (words.size() > 1 ? words[1] : ""));
    for (const char* content : {"", "\x89PNG\r\n\x1a\nhalf of one"}) {
      std::filesystem::remove(name);
      if (*content != 0) out_.write(kHostile + ".png", content);
      const Finished done = run(words);
      EXPECT_NE(done.exit_code, 0);
      EXPECT_TRUE(is_clean(done.out + done.err)) << done.out << done.err;
    }
  }
  EXPECT_NE(run({"show", name}).err.find(kShown), std::string::npos);
}

TEST_F(TerminalText, HasNoControlsOfAPicturesTexts) {
  PngMetadata metadata;
  metadata.add("parameters", "a cat " + kHostile + "\nSteps: 2");
  metadata.add("Comment", kHostile);
  const auto path = out_ / (kHostile + ".png");
  ASSERT_EQ(write_png(path, Image(8, 8), metadata), WriteOutcome::kWritten);
  const Finished text = run({"show", path.string()});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_TRUE(is_clean(text.out)) << text.out;
  EXPECT_NE(text.out.find("\n  a cat " + kShown + "\n  Steps: 2\n"), std::string::npos) << text.out;
  const Finished json = run({"show", "--json", path.string()});
  EXPECT_EQ(json.exit_code, 0) << json.err;
  EXPECT_TRUE(is_clean(json.out)) << json.out;
  EXPECT_EQ(nlohmann::json::parse(json.out).at("texts").at("Comment"), kHostile);
}

TEST_F(TerminalText, HasNoControlsOfPromptsAndTokens) {
  const Finished tokens = run({"tokenize", kHostile});
  EXPECT_EQ(tokens.exit_code, 0) << tokens.err;
  EXPECT_TRUE(is_clean(tokens.out)) << tokens.out;
  std::string longer = kHostile;
  for (int i = 0; i < 90; ++i) longer += " " + kHostile;
  const Finished done = draw({"--prompt", longer});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(is_clean(done.err)) << done.err;
}

TEST_F(TerminalText, ShowsPathsThatScriptsGetAsTheyAre) {
  const std::string outdir = (out_ / kHostile).string();
  const Finished piped = draw({"--outdir", outdir, "--skip_grid", "--n_samples", "1"});
  EXPECT_EQ(piped.out, outdir + "/samples/00000.png\n");
  EXPECT_TRUE(is_clean(piped.err)) << piped.err;
  const Terminal terminal;
  const Finished shown = run(arguments({"--outdir", outdir, "--skip_grid", "--n_samples", "1"}), "",
                             "", terminal.path());
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  const std::string path = kShown + "/samples/00001.png";
  const std::string text = terminal.text_with(path);
  EXPECT_TRUE(is_clean(text)) << text;
  EXPECT_NE(text.find(path), std::string::npos) << text;
}

}  // namespace
}  // namespace sd::test
