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
  for (const char* script :
       {"scripts/package", "scripts/package_test", "scripts/setup", "scripts/trim_icu"}) {
    EXPECT_EQ(output_of("bash -n " + kSource + "/" + script), "") << script;
  }
  EXPECT_NE(output_of(kSource + "/scripts/package 2>&1; echo $?").find("needs --out DIR\n2\n"),
            std::string::npos);
}

}  // namespace
}  // namespace sd::test
