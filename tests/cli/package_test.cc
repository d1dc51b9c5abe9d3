// The cheap parts of packing: the list of what is in a package, and its scripts. The rest is
// scripts/package_test.

#include <regex>
#include <set>

#include "cli/run_program.h"
#include "cli/tmux.h"

namespace sd::test {
namespace {

using nlohmann::json;

const std::string kSource = SD_SOURCE_DIR;

TEST(Package, ListsEveryPinnedWheelAndCompiledLibrary) {
  if (!has_command("python3")) GTEST_SKIP() << "python3 is not installed";
  const std::string printed = output_of(kSource + "/scripts/sbom --version 1.2.3 --epoch 0");
  const json list = json::parse(printed);
  EXPECT_EQ(list["spdxVersion"], "SPDX-2.3");
  EXPECT_EQ(list["creationInfo"]["created"], "1970-01-01T00:00:00Z");
  std::set<std::string> pins;
  for (const json& package : list["packages"]) {
    pins.insert(package["name"].get<std::string>() +
                "==" + package["versionInfo"].get<std::string>());
    EXPECT_NE(package["licenseDeclared"], "") << package;
  }
  const std::regex pin(R"(^[\w.-]+==[\w.]+)");
  int found = 0;
  for (const std::string& line : lines_of(read_file(kSource + "/third_party/requirements.txt"))) {
    std::smatch match;
    if (!std::regex_search(line, match, pin)) continue;
    ++found;
    EXPECT_EQ(pins.count(match[0].str()), 1U) << match[0];
  }
  EXPECT_GE(found, 5);
  EXPECT_EQ(pins.count("stable-diffusion-cli==1.2.3"), 1U);
  EXPECT_EQ(list["relationships"].size(), list["packages"].size());
}

TEST(Package, HasScriptsThatAShellReads) {
  for (const char* script : {"packaging/postinst", "packaging/prerm", "packaging/sd-with-torch"}) {
    EXPECT_EQ(output_of("sh -n " + kSource + "/" + script), "") << script;
  }
  for (const char* script : {"scripts/package", "scripts/package_test", "scripts/setup",
                             "scripts/trim_icu", "scripts/copy_libraries"}) {
    EXPECT_EQ(output_of("bash -n " + kSource + "/" + script), "") << script;
  }
  EXPECT_NE(output_of(kSource + "/scripts/package 2>&1; echo $?").find("needs --out DIR\n2\n"),
            std::string::npos);
}

/// strip breaks a library that patchelf has changed, and so an order counts.
TEST(Package, LoadsTheLibraryThatItTrims) {
  const std::string script = read_file(kSource + "/scripts/package");
  EXPECT_LT(script.find("strip --strip-unneeded"), script.find("patchelf --set-rpath"));
  EXPECT_NE(script.find("patchelf --set-rpath"), std::string::npos);
  for (const char* tool : {"icupkg", "genccode", "patchelf", "gcc", "python3"}) {
    if (!has_command(tool)) GTEST_SKIP() << tool << " is not installed";
  }
  const TempFolder folder;
  EXPECT_EQ(output_of("set -e; cd " + in_quotes(folder.path().string()) +
                      "; library=$(ls /usr/lib/*/libicudata.so.?? | head -n 1); '" + kSource +
                      "/scripts/trim_icu' $library ./trimmed.so; strip --strip-unneeded trimmed.so;"
                      " patchelf --set-rpath '$ORIGIN' trimmed.so;"
                      " python3 -c 'import ctypes; ctypes.CDLL(\"./trimmed.so\")'"),
            "");
}

/// The words behind `start` in a text, up to one that ends a command; without flags.
std::vector<std::string> words_behind(const std::string& text, const std::string& start) {
  std::vector<std::string> words;
  const size_t begin = text.find(start);
  if (begin == std::string::npos) return words;
  std::istringstream stream(text.substr(begin + start.size()));
  for (std::string word; stream >> word && word != "&&" && word != ";";) {
    if (word.front() != '-') words.push_back(word);
  }
  return words;
}

/// What scripts/container_test runs by hand, and a container's build.
TEST(Container, HasStepsThatAreKnownAndNameWhatIsThere) {
  if (!has_command("python3")) GTEST_SKIP() << "python3 is not installed";
  const auto listed = lines_of(read_file(kSource + "/third_party/apt.txt"));
  const std::set<std::string> packages(listed.begin(), listed.end());
  int runs = 0;
  for (const std::string& step : lines_of(output_of(kSource + "/scripts/container_test --steps"))) {
    const std::regex known("^[12]\t(FROM|COPY|WORKDIR|ARG|RUN|ENTRYPOINT)\t.+");
    EXPECT_TRUE(std::regex_search(step, known)) << step;
    if (step.find("\tRUN\t") == std::string::npos) continue;
    ++runs;
    for (const std::string& package : words_behind(step, "apt-get install")) {
      EXPECT_EQ(packages.count(package), 1U) << package;
    }
    std::smatch script;
    if (!std::regex_search(step, script, std::regex("\tRUN\t(scripts/\\w+)(.*)"))) continue;
    EXPECT_TRUE(std::filesystem::exists(kSource + "/" + script[1].str())) << step;
  }
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(output_of(kSource + "/scripts/setup --help | grep -c -- --package"), "1\n");
}

TEST(Container, GetsNothingThatGitDoesNotHave) {
  const auto left_out = lines_of(read_file(kSource + "/.dockerignore"));
  const std::set<std::string> patterns(left_out.begin(), left_out.end());
  for (const std::string& line : lines_of(read_file(kSource + "/.gitignore"))) {
    if (line.empty() || line.front() == '#') continue;
    std::string pattern = line.front() == '/' ? line.substr(1) : "**/" + line;
    if (pattern.back() == '/') pattern.pop_back();
    EXPECT_EQ(patterns.count(pattern), 1U) << ".dockerignore lacks " << pattern;
  }
}

}  // namespace
}  // namespace sd::test
