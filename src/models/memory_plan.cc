#include "models/memory_plan.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <utility>

#include "models/families.h"
#include "runtime/profile.h"
#include "runtime/tensor_memory.h"

namespace sd::models {
namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;

constexpr const char* kEncoder = "encoder";
constexpr const char* kDecoder = "decoder";

// Measured: the program with a model that has next to no weights.
constexpr int64_t kProgram = 190 * kMebibyte;
// The fast convolutions' transformed input, and what each thread multiplies.
constexpr int64_t kSharedWorkspace = 16 * kMebibyte;
constexpr int64_t kThreadWorkspace = 6 * kMebibyte;
// On a card: CUDA's context with the libraries' code, and the workspaces of cuDNN and cuBLAS. From
// their documentation and from use, not from a measurement here.
constexpr int64_t kCudaProgram = 600 * kMebibyte;
constexpr int64_t kCudaWorkspace = 512 * kMebibyte;

bool on_cuda(const runtime::ExecPolicy& policy) { return policy.device.is_cuda(); }

/// A table of which only the rows of the prompt's tokens are read.
bool is_embedding(const std::string& name) { return name.find("token_emb") != std::string::npos; }

at::Tensor shape(at::IntArrayRef sizes) {
  return at::empty(sizes, at::TensorOptions(at::kMeta).dtype(at::kFloat));
}

/// Which of the autoencoder's halves a tensor is of.
bool is_of(const std::string& part, const std::string& name) {
  if (part != kEncoder && part != kDecoder) return true;
  const bool encodes =
      name.find(".encoder.") != std::string::npos || name.find(".quant_conv.") != std::string::npos;
  return encodes == (part == kEncoder);
}

/// What a part of a model takes: the weights that it was asked for, of which kernels have packed so
/// many bytes.
PlannedWeights planned_weights(const std::string& part,
                               const weights::LoadReport::NamesAndShapes& asked, int64_t packed,
                               at::ScalarType dtype, bool mapped,
                               const runtime::ExecPolicy& policy) {
  int64_t all = 0, tables = 0, vectors = 0, largest = 0;
  for (const auto& [name, sizes] : asked) {
    if (!is_of(part, name)) continue;
    auto bytes = static_cast<int64_t>(c10::elementSize(dtype));
    for (const int64_t side : sizes) bytes *= side;
    all += bytes;
    if (is_embedding(name)) {
      tables += bytes;
    } else if (sizes.size() < 2) {
      vectors += bytes;
    } else {
      largest = std::max(largest, bytes);
    }
  }
  if (on_cuda(policy)) return {part, 0, all};
  // A kernel's copy comes on top of the one in another type, or out of a packed file.
  if (!mapped) return {part, 0, all + packed};
  const bool given_back = !policy.kernels.plain && policy.kernels.memory == MemoryMode::kLow;
  if (given_back) return {part, vectors + largest, 0};
  return {part, all - tables - packed, packed};
}

/// Builds a model's networks without numbers, part by part.
class ShapeBuilder {
 public:
  explicit ShapeBuilder(const ModelSource& source)
      : source_(source),
        report_(weights::WeightView::make_report(source.path, *source.unet.file)) {}

  /// The part's weights in that type, without numbers. They are asked for from now on.
  weights::WeightView view(const weights::PartSource& part, at::ScalarType dtype) {
    begin_ = report_->asked().size();
    mapped_ = part.file->is_mapped() && source_.stored_type(part) == dtype;
    dtype_ = dtype;
    weights::PartSource unedited = part;  // edits keep shapes
    unedited.edits.clear();
    unedited.shelf = nullptr;
    return weights::WeightView(std::move(unedited), report_).on(at::kMeta).as(dtype);
  }

  /// What the last view was asked for.
  PlannedWeights weights(const std::string& part, int64_t packed,
                         const runtime::ExecPolicy& policy) const {
    const weights::LoadReport::NamesAndShapes all = report_->asked();
    const weights::LoadReport::NamesAndShapes own(all.begin() + static_cast<std::ptrdiff_t>(begin_),
                                                  all.end());
    return planned_weights(part, own, packed, dtype_, mapped_, policy);
  }

  void require_sound() const {
    if (!source_.unet.file->index().empty()) report_->throw_if_failed();
  }

 private:
  const ModelSource& source_;
  std::shared_ptr<weights::LoadReport> report_;
  size_t begin_ = 0;
  bool mapped_ = true;
  at::ScalarType dtype_ = at::kFloat;
};

}  // namespace

int64_t MemoryPlan::weights_during(const PlannedStage& stage) const {
  int64_t bytes = 0;
  for (const PlannedWeights& part : weights) {
    // Before it works in strips, a run gives the pages of the checkpoint back.
    const bool back = in_strips && stage.stage != kSamplingStage && part.part != kDecoder;
    bytes += part.copied + (back ? 0 : part.mapped);
  }
  return bytes;
}

int64_t MemoryPlan::during(const PlannedStage& stage) const {
  const bool beside = keeps_recordings && stage.stage != kSamplingStage;
  return program + workspace + weights_during(stage) + stage.held + (beside ? recordings : 0);
}

const PlannedStage& MemoryPlan::largest() const {
  return *std::max_element(stages.begin(), stages.end(),
                           [&](const auto& a, const auto& b) { return during(a) < during(b); });
}

MemoryPlanner::MemoryPlanner(const ModelSource& source, const runtime::ExecPolicy& policy)
    : config_(source.config), policy_(policy), shapes_(std::make_unique<runtime::ShapeRun>()) {
  const runtime::Zone zone("memory plan");
  const runtime::UntimedZones untimed;
  const runtime::ShapeMemory alone(
      -1);  // what is made here must not count in another thread's plan
  using Entries = runtime::ShapeRun::Entries;
  shapes_->entries =
      on_cuda(policy) ? Entries::kCuda : (policy.kernels.plain ? Entries::kAten : Entries::kCpu);
  runtime::KernelPolicy kernels = policy.kernels;
  kernels.shapes = shapes_.get();
  const auto packed = [&] { return std::exchange(shapes_->packed, 0); };
  ShapeBuilder builder(source);
  family_of(config_).text->make_text_encoder(builder.view(source.text, policy.dtype), config_,
                                             kernels);
  weights_.push_back(builder.weights("text encoder", packed(), policy));
  unet_ =
      std::make_shared<const UNet>(builder.view(source.unet, policy.dtype), config_.unet, kernels);
  weights_.push_back(builder.weights("UNet", packed(), policy));
  coder_ = make_coder(builder.view(source.coder, policy.vae_dtype), config_, config_.scale_factor,
                      CoderParts::kBoth, kernels);
  // What each half packs is next to nothing.
  weights_.push_back(builder.weights(kEncoder, 0, policy));
  weights_.push_back(builder.weights(kDecoder, packed(), policy));
  builder.require_sound();
}

/// Runs the networks of a stage on shapes. `trace` is called after each layer, or strip.
void MemoryPlanner::run_stage(const Workload& load, const MemoryPlan& plan, const std::string& name,
                              const TraceFn& trace) const {
  CoderWork work{.trace = trace};
  if (plan.in_strips) {
    work.strips.emplace(StripWork{.bytes = strip_bytes(policy_.device)});
    work.strips->poll = [&] { trace(name + " in strips", {}); };
  }
  const int64_t factor = config_.first_stage.factor();
  const int64_t h = load.height / factor, w = load.width / factor;
  if (name == kSamplingStage) {
    const int64_t rows = load.pictures * (load.parts + (load.guided ? 1 : 0));
    const at::Tensor context =
        shape({rows, load.chunks * text::kMaxTokens, config_.unet.context_dim});
    const auto contexts = divided(unet_->prepare(context), load.pictures, plan.unet_share);
    const at::Tensor x = shape({load.pictures, config_.unet.in_channels, h, w});
    const at::Tensor others = shape({6 * rows, config_.unet.in_channels, h, w});  // of the sampler
    trace("context", {});
    UNetCall call{runtime::Recorder()};
    for (int step = 0; step < 2; ++step) call(*unet_, x, 0, contexts, trace);
    if (load.previews && config_.taesd) {
      coder_->decode(shape({1, config_.channels, h, w}), {.trace = trace});
    }
  } else if (name == kEncodeStage) {
    const at::Tensor x = shape({1, config_.first_stage.in_channels, load.height, load.width});
    coder_->encode(x, work);
  } else {
    const at::Tensor z = shape({1, config_.first_stage.embed_dim, h, w});
    coder_->decode(z, work);
  }
}

PlannedStage MemoryPlanner::stage(runtime::ShapeMemory* memory, const Workload& load,
                                  const MemoryPlan& plan, const std::string& name) const {
  PlannedStage planned{.stage = name, .layer = {}, .tensors = 0, .held = 0};
  std::map<std::string, size_t> places;  // of the layers
  memory->restart();
  run_stage(load, plan, name, [&](const std::string& layer, const at::Tensor& result) {
    const auto [place, is_new] = places.emplace(layer, planned.layers.size());
    if (is_new) planned.layers.push_back({.name = layer, .tensors = 0, .result = 0});
    PlannedLayer& known = planned.layers[place->second];
    known.tensors = std::max(known.tensors, memory->peak());
    if (result.defined()) {
      known.result = std::max(known.result, static_cast<int64_t>(result.nbytes()));
    }
    planned.held = std::max(planned.held, memory->held_peak());
    memory->restart();
  });
  planned.held = std::max(planned.held, memory->held_peak());
  for (const PlannedLayer& layer : planned.layers) {
    if (layer.tensors <= planned.tensors) continue;
    planned.tensors = layer.tensors;
    planned.layer = layer.name;
  }
  return planned;
}

MemoryPlan MemoryPlanner::plan(const Workload& load, bool in_strips, UNetShare unet_share) const {
  const runtime::Zone zone("memory plan");
  const runtime::UntimedZones untimed;  // what runs here computes nothing
  const bool pooled = !on_cuda(policy_) && !policy_.kernels.plain;
  const int64_t keep = pooled ? runtime::pool_limit(policy_.kernels.memory) : -1;
  const int64_t keep_in_strips =
      pooled ? runtime::pool_limit_in_strips(policy_.kernels.memory) : -1;
  MemoryPlan plan;
  for (const PlannedWeights& part : weights_) {
    if (load.encodes || part.part != kEncoder) plan.weights.push_back(part);
  }
  if (load.adapted > 0) {
    plan.weights.push_back({.part = "adapted", .mapped = 0, .copied = load.adapted});
  }
  plan.in_strips = in_strips;
  plan.unet_share = unet_share;
  plan.program = on_cuda(policy_) ? kCudaProgram : kProgram;
  plan.workspace =
      on_cuda(policy_) ? kCudaWorkspace
      : pooled ? std::max(kSharedWorkspace, shapes_->scratch) + policy_.threads * kThreadWorkspace
               : 0;
  runtime::ShapeMemory memory(keep);
  const auto add = [&](const std::string& name) {
    memory.keep(in_strips && name != kSamplingStage ? keep_in_strips : keep);
    plan.stages.push_back(stage(&memory, load, plan, name));
  };
  if (load.encodes) add(kEncodeStage);
  add(kSamplingStage);
  if (policy_.cuda_graphs) plan.recordings = plan.stages.back().held;
  add(kDecodeStage);
  return plan;
}

}  // namespace sd::models
