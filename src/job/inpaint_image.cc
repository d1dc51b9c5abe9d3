#include "job/inpaint_image.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "base/words.h"
#include "image/file_bytes.h"
#include "image/image_io.h"
#include "image/masking.h"
#include "sd/error.h"
#include "weights/sha256.h"

namespace sd::job {
namespace {

constexpr double kWebUiBlur = 4;
constexpr uint8_t kWhite = 128;

[[noreturn]] void refuse(const std::string& what, const std::string& way) {
  throw Error(ErrorKind::kUsage, what, way);
}

/// Throws for settings of a mask where there is none.
void check_without_mask(const MaskSettings& mask) {
  const std::pair<bool, const char*> given[] = {
      {mask.mode.has_value(), "inpaint_mode"},
      {mask.invert, "invert_mask"},
      {mask.blur.has_value(), "mask_blur"},
      {mask.fill != InpaintFill::kOriginal, "inpaint_fill"},
      {mask.only_masked, "only_masked"},
      {mask.padding != MaskSettings().padding, "padding"},
      {mask.soft, "soft_mask"},
      {mask.no_paste, "no_paste"}};
  for (const auto& [is_given, name] : given) {
    if (is_given) {
      refuse(std::string("`") + name + "` needs a mask", "give one with `mask`, or `outpaint`");
    }
  }
}

/// Throws for what the mode cannot do.
void check_mode(const InitSettings& init, const sampling::Sampler& sampler,
                const ModelDescription& model) {
  const InpaintMode mode = *init.mask.mode;
  if (mode == InpaintMode::kWebui) return;
  const std::string name = std::string("`inpaint_mode` ") + word_of(mode);
  constexpr const char* kTakeWebui = "`inpaint_mode` webui does that";
  if (mode == InpaintMode::kRunwayml && !model.inpaints) {
    refuse(name + " needs a model of 9 input channels", "use ldm or webui with this one");
  }
  if (mode == InpaintMode::kLdm && model.inpaints) {
    refuse(name + " does not go with a model of 9 input channels", "use runwayml or webui");
  }
  if (init.strength) {
    refuse(name + " starts from noise alone and takes no `strength`", kTakeWebui);
  }
  if (init.mask.fill != InpaintFill::kOriginal) {
    refuse(name + " starts from noise alone and takes no `inpaint_fill`", kTakeWebui);
  }
  if (mode == InpaintMode::kRunwayml && init.mask.soft) {
    refuse(name + " takes no `soft_mask`: the model knows only white and black", kTakeWebui);
  }
  if (mode == InpaintMode::kLdm && sampler.grid != sampling::Grid::kDdim) {
    refuse(name + " takes the samplers ddim and plms, found " + sampler.name,
           "`inpaint_mode` webui takes every sampler");
  }
}

/// Of the picture that is laid on white where it is transparent (Pillow's paste with a mask).
Image on_white(const Image& image, const GrayImage& alpha) {
  Image result = image;
  for (size_t i = 0; i < result.rgb.size(); ++i) {
    const uint32_t a = alpha.values[i / 3];
    const uint32_t sum = 255 * (255 - a) + result.rgb[i] * a + 128;
    result.rgb[i] = static_cast<uint8_t>(((sum >> 8) + sum) >> 8);
  }
  return result;
}

/// The mask in a file: white is drawn anew.
GrayImage read_mask(const MaskSettings& settings) {
  const std::vector<uint8_t> bytes = image::read_file_bytes(settings.file);
  const auto alpha = image::decode_alpha(bytes, settings.file);
  const bool transparent = alpha && std::any_of(alpha->values.begin(), alpha->values.end(),
                                                [](uint8_t value) { return value != 255; });
  if (settings.mode == InpaintMode::kWebui && transparent) {
    return settings.soft ? *alpha : image::thresholded(*alpha, kWhite + 1);
  }
  return image::to_gray(image::decode_image(bytes, settings.file));
}

/// The mask that the settings name, of the picture's size, or where it already has it of the drawn
/// one.
GrayImage mask_of(const InitSettings& init, const Image& image,
                  const std::optional<GrayImage>& alpha, const FitSize& size) {
  const MaskSettings& settings = init.mask;
  if (settings.file.empty()) return GrayImage(image.width, image.height);
  GrayImage mask;
  if (settings.file != kAlphaMask) {
    mask = read_mask(settings);
  } else if (alpha) {
    mask = image::inverted(*alpha);
  } else {
    throw Error(ErrorKind::kFile, "the init image " + printable(init.file) + " has no alpha",
                "give `mask` a picture, or use a PNG or WebP with transparent parts");
  }
  if (settings.mode != InpaintMode::kWebui && !settings.soft)
    mask = image::thresholded(mask, kWhite);
  if (settings.invert) mask = image::inverted(mask);
  const bool fits = mask.width == image.width && mask.height == image.height;
  const bool drawn = mask.width == size.width && mask.height == size.height;
  if (fits || (drawn && !settings.only_masked && !settings.outpaint)) return mask;
  notice(fmt::format("mask: {} is stretched from {}x{} to the init image's {}x{}",
                     printable(settings.file), mask.width, mask.height, image.width, image.height));
  return image::fit_mask(mask, FitMode::kStretch, image.width, image.height);
}

/// The mask with what is new around it white.
GrayImage grow_mask(const GrayImage& mask, const Margins& by) {
  GrayImage result(mask.width + by.left + by.right, mask.height + by.top + by.bottom);
  std::fill(result.values.begin(), result.values.end(), uint8_t{255});
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) result.at(x + by.left, y + by.top) = mask.at(x, y);
  }
  return result;
}

GrayImage double_values(const GrayImage& mask) {
  GrayImage result = mask;
  for (uint8_t& value : result.values) value = static_cast<uint8_t>(std::min(255, 2 * value));
  return result;
}

/// The picture at the drawn size: as the page of runwayml's script resizes it, or by Lanczos.
Image fit_whole(const Image& image, const MaskSettings& settings, const FitSize& size) {
  const bool page = settings.mode == InpaintMode::kRunwayml && settings.resize == FitMode::kStretch;
  if (page) return image::resize(image, size.width, size.height, image::ResizeFilter::kBicubic);
  return image::fit_image(image, settings.resize, size.width, size.height);
}

/// The whole picture with its mask; sets what is drawn.
Image whole(const Image& image, const GrayImage& mask, const MaskSettings& settings,
            const FitSize& size, Inpainting* inpainting) {
  const bool ready = mask.width == size.width && mask.height == size.height;
  inpainting->mask = ready ? mask : image::fit_mask(mask, settings.resize, size.width, size.height);
  inpainting->overlay = double_values(inpainting->mask);
  inpainting->region = {0, 0, size.width, size.height};
  inpainting->original = fit_whole(image, settings, size);
  return inpainting->original;
}

/// The part of the picture that the mask lies in.
Image part(const Image& image, const GrayImage& mask, const Region& region, const FitSize& size,
           Inpainting* inpainting) {
  inpainting->mask =
      image::fit_mask(image::crop(mask, region), FitMode::kPad, size.width, size.height);
  inpainting->overlay = mask;
  inpainting->region = region;
  inpainting->original = image;
  return image::fit_image(image::crop(image, region.x, region.y, region.width, region.height),
                          FitMode::kPad, size.width, size.height);
}

}  // namespace

void complete_mask(InitSettings* init, const sampling::Sampler& sampler,
                   const ModelDescription& model) {
  constexpr double kUsualStrength = 0.75;
  MaskSettings& mask = init->mask;
  if (!mask.any()) {
    check_without_mask(mask);
    init->strength = init->strength.value_or(kUsualStrength);
    return;
  }
  if (!mask.mode) mask.mode = model.inpaints ? InpaintMode::kRunwayml : InpaintMode::kLdm;
  check_mode(*init, sampler, model);
  const bool webui = mask.mode == InpaintMode::kWebui;
  mask.blur = mask.blur.value_or(webui ? kWebUiBlur : 0);
  if (webui) init->strength = init->strength.value_or(kUsualStrength);
}

bool wants_alpha(const InitSettings& init) {
  return init.mask.file == kAlphaMask || init.mask.mode == InpaintMode::kWebui;
}

Image grow(const Image& image, const Margins& by) {
  Image result(image.width + by.left + by.right, image.height + by.top + by.bottom);
  for (int y = 0; y < result.height; ++y) {
    for (int x = 0; x < result.width; ++x) {
      const int from_x = std::clamp(x - by.left, 0, image.width - 1);
      const int from_y = std::clamp(y - by.top, 0, image.height - 1);
      std::copy_n(image.at(from_x, from_y), 3, result.at(x, y));
    }
  }
  return result;
}

InitPicture inpaint_picture(const InitSettings& init, Image image,
                            const std::optional<GrayImage>& alpha, const FitSize& size) {
  const MaskSettings& settings = init.mask;
  GrayImage mask = mask_of(init, image, alpha, size);
  if (settings.mode == InpaintMode::kWebui && alpha) image = on_white(image, *alpha);
  if (settings.outpaint) {
    mask = grow_mask(mask, *settings.outpaint);
    image = grow(image, *settings.outpaint);
  }
  mask = image::gaussian_blur(mask, settings.blur.value_or(0));
  Inpainting inpainting{.mode = *settings.mode,
                        .fill = settings.fill,
                        .soft = settings.soft,
                        .mask = {},
                        .paste = !settings.no_paste,
                        .original = {},
                        .overlay = {},
                        .region = {}};
  Image drawn;
  if (!settings.only_masked) {
    drawn = whole(image, mask, settings, size, &inpainting);
  } else if (const auto region = image::region_of(mask, static_cast<int>(settings.padding),
                                                  size.width, size.height)) {
    drawn = part(image, mask, *region, size, &inpainting);
  } else if (settings.mode == InpaintMode::kWebui) {
    notice("the mask is black: all of the picture is drawn");
    return {std::make_shared<const Image>(fit_whole(image, settings, size)), nullptr};
  } else {
    refuse("the mask is black: there is nothing to redraw", "`invert_mask` inverts it");
  }
  if (settings.fill != InpaintFill::kOriginal) drawn = image::fill_masked(drawn, inpainting.mask);
  return {std::make_shared<const Image>(std::move(drawn)),
          std::make_shared<const Inpainting>(std::move(inpainting))};
}

std::string inpainting_sha256(const Inpainting& inpainting) {
  std::vector<uint8_t> all = inpainting.mask.values;
  for (const auto* more : {&inpainting.overlay.values, &inpainting.original.rgb}) {
    all.insert(all.end(), more->begin(), more->end());
  }
  return weights::sha256_of(all.data(), all.size());
}

}  // namespace sd::job
