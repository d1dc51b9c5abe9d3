#pragma once

#include <cstdint>

namespace sd::sampling {

/// As Python's int(strength * steps): the product in double, cut.
int64_t share_of(double strength, int64_t steps);

/// How many steps the levels are laid for, and how many of them are taken from a picture (one less
/// of timesteps, one more of sigmas), as the web UI's setup_img2img_steps.
struct PictureSteps {
  int64_t laid, taken;
};
/// `fix_steps`: take as many as are asked for, whatever the strength.
PictureSteps picture_steps(double strength, int64_t steps, bool fix_steps);

}  // namespace sd::sampling
