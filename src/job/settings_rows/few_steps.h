#pragma once

#include "job/settings_rows/about.h"

namespace sd::job {

/// Of samplers for few steps.
template <class S, class V>
void visit_few_step_settings(S& s, V&& v) {
  using enum SettingGroup;
  using enum Settable;
  v("original_steps", s.batch.knobs.original_steps,
    About{.flags = "original-steps",
          .group = kSampling,
          .help = "number of timesteps that a model for tcd and diffusers_lcm was distilled on",
          .limits = {1, 1000},
          .where = kBoth,
          .record = "/knobs/original_steps",
          .sparse = true});
  v("set_alpha_to_one", s.batch.knobs.set_alpha_to_one,
    About{.flags = "set-alpha-to-one",
          .group = kSampling,
          .help = "the last step of ddim_trailing leaves no noise",
          .where = kBoth,
          .record = "/knobs/set_alpha_to_one",
          .sparse = true});
}

}  // namespace sd::job
