#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/flags.h"
#include "cli/run.h"
#include "support/parity.h"

// A case of the reference's outputs run through the program's own command: flags in, tensors and
// pictures out.

namespace sd::test {

using TensorLists = std::map<std::string, std::vector<at::Tensor>>;

/// Runs txt2img or img2img with these flags, and keeps the tensors that it makes.
inline int run_flags(Script script, std::vector<std::string> argv, TensorLists* tensors) {
  CLI::App app;
  Settings settings(script);
  cli::add_run_flags(&app, &settings);
  std::reverse(argv.begin(), argv.end());  // as CLI11 takes them
  app.parse(argv);
  return cli::run_script(settings, [tensors](const std::string& name, const at::Tensor& tensor) {
    (*tensors)[name].push_back(tensor.to(at::kCPU).contiguous());
  });
}

/// A run of the program's txt2img or img2img with a case's arguments, in a folder of its own.
class CaseRun {
 public:
  explicit CaseRun(const ReferenceCase& reference_case,
                   const std::vector<std::string>& more_flags = {})
      : outdir(std::filesystem::temp_directory_path() /
               ("sd_parity_" + reference_case.id + "_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(outdir);
    std::vector<std::string> argv = reference_case.arguments(outdir);
    argv.insert(argv.end(), more_flags.begin(), more_flags.end());
    exit_code = run_flags(reference_case.is_img2img() ? Script::kImg2Img : Script::kTxt2Img, argv,
                          &tensors);
  }
  ~CaseRun() { std::filesystem::remove_all(outdir); }
  CaseRun(const CaseRun&) = delete;
  CaseRun& operator=(const CaseRun&) = delete;

  const std::filesystem::path outdir;
  int exit_code = -1;
  TensorLists tensors;
};

/// Ours for a golden's name: "image_s4_f32.002" is every fourth pixel of the third "image".
inline at::Tensor counterpart(const TensorLists& tensors, const std::string& kind, size_t index) {
  const bool is_image = kind.rfind("image_", 0) == 0;
  const auto found = tensors.find(is_image ? "image" : kind);
  if (found == tensors.end() || index >= found->second.size()) return {};
  const at::Tensor& tensor = found->second[index];
  if (kind != "image_s4_f32") return tensor;
  return tensor.slice(2, 0, c10::nullopt, 4).slice(3, 0, c10::nullopt, 4);
}

inline void compare_tensors(const ReferenceCase& reference_case, const CaseRun& run,
                            const Tolerance& tolerance, ParityRecord* record) {
  for (const auto& [name, golden] : reference_case.tensors()) {
    SCOPED_TRACE(name);
    const size_t dot = name.rfind('.');
    const std::string kind = name.substr(0, dot);
    const at::Tensor ours = counterpart(run.tensors, kind, std::stoul(name.substr(dot + 1)));
    ASSERT_TRUE(ours.defined());
    const double difference = max_difference(ours, golden);
    EXPECT_LE(difference, tolerance.of(kind));
    record->add(kind, difference);
  }
}

inline std::vector<std::filesystem::path> sorted_pngs(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent)) {
    if (entry.path().extension() == ".png") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// The files that the reference wrote: those of out/ that were not there before.
inline std::vector<std::filesystem::path> golden_pngs(const ReferenceCase& reference_case,
                                                      const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths = sorted_pngs(reference_case.out() / folder);
  std::erase_if(paths, [&](const std::filesystem::path& path) {
    const std::string relative = path.lexically_relative(reference_case.out()).string();
    const auto& before = reference_case.info.at("pre_existing");
    return std::find(before.begin(), before.end(), relative) != before.end();
  });
  return paths;
}

/// The reference's watermark, which its script adds to samples and grids from 256x256 pixels on, if
/// the case ran with it.
inline bool is_watermarked(const ReferenceCase& reference_case, const Image& image) {
  return image.pixels() >= 65536 || reference_case.has_watermark();
}

/// Without a watermark the pictures are the reference's, but for a few values at a rounding edge.
/// A watermark moves whole blocks where a value is off by one, so with one only the sizes are
/// compared: the watermark itself has goldens of its own.
inline void compare_pictures(const ReferenceCase& reference_case, const CaseRun& run,
                             const Tolerance& tolerance, ParityRecord* record) {
  PixelDifference difference;
  for (const char* folder : {"samples", ""}) {
    const auto ours = sorted_pngs(run.outdir / folder);
    const auto golden = golden_pngs(reference_case, folder);
    ASSERT_EQ(ours.size(), golden.size()) << folder;
    for (size_t i = 0; i < ours.size(); ++i) {
      const Image image = image::read_image(ours[i]);
      const Image expected = image::read_image(golden[i]);
      EXPECT_EQ(image.width, expected.width);
      EXPECT_EQ(image.height, expected.height);
      if (!is_watermarked(reference_case, expected)) difference.add(image, expected);
    }
  }
  if (difference.values == 0) return;
  EXPECT_LE(difference.largest, tolerance.pixel_largest);
  EXPECT_LE(difference.share(), tolerance.pixel_share);
  record->add("pixel_share", difference.share());
  record->add("pixel_largest", difference.largest);
}

/// A case's id as GoogleTest takes names.
inline std::string case_test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

}  // namespace sd::test
