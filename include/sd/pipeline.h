#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sd/image.h"
#include "sd/options.h"
#include "sd/progress.h"
#include "sd/request.h"
#include "sd/safety.h"

namespace at {
class Tensor;
}

namespace sd {

namespace runtime {
struct ExecPolicy;
}

/// A picture that was drawn.
struct Picture {
  Image image;  ///< as the safety checker leaves it; without pixels if it withholds it
  DrawRecord draw;
  SafetyOutcome safety;
  bool finite = true;      ///< whether its values were numbers, before they became bytes
  std::string cause = {};  ///< the probable cause in the request if they were not, or empty
};

/// Called with each picture of a request as soon as it is decoded, in the order of the request.
using PictureFn = std::function<void(Picture picture)>;

/// What a request took.
struct Result {
  /// How many model evaluations (each of 2N rows under guidance) were made, and how long they took.
  int64_t evaluations = 0;
  double sample_seconds = 0;
  double decode_seconds = 0;
};

/// Draws requests one after the other; each request says which random numbers it uses. Not
/// thread-safe; the pipeline must outlive it.
class Session {
 public:
  /// Draws the pictures of one batch and hands each to `on_picture`. Throws as `check_request`, and
  /// Error(kCancelled) when `progress` asks to stop.
  Result generate(const Request& request, const PictureFn& on_picture,
                  const ProgressFn& progress = nullptr);

  /// Sees the tensors of a run as they are made: "cond" [N, T, width], "latent" [N, C, h, w],
  /// "image" [N, 3, H, W] before it is clamped, "unet_x", "unet_t", "unet_eps" of each evaluation,
  /// "step_x_prev" and "step_pred_x0" of each step; with an init image "init_image_u8"
  /// [1, 3, H, W], "moments" and "init_latent" when it is encoded, and "z_enc" [N, C, h, w].
  using Tap = std::function<void(const std::string& name, const at::Tensor& tensor)>;
  void set_tap(Tap tap);

  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

 private:
  friend class Pipeline;
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A textual inversion that a prompt names.
struct EmbeddingUse {
  std::string name;
  std::string file;
};

/// A loaded model. Immutable: any number of sessions may use it, one at a time each.
class Pipeline {
 public:
  /// Maps the checkpoint and builds the networks over its pages. Throws kFile, kCheckpoint or
  /// kDevice; every missing or misshapen tensor is named.
  /// `config`: of the model's description, if there is one; else the config is read.
  static Pipeline load(const LoadOptions& options,
                       std::shared_ptr<const models::ModelConfig> config = nullptr);
  /// `load` with a policy that is already resolved; `options.device` is ignored.
  static Pipeline load(const LoadOptions& options, runtime::ExecPolicy policy,
                       std::shared_ptr<const models::ModelConfig> config = nullptr);

  const ModelDescription& description() const;
  /// Whether the UNet's weights are the averaged ones.
  bool ema() const;
  /// What computes: as asked for, with nothing left to be chosen.
  const DeviceOptions& device() const;
  /// The textual inversions that a picture's prompts name, in all of its passes, by their words.
  /// (Those in an adapter's file are the adapter's.)
  std::vector<EmbeddingUse> embeddings_of(const Request& request, int64_t row) const;

  /// Something to draw with.
  Session start() const;

  ~Pipeline();
  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;

 private:
  struct Model;
  struct Files;
  static Files read(const LoadOptions& options, std::shared_ptr<const models::ModelConfig> config);
  static Pipeline build(const LoadOptions& options, runtime::ExecPolicy policy, Files files);
  explicit Pipeline(std::shared_ptr<const Model> model);
  std::shared_ptr<const Model> model_;
  friend struct Session::State;
};

}  // namespace sd
