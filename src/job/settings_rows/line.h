#pragma once

#include "job/settings_rows/about.h"
#include "job/settings_rows/adapters.h"
#include "job/settings_rows/few_steps.h"
#include "job/settings_rows/hires.h"
#include "job/settings_rows/inpainting.h"
#include "job/settings_rows/prompts.h"
#include "job/settings_rows/sampler.h"

namespace sd::job {

/// The settings of a picture and its batch. `v` is called with the key, which messages use, the
/// value and an About.
template <class S, class V>
void visit_line_settings(S& s, V&& v) {
  using enum SettingGroup;
  using enum Settable;
  constexpr const char* kOwnSide = "the init image's";
  constexpr const char* kSide = "512; the built-in model: 128";
  v("prompt", s.picture.prompt,
    About{.flags = "prompt",
          .help = "the words to draw",
          .record = "/prompt",
          .required = true,
          .local = true,
          .decides = "prompt",
          .common = true});
  v("negative_prompt", s.picture.negative_prompt,
    About{.flags = "negative-prompt",
          .help = "words that guidance steers away from",
          .where = kBoth,
          .record = "/negative_prompt",
          .required = true,
          .common = true});
  v("height", s.H,
    About{.flags = "H,height",
          .help = "height in pixels, a multiple of 64",
          .fallback = kSide,
          .fallback_img = kOwnSide,
          .where = kBoth,
          .common = true});
  v("width", s.W,
    About{.flags = "W,width",
          .help = "width in pixels, a multiple of 64",
          .fallback = kSide,
          .fallback_img = kOwnSide,
          .where = kBoth,
          .common = true});
  v("drawn_height", s.batch.height,
    About{.limits = {1, kMaxSide}, .where = kNowhere, .record = "/height", .required = true});
  v("drawn_width", s.batch.width,
    About{.limits = {1, kMaxSide}, .where = kNowhere, .record = "/width", .required = true});
  v("init_image", s.batch.init.file,
    About{.flags = "init-img",
          .help = "the picture to start from",
          .kind = "FILE",
          .scripts = Scripts::kImg2Img,
          .where = kBoth,
          .record = "/init_image/file",
          .required = true,
          .common = true,
          .endings = "png jpg jpeg webp tif tiff gif bmp ppm pgm tga psd hdr"});
  v("strength", s.batch.init.strength,
    About{
        .flags = "strength",
        .help = "how much of the init image is replaced by noise: 0 keeps it, 1 replaces all of it",
        .fallback = "0.75",
        .scripts = Scripts::kImg2Img,
        .where = kBoth,
        .record = "/init_image/strength",
        .required = true,
        .a1111 = "Denoising strength",
        .common = true});
  v("fit", s.batch.init.fit,
    About{.flags = "fit",
          .help = "shrink larger init images to fit into this size, in pixels",
          .scripts = Scripts::kImg2Img,
          .record = "/init_image/fit",
          .required = true});
  v("exif", s.batch.init.exif,
    About{.flags = "exif",
          .help = "turn init images upright, as their EXIF data say",
          .more = "the reference does not",
          .scripts = Scripts::kImg2Img,
          .record = "/init_image/exif",
          .required = true});
  visit_inpaint_settings(s, v);
  v("scale", s.picture.scale,
    About{.flags = "scale",
          .help = "guidance: how strongly the prompt steers the picture; 1: no guidance",
          .where = kBoth,
          .record = "/scale",
          .required = true,
          .a1111 = "CFG scale",
          .common = true});
  v("sampler", s.batch.sampler,
    About{.flags = "sampler",
          .group = kSampling,
          .help = "the sampler, by our name or AUTOMATIC1111's; overrides --plms and --dpm_solver",
          .kind = "NAME",
          .where = kBoth,
          .record = "/sampler",
          .required = true,
          .decides = "sampler",
          .common = true,
          .names = sampler_names});
  v("schedule", s.batch.schedule,
    About{.flags = "schedule",
          .group = kSampling,
          .help = "how the noise levels are spaced, if the sampler has no timesteps of its own",
          .kind = "NAME",
          .where = kBoth,
          .record = "/schedule",
          .sparse = true,
          .names = schedule_names});
  v("steps", s.batch.steps,
    About{.flags = "ddim_steps,steps",
          .group = kSampling,
          .help = "number of steps, for any sampler",
          .more = "1 to 1000; with `--dpm_solver` 2 to 10000",
          .where = kBoth,
          .record = "/steps",
          .required = true,
          .a1111 = "Steps",
          .common = true});
  v("plms", s.plms,
    About{.flags = "plms",
          .group = kSampling,
          .help = "sample with PLMS instead of DDIM",
          .where = kBoth,
          .decides = "sampler"});
  v("dpm_solver", s.dpm_solver,
    About{.flags = "dpm_solver",
          .group = kSampling,
          .help = "sample with DPM-Solver++ 2M (overrides --plms)",
          .scripts = Scripts::kTxt2Img,
          .where = kBoth,
          .decides = "sampler"});
  v("eta", s.batch.knobs.eta,
    About{.flags = "ddim_eta,eta",
          .group = kSampling,
          .help = "new noise that a step adds: 0 is none; for DDIM, 1 is DDPM; usually 0 for DDIM, "
                  "1 for k-diffusion's samplers",
          .where = kBoth,
          .record = "/eta",
          .required = true});
  visit_sampler_settings(s, v);
  visit_few_step_settings(s, v);
  visit_prompt_settings(s, v);
  visit_hires_settings(s, v);
  visit_adapter_settings(s, v);
  v("own_seed", s.picture.seed,
    About{.flags = "seed", .group = kSampling, .help = "the picture's own seed", .where = kLine});
}

}  // namespace sd::job
