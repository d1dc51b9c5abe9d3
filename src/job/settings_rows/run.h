#pragma once

#include "job/settings_rows/about.h"
#include "job/settings_rows/adapters.h"
#include "job/settings_rows/templates.h"

namespace sd::job {

/// The settings of a run that are none of a line's.
template <class S, class V>
void visit_run_settings(S& s, V&& v) {
  using enum SettingGroup;
  constexpr double kMostSamples = 1024;
  v("from_file", s.from_file,
    About{.flags = "from-file",
          .help = "draw the prompts of this file (- is standard input) instead of --prompt: one "
                  "per line, which may have its own flags, or JSON Lines",
          .kind = "FILE",
          .local = true,
          .decides = "prompt",
          .common = true,
          .endings = "txt jsonl"});
  visit_template_settings(s, v);
  v("keep_going", s.keep_going,
    About{.flags = "keep-going",
          .help = "skip bad lines of --from-file and draw the others",
          .local = true});
  v("n_samples", s.n_samples,
    About{.flags = "n_samples",
          .help = "number of pictures drawn at once (the batch)",
          .more = "of one prompt or, with `--from-file`, of several lines",
          .limits = {1, kMostSamples},
          .common = true});
  v("n_iter", s.n_iter,
    About{.flags = "n_iter",
          .help = "draw every batch this many times",
          .limits = {1, 1'000'000},
          .common = true});
  v("seed", s.seed,
    About{.flags = "seed",
          .group = kSampling,
          .help = "seed of the random numbers; the same seed and flags give the same picture",
          .more = "any 64-bit integer",
          .record = "/seed",
          .required = true,
          .a1111 = "Seed",
          .common = true});
  v("seed_mode", s.seed_mode,
    About{.flags = "seed-mode",
          .group = kSampling,
          .help = "draw all pictures from one stream of random numbers, as the reference does, or "
                  "picture k from its own stream, of seed + k; the last bit may differ, because "
                  "rounding depends on how many pictures are drawn at once",
          .fallback = "stream with ddim, plms and dpm_solver or --fixed_code, else image",
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
          .help = "whose random numbers to use: those of an NVIDIA GPU (on any device), of torch's "
                  "CPU generator, or NumPy's at first, as in runwayml's inpainting script",
          .record = "/rng",
          .required = true});
  v("ckpt", s.ckpt,
    About{.flags = "ckpt",
          .group = kModel,
          .help = "checkpoint, .ckpt or .safetensors, or a folder in the layout of diffusers",
          .kind = "FILE",
          .fallback = "models/ldm/stable-diffusion-v1/model.ckpt, else the built-in model",
          .record = "/model/checkpoint",
          .required = true,
          .local = true,
          .decides = kModelFiles,
          .common = true,
          .endings = "ckpt safetensors"});
  v("config", s.config,
    About{.flags = "config",
          .group = kModel,
          .help = "the model's YAML file",
          .kind = "FILE",
          .fallback = "beside the checkpoint, else configs/stable-diffusion/v1-inference.yaml",
          .record = "/model/config",
          .required = true,
          .local = true,
          .endings = "yaml"});
  v("laion400m", s.laion400m,
    About{.flags = "laion400m",
          .group = kModel,
          .help = "use the LAION-400M model at its default place",
          .more = "`models/ldm/text2img-large/model.ckpt`, with its own config and output folder, "
                  "unless others are given",
          .scripts = Scripts::kTxt2Img,
          .local = true,
          .decides = kModelFiles});
  v("weights", s.weights,
    About{.flags = "weights",
          .group = kModel,
          .help = "averaged (ema) or last (plain) weights of the UNet; config: as use_ema of the "
                  "YAML says",
          .record = "/model/weights",
          .required = true});
  v("embeddings", s.embeddings,
    About{.flags = "embeddings",
          .group = kModel,
          .help = "webui: the folder of textual inversions: .pt, .bin, .safetensors, pictures",
          .kind = "DIR",
          .fallback = "models/embeddings"});
  v("vae", s.vae,
    About{.flags = "vae",
          .group = kModel,
          .help = "another autoencoder: a file or a folder in the layout of diffusers; taesd:FILE: "
                  "a small, fast one; none: the checkpoint's own",
          .more = "For img2img, TAESD's encoder is read from beside its decoder",
          .kind = "FILE",
          .fallback = "NAME.vae.safetensors, .ckpt or .pt beside NAME.ckpt, else the checkpoint's",
          .record = "/model/vae",
          .sparse = true,
          .local = true,
          .endings = "safetensors ckpt pt pth bin"});
  visit_adapter_run_settings(s, v);
  v("channels", s.C,
    About{.flags = "C", .group = kModel, .help = "channels of the latent; must be the model's"});
  v("factor", s.f,
    About{.flags = "f",
          .group = kModel,
          .help = "pixels per latent value, along each side",
          .limits = {1, kMaxSide}});
  v("outdir", s.outdir,
    About{.flags = "outdir",
          .group = kOutput,
          .help = "folder for samples/00000.png … and grid-0000.png …",
          .kind = "DIR",
          .fallback = "outputs/txt2img-samples",
          .fallback_img = "outputs/img2img-samples",
          .local = true,
          .common = true});
  v("n_rows", s.n_rows,
    About{.flags = "n_rows",
          .group = kOutput,
          .help = "pictures in a row of the grid; 0: n_samples",
          .limits = {0, kMostSamples},
          .local = true});
  v("skip_grid", s.skip_grid,
    About{.flags = "skip_grid",
          .group = kOutput,
          .help = "do not write a grid of all pictures",
          .local = true,
          .common = true});
  v("skip_save", s.skip_save,
    About{.flags = "skip_save",
          .group = kOutput,
          .help = "do not write single pictures",
          .local = true});
  v("preview", s.preview,
    About{.flags = "preview",
          .group = kOutput,
          .help = "every so many steps, write the unfinished pictures to preview.png in the output "
                  "folder; 0: never",
          .more = "Decoded by TAESD if that is the autoencoder, else roughly, by a linear map of "
                  "the latent. Readers never see half a file",
          .limits = {0, 100'000},
          .local = true});
  v("watermark", s.watermark,
    About{.flags = "watermark",
          .group = kOutput,
          .help = "text of the invisible watermark",
          .record = "/watermark",
          .required = true});
  v("no_watermark", s.no_watermark,
    About{.flags = "no-watermark", .group = kOutput, .help = "do not add the invisible watermark"});
  v("no_metadata", s.no_metadata,
    About{.flags = "no-metadata",
          .group = kOutput,
          .help = "do not store the parameters in the PNG files"});
  v("safety", s.safety,
    About{
        .flags = "safety",
        .group = kSafety,
        .help =
            "what happens to pictures that the safety checker flags; off: no picture is checked; "
            "report: a notice only; blur; black, as in the reference; refuse: they are not written",
        .fallback = "black, if the checker is at its place",
        .record = "/safety/mode",
        .required = true,
        .common = true});
  v("safety_ckpt", s.safety_ckpt,
    About{.flags = "safety-ckpt",
          .group = kSafety,
          .help = "weights of the safety checker: .safetensors or pytorch_model.bin, or the folder "
                  "that holds them",
          .kind = "FILE",
          .fallback = "models/safety_checker/model.safetensors",
          .local = true,
          .endings = "safetensors bin"});
  v("precision", s.device.precision,
    About{.flags = "precision",
          .group = kDevice,
          .help = "full: float32; autocast: half precision on a GPU, full on the CPU; bf16: "
                  "bfloat16; fastest: bf16 if the device supports it, else autocast",
          .record = "/device/precision"});
  v("device", s.device.device,
    About{.flags = "device",
          .group = kDevice,
          .help = "auto, cpu, cuda or cuda:N",
          .kind = "NAME",
          .record = "/device/name",
          .required = true,
          .local = true,
          .decides = "device",
          .common = true,
          .names = device_names});
  v("devices", s.devices,
    About{
        .flags = "devices",
        .group = kDevice,
        .help =
            "several GPUs, like 0,1: each draws whole batches; the pictures are the same as on one",
        .more = "One worker per GPU, each with the whole model. File names and their order are the "
                "same as with one GPU. `cpu,cpu` is two workers that share the processor",
        .kind = "LIST",
        .local = true,
        .decides = "device"});
  v("threads", s.device.threads,
    About{.flags = "threads",
          .group = kDevice,
          .help = "number of threads; 0: as many as this process may use",
          .record = "/device/threads",
          .required = true,
          .local = true,
          .common = true});
  v("memory", s.device.memory,
    About{.flags = "memory",
          .group = kDevice,
          .help = "how much memory a run may use to be faster; low: a third of the memory",
          .more =
              "`low` keeps no copies of weights. The program prints what the run will need before "
              "it draws. If that is more than is free, it takes the next lower mode, then gives "
              "the UNet one picture at a time, or half of its guidance; it says so, and no picture "
              "changes by more than rounding. On a GPU there are no modes, but the rest applies. "
              "If memory runs out nevertheless, the batch is drawn again in one of these ways",
          .common = true});
  v("vae_tiling", s.device.vae_tiling,
    About{.flags = "vae-tiling",
          .group = kDevice,
          .help = "encode and decode pictures in strips, without seams: half the memory, a fifth "
                  "more time; auto: for large pictures",
          .more = "The strips overlap and the norms see the whole picture, so the result is the "
                  "same within rounding. `auto`: if the whole needs more than 4 GiB (`--memory "
                  "low`: 1 GiB) or does not fit"});
  v("kernels", s.device.kernels,
    About{.flags = "kernels",
          .group = kDevice,
          .help = "auto: the fastest kernels that the processor supports; aten: plain ATen "
                  "everywhere; avx2, avx512: no newer instructions than these",
          .record = "/device/kernels",
          .required = true,
          .local = true});
  v("show", s.show,
    About{.flags = "show",
          .group = kOutput,
          .help = "show finished pictures in the terminal, and with --preview unfinished ones",
          .more =
              "with the graphics of kitty, iTerm2 or sixel if the terminal has them; otherwise, in "
              "tmux, and for unfinished pictures, with coloured symbols; never into a file or pipe",
          .local = true});
  v("bell", s.bell,
    About{.flags = "bell",
          .group = kOutput,
          .help = "ring the terminal's bell at the end",
          .local = true});
  v("progress_fd", s.progress_fd,
    About{.flags = "progress-fd",
          .group = kOutput,
          .help = "write events to this file descriptor, one JSON object per line",
          .more = "steps, seconds left and paths; see \"Progress for programs\"",
          .limits = {0, 1 << 20},
          .local = true});
  v("profile", s.profile,
    About{.flags = "profile",
          .group = kDevice,
          .help = "print at the end where the time went",
          .more = "on stderr: calls, seconds, share, GFLOP and GFLOP/s by zone",
          .local = true});
  v("profile_json", s.profile_json,
    About{.flags = "profile-json",
          .group = kDevice,
          .help = "write the profile to a file, as JSON",
          .more = "an existing file is replaced",
          .kind = "FILE",
          .local = true,
          .endings = "json"});
}

}  // namespace sd::job
