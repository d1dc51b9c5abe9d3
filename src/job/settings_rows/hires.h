#pragma once

#include "job/settings_rows/about.h"

namespace sd::job {

/// The second pass over a larger picture.
template <class S, class V>
void visit_hires_settings(S& s, V&& v) {
  using enum SettingGroup;
  using enum Settable;
  constexpr Scripts kOnly = Scripts::kTxt2Img;
  v("hires_scale", s.batch.hires.scale,
    About{.flags = "hires-scale",
          .group = kHires,
          .help = "draw a second pass, over the picture enlarged by this factor; 0: no second pass",
          .more = "like the web UI's hires fix; with it, sides may be any multiples of 8",
          .limits = {0, 16},
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/scale",
          .sparse = true,
          .a1111 = "Hires upscale"});
  v("hires_width", s.batch.hires.width,
    About{.flags = "hires-width",
          .group = kHires,
          .help = "width of the larger picture, instead of a factor; 0: follows the height",
          .more = "if both sides are given, the picture is cropped to their shape",
          .limits = {0, kMaxSide},
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/width",
          .sparse = true});
  v("hires_height", s.batch.hires.height,
    About{.flags = "hires-height",
          .group = kHires,
          .help = "height of the larger picture; 0: follows the width",
          .limits = {0, kMaxSide},
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/height",
          .sparse = true});
  v("hires_steps", s.batch.hires.steps,
    About{.flags = "hires-steps",
          .group = kHires,
          .help = "steps of the second pass; 0: as many as in the first",
          .limits = {0, 10'000},
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/steps",
          .sparse = true,
          .a1111 = "Hires steps"});
  v("hires_strength", s.batch.hires.strength,
    About{.flags = "hires-strength",
          .group = kHires,
          .help = "how much of the larger picture is replaced by noise",
          .limits = {0, 1},
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/strength",
          .sparse = true});
  v("hires_upscaler", s.batch.hires.upscaler,
    About{.flags = "hires-upscaler",
          .group = kHires,
          .help = "how the picture is enlarged: by interpolating its latent, or its pixels",
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/upscaler",
          .sparse = true});
  v("hires_sampler", s.batch.hires.sampler,
    About{.flags = "hires-sampler",
          .group = kHires,
          .help = "sampler of the second pass; default: that of the first",
          .kind = "NAME",
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/sampler",
          .sparse = true,
          .names = sampler_names});
  v("hires_schedule", s.batch.hires.schedule,
    About{.flags = "hires-schedule",
          .group = kHires,
          .help = "schedule of the second pass; default: that of the first",
          .kind = "NAME",
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/schedule",
          .sparse = true,
          .names = schedule_names});
  v("hires_loras", s.batch.hires.loras,
    About{.scripts = kOnly, .where = kNowhere, .record = "/hires/loras", .sparse = true});
  v("hires_prompt", s.picture.hires_prompt,
    About{.flags = "hires-prompt",
          .group = kHires,
          .help = "prompt of the second pass; default: that of the first",
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/prompt",
          .sparse = true,
          .a1111 = "Hires prompt"});
  v("hires_negative_prompt", s.picture.hires_negative_prompt,
    About{.flags = "hires-negative-prompt",
          .group = kHires,
          .help = "negative prompt of the second pass; default: that of the first",
          .scripts = kOnly,
          .where = kBoth,
          .record = "/hires/negative_prompt",
          .sparse = true,
          .a1111 = "Hires negative prompt"});
}

}  // namespace sd::job
