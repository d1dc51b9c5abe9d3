#pragma once

#include <ATen/ATen.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "sampling/noise_schedule.h"
#include "sd/options.h"
#include "support/golden.h"

// What AUTOMATIC1111's web UI gave, recorded: files beside the reference's outputs.

namespace sd::test {

/// $SD_WEBUI_DIR, else a1111 beside the reference's outputs.
inline std::filesystem::path webui_dir() {
  const char* given = std::getenv("SD_WEBUI_DIR");
  if (given != nullptr && *given != '\0') return given;
  return reference_dir().parent_path() / "a1111";
}

#define SD_NEEDS_WEBUI()                                                          \
  if (!std::filesystem::exists(::sd::test::webui_dir() / "unit")) {               \
    GTEST_SKIP() << "the web UI's outputs are not at " << ::sd::test::webui_dir() \
                 << " (set SD_WEBUI_DIR)";                                        \
  }                                                                               \
  static_assert(true)

/// A file of the recordings; null where it is not there.
inline nlohmann::json webui_json(const std::string& path) {
  std::ifstream file(webui_dir() / path);
  return file ? nlohmann::json::parse(file) : nlohmann::json();
}

/// The random numbers of its "Random number generator source".
inline RngKind source_of(const std::string& name) {
  return name == "GPU" ? RngKind::kCuda : name == "CPU" ? RngKind::kCpu : RngKind::kNv;
}

inline at::Tensor numbers_tensor(const nlohmann::json& numbers, at::IntArrayRef shape,
                                 at::ScalarType type = at::kFloat) {
  return at::tensor(numbers.get<std::vector<double>>(), at::kDouble).reshape(shape).to(type);
}

/// Largest difference over the largest expected value.
inline double relative_difference(const at::Tensor& ours, const at::Tensor& expected) {
  const at::Tensor a = ours.to(at::kDouble), b = expected.to(at::kDouble);
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

inline const sampling::NoiseSchedule& sd_v1_schedule() {
  static const sampling::NoiseSchedule schedule =
      sampling::NoiseSchedule::linear(0.00085, 0.012, 1000);
  return schedule;
}

}  // namespace sd::test
