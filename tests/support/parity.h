#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "image/image_io.h"
#include "support/golden_tensor.h"

/// Comparing a run of ours with a run of the reference that was kept under its outputs.
namespace sd::test {

/// How far ours may be from the reference's, by kind of tensor.
struct Tolerance {
  double cond = 2e-5;
  double latent = 1e-4;
  double image = 5e-5;
  double pixel_share = 1e-3;  ///< of the 8-bit values, each off by pixel_largest at most
  int pixel_largest = 1;

  double of(const std::string& kind) const {
    if (kind == "cond") return cond;
    if (kind == "image_s4_f32") return image;
    if (kind == "image_f16") return image + 2e-3;  // half has 11 bits
    if (kind == "unet_t") return 1e-3;             // of 1000
    // Early in a run the predicted picture is the latent's difference over sqrt(alpha), up to 15
    // times as far off.
    if (kind == "step_pred_x0") return 15 * latent;
    return latent;
  }
};

/// One folder of cases/.
class ReferenceCase {
 public:
  explicit ReferenceCase(const std::string& name)
      : id(name), folder_(reference_dir() / "cases" / name) {
    std::ifstream file(folder_ / "case.json");
    info = nlohmann::json::parse(file);
  }

  bool is_error() const { return !info.at("error").is_null(); }
  /// Which of the reference's scripts ran.
  bool is_img2img() const { return info.at("script") == "scripts/img2img.py"; }
  bool has_watermark() const { return info.at("watermark") == "on"; }
  std::filesystem::path out() const { return folder_ / "out"; }

  /// The case's arguments with absolute paths, writing to `outdir`.
  std::vector<std::string> arguments(const std::filesystem::path& outdir) const {
    std::vector<std::string> arguments;
    for (const auto& item : info.at("argv")) {
      auto text = item.get<std::string>();
      for (const char* folder : {"ckpt/", "inputs/"}) {
        if (text.rfind(folder, 0) == 0) text = (reference_dir() / text).string();
      }
      if (!arguments.empty() && arguments.back() == "--outdir") text = outdir.string();
      arguments.push_back(text);
    }
    if (id.front() == 'l') {  // these ran where the two default paths of --laion400m are
      for (const char* text :
           {"--config", "ckpt/laion-tiny.yaml", "--ckpt", "ckpt/laion-tiny.ckpt"}) {
        const std::string path = (reference_dir() / text).string();
        arguments.push_back(text[0] == '-' ? text : path);
      }
      arguments.insert(arguments.end(), {"--outdir", outdir.string()});
    }
    if (info.at("rng") == "cpu") arguments.insert(arguments.end(), {"--rng", "cpu"});
    return arguments;
  }

  /// Name → tensor, all widened to float32.
  std::map<std::string, at::Tensor> tensors() const {
    const GoldenTensors goldens(folder_ / "tensors.safetensors");
    std::map<std::string, at::Tensor> all;
    for (const std::string& name : goldens.names()) {
      const std::string dtype = goldens.dtype(name);
      if (dtype == "I64" || dtype == "I32") {
        const auto golden = goldens.i64(name);
        all[name] = tensor_of(golden).to(at::kFloat);
      } else if (dtype == "U8") {
        const auto golden = goldens.u8(name);
        all[name] = tensor_of(golden).to(at::kFloat);
      } else {
        const auto golden = goldens.f32(name);
        all[name] = tensor_of(golden);
      }
    }
    return all;
  }

  /// Four times the case's own noise floor: what the reference's result moves by when its networks
  /// run in double precision, or when its random numbers move by 1e-6; at least the usual values.
  Tolerance tolerance() const {
    constexpr double kFactor = 4;
    Tolerance tolerance;
    for (const char* floor : {"float32_vs_float64_networks", "draws_perturbed_1e-6"}) {
      if (!info.contains(floor) || info[floor].is_null()) continue;
      const auto widen = [&](const char* key, double* value) {
        if (info[floor].contains(key)) {
          *value = std::max(*value, kFactor * info[floor][key].get<double>());
        }
      };
      widen("cond_maxabs", &tolerance.cond);
      widen("latent_maxabs", &tolerance.latent);
      widen("image_maxabs", &tolerance.image);
      widen("pixels_differing", &tolerance.pixel_share);
    }
    return tolerance;
  }

  std::string id;
  nlohmann::json info;

 private:
  std::filesystem::path folder_;
};

/// The cases whose id starts with one of `letters`, that the reference did not fail on. Without the
/// reference's outputs one case that is none, so that each test is seen to be skipped.
inline std::vector<std::string> reference_cases(const std::string& letters) {
  if (!std::filesystem::exists(reference_dir() / "cases")) return {"absent"};
  std::vector<std::string> ids;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(reference_dir() / "cases", absent)) {
    const std::string id = entry.path().filename().string();
    if (letters.find(id.front()) == std::string::npos) continue;
    if (!ReferenceCase(id).is_error()) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

inline double max_difference(const at::Tensor& ours, const at::Tensor& golden) {
  EXPECT_EQ(ours.sizes(), golden.sizes());
  if (ours.sizes() != golden.sizes()) return INFINITY;
  const double difference =
      (ours.to(at::kDouble) - golden.to(at::kDouble)).abs().max().item<double>();
  return std::isnan(difference) ? INFINITY : difference;
}

/// Figures of a case for docs/reference-parity.md, written where $SD_PARITY_DIR points to.
class ParityRecord {
 public:
  explicit ParityRecord(const std::string& id) { figures_["id"] = id; }
  void add(const std::string& kind, double difference) {
    double& most = largest_[kind];
    most = std::max(most, difference);
  }
  void write() {
    const char* folder = std::getenv("SD_PARITY_DIR");
    if (folder == nullptr) return;
    figures_["largest"] = largest_;
    std::filesystem::create_directories(folder);
    std::ofstream(std::filesystem::path(folder) / (figures_["id"].get<std::string>() + ".json"))
        << figures_.dump(1) << "\n";
  }

 private:
  nlohmann::json figures_;
  std::map<std::string, double> largest_;
};

/// How two pictures of one size differ.
struct PixelDifference {
  int64_t differing = 0;
  int64_t values = 0;
  int largest = 0;

  void add(const Image& ours, const Image& golden) {
    ASSERT_EQ(ours.width, golden.width);
    ASSERT_EQ(ours.height, golden.height);
    for (size_t i = 0; i < ours.rgb.size(); ++i) {
      const int difference = std::abs(int{ours.rgb[i]} - int{golden.rgb[i]});
      differing += difference != 0 ? 1 : 0;
      largest = std::max(largest, difference);
    }
    values += static_cast<int64_t>(ours.rgb.size());
  }
  double share() const {
    return values == 0 ? 0 : static_cast<double>(differing) / static_cast<double>(values);
  }
};

}  // namespace sd::test
