#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sd/options.h"

namespace sd {

/// The flags of txt2img as typed: the reference's names, and its defaults as initialisers.
struct Txt2ImgOptions {
  std::string prompt = "a painting of a virus monster playing guitar";
  std::string from_file;
  std::string outdir = "outputs/txt2img-samples";
  bool skip_grid = false;
  bool skip_save = false;
  int64_t ddim_steps = 50;
  bool plms = false;
  bool dpm_solver = false;
  bool laion400m = false;
  bool fixed_code = false;
  double ddim_eta = 0.0;
  int64_t n_iter = 2;
  std::optional<int64_t> H;  ///< 512, or the built-in model's own size
  std::optional<int64_t> W;  ///< likewise
  int64_t C = 4;
  int64_t f = 8;
  int64_t n_samples = 3;
  int64_t n_rows = 0;  ///< 0: n_samples
  double scale = 7.5;
  std::string config;  ///< empty: see choose_model
  std::string ckpt;    ///< likewise
  bool outdir_given = false;
  uint64_t seed = 42;

  // Ours.
  RngKind rng = RngKind::kCuda;
  WeightChoice weights = WeightChoice::kConfig;
  DeviceOptions device;
  bool no_watermark = false;
};

}  // namespace sd
