#pragma once

#include "sd/request.h"
#include "sd/settings.h"

// The one table of settings. Flags and their help, lines of prompt files, records of pictures (JSON
// and the web UI's text), README's table of flags and the names in messages are all made from it:
// to add a setting, add a member to sd/settings.h and a row here. job/settings.h has the uses.

namespace sd {

/// Headings of the help page, in its order.
enum class SettingGroup { kPicture, kSampling, kModel, kOutput, kSafety, kDevice };

/// Which of the scripts know a setting.
enum class Scripts { kBoth, kTxt2Img, kImg2Img };

/// Where a setting may be set.
enum class Settable {
  kCommand,  ///< on the command line
  kLine,     ///< in a line of a prompt file
  kBoth,
  kNowhere,  ///< it is worked out, and recorded
};

/// The least and the most that a number may be.
struct Limits {
  double least = 0;
  double most = -1;  ///< below `least`: no limits

  bool exist() const { return least <= most; }
};

/// What the table says of a setting besides its name and value. Texts are without dashes: "n_iter".
struct About {
  const char* flags = "";  ///< all spellings, the help page's first; n_iter stands for n-iter, too
  SettingGroup group = SettingGroup::kPicture;
  const char* help = "";
  const char* more = "";          ///< what README says after `help`
  const char* kind = "";          ///< such as FILE, where the type says too little
  const char* fallback = "";      ///< what the help page calls the default, where it is no constant
  const char* fallback_img = "";  ///< img2img's, where it is another
  Limits limits = {};
  Scripts scripts = Scripts::kBoth;
  Settable where = Settable::kCommand;
  const char* record = "";  ///< its place in a picture's JSON, a JSON pointer; empty: none
  bool required = false;    ///< a record without it is refused (those of the first release have it)
  bool sparse = false;      ///< recorded only where it is not the default
  const char* a1111 = "";   ///< its name in the text that AUTOMATIC1111's web UI writes
};

/// What may be turned on samplers, schedules and the noise.
template <class S, class V>
void visit_sampler_settings(S& s, V&& v) {
  using enum SettingGroup;
  using enum Settable;
  v("s_noise", s.batch.knobs.s_noise,
    About{.flags = "s-noise",
          .group = kSampling,
          .help = "size of the noise that a sampler adds",
          .limits = {0, 100},
          .where = kBoth,
          .record = "/knobs/s_noise",
          .sparse = true,
          .a1111 = "Sigma noise"});
  v("s_churn", s.batch.knobs.s_churn,
    About{.flags = "s-churn",
          .group = kSampling,
          .help = "noise added before each step of euler, heun and dpm2",
          .limits = {0, 10'000},
          .where = kBoth,
          .record = "/knobs/s_churn",
          .sparse = true,
          .a1111 = "Sigma churn"});
  v("s_tmin", s.batch.knobs.s_tmin,
    About{.flags = "s-tmin",
          .group = kSampling,
          .help = "the lowest sigma at which s_churn adds noise",
          .limits = {0, 10'000},
          .where = kBoth,
          .record = "/knobs/s_tmin",
          .sparse = true,
          .a1111 = "Sigma tmin"});
  v("s_tmax", s.batch.knobs.s_tmax,
    About{.flags = "s-tmax",
          .group = kSampling,
          .help = "the highest one; 0: any",
          .limits = {0, 10'000},
          .where = kBoth,
          .record = "/knobs/s_tmax",
          .sparse = true,
          .a1111 = "Sigma tmax"});
  v("sigma_min", s.batch.knobs.sigma_min,
    About{.flags = "sigma-min",
          .group = kSampling,
          .help = "the schedule's lowest level above 0; 0: the model's",
          .limits = {0, 10'000},
          .where = kBoth,
          .record = "/knobs/sigma_min",
          .sparse = true,
          .a1111 = "Schedule min sigma"});
  v("sigma_max", s.batch.knobs.sigma_max,
    About{.flags = "sigma-max",
          .group = kSampling,
          .help = "the schedule's highest level; 0: the model's",
          .limits = {0, 10'000},
          .where = kBoth,
          .record = "/knobs/sigma_max",
          .sparse = true,
          .a1111 = "Schedule max sigma"});
  v("rho", s.batch.knobs.rho,
    About{.flags = "rho",
          .group = kSampling,
          .help = "exponent of karras and polyexponential; 0: 7 and 1",
          .limits = {0, 100},
          .where = kBoth,
          .record = "/knobs/rho",
          .sparse = true,
          .a1111 = "Schedule rho"});
  v("beta_alpha", s.batch.knobs.beta_alpha,
    About{.flags = "beta-alpha",
          .group = kSampling,
          .help = "alpha of the schedule beta",
          .limits = {0.001, 1000},
          .where = kBoth,
          .record = "/knobs/beta_alpha",
          .sparse = true,
          .a1111 = "Beta schedule alpha"});
  v("beta_beta", s.batch.knobs.beta_beta,
    About{.flags = "beta-beta",
          .group = kSampling,
          .help = "beta of the schedule beta",
          .limits = {0.001, 1000},
          .where = kBoth,
          .record = "/knobs/beta_beta",
          .sparse = true,
          .a1111 = "Beta schedule beta"});
  v("sigmas", s.batch.knobs.sigmas,
    About{.flags = "sigmas",
          .group = kSampling,
          .help = "levels of noise in place of a schedule, falling, mostly to 0: 14.6,3,0.5,0",
          .where = kBoth,
          .record = "/knobs/sigmas",
          .sparse = true});
  v("old_karras_sigmas", s.batch.knobs.old_karras_sigmas,
    About{.flags = "old-karras-sigmas",
          .group = kSampling,
          .help = "schedules from sigma 10 to 0.1",
          .where = kBoth,
          .record = "/knobs/old_karras_sigmas",
          .sparse = true});
  v("discard_next_to_last", s.batch.knobs.discard_next_to_last,
    About{.flags = "discard-next-to-last-sigma",
          .group = kSampling,
          .help = "one step more, without the last level above 0",
          .where = kBoth,
          .record = "/knobs/discard_next_to_last",
          .sparse = true,
          .a1111 = "Discard penultimate sigma"});
  v("quantize", s.batch.knobs.quantize,
    About{.flags = "quantize",
          .group = kSampling,
          .help = "whole timesteps for the samplers of k-diffusion",
          .where = kBoth,
          .record = "/knobs/quantize",
          .sparse = true});
  v("downcast_alphas", s.batch.knobs.downcast_alphas,
    About{.flags = "downcast-alphas",
          .group = kSampling,
          .help = "the noise schedule in half precision, as web UIs before 1.7",
          .where = kBoth,
          .record = "/knobs/downcast_alphas",
          .sparse = true,
          .a1111 = "Downcast alphas_cumprod"});
  v("sgm_noise", s.batch.knobs.sgm_noise,
    About{.flags = "sgm-noise",
          .group = kSampling,
          .help = "start from sqrt(1 + sigma²) in place of sigma",
          .where = kBoth,
          .record = "/knobs/sgm_noise",
          .sparse = true,
          .a1111 = "SGM noise multiplier"});
  v("s_min_uncond", s.batch.knobs.s_min_uncond,
    About{.flags = "s-min-uncond",
          .group = kSampling,
          .help = "below this sigma every other evaluation has no guidance",
          .limits = {0, 10'000},
          .where = kBoth,
          .record = "/knobs/s_min_uncond",
          .sparse = true,
          .a1111 = "NGMS"});
  v("s_min_uncond_all", s.batch.knobs.s_min_uncond_all,
    About{.flags = "s-min-uncond-all",
          .group = kSampling,
          .help = "below it, none has",
          .where = kBoth,
          .record = "/knobs/s_min_uncond_all",
          .sparse = true,
          .a1111 = "NGMS all steps"});
  v("skip_early_cond", s.batch.knobs.skip_early_cond,
    About{.flags = "skip-early-cond",
          .group = kSampling,
          .help = "share of the evaluations that begin without guidance",
          .limits = {0, 1},
          .where = kBoth,
          .record = "/knobs/skip_early_cond",
          .sparse = true,
          .a1111 = "Skip Early CFG"});
  v("guidance_from", s.batch.knobs.guidance_from,
    About{.flags = "guidance-from",
          .group = kSampling,
          .help = "guidance from this share of the evaluations on; one without costs half",
          .limits = {0, 1},
          .where = kBoth,
          .record = "/knobs/guidance_from",
          .sparse = true});
  v("guidance_until", s.batch.knobs.guidance_until,
    About{.flags = "guidance-until",
          .group = kSampling,
          .help = "guidance up to this share of the evaluations",
          .limits = {0, 1},
          .where = kBoth,
          .record = "/knobs/guidance_until",
          .sparse = true});
  v("initial_noise", s.batch.knobs.initial_noise,
    About{.flags = "initial-noise-multiplier",
          .group = kSampling,
          .help = "factor of the noise that is put into an init image",
          .limits = {0, 100},
          .scripts = Scripts::kImg2Img,
          .where = kBoth,
          .record = "/knobs/initial_noise",
          .sparse = true,
          .a1111 = "Noise multiplier"});
  v("extra_noise", s.batch.knobs.extra_noise,
    About{.flags = "extra-noise",
          .group = kSampling,
          .help = "more of it",
          .limits = {0, 100},
          .scripts = Scripts::kImg2Img,
          .where = kBoth,
          .record = "/knobs/extra_noise",
          .sparse = true,
          .a1111 = "Extra noise"});
  v("fix_steps", s.batch.knobs.fix_steps,
    About{.flags = "fix-steps",
          .group = kSampling,
          .help = "take all steps from an init image, whatever the strength",
          .scripts = Scripts::kImg2Img,
          .where = kBoth,
          .record = "/knobs/fix_steps",
          .sparse = true});
  v("unipc_variant", s.batch.knobs.unipc_variant,
    About{.flags = "unipc-variant",
          .group = kSampling,
          .help = "what unipc's corrections go by",
          .where = kBoth,
          .record = "/knobs/unipc_variant",
          .sparse = true,
          .a1111 = "UniPC variant"});
  v("unipc_skip", s.batch.knobs.unipc_skip,
    About{.flags = "unipc-skip-type",
          .group = kSampling,
          .help = "what unipc's times lie evenly in",
          .where = kBoth,
          .record = "/knobs/unipc_skip",
          .sparse = true,
          .a1111 = "UniPC skip type"});
  v("unipc_order", s.batch.knobs.unipc_order,
    About{.flags = "unipc-order",
          .group = kSampling,
          .help = "pictures that a step of unipc looks back on",
          .limits = {1, 6},
          .where = kBoth,
          .record = "/knobs/unipc_order",
          .sparse = true,
          .a1111 = "UniPC order"});
  v("unipc_lower_order_final", s.batch.knobs.unipc_lower_order_final,
    About{.flags = "unipc-lower-order-final",
          .group = kSampling,
          .help = "lower orders in unipc's last steps",
          .where = kBoth,
          .record = "/knobs/unipc_lower_order_final",
          .sparse = true,
          .a1111 = "UniPC lower order final"});
  v("variation_strength", s.batch.noise.variation_strength,
    About{.flags = "variation-strength",
          .group = kSampling,
          .help = "how far a picture's noise goes towards that of the variation seed: 0 to 1",
          .limits = {0, 1},
          .where = kBoth,
          .record = "/noise/variation_strength",
          .sparse = true,
          .a1111 = "Variation seed strength"});
  v("variation_seed", s.picture.variation_seed,
    About{.flags = "variation-seed",
          .group = kSampling,
          .help = "the first picture's variation seed; those after it count up",
          .where = kBoth,
          .record = "/noise/variation_seed",
          .sparse = true,
          .a1111 = "Variation seed"});
  v("noise_from_width", s.batch.noise.from_width,
    About{.flags = "seed-resize-from-w",
          .group = kSampling,
          .help = "put the noise of a picture of this width into the middle; 0: none",
          .limits = {0, kMaxSide},
          .where = kBoth,
          .record = "/noise/noise_from_width",
          .sparse = true});
  v("noise_from_height", s.batch.noise.from_height,
    About{.flags = "seed-resize-from-h",
          .group = kSampling,
          .help = "and of this height",
          .limits = {0, kMaxSide},
          .where = kBoth,
          .record = "/noise/noise_from_height",
          .sparse = true});
  v("seed_delta", s.batch.noise.seed_delta,
    About{.flags = "eta-noise-seed-delta,ensd",
          .group = kSampling,
          .help = "draws after the first come from a stream of the seed and this",
          .where = kBoth,
          .record = "/noise/seed_delta",
          .sparse = true,
          .a1111 = "ENSD"});
}

/// The settings of a picture and its batch. `v` is called with the key, which messages use, the
/// value and an About.
template <class S, class V>
void visit_line_settings(S& s, V&& v) {
  using enum SettingGroup;
  using enum Settable;
  constexpr const char* kSide = "512; the built-in model: 128";
  v("prompt", s.picture.prompt,
    About{.flags = "prompt", .help = "the words to draw", .record = "/prompt", .required = true});
  v("negative_prompt", s.picture.negative_prompt,
    About{.flags = "negative-prompt",
          .help = "words that guidance leads away from",
          .where = kBoth,
          .record = "/negative_prompt",
          .required = true});
  v("height", s.H,
    About{.flags = "H,height",
          .help = "height in pixels, a multiple of 64",
          .fallback = kSide,
          .scripts = Scripts::kTxt2Img,
          .where = kBoth});
  v("width", s.W,
    About{.flags = "W,width",
          .help = "width in pixels, a multiple of 64",
          .fallback = kSide,
          .scripts = Scripts::kTxt2Img,
          .where = kBoth});
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
          .required = true});
  v("strength", s.batch.init.strength,
    About{.flags = "strength",
          .help = "how much of it is noised away: 0 leaves it, 1 takes all",
          .scripts = Scripts::kImg2Img,
          .where = kBoth,
          .record = "/init_image/strength",
          .required = true,
          .a1111 = "Denoising strength"});
  v("fit", s.batch.init.fit,
    About{.flags = "fit",
          .help = "shrink larger init images to fit into so many pixels",
          .scripts = Scripts::kImg2Img,
          .record = "/init_image/fit",
          .required = true});
  v("exif", s.batch.init.exif,
    About{.flags = "exif",
          .help = "turn init images upright as their EXIF data say",
          .more = "the reference does not",
          .scripts = Scripts::kImg2Img,
          .record = "/init_image/exif",
          .required = true});
  v("scale", s.picture.scale,
    About{.flags = "scale",
          .help = "guidance: how strongly the words lead; 1 is none",
          .where = kBoth,
          .record = "/scale",
          .required = true,
          .a1111 = "CFG scale"});
  v("sampler", s.batch.sampler,
    About{.flags = "sampler",
          .group = kSampling,
          .help = "the sampler, by our name or AUTOMATIC1111's; wins over --plms and --dpm_solver",
          .kind = "NAME",
          .where = kBoth,
          .record = "/sampler",
          .required = true,
          .a1111 = "Sampler"});
  v("schedule", s.batch.schedule,
    About{.flags = "schedule",
          .group = kSampling,
          .help = "how the levels of noise are laid, where the sampler has no timesteps of its own",
          .kind = "NAME",
          .where = kBoth,
          .record = "/schedule",
          .sparse = true});
  v("steps", s.batch.steps,
    About{.flags = "ddim_steps,steps",
          .group = kSampling,
          .help = "steps, of whichever sampler",
          .more = "1 to 1000; with `--dpm_solver` 2 to 10000",
          .where = kBoth,
          .record = "/steps",
          .required = true,
          .a1111 = "Steps"});
  v("plms", s.plms,
    About{.flags = "plms",
          .group = kSampling,
          .help = "sample with PLMS instead of DDIM",
          .where = kBoth});
  v("dpm_solver", s.dpm_solver,
    About{.flags = "dpm_solver",
          .group = kSampling,
          .help = "sample with DPM-Solver++ 2M (wins over --plms)",
          .scripts = Scripts::kTxt2Img,
          .where = kBoth});
  v("eta", s.batch.knobs.eta,
    About{
        .flags = "ddim_eta,eta",
        .group = kSampling,
        .help =
            "noise that a step adds anew: 0 none; DDIM 1: as DDPM; the usual is 0 for DDIM, 1 for "
            "k-diffusion's",
        .where = kBoth,
        .record = "/eta",
        .required = true,
        .a1111 = "Eta DDIM"});
  visit_sampler_settings(s, v);
  v("own_seed", s.picture.seed,
    About{.flags = "seed", .group = kSampling, .help = "the picture's own seed", .where = kLine});
}

/// The settings of a run that are none of a line's.
template <class S, class V>
void visit_run_settings(S& s, V&& v) {
  using enum SettingGroup;
  constexpr double kMostSamples = 1024;
  v("from_file", s.from_file,
    About{.flags = "from-file",
          .help = "draw the prompts of this file (- is standard input) instead of --prompt: one a "
                  "line, which may have flags of its own, or JSON Lines",
          .kind = "FILE"});
  v("keep_going", s.keep_going,
    About{.flags = "keep-going", .help = "leave bad lines of that file out and draw the others"});
  v("n_samples", s.n_samples,
    About{.flags = "n_samples",
          .help = "pictures at once (the batch)",
          .more = "of the prompt, or with `--from-file` lines",
          .limits = {1, kMostSamples}});
  v("n_iter", s.n_iter,
    About{.flags = "n_iter", .help = "draw every batch so many times", .limits = {1, 1'000'000}});
  v("seed", s.seed,
    About{.flags = "seed",
          .group = kSampling,
          .help = "where the random numbers start; the same seed and flags give the same picture",
          .more = "any whole number of 64 bits",
          .record = "/seed",
          .required = true,
          .a1111 = "Seed"});
  v("seed_mode", s.seed_mode,
    About{.flags = "seed-mode",
          .group = kSampling,
          .help =
              "all pictures from one stream, as the reference's, or picture k from a stream of "
              "its own, of seed + k; not promised: the last bit, for sums are rounded by how many "
              "are drawn at once",
          .fallback = "stream with ddim, plms and dpm_solver, else image",
          .record = "/seed_mode",
          .required = true});
  v("fixed_code", s.fixed_code,
    About{.flags = "fixed_code",
          .group = kSampling,
          .help = "start every batch from the same noise",
          .record = "/fixed_code",
          .required = true});
  v("rng", s.rng,
    About{.flags = "rng",
          .group = kSampling,
          .help =
              "whose random numbers: those of an NVIDIA card (on any device), or of torch's CPU "
              "generator",
          .record = "/rng",
          .required = true});
  v("ckpt", s.ckpt,
    About{.flags = "ckpt",
          .group = kModel,
          .help = "checkpoint, .ckpt or .safetensors, or a folder in the layout of diffusers",
          .kind = "FILE",
          .fallback = "models/ldm/stable-diffusion-v1/model.ckpt, else the built-in model",
          .record = "/model/checkpoint",
          .required = true});
  v("config", s.config,
    About{.flags = "config",
          .group = kModel,
          .help = "the model's YAML file",
          .kind = "FILE",
          .fallback = "beside the checkpoint, else configs/stable-diffusion/v1-inference.yaml",
          .record = "/model/config",
          .required = true});
  v("laion400m", s.laion400m,
    About{.flags = "laion400m",
          .group = kModel,
          .help = "use the LAION-400M model at its default place",
          .more = "`models/ldm/text2img-large/model.ckpt`, with its config and an output folder of "
                  "its own, unless others are given",
          .scripts = Scripts::kTxt2Img});
  v("weights", s.weights,
    About{.flags = "weights",
          .group = kModel,
          .help = "averaged (ema) or last (plain) weights of the UNet; config: as use_ema of the "
                  "YAML says",
          .record = "/model/weights",
          .required = true});
  v("channels", s.C,
    About{.flags = "C", .group = kModel, .help = "channels of the latent; must be the model's"});
  v("factor", s.f,
    About{.flags = "f",
          .group = kModel,
          .help = "pixels a latent value stands for, along each side",
          .limits = {1, kMaxSide}});
  v("outdir", s.outdir,
    About{.flags = "outdir",
          .group = kOutput,
          .help = "folder for samples/00000.png … and grid-0000.png …",
          .kind = "DIR",
          .fallback = "outputs/txt2img-samples",
          .fallback_img = "outputs/img2img-samples"});
  v("n_rows", s.n_rows,
    About{.flags = "n_rows",
          .group = kOutput,
          .help = "pictures in a row of the grid; 0: n_samples",
          .limits = {0, kMostSamples}});
  v("skip_grid", s.skip_grid,
    About{.flags = "skip_grid", .group = kOutput, .help = "write no grid of all pictures"});
  v("skip_save", s.skip_save,
    About{.flags = "skip_save", .group = kOutput, .help = "write no single pictures"});
  v("watermark", s.watermark,
    About{.flags = "watermark",
          .group = kOutput,
          .help = "what the invisible watermark says",
          .record = "/watermark",
          .required = true});
  v("no_watermark", s.no_watermark,
    About{.flags = "no-watermark", .group = kOutput, .help = "leave the invisible watermark out"});
  v("no_metadata", s.no_metadata,
    About{.flags = "no-metadata",
          .group = kOutput,
          .help = "leave the parameters out of the PNG files"});
  v("safety", s.safety,
    About{.flags = "safety",
          .group = kSafety,
          .help = "what to do with pictures that it flags: nothing is checked; only say so; blur "
                  "them; make them black, as the reference; write none",
          .fallback = "black, where the checker is at its place",
          .record = "/safety/mode",
          .required = true});
  v("safety_ckpt", s.safety_ckpt,
    About{.flags = "safety-ckpt",
          .group = kSafety,
          .help = "its weights, .safetensors or pytorch_model.bin",
          .kind = "FILE",
          .fallback = "models/safety_checker/model.safetensors"});
  v("precision", s.device.precision,
    About{.flags = "precision",
          .group = kDevice,
          .help = "float32 (full), on a card half precision (autocast) or bfloat16; on the CPU "
                  "autocast is full",
          .record = "/device/precision"});
  v("device", s.device.device,
    About{.flags = "device",
          .group = kDevice,
          .help = "auto, cpu, cuda or cuda:N",
          .kind = "NAME",
          .record = "/device/name",
          .required = true});
  v("devices", s.devices,
    About{.flags = "devices",
          .group = kDevice,
          .help = "several cards, like 0,1: each draws whole batches; the same pictures as on one",
          .more = "One worker a card, each with the whole model. Names and order are those of one "
                  "card, too. `cpu,cpu` is two workers that share the processor",
          .kind = "LIST"});
  v("threads", s.device.threads,
    About{.flags = "threads",
          .group = kDevice,
          .help = "threads; 0: as many as this process may use",
          .record = "/device/threads",
          .required = true});
  v("memory", s.device.memory,
    About{.flags = "memory",
          .group = kDevice,
          .help = "what a run may keep to be faster; low: a third of the memory",
          .more =
              "`low` keeps no copy of a weight. What the run will need is said before it draws; "
              "where that is more than is free, the next lower mode is taken, then the UNet is "
              "given one picture at a time, or half of its guidance; that is said, and changes "
              "no picture by more than rounding. A card has no modes, and the rest of this is "
              "done there, too. Where memory runs out all the same, the batch is drawn again "
              "so"});
  v("vae_tiling", s.device.vae_tiling,
    About{.flags = "vae-tiling",
          .group = kDevice,
          .help =
              "encode and decode pictures in strips, without seams: half of the memory, a fifth "
              "more time; auto: large pictures",
          .more = "The strips overlap and the norms see the whole picture, so the result is the "
                  "same within rounding. `auto`: where the whole needs more than 4 GiB (`low`: 1 "
                  "GiB) or does not fit"});
  v("kernels", s.device.kernels,
    About{.flags = "kernels",
          .group = kDevice,
          .help = "the fastest kernels that the processor has, plain ATen everywhere, or none "
                  "beyond these instructions",
          .record = "/device/kernels",
          .required = true});
  v("progress_fd", s.progress_fd,
    About{.flags = "progress-fd",
          .group = kOutput,
          .help = "write what happens to this file descriptor, a JSON object a line",
          .more = "steps, seconds left and paths; see \"Progress for programs\"",
          .limits = {0, 1 << 20}});
  v("profile", s.profile,
    About{.flags = "profile",
          .group = kDevice,
          .help = "say at the end where the time went",
          .more = "on stderr: calls, seconds, share, GFLOP and GFLOP/s by zone"});
  v("profile_json", s.profile_json,
    About{.flags = "profile-json",
          .group = kDevice,
          .help = "write that to a file, as JSON",
          .more = "one that is there is replaced",
          .kind = "FILE"});
}

/// Both.
template <class S, class V>
void visit_settings(S& s, V&& v) {
  visit_line_settings(s, v);
  visit_run_settings(s, v);
}

}  // namespace sd
