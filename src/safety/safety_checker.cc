#include "safety/safety_checker.h"

#include <ATen/ATen.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "runtime/data_files.h"
#include "sd/error.h"
#include "weights/audit.h"

namespace sd::safety {
namespace fs = std::filesystem;
namespace {

/// torch.nn.functional.normalize over the last dimension: rows of length 1.
at::Tensor normalized(const at::Tensor& rows) {
  constexpr double kLeastLength = 1e-12;
  return rows / rows.norm(2, -1, /*keepdim=*/true).clamp_min(kLeastLength);
}

constexpr const char* kPositionIds = "vision_model.vision_model.embeddings.position_ids";

template <size_t N>
std::array<float, N> to_array(const at::Tensor& values) {
  const at::Tensor flat = values.to(at::kCPU).contiguous();
  std::array<float, N> array;
  std::copy_n(flat.const_data_ptr<float>(), N, array.begin());
  return array;
}

/// Whether something is at the path, or what nobody can tell: a link to nowhere on the way, a
/// folder that is locked.
bool something_is_at(const fs::path& path) {
  struct stat about = {};
  if (::lstat(path.c_str(), &about) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) return true;
  const fs::path above = path.parent_path();
  return !above.empty() && above != path && ::stat(above.c_str(), &about) != 0 &&
         something_is_at(above);
}

/// A config with fewer layers than the weights would give other scores without a word. The one
/// tensor of the checker that nobody reads numbers its patches.
void require_all_used(const weights::WeightView& root) {
  std::vector<std::string> left;
  for (const std::string& name : weights::extra_tensors(
           root.checkpoint(), root.report(), {kPositionIds, "text_model.", "logit_scale"})) {
    left.push_back(printable(name));
  }
  if (left.empty()) return;
  constexpr size_t kNamed = 3;
  const size_t all = left.size();
  std::vector<std::string> named(left.begin(), left.begin() + std::min(kNamed, all));
  if (all > kNamed) named.push_back(fmt::format("and {} more", all - kNamed));
  throw Error(
      ErrorKind::kCheckpoint,
      printable(root.checkpoint().path()) +
          fmt::format(": expected the config beside it to use every weight, found {} left over: ",
                      all) +
          join(named, ", "),
      "config.json must be the checker's own: num_hidden_layers is the usual culprit",
      all > kNamed ? left : std::vector<std::string>());
}

}  // namespace

SafetyChecker::SafetyChecker(const weights::WeightView& view, const SafetyConfig& config,
                             const runtime::KernelPolicy& kernels)
    : input_(config.input),
      vision_model_(view["vision_model.vision_model"], config.vision, kernels),
      visual_projection_(view["visual_projection"], config.vision.hidden_size,
                         config.projection_dim, kernels, /*bias=*/false),
      concepts_(normalized(view.get("concept_embeds", {kSafetyConcepts, config.projection_dim}))),
      special_care_(normalized(
          view.get("special_care_embeds", {kSpecialCareConcepts, config.projection_dim}))),
      thresholds_{to_array<kSafetyConcepts>(view.get("concept_embeds_weights", {kSafetyConcepts})),
                  to_array<kSpecialCareConcepts>(
                      view.get("special_care_embeds_weights", {kSpecialCareConcepts}))} {}

SafetyVerdict SafetyChecker::check(const at::Tensor& picture, const Trace& trace) const {
  return check(rounded_image(picture), trace);
}

SafetyVerdict SafetyChecker::check(const Image& picture, const Trace& trace) const {
  const at::Tensor input = clip_input(picture, input_);
  const at::Tensor embeds = visual_projection_(vision_model_(input));  // [1, D]
  const at::Tensor direction = normalized(embeds);
  const at::Tensor concept_cos = at::mm(direction, concepts_.t());      // [1, 17]
  const at::Tensor special_cos = at::mm(direction, special_care_.t());  // [1, 3]
  if (trace) {
    trace("clip_input", input);
    trace("image_embeds", embeds);
    trace("concept_cos", concept_cos);
    trace("special_cos", special_cos);
  }
  return decide(to_array<kSafetyConcepts>(concept_cos), to_array<kSpecialCareConcepts>(special_cos),
                thresholds_);
}

std::unique_ptr<const SafetyChecker> load_safety_checker(const fs::path& weights,
                                                         const runtime::KernelPolicy& kernels) {
  const weights::WeightView root(weights::open_checkpoint(weights.string()));
  const SafetyConfig config = read_safety_config(weights);
  // Its weights stay in the processor's memory, wherever the run computes.
  runtime::KernelPolicy on_cpu = kernels;
  on_cpu.device = runtime::DeviceKind::kCpu;
  auto checker = std::make_unique<const SafetyChecker>(root, config, on_cpu);
  root.report().throw_if_failed();
  require_all_used(root);
  return checker;
}

fs::path safety_weights_in(const fs::path& folder) {
  for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
    if (something_is_at(folder / name)) return folder / name;
  }
  return {};
}

fs::path find_safety_checkpoint() {
  std::vector<fs::path> places = {fs::path()};
  for (const fs::path& folder : runtime::data_folders()) {
    if (::access(folder.c_str(), X_OK) == 0) places.push_back(folder);
  }
  for (const fs::path& place : places) {
    const fs::path found = safety_weights_in(place / "models" / "safety_checker");
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace sd::safety
