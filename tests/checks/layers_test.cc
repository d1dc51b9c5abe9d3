// Who includes whom, against the rows of CONTRIBUTING.md: a module includes itself and
// modules on lower rows.

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "checks/source_files.h"

namespace sd::test {
namespace {

/// The rows, lowest first.
const std::vector<std::vector<std::string>> kRows = {
    {"base"},   {"runtime"}, {"kernels", "weights"}, {"nn", "text", "sampling", "image"},
    {"models"}, {"safety"},  {"pipeline"},           {"job"},
    {"cli"},
};

/// Public headers are part of a module, too: the plain types of the lowest, the rest of the highest
/// that they speak of.
const std::map<std::string, std::string> kPublicHeaders = {
    {"sd/error.h", "base"},        {"sd/hires_settings.h", "base"},
    {"sd/image.h", "base"},        {"sd/inpainting.h", "base"},
    {"sd/noise_place.h", "base"},  {"sd/options.h", "base"},
    {"sd/progress.h", "base"},     {"sd/prompt_settings.h", "base"},
    {"sd/safety.h", "base"},       {"sd/sampler_knobs.h", "base"},
    {"sd/settings.h", "base"},     {"sd/request.h", "pipeline"},
    {"sd/pipeline.h", "pipeline"}, {"sd/lora.h", "base"},
};

int row_of(const std::string& module) {
  for (size_t row = 0; row < kRows.size(); ++row) {
    for (const std::string& name : kRows[row]) {
      if (name == module) return static_cast<int>(row);
    }
  }
  return -1;
}

/// The module of an include ("nn/layers.h") or of a file below src ("src/nn/layers.cc").
std::string module_of(const std::string& path) {
  if (const auto found = kPublicHeaders.find(path); found != kPublicHeaders.end()) {
    return found->second;
  }
  return path.substr(0, path.find('/'));
}

bool may_include(const std::string& from, const std::string& to) {
  if (from == to) return true;
  if (from == "image") return to == "base";  // pictures know no tensors
  return row_of(to) >= 0 && row_of(to) < row_of(from);
}

struct Include {
  std::string where;  ///< file:line
  std::string from;   ///< module
  std::string what;   ///< as written between the quotes or brackets
  bool quoted;
};

std::vector<Include> includes_below(const std::string& folder) {
  const std::regex pattern(R"(^\s*#\s*include\s*(["<])([^">]+)[">].*)");
  std::vector<Include> includes;
  for (const SourceFile& file : source_files({folder}, {".h", ".cc", ".cu", ".inc"})) {
    const std::string below = file.path.substr(folder.size() + 1);
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_match(file.lines[i], match, pattern)) continue;
      includes.push_back({file.path + ":" + std::to_string(i + 1), module_of(below), match[2].str(),
                          match[1].str() == "\""});
    }
  }
  return includes;
}

TEST(Layers, AModuleIncludesItselfAndLowerRowsOnly) {
  const auto includes = includes_below("src");
  ASSERT_GT(includes.size(), 100U);
  for (const Include& include : includes) {
    EXPECT_GE(row_of(include.from), 0) << include.where << ": " << include.from << " is in no row";
    if (!include.quoted) continue;
    EXPECT_TRUE(may_include(include.from, module_of(include.what)))
        << include.where << ": " << include.from << " may not include " << include.what;
  }
}

TEST(Layers, PublicHeadersIncludePublicHeadersOnly) {
  const auto includes = includes_below("include");
  ASSERT_GT(includes.size(), 10U);
  for (const Include& include : includes) {
    if (!include.quoted) continue;
    EXPECT_EQ(kPublicHeaders.count(include.what), 1U)
        << include.where << " includes " << include.what;
  }
  for (const SourceFile& file : source_files({"include"})) {
    EXPECT_EQ(kPublicHeaders.count(file.path.substr(8)), 1U) << file.path << " is in no row";
  }
}

TEST(Layers, TensorsAreForTheModulesThatComputeAndIncludedThriftily) {
  for (const Include& include : includes_below("src")) {
    const bool is_small = include.what.starts_with("torch/headeronly/");  // without tensors
    EXPECT_FALSE(include.what.starts_with("torch/") && !is_small)
        << include.where << ": include <ATen/ATen.h>, or one header of ATen";
    if (include.from != "base" && include.from != "image") continue;
    EXPECT_FALSE(include.what.starts_with("ATen/") || include.what.starts_with("c10/"))
        << include.where << ": " << include.from << " works without tensors";
  }
}

TEST(Layers, HeadersForCardsNeedNoMoreThanTheWheelsOfNvccHold) {
  // The others of this folder include those of cuBLAS, cuSPARSE and cuSOLVER.
  const std::set<std::string> allowed = {"ATen/cuda/CUDAGeneratorImpl.h", "ATen/cuda/CUDAGraph.h"};
  for (const char* folder : {"src", "tests", "benchmarks"}) {
    for (const Include& include : includes_below(folder)) {
      if (!include.what.starts_with("ATen/cuda/")) continue;
      EXPECT_EQ(allowed.count(include.what), 1U)
          << include.where << ": " << include.what << " is not known to compile without a toolkit";
    }
  }
}

/// What implements a public header, whose names stand in `sd`.
const std::set<std::string> kImplementPublicHeaders = {
    "src/job/settings.cc",     "src/pipeline/model.h",    "src/pipeline/pipeline.cc",
    "src/pipeline/request.cc", "src/pipeline/session.cc",
};

/// Whether nothing but a declaration stands in the namespace that begins at that line.
bool only_declares(const SourceFile& file, size_t line) {
  static const std::regex declaration(R"(^(class|struct|enum class) \w+( : \w+)?;$)");
  while (++line < file.lines.size() && std::regex_match(file.lines[line], declaration)) {
  }
  return line < file.lines.size() && file.lines[line] == "}";
}

TEST(Layers, NamesStandInTheNamespaceOfTheirModule) {
  const std::regex begins(R"(^namespace (sd(::\w+)*) \{.*)");
  size_t found = 0;
  for (const SourceFile& file : source_files({"src"}, {".h", ".cc", ".cu", ".inc"})) {
    const std::string module = module_of(file.path.substr(4));
    const std::string own = module == "base" ? "sd" : "sd::" + module;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_match(file.lines[i], match, begins) || only_declares(file, i)) continue;
      ++found;
      const std::string name = match[1];
      if (name == "sd" && kImplementPublicHeaders.count(file.path) == 1) continue;
      EXPECT_TRUE(name == own || name.starts_with(own + "::"))
          << file.path << ":" << i + 1 << ": expected " << own << ", found " << name;
    }
  }
  EXPECT_GT(found, 500U);
}

// The check must be able to fail.
TEST(Layers, TheTableForbidsWhatItShould) {
  EXPECT_TRUE(may_include("cli", "base"));
  EXPECT_TRUE(may_include("models", "text"));
  EXPECT_TRUE(may_include("pipeline", module_of("sd/pipeline.h")));
  EXPECT_FALSE(may_include("base", "runtime"));
  EXPECT_FALSE(may_include("kernels", "weights"));
  EXPECT_FALSE(may_include("sampling", "nn"));
  EXPECT_FALSE(may_include("image", "runtime"));
  EXPECT_FALSE(may_include("models", module_of("sd/request.h")));
  EXPECT_FALSE(may_include("cli", "unheard_of"));
}

}  // namespace
}  // namespace sd::test
