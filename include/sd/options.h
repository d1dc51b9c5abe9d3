#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sd/lora.h"
#include "sd/safety.h"

namespace sd {

/// Which entries of the kernel table may be used.
enum class KernelChoice {
  kAuto,    ///< the first entry that fits
  kAten,    ///< the last entry everywhere: plain ATen
  kAvx2,    ///< as kAuto on a processor that has no more than AVX2 and FMA
  kAvx512,  ///< as kAuto on a processor that has no more than AVX-512
};

/// How much memory a run may use to be faster.
enum class MemoryMode {
  kFast,      ///< keep as much of what was used for the next use as there is
  kBalanced,  ///< keep copies of weights in the order that kernels like, and some used memory
  kLow,       ///< keep no copy of a weight: read each from the checkpoint's file when it is needed
};

/// Whether the autoencoder works on tiles: horizontal strips, computed one after the other. The
/// picture equals the untiled one within rounding, and takes less than half the memory and a fifth
/// more time.
enum class VaeTiling {
  kAuto,  ///< on if a picture is so large that the whole needs too much
  kOn,
  kOff,
};

/// `--precision`: the reference's two words, bfloat16, and the fastest of them.
enum class Precision {
  kAutocast,  ///< half precision on a GPU, float32 on the CPU
  kFull,      ///< float32
  kBf16,      ///< bfloat16 on a GPU; on the CPU bfloat16 products of float32 activations
  kFastest,   ///< kBf16 if the device supports it, else kAutocast
};

/// What the user asks of the device, as typed.
struct DeviceOptions {
  std::string device = "auto";  ///< auto | cpu | cuda | cuda:N
  Precision precision = Precision::kAutocast;
  int threads = 0;  ///< 0: as many as the process may use
  KernelChoice kernels = KernelChoice::kAuto;
  MemoryMode memory = MemoryMode::kBalanced;
  VaeTiling vae_tiling = VaeTiling::kAuto;
};

/// What a run draws at a time, as far as it matters for memory.
struct Workload {
  int64_t pictures = 1;  ///< of a batch
  int64_t height = 512;
  int64_t width = 512;
  bool guided = true;     ///< then the UNet works on two contexts per picture
  bool encodes = false;   ///< whether it starts from a picture
  int64_t adapted = 0;    ///< bytes of the weights that adapters change, which are stored twice
  int64_t chunks = 1;     ///< of the longest prompt, of 77 ids each
  int64_t parts = 1;      ///< texts of a picture that AND joins
  bool previews = false;  ///< whether TAESD decodes during sampling

  bool operator==(const Workload&) const = default;
};

/// Which copy of the UNet's weights a run takes.
enum class WeightChoice {
  kConfig,  ///< as use_ema of the config says
  kEma,     ///< the averaged ones, model_ema.*
  kPlain,   ///< the last ones, model.*
};

/// The source of random numbers.
enum class RngKind {
  kCuda,   ///< the stream of torch's CUDA generator: the reference's pictures on an NVIDIA card
  kCpu,    ///< the stream of torch's CPU generator
  kNv,     ///< as kCuda, computed in double: AUTOMATIC1111's source "NV"
  kNumpy,  ///< the first noise from NumPy, then as kCuda: runwayml's script for inpainting
};

/// The files of a model.
struct ModelPaths {
  std::string checkpoint;
  std::string config;  ///< the YAML file
  WeightChoice weights = WeightChoice::kConfig;
  /// An autoencoder's file or folder instead of the model's own, or "taesd:" and a TAESD's.
  std::string vae = {};
};

/// Whether pictures are checked before they are handed out.
struct SafetyOptions {
  SafetyMode mode = SafetyMode::kOff;
  std::string checkpoint;  ///< of the safety checker; not looked at with kOff
};

/// What a pipeline is made of.
struct LoadOptions {
  ModelPaths model;
  DeviceOptions device;
  SafetyOptions safety;
  /// The adapters of the requests, as far as they are known: they are opened at once, and the
  /// memory of the largest set is planned for. Others are opened when a request names them.
  std::vector<std::vector<LoraUse>> loras = {};
  /// Those of requests that may fail while others are drawn: one that cannot be opened is skipped,
  /// and the request that names it fails.
  std::vector<std::vector<LoraUse>> loras_of_some = {};
  std::string embeddings;  ///< a folder of textual inversions; empty: none
  /// Words that stand for the textual inversions of these files, whatever the folder has.
  std::map<std::string, std::string> embedding_files = {};
  /// If it is known, the program prints how much memory the run needs, and uses less than
  /// `device.memory` allows if that does not fit into the free memory.
  std::optional<Workload> largest;
};

}  // namespace sd
