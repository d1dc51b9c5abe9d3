#include "pipeline/first_stage.h"

#include <algorithm>

#include "pipeline/inpainting.h"
#include "pipeline/picture_tensor.h"

namespace sd::pipeline {
namespace {

/// Batches that start from one picture come one after the other, mostly.
constexpr size_t kMostKept = 16;

/// Strips between which the user may stop.
models::StripWork strips(const StageProgress& stage, const runtime::ExecPolicy& policy) {
  models::StripWork work{.bytes = models::strip_bytes(policy.device)};
  work.poll = [&stage] { stage.poll(); };
  return work;
}

}  // namespace

/// What work(how) gives.
template <class Work>
at::Tensor FirstStage::run(const char* verb, const StageProgress& stage, const Work& work) {
  const auto done = [&] {
    return ladder_.run_coder(verb, [&] {
      models::CoderWork how{.trace = [&](const std::string&, const at::Tensor&) { stage.poll(); }};
      if (ladder_.in_strips()) how.strips = strips(stage, policy_);
      return work(how);
    });
  };
  at::Tensor result = done();
  if (networks_.coder.widen(result)) result = done();
  return result;
}

at::Tensor FirstStage::encode(const at::Tensor& picture, const StageProgress& stage) {
  return run("encode", stage,
             [&](const models::CoderWork& how) { return networks_.coder->encode(picture, how); })
      .to(at::kCPU);
}

at::Tensor FirstStage::decode_there(const at::Tensor& latent, const StageProgress& stage) {
  return run("decode", stage,
             [&](const models::CoderWork& how) { return networks_.coder->decode(latent, how); });
}

template <class Key, class Picture>
at::Tensor FirstStage::encode_once(std::list<std::pair<Key, at::Tensor>>* known, const Key& key,
                                   const ProgressFn& progress, const Picture& picture) {
  const auto found =
      std::find_if(known->begin(), known->end(), [&](const auto& one) { return one.first == key; });
  if (found != known->end()) return found->second;
  const at::Tensor tensor = picture();
  known->emplace_front(key, encode(tensor, StageProgress(progress, Stage::kEncode, 1)));
  if (known->size() > kMostKept) known->pop_back();
  return known->front().second;
}

at::Tensor FirstStage::moments(const std::shared_ptr<const Image>& image,
                               const ProgressFn& progress, const Session::Tap& tap) {
  return encode_once(&moments_, image, progress, [&] {
    const at::Tensor bytes = image_bytes(*image);
    if (tap) tap("init_image_u8", bytes);
    return bytes_to_tensor(bytes);
  });
}

at::Tensor FirstStage::shown_moments(const BatchSettings& batch, const ProgressFn& progress) {
  const Shown key{batch.init.inpainting, batch.width, batch.height};
  return encode_once(&shown_, key, progress, [&] { return shown_picture(batch); });
}

}  // namespace sd::pipeline
