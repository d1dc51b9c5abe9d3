// What limits a process (control groups of version 1, ulimit) and what befalls its files, as the
// program meets it.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/small_model.h"
#include "support/ulimit.h"

namespace sd::test {
using namespace image;

namespace {

nlohmann::json cpu_of_devices() {
  const Finished found = run({"devices", "--json"});
  EXPECT_EQ(found.exit_code, 0) << found.err;
  return nlohmann::json::parse(found.out).at("cpu");
}

/// A control group of version 1 that this process is in, where the machine and the user allow it.
class Group {
 public:
  explicit Group(const std::string& controller) : top_("/sys/fs/cgroup/" + controller) {
    for (const std::string& line : lines_of(read_file("/proc/self/cgroup"))) {
      const size_t name = line.find(":" + controller + ":");
      if (name != std::string::npos) home_ = top_ + line.substr(name + controller.size() + 2);
    }
    path_ = top_ + "/sd-test-" + std::to_string(::getpid());
    made_ = !home_.empty() && ::mkdir(path_.c_str(), 0755) == 0;
  }
  ~Group() {
    if (!made_) return;
    write(home_ + "/cgroup.procs", "0");
    ::rmdir(path_.c_str());
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  bool set(const std::string& file, const std::string& value) const {
    return made_ && write(path_ + "/" + file, value);
  }
  bool enter() const { return made_ && write(path_ + "/cgroup.procs", "0"); }

 private:
  static bool write(const std::string& file, const std::string& value) {
    std::ofstream stream(file);
    return static_cast<bool>(stream << value << std::flush);
  }

  std::string top_, home_, path_;
  bool made_ = false;
};

TEST(Limits, MemoryOfAControlGroupOfVersion1) {
  const Group group("memory");
  if (!group.set("memory.limit_in_bytes", "1073741824") || !group.enter()) {
    GTEST_SKIP() << "no control groups of version 1 that this user may make";
  }
  const auto cpu = cpu_of_devices();
  EXPECT_EQ(cpu.at("total_bytes"), uint64_t{1} << 30);
  EXPECT_LT(cpu.at("free_bytes"), uint64_t{1} << 30);
  EXPECT_GT(cpu.at("free_bytes"), uint64_t{1} << 28);
}

TEST(Limits, ProcessorTimeOfAControlGroupOfVersion1) {
  const Group group("cpu");
  if (!group.set("cpu.cfs_period_us", "100000") || !group.set("cpu.cfs_quota_us", "80000") ||
      !group.enter()) {
    GTEST_SKIP() << "no control groups of version 1 that this user may make";
  }
  EXPECT_EQ(cpu_of_devices().at("usable_cpus"), 1);
}

TEST(Limits, AddressSpaceAndData) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer needs its addresses";
#endif
  constexpr uint64_t kLimit = uint64_t{4} << 30;
  for (const __rlimit_resource resource : {RLIMIT_AS, RLIMIT_DATA}) {
    const Ulimit limit(resource, kLimit);
    const auto cpu = cpu_of_devices();
    EXPECT_LE(cpu.at("total_bytes"), kLimit) << resource;
    EXPECT_LT(cpu.at("free_bytes"), kLimit) << resource;
    EXPECT_GT(cpu.at("free_bytes"), kLimit / 8) << resource;
  }
}

class LimitsOfARun : public SmallModel {};

TEST_F(LimitsOfARun, ItDrawsInALimitedAddressSpace) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer needs its addresses";
#endif
  const Ulimit limit(RLIMIT_AS, uint64_t{4} << 30);
  const Finished drawn = draw();
  EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
}

TEST_F(LimitsOfARun, ACheckpointWithoutRoomIsALackOfMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer needs its addresses";
#endif
  const std::string large = (out_ / "large.safetensors").string();
  std::filesystem::copy_file(checkpoint(), large);
  std::filesystem::resize_file(large, uint64_t{8} << 30);  // a hole: it takes no room on the disk
  const Ulimit limit(RLIMIT_AS, uint64_t{4} << 30);
  expect_failure(draw({"--ckpt", large, "--config", config()}), 5, "out of memory");
}

TEST_F(LimitsOfARun, ACheckpointThatIsCutEndsItWithWhatIsDrawn) {
  const std::string cut = (out_ / "cut.safetensors").string();
  std::filesystem::copy_file(checkpoint(), cut);
  const Words more = {"--ckpt", cut, "--config", config(), "--n_samples", "1"};
  auto words = arguments(more);
  words.insert(words.end(), {"--n_iter", "1500", "--n_rows", "40"});
  Program program(words);
  ASSERT_TRUE(program.wait_for_line()) << program.err();
  std::filesystem::resize_file(cut, 4096);
  EXPECT_EQ(program.wait(), 3) << program.err();
  EXPECT_EQ(count_lines(program.err(), "error: "), 1) << program.err();
  EXPECT_NE(program.err().find("found 4096"), std::string::npos) << program.err();
  EXPECT_TRUE(std::filesystem::exists(out_ / "out/grid-0000.png"));

  // No picture holds what was computed with zeros.
  const int pictures = count_lines(program.out(), (out_ / "out/samples").string());
  const Finished whole = draw({"--outdir", (out_ / "again").string(), "--n_samples", "1",
                               "--skip_grid", "--n_iter", std::to_string(pictures)});
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const auto paths = lines_of(whole.out);
  ASSERT_EQ(static_cast<int>(paths.size()), pictures);
  EXPECT_EQ(read_image(paths.back()), sample(pictures - 1));
}

}  // namespace
}  // namespace sd::test
