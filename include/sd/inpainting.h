#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sd/image.h"

namespace sd {

/// Whose way of inpainting a run uses.
enum class InpaintMode {
  kRunwayml,  ///< runwayml's: a model of 9 channels reads the mask and the masked picture
  kLdm,       ///< CompVis': before each step, the kept part is the picture with that step's noise
  kWebui,     ///< AUTOMATIC1111's: the kept part is the picture itself, with any sampler
};

/// What the masked part of the picture is before noise is added (AUTOMATIC1111's "masked content").
enum class InpaintFill {
  kOriginal,
  kFill,     ///< its blurred surroundings
  kNoise,    ///< noise alone
  kNothing,  ///< zeros of the latent
};

/// How a picture is fitted to another shape.
enum class FitMode {
  kStretch,  ///< both sides as they come
  kCrop,     ///< filled, and what is beyond cut off
  kPad,      ///< fitted in, and its edges stretched to fill the rest
};

/// Pixels by which a picture grows on each side.
struct Margins {
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;

  bool operator==(const Margins&) const = default;
};

/// The settings of an inpainting.
struct MaskSettings {
  /// A picture whose white part is redrawn; "alpha": the init image's transparency; empty: none.
  std::string file = {};
  std::optional<InpaintMode> mode =
      {};                           ///< not given: kRunwayml with a model of 9 channels, else kLdm
  bool invert = false;              ///< redraw the black part
  std::optional<double> blur = {};  ///< in pixels; not given: 4 with kWebui, else 0
  InpaintFill fill = InpaintFill::kOriginal;
  bool only_masked = false;  ///< draw only the region around the mask, enlarged
  int64_t padding = 32;      ///< of that region, in pixels
  bool soft = false;         ///< redraw grey in proportion
  bool no_paste = false;     ///< leave the picture as it was decoded
  FitMode resize = FitMode::kStretch;
  std::optional<Margins> outpaint = {};

  /// Whether there is something to inpaint.
  bool any() const { return !file.empty() || outpaint.has_value(); }
  bool operator==(const MaskSettings&) const = default;
};

/// An inpainting, ready to be drawn.
struct Inpainting {
  InpaintMode mode = InpaintMode::kLdm;
  InpaintFill fill = InpaintFill::kOriginal;
  bool soft = false;
  GrayImage mask;  ///< of the batch's size: 255 is redrawn
  bool paste = true;
  Image original;     ///< what the picture is pasted into
  GrayImage overlay;  ///< of its size: how much of the drawn picture is visible
  Region region;      ///< the place of the drawn picture in it
};

}  // namespace sd
