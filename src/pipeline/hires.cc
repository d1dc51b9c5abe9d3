#include "pipeline/hires.h"

#include <ATen/ATen.h>
#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "image/resize.h"
#include "pipeline/request_sampling.h"
#include "pipeline/size_check.h"
#include "sd/error.h"

namespace sd::pipeline {
namespace {

/// As Python's int() of a product.
int64_t times(int64_t side, double scale) {
  return static_cast<int64_t>(static_cast<double>(side) * scale);
}

int to_int(int64_t side) { return static_cast<int>(std::clamp<int64_t>(side, 1, kMaxSide)); }

/// The nearest pixel of each place along a side, added up as Pillow does (ImagingScaleAffine),
/// whose rounding decides ties.
std::vector<int> nearest_places(int from, int to) {
  const double step = static_cast<double>(from) / to;
  std::vector<int> places;
  double at = 0.5 * step;
  for (int i = 0; i < to; ++i, at += step)
    places.push_back(std::min(static_cast<int>(at), from - 1));
  return places;
}

Image nearest(const Image& image, int width, int height) {
  const std::vector<int> columns = nearest_places(image.width, width);
  const std::vector<int> rows = nearest_places(image.height, height);
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::copy_n(image.at(columns[static_cast<size_t>(x)], rows[static_cast<size_t>(y)]), 3,
                  out.at(x, y));
    }
  }
  return out;
}

/// The web UI's loop of an upscaler that can take any step.
Image enlarge_in_steps(Image image, HiresUpscaler upscaler, double scale) {
  constexpr int kMostSteps = 3, kMultiple = 8;
  const auto goal = [&](int side) { return to_int(times(side, scale) / kMultiple * kMultiple); };
  const int width = goal(image.width), height = goal(image.height);
  for (int step = 0; step < kMostSteps && (image.width < width || image.height < height); ++step) {
    const int w = to_int(times(image.width, scale)), h = to_int(times(image.height, scale));
    image = upscaler == HiresUpscaler::kNearest
                ? nearest(image, w, h)
                : image::resize(image, w, h, image::ResizeFilter::kLanczos);
  }
  if (image.width == width && image.height == height) return image;
  return image::resize(image, width, height, image::ResizeFilter::kLanczos);
}

}  // namespace

HiresSize hires_size(const BatchSettings& batch, int64_t factor) {
  const HiresSettings& hires = batch.hires;
  const int64_t w = batch.width, h = batch.height;
  HiresSize size;
  if (hires.width == 0 && hires.height == 0) {
    size = {times(w, hires.scale), times(h, hires.scale), 0, 0};
  } else if (hires.height == 0) {
    size = {hires.width, hires.width * h / w, 0, 0};
  } else if (hires.width == 0) {
    size = {hires.height * w / h, hires.height, 0, 0};
  } else if (w * hires.height < hires.width * h) {  // w/h < X/Y
    size = {hires.width, hires.width * h / w, hires.width, hires.height};
  } else {
    size = {hires.height * w / h, hires.height, hires.width, hires.height};
  }
  if (size.width == 0) size.width = size.enlarged_width;
  if (size.height == 0) size.height = size.enlarged_height;
  // What the latent has left when the surplus is cut.
  const auto left = [factor](int64_t enlarged, int64_t target) {
    return factor * (enlarged / factor - (enlarged - target) / factor);
  };
  size.width = left(size.enlarged_width, size.width);
  size.height = left(size.enlarged_height, size.height);
  return size;
}

Request second_pass(const Request& request, int64_t factor) {
  Request second = request;
  const HiresSettings hires = request.batch.hires;
  const HiresSize size = hires_size(request.batch, factor);
  BatchSettings& batch = second.batch;
  batch.hires = {};
  if (hires.loras) batch.loras = *hires.loras;
  batch.width = static_cast<int>(size.width);
  batch.height = static_cast<int>(size.height);
  if (hires.steps != 0) batch.steps = hires.steps;
  if (!hires.sampler.empty()) batch.sampler = hires.sampler;
  if (!hires.schedule.empty()) batch.schedule = hires.schedule;
  const sampling::Sampler& first = sampling::find_sampler(request.batch.sampler);
  const double usual = first.eta == sampling::Eta::kTaken ? first.usual_eta : 0;
  if (batch.knobs.eta.value_or(usual) == usual) batch.knobs.eta.reset();  // each sampler's own
  batch.knobs.fix_steps = true;
  batch.knobs.initial_noise = 1;
  for (PictureSettings& picture : second.pictures) {
    if (!picture.hires_prompt.empty()) picture.prompt = picture.hires_prompt;
    if (!picture.hires_negative_prompt.empty()) {
      picture.negative_prompt = picture.hires_negative_prompt;
    }
  }
  return second;
}

sampling::SamplingSettings second_sampling(const Request& request, const Request& second) {
  sampling::SamplingSettings sampling = sampling_of(second);
  sampling.strength = request.batch.hires.strength;
  return sampling;
}

bool enlarges_latent(HiresUpscaler upscaler) { return upscaler < HiresUpscaler::kLanczos; }

at::Tensor enlarge_latent(const at::Tensor& latent, HiresUpscaler upscaler, const HiresSize& size,
                          int64_t factor) {
  const std::vector<int64_t> sides = {size.enlarged_height / factor, size.enlarged_width / factor};
  const at::Tensor x = latent.to(at::kFloat).contiguous();
  switch (upscaler) {
    case HiresUpscaler::kLatentAntialiased:
      return at::_upsample_bilinear2d_aa(x, sides, /*align_corners=*/false);
    case HiresUpscaler::kLatentBicubic:
      return at::upsample_bicubic2d(x, sides, /*align_corners=*/false);
    case HiresUpscaler::kLatentBicubicAntialiased:
      return at::_upsample_bicubic2d_aa(x, sides, /*align_corners=*/false);
    case HiresUpscaler::kLatentNearest:
      return at::upsample_nearest2d(x, sides);
    case HiresUpscaler::kLatentNearestExact:
      return at::_upsample_nearest_exact2d(x, sides);
    default:
      return at::upsample_bilinear2d(x, sides, /*align_corners=*/false);
  }
}

bool encodes_first_pass(const HiresSettings& hires) {
  return hires.on() && !enlarges_latent(hires.upscaler);
}

Image enlarge_picture(const Image& image, HiresUpscaler upscaler, const HiresSize& size) {
  const int width = to_int(size.enlarged_width), height = to_int(size.enlarged_height);
  const double scale = std::max(static_cast<double>(width) / image.width,
                                static_cast<double>(height) / image.height);
  if (upscaler == HiresUpscaler::kNone || scale <= 1) {
    return image::resize(image, width, height, image::ResizeFilter::kLanczos);
  }
  Image larger = enlarge_in_steps(image, upscaler, scale);
  if (larger.width == width && larger.height == height) return larger;
  return image::resize(larger, width, height, image::ResizeFilter::kLanczos);
}

at::Tensor cut_surplus(const at::Tensor& latent, const HiresSize& size, int64_t factor) {
  const int64_t height = size.height / factor, width = size.width / factor;
  const int64_t top = (latent.size(2) - height) / 2, left = (latent.size(3) - width) / 2;
  return latent.narrow(2, top, height).narrow(3, left, width).contiguous();
}

void check_hires(const ModelDescription& model, const Request& request) {
  const HiresSettings& hires = request.batch.hires;
  const auto refuse = [](const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::kUsage, what, hint);
  };
  if (hires.scale != 0 && (hires.width != 0 || hires.height != 0)) {
    refuse("`hires_scale` and `hires_width` or `hires_height` exclude each other",
           "give a scale, or sides");
  }
  if (!(hires.strength >= 0 && hires.strength <= 1)) {
    refuse(fmt::format("`hires_strength` must be from 0 to 1, found {:g}", hires.strength),
           "0.75 is the usual one");
  }
  if (request.noise.shared()) {
    refuse("a second pass needs a separate random stream for each picture",
           "use `seed_mode` image");
  }
  if (request.batch.init.image != nullptr) {
    refuse("a second pass and an init image exclude each other",
           "leave `hires_scale`, `hires_width` and `hires_height` out");
  }
  const HiresSize size = hires_size(request.batch, model.factor);
  check_side("hires_width", size.width, model.factor, kMaxSide);
  check_side("hires_height", size.height, model.factor, kMaxSide);
  const Request second = second_pass(request, model.factor);
  if (!sampling::find_sampler(second.batch.sampler).starts_from_picture) {
    refuse(fmt::format("the sampler {} cannot draw a second pass", second.batch.sampler),
           "choose another with `hires_sampler`");
  }
}

}  // namespace sd::pipeline
