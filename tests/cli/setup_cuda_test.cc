// sd setup-cuda: it says where it writes and how much, asks, and leaves nothing half done. A
// program in place of pip gives it small wheels; there is no network.

#include <set>

#include "cli/small_model.h"
#include "cli/tmux.h"
#include "support/variable.h"

namespace sd::test {
namespace {

namespace fs = std::filesystem;

class SetupCuda : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_command("python3") || !has_command("unzip")) {
      GTEST_SKIP() << "python3 or unzip is not installed";
    }
    make_wheel("torch", {"torch/lib/libtorch_cuda.so", "torch/lib/libtorch_cpu.so",
                         "torch/lib/libtorch_python.so", "torch/lib/libmore.so", "torch/other.so"});
    make_wheel("nvidia", {"nvidia/cu13/lib/libcublas.so.13"});
    set_pip("while [ $# -gt 0 ]; do [ \"$1\" = --dest ] && to=$2; shift; done\ncp " +
            in_quotes(folder_.path().string()) + "/*.whl \"$to\"\n");
  }

  /// What the program in place of pip does.
  void set_pip(const std::string& commands) {
    const auto pip = folder_.write("bin/pip3", "#!/bin/sh\n" + commands);
    fs::permissions(pip, fs::perms::owner_all);
  }

  Finished set_up(Words more) const {
    more.insert(more.begin(), {"setup-cuda", "--to", to()});
    return run(more);
  }
  std::string to() const { return (folder_ / "to").string(); }

  /// The names in the folder, hidden ones, too.
  std::set<std::string> written() const {
    std::set<std::string> names;
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator(to(), absent)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  TempFolder folder_;
  Variable path_ = {"PATH", (folder_ / "bin").string() + ":" + ::getenv("PATH")};

 private:
  void make_wheel(const std::string& name, const Words& files) {
    for (const std::string& file : files) folder_.write(name + "/" + file, "x");
    output_of("cd " + in_quotes((folder_ / name).string()) + " && python3 -m zipfile -c ../" +
              name + ".whl *");
  }
};

TEST_F(SetupCuda, SaysWhatItWritesAndWantsConsent) {
  const Finished asked = set_up({});
  EXPECT_EQ(asked.exit_code, 2) << asked.err;
  EXPECT_NE(asked.err.find("writes about 3.5 GB into " + to()), std::string::npos) << asked.err;
  EXPECT_NE(asked.err.find("hint: use sd setup-cuda --yes"), std::string::npos) << asked.err;
  EXPECT_TRUE(written().empty());
}

TEST_F(SetupCuda, PutsWhatTheProgramLacksIntoTheFolder) {
  if (fs::space(folder_.path()).available < 7'000'000'000) {
    EXPECT_EQ(set_up({"--yes"}).exit_code, 3);
    GTEST_SKIP() << "too little space";
  }
  const Finished done = set_up({"--yes"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  std::set<std::string> names = written();
  names.erase("libtorch_cuda.so");  // a source tree may have it already
  EXPECT_EQ(names, (std::set<std::string>{"libcublas.so.13", "libmore.so"}));
  EXPECT_NE(done.err.find("SD_CUDA_DIR=" + to()), std::string::npos) << done.err;
}

TEST_F(SetupCuda, LeavesNothingWhereItFails) {
  set_pip("exit 1\n");
  EXPECT_EQ(set_up({"--yes"}).exit_code, 3);
  EXPECT_TRUE(written().empty());
}

TEST_F(SetupCuda, AsksOnATerminal) {
  if (!Tmux::is_installed()) GTEST_SKIP() << "tmux is not installed";
  const Tmux tmux("cd " + in_quotes(folder_.path().string()) + " && " + SD_PROGRAM +
                      " setup-cuda --to to; echo ENDED $?; sleep 60",
                  100);
  tmux.screen_with("[y/N]");
  tmux.press("n Enter");
  const std::string ended = tmux.screen_with("ENDED 0");
  EXPECT_NE(ended.find("nothing was written"), std::string::npos) << ended;
  EXPECT_TRUE(written().empty());
}

TEST_F(SetupCuda, LinksAnInstalledTorchOfItsVersion) {
  const auto write_version = [&](const std::string& version) {
    folder_.write("torch/torch/version.py", "__version__ = '" + version + "+cu130'\n");
    return set_up({"--from", (folder_ / "torch").string()});
  };
  expect_failure(write_version("1.0.0"), 3, "has torch 1.0.0, and this program needs 2.11.0");
  EXPECT_TRUE(written().empty());
  const Finished done = write_version("2.11.0");
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(fs::is_symlink(folder_ / "to/libmore.so"));
  EXPECT_FALSE(fs::exists(folder_ / "to/libtorch_cpu.so"));
}

}  // namespace
}  // namespace sd::test
