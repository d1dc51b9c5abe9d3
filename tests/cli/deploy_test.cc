// The files of deploy/: what they make of exit codes, with programs and engines that are none.

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "cli/run_program.h"
#include "cli/tmux.h"

namespace sd::test {
namespace {

const std::string kSource = SD_SOURCE_DIR;

class Deploy : public ::testing::Test {
 protected:
  void write_script(const std::string& name, const std::string& text) const {
    std::filesystem::permissions(folder_.write(name, "#!/bin/bash\n" + text),
                                 std::filesystem::perms::owner_all);
  }
  /// Runs a command in the folder, whose programs come first; what it printed last is its exit
  /// code.
  std::string run(const std::string& command) const {
    const std::string folder = in_quotes(folder_.path().string());
    return output_of("cd " + folder + " && export PATH=" + folder + ":$PATH SD=" + folder +
                     "/program; " + command + "; echo $?");
  }
  TempFolder folder_;
};

TEST_F(Deploy, SlurmRunsATaskAgainThatWasWarned) {
  write_script("scontrol", "echo $@ >>asked\n");
  write_script("program",
               "trap 'exit 75' USR1\n[ -z \"${CODE:-}\" ] || exit $CODE\ntouch runs\n"
               "while :; do sleep 0.02; done\n");
  const std::string task = "env PROMPTS=p JOB=j SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=3 bash '" +
                           kSource + "/deploy/slurm.sbatch'";
  EXPECT_EQ(run("CODE=75 " + task), "0\n");
  EXPECT_EQ(read_file(folder_ / "asked"), "requeue 7_3\n");
  std::filesystem::remove(folder_ / "asked");
  EXPECT_EQ(run("CODE=2 " + task), "2\n");
  const auto signalled = [&](const std::string& signal) {
    std::filesystem::remove(folder_ / "runs");
    return run(task + " & task=$!; until [ -e runs ]; do sleep 0.02; done; kill -" + signal +
               " $task; wait $task");
  };
  EXPECT_EQ(signalled("TERM"), "75\n");  // scancel: nobody wants it again
  EXPECT_FALSE(std::filesystem::exists(folder_ / "asked"));
  EXPECT_EQ(signalled("USR1"), "0\n");
  EXPECT_EQ(read_file(folder_ / "asked"), "requeue 7_3\n");
}

TEST_F(Deploy, ParallelEndsWithACodeOfTheTable) {
  if (!has_command("parallel")) GTEST_SKIP() << "GNU parallel is not installed";
  write_script("program",
               "for word; do [ \"${before:-}\" = --shard ] && shard=$word; before=$word; done\n"
               "echo $shard >>runs\ncase $shard in 0/*) exit $FIRST ;; *) exit $SECOND ;; esac\n");
  const auto code = [&](int first, int second) {
    std::filesystem::remove(folder_ / "runs");
    return run("FIRST=" + std::to_string(first) + " SECOND=" + std::to_string(second) + " '" +
               kSource + "/deploy/parallel.sh' 2 p j --negative-prompt 'a b' 2>log");
  };
  EXPECT_EQ(code(0, 0), "0\n");
  EXPECT_EQ(code(2, 0), "2\n");
  EXPECT_EQ(code(3, 75), "3\n");
  EXPECT_EQ(code(75, 0), "75\n");
  EXPECT_EQ(lines_of(read_file(folder_ / "runs")).size(), 6U);  // five times, and once
}

/// The codes in the rows of docs/jobs.md whose cell for Kubernetes says so.
std::set<std::string> codes_of(const std::string& word) {
  std::set<std::string> codes;
  for (const std::string& line : lines_of(read_file(kSource + "/docs/jobs.md"))) {
    std::smatch row;
    // | code | meaning | Slurm | Kubernetes | GNU parallel |
    static const std::regex kRow(R"(^\| ([\d, ]+) \|[^|]*\|[^|]*\| ([^|]*) \|[^|]*\|$)");
    if (!std::regex_match(line, row, kRow) || row[2].str().find(word) == std::string::npos)
      continue;
    std::istringstream all(row[1].str());
    for (std::string code; all >> code;) codes.insert(code.substr(0, code.find(',')));
  }
  return codes;
}

TEST_F(Deploy, KubernetesKnowsTheCodesOfTheTable) {
  const std::string file = read_file(kSource + "/deploy/kubernetes-job.yaml");
  const std::regex rule(
      R"(action: (\w+)\n\s*onExitCodes: \{containerName: sd, operator: In, values: \[([\d, ]+)\]\})");
  std::map<std::string, int> rules;
  for (std::sregex_iterator at(file.begin(), file.end(), rule), end; at != end; ++at) {
    const std::string action = (*at)[1];
    ++rules[action];
    std::set<std::string> codes;
    std::istringstream all((*at)[2].str());
    for (std::string code; all >> code;) codes.insert(code.substr(0, code.find(',')));
    EXPECT_EQ(codes, codes_of("`" + action + "`")) << action;
  }
  EXPECT_EQ(rules, (std::map<std::string, int>{{"FailIndex", 2}, {"Ignore", 2}}));
}

TEST_F(Deploy, HasScriptsThatAShellReads) {
  for (const char* script : {"parallel.sh", "slurm.sbatch"}) {
    EXPECT_EQ(output_of("bash -n '" + kSource + "/deploy/" + script + "'"), "") << script;
  }
}

}  // namespace
}  // namespace sd::test
