// Every txt2img and img2img case under the reference's outputs, run through the program's own
// command: flags in, tensors and pictures out.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/strings.h"
#include "cli/flags.h"
#include "cli/run.h"
#include "image/watermark.h"
#include "runtime/kernel_policy.h"
#include "support/parity.h"

namespace sd::test {
namespace {

namespace fs = std::filesystem;

using TensorLists = std::map<std::string, std::vector<at::Tensor>>;

/// A run of the program's txt2img or img2img with a case's arguments, in a folder of its own.
class CaseRun {
 public:
  explicit CaseRun(const ReferenceCase& reference_case,
                   const std::vector<std::string>& more_flags = {})
      : outdir(fs::temp_directory_path() / ("sd_parity_" + reference_case.id)) {
    fs::remove_all(outdir);
    CLI::App app;
    RunOptions options(reference_case.is_img2img() ? Script::kImg2Img : Script::kTxt2Img);
    add_run_flags(&app, &options);
    std::vector<std::string> argv = reference_case.arguments(outdir);
    argv.insert(argv.end(), more_flags.begin(), more_flags.end());
    std::reverse(argv.begin(), argv.end());  // as CLI11 takes them
    app.parse(argv);
    exit_code = run_script(options, [this](const std::string& name, const at::Tensor& tensor) {
      tensors[name].push_back(tensor.contiguous());
    });
  }
  ~CaseRun() { fs::remove_all(outdir); }
  CaseRun(const CaseRun&) = delete;
  CaseRun& operator=(const CaseRun&) = delete;

  const fs::path outdir;
  int exit_code = -1;
  TensorLists tensors;
};

/// Ours for a golden's name: "image_s4_f32.002" is every fourth pixel of the third "image".
at::Tensor counterpart(const TensorLists& tensors, const std::string& kind, size_t index) {
  const bool is_image = kind.rfind("image_", 0) == 0;
  const auto found = tensors.find(is_image ? "image" : kind);
  if (found == tensors.end() || index >= found->second.size()) return {};
  const at::Tensor& tensor = found->second[index];
  if (kind != "image_s4_f32") return tensor;
  return tensor.slice(2, 0, c10::nullopt, 4).slice(3, 0, c10::nullopt, 4);
}

void compare_tensors(const ReferenceCase& reference_case, const CaseRun& run,
                     ParityRecord* record) {
  const Tolerance tolerance = reference_case.tolerance();
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

std::vector<fs::path> sorted_pngs(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(folder, absent)) {
    if (entry.path().extension() == ".png") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// The files that the reference wrote: those of out/ that were not there before.
std::vector<fs::path> golden_pngs(const ReferenceCase& reference_case, const fs::path& folder) {
  std::vector<fs::path> paths = sorted_pngs(reference_case.out() / folder);
  std::erase_if(paths, [&](const fs::path& path) {
    const std::string relative = path.lexically_relative(reference_case.out()).string();
    const auto& before = reference_case.info.at("pre_existing");
    return std::find(before.begin(), before.end(), relative) != before.end();
  });
  return paths;
}

/// The reference's watermark, which its script adds to samples and grids from 256x256 pixels on, if
/// the case ran with it.
bool is_watermarked(const ReferenceCase& reference_case, const Image& image) {
  return image.pixels() >= 65536 || reference_case.has_watermark();
}

/// Without a watermark the pictures are the reference's, but for a few values at a rounding edge.
/// A watermark moves whole blocks where a value is off by one, so with one only the sizes are
/// compared: the watermark itself has goldens of its own.
void compare_pictures(const ReferenceCase& reference_case, const CaseRun& run,
                      ParityRecord* record) {
  PixelDifference difference;
  for (const char* folder : {"samples", ""}) {
    const auto ours = sorted_pngs(run.outdir / folder);
    const auto golden = golden_pngs(reference_case, folder);
    ASSERT_EQ(ours.size(), golden.size()) << folder;
    for (size_t i = 0; i < ours.size(); ++i) {
      const Image image = read_image(ours[i]);
      const Image expected = read_image(golden[i]);
      EXPECT_EQ(image.width, expected.width);
      EXPECT_EQ(image.height, expected.height);
      if (!is_watermarked(reference_case, expected)) difference.add(image, expected);
    }
  }
  if (difference.values == 0) return;
  EXPECT_LE(difference.largest, 1);
  EXPECT_LE(difference.share(), reference_case.tolerance().pixel_share);
  record->add("pixel_share", difference.share());
  record->add("pixel_largest", difference.largest);
}

/// The saved samples are the decoded pictures, cut to 8 bits, with the watermark where it fits.
void compare_saved_with_decoded(const CaseRun& run, const ReferenceCase& reference_case) {
  const auto saved = sorted_pngs(run.outdir / "samples");
  size_t next = 0;
  for (const at::Tensor& batch : run.tensors.at("image")) {
    for (int64_t i = 0; i < batch.size(0) && next < saved.size(); ++i, ++next) {
      const at::Tensor bytes = ((batch[i] + 1.0) / 2.0)
                                   .clamp(0.0, 1.0)
                                   .mul(255.0)
                                   .to(at::kByte)
                                   .permute({1, 2, 0})
                                   .contiguous();
      Image expected(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)));
      std::copy_n(bytes.const_data_ptr<uint8_t>(), expected.rgb.size(), expected.rgb.begin());
      if (reference_case.has_watermark()) {
        ASSERT_TRUE(embed_watermark(expected, "StableDiffusionV1"));
      }
      EXPECT_TRUE(read_image(saved[next]) == expected) << saved[next];
    }
  }
}

class Scripts : public testing::TestWithParam<std::string> {};

TEST_P(Scripts, GivesTheReferencesTensorsAndPictures) {
  SD_NEEDS_REFERENCE();
  const ReferenceCase reference_case(GetParam());
  const CaseRun run(reference_case);
  EXPECT_EQ(run.exit_code, 0);
  ParityRecord record(reference_case.id);
  compare_tensors(reference_case, run, &record);
  compare_pictures(reference_case, run, &record);
  compare_saved_with_decoded(run, reference_case);
  record.write();
}

/// The kernels that this machine has, each with the memory that it is given.
std::vector<std::vector<std::string>> kernel_flags() {
  std::vector<std::vector<std::string>> all = {{"--kernels", "aten"}};
  if (probe_isa() >= Isa::kAvx2) {
    all.push_back({"--kernels", "avx2"});
    all.push_back({"--kernels", "avx2", "--memory", "low"});
  }
  if (probe_isa() >= Isa::kAvx512) all.push_back({"--kernels", "avx512", "--memory", "low"});
  return all;
}

TEST(Kernels, GiveTheReferencesTensorsWhicheverAreChosen) {
  SD_NEEDS_REFERENCE();
  for (const char* id : {"t30-trace-ddim5", "t17-safetensors-plms5", "i01-s0.3"}) {
    for (const std::vector<std::string>& flags : kernel_flags()) {
      SCOPED_TRACE(id + std::string(" ") + join(flags, " "));
      const ReferenceCase reference_case(id);
      const CaseRun run(reference_case, flags);
      ParityRecord not_written(id);
      compare_tensors(reference_case, run, &not_written);
      compare_pictures(reference_case, run, &not_written);
    }
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Reference, Scripts, testing::ValuesIn(reference_cases("tli")), test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Scripts);

TEST(Reference, IsPresent) { SD_NEEDS_REFERENCE(); }

}  // namespace
}  // namespace sd::test
