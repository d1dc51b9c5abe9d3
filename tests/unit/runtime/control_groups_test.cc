// Limits out of trees that stand for a machine: /proc and the control groups' file systems, as the
// kernel's documents (cgroup-v1, cgroup-v2) and proc(5) describe them.

#include "runtime/control_groups.h"

#include <gtest/gtest.h>

#include "runtime/free_memory.h"
#include "support/tiny_model.h"

namespace sd {
using namespace runtime;

namespace {

using test::TempFolder;

constexpr int64_t kMebibyte = int64_t{1} << 20;

/// A machine of 8 GiB; a test adds groups to it.
class Tree {
 public:
  Tree(const std::string& groups, const std::string& mounts) {
    write("proc/self/cgroup", groups);
    write("proc/self/mountinfo", "22 1 254:0 / / rw,relatime - ext4 /dev/root rw\n" + mounts);
    write("proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\nSwapFree: 9999999 kB\n");
  }
  void write(const std::string& file, const std::string& text) { folder_.write(file, text); }
  void memory2(const std::string& group, const std::string& max, const std::string& high,
               int64_t used, int64_t files = 0) {
    const std::string folder = "sys/fs/cgroup" + group + "/memory.";
    write(folder + "max", max + "\n");
    write(folder + "high", high + "\n");
    write(folder + "current", std::to_string(used) + "\n");
    write(folder + "stat", "anon 5\ninactive_file " + std::to_string(files) + "\n");
  }
  void memory1(const std::string& folder, const std::string& limit, int64_t used,
               const std::string& hierarchical) {
    write(folder + "/memory.limit_in_bytes", limit + "\n");
    write(folder + "/memory.memsw.limit_in_bytes", "1\n");  // swap: not looked at
    write(folder + "/memory.usage_in_bytes", std::to_string(used) + "\n");
    write(folder + "/memory.stat", "cache 1\nhierarchical_memory_limit " + hierarchical +
                                       "\ninactive_file 1\ntotal_inactive_file 1048576\n");
  }
  const std::filesystem::path& root() const { return folder_.path(); }

 private:
  TempFolder folder_;
};

constexpr const char* kV2Mount = "30 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
constexpr const char* kNone1 = "9223372036854771712";

TEST(GroupLimits, NothingLimitsAProcessOutsideOfGroups) {
  const Tree tree("", "");
  const GroupLimits limits = group_limits(tree.root());
  EXPECT_EQ(limits.memory, GroupLimits::kNone);
  EXPECT_EQ(limits.free_memory, GroupLimits::kNone);
  EXPECT_TRUE(std::isinf(limits.cpus));
  EXPECT_EQ(total_memory(tree.root()), 8192 * kMebibyte);
  EXPECT_EQ(free_memory(tree.root()), 6144 * kMebibyte);
}

TEST(GroupLimits, OfVersion2AreTheLeastOfTheGroupsAbove) {
  Tree tree("0::/user.slice/job\n", kV2Mount);
  tree.memory2("/user.slice/job", "max", "max", 100 * kMebibyte);
  tree.memory2("/user.slice", std::to_string(2048 * kMebibyte), "max", 1024 * kMebibyte,
               24 * kMebibyte);
  tree.write("sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n");
  tree.write("sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
  const GroupLimits limits = group_limits(tree.root());
  EXPECT_EQ(limits.memory, 2048 * kMebibyte);
  EXPECT_EQ(limits.free_memory, 1048 * kMebibyte);
  EXPECT_EQ(limits.cpus, 1.5);
  EXPECT_EQ(total_memory(tree.root()), 2048 * kMebibyte);
  EXPECT_EQ(free_memory(tree.root()), 1048 * kMebibyte);
}

TEST(GroupLimits, MemoryHighIsALimitToo) {
  Tree tree("0::/job\n", kV2Mount);
  tree.memory2("/job", "max", std::to_string(120 * kMebibyte), 20 * kMebibyte);
  EXPECT_EQ(group_limits(tree.root()).free_memory, 100 * kMebibyte);
  tree.memory2("/job", std::to_string(90 * kMebibyte), std::to_string(120 * kMebibyte),
               95 * kMebibyte);
  EXPECT_EQ(group_limits(tree.root()).memory, 90 * kMebibyte);
  EXPECT_EQ(group_limits(tree.root()).free_memory, 0);  // and not below
}

TEST(GroupLimits, OfVersion1AreFoundByTheirControllers) {
  Tree tree("5:memory:/batch/job\n4:cpu,cpuacct:/batch\n1:name=systemd:/elsewhere\n",
            "33 22 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
            "34 22 0:30 / /sys/fs/cgroup/mem\\040ory rw shared:9 - cgroup cgroup rw,memory\n"
            "35 22 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n");
  const std::string memory = "sys/fs/cgroup/mem ory";
  tree.memory1(memory + "/batch/job", kNone1, 10 * kMebibyte, kNone1);
  tree.memory1(memory + "/batch", std::to_string(512 * kMebibyte), 12 * kMebibyte, kNone1);
  tree.memory1(memory, kNone1, 4096 * kMebibyte, kNone1);
  tree.write("sys/fs/cgroup/cpu,cpuacct/batch/cpu.cfs_quota_us", "50000\n");
  tree.write("sys/fs/cgroup/cpu,cpuacct/batch/cpu.cfs_period_us", "100000\n");
  tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  const GroupLimits limits = group_limits(tree.root());
  EXPECT_EQ(limits.memory, 512 * kMebibyte);
  EXPECT_EQ(limits.free_memory, 501 * kMebibyte);
  EXPECT_EQ(limits.cpus, 0.5);
}

TEST(GroupLimits, OfVersion1CountThoseAboveThatCannotBeSeen) {
  Tree tree("3:memory:/docker/abc\n",
            "40 22 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  tree.memory1("sys/fs/cgroup/memory", kNone1, 10 * kMebibyte, std::to_string(64 * kMebibyte));
  EXPECT_EQ(group_limits(tree.root()).memory, 64 * kMebibyte);
  EXPECT_EQ(group_limits(tree.root()).free_memory, 55 * kMebibyte);
}

TEST(GroupLimits, OfAContainerStandAtItsMountPoint) {
  // The group's name as seen from outside and from within; a group that is moved out of the view.
  for (const char* group : {"/docker/abc", "/", "/../other"}) {
    Tree tree(std::string("0::") + group + "\n",
              "31 22 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw,nsdelegate\n");
    tree.memory2("", std::to_string(256 * kMebibyte), "max", 56 * kMebibyte);
    tree.write("sys/fs/cgroup/cpu.max", "200000 100000\n");
    EXPECT_EQ(group_limits(tree.root()).free_memory, 200 * kMebibyte) << group;
    EXPECT_EQ(group_limits(tree.root()).cpus, 2.0) << group;
  }
}

TEST(GroupLimits, OfBothVersionsAtOnceAreTheLeast) {
  Tree tree("4:memory:/a\n2:cpu:/\n0::/b\n",
            std::string("33 22 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                        "34 22 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                        "35 22 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"));
  tree.memory1("sys/fs/cgroup/memory/a", std::to_string(300 * kMebibyte), 1 * kMebibyte, kNone1);
  tree.write("sys/fs/cgroup/unified/b/cpu.max", "max 100000\n");
  tree.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n");
  tree.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(group_limits(tree.root()).memory, 300 * kMebibyte);
  EXPECT_EQ(group_limits(tree.root()).cpus, 3.0);
}

TEST(GroupLimits, OddTextsAreNoLimits) {
  Tree tree("0::/job\nnonsense\n:::\n", std::string("short - cgroup2\n") + kV2Mount + "\n - \n");
  tree.write("sys/fs/cgroup/job/memory.max", "\n");
  tree.write("sys/fs/cgroup/job/memory.current", "many\n");
  tree.write("sys/fs/cgroup/job/cpu.max", "100000 0\n");
  EXPECT_EQ(group_limits(tree.root()).memory, GroupLimits::kNone);
  EXPECT_TRUE(std::isinf(group_limits(tree.root()).cpus));
}

TEST(GroupLimits, OfThisMachineAreRead) {
  EXPECT_GT(group_limits().memory, kMebibyte);
  EXPECT_GT(free_memory(), 0);
  EXPECT_GT(total_memory(), kMebibyte);
}

TEST(FreeMemory, IsReadFromTheKernelsTexts) {
  EXPECT_EQ(memory_value("MemFree: 12 kB\nMemAvailable:   34 kB\n", "MemAvailable"), 34 * 1024);
  EXPECT_EQ(memory_value("anon 5\ninactive_file 77\n", "inactive_file"), 77);
  EXPECT_EQ(memory_value("anon 5\n", "inactive_file"), -1);
}

}  // namespace
}  // namespace sd
