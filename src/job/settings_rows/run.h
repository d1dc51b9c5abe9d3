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
          .help = "draw the prompts of this file (- is standard input) instead of --prompt: one a "
                  "line, which may have flags of its own, or JSON Lines",
          .kind = "FILE",
          .local = true,
          .decides = "prompt",
          .common = true,
          .endings = "txt jsonl"});
  visit_template_settings(s, v);
  v("keep_going", s.keep_going,
    About{.flags = "keep-going",
          .help = "leave bad lines of that file out and draw the others",
          .local = true});
  v("n_samples", s.n_samples,
    About{.flags = "n_samples",
          .help = "pictures at once (the batch)",
          .more = "of the prompt, or with `--from-file` lines",
          .limits = {1, kMostSamples},
          .common = true});
  v("n_iter", s.n_iter,
    About{.flags = "n_iter",
          .help = "draw every batch so many times",
          .limits = {1, 1'000'000},
          .common = true});
  v("seed", s.seed,
    About{.flags = "seed",
          .group = kSampling,
          .help = "where the random numbers start; the same seed and flags give the same picture",
          .more = "any whole number of 64 bits",
          .record = "/seed",
          .required = true,
          .a1111 = "Seed",
          .common = true});
  v("seed_mode", s.seed_mode,
    About{.flags = "seed-mode",
          .group = kSampling,
          .help =
              "all pictures from one stream, as the reference's, or picture k from a stream of "
              "its own, of seed + k; not promised: the last bit, for sums are rounded by how many "
              "are drawn at once",
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
          .help = "whose random numbers: those of an NVIDIA card (on any device), of torch's CPU "
                  "generator, or NumPy's at first, as in runwayml's inpainting script",
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
          .more = "`models/ldm/text2img-large/model.ckpt`, with its config and an output folder of "
                  "its own, unless others are given",
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
          .help = "another autoencoder: a file or a folder in the layout of diffusers; "
                  "taesd:FILE: a small and quick one; none: the checkpoint's own",
          .more = "TAESD's decoder has its encoder beside it, for img2img",
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
          .help = "pixels a latent value stands for, along each side",
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
          .help = "write no grid of all pictures",
          .local = true,
          .common = true});
  v("skip_save", s.skip_save,
    About{
        .flags = "skip_save", .group = kOutput, .help = "write no single pictures", .local = true});
  v("preview", s.preview,
    About{.flags = "preview",
          .group = kOutput,
          .help = "every so many steps write the growing pictures to preview.png in the output "
                  "folder; 0: never",
          .more = "By TAESD, if that is the autoencoder; else coarsely, by a linear map of the "
                  "latent. The file is replaced whole",
          .limits = {0, 100'000},
          .local = true});
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
          .required = true,
          .common = true});
  v("safety_ckpt", s.safety_ckpt,
    About{.flags = "safety-ckpt",
          .group = kSafety,
          .help = "its weights, .safetensors or pytorch_model.bin, or the folder that holds them",
          .kind = "FILE",
          .fallback = "models/safety_checker/model.safetensors",
          .local = true,
          .endings = "safetensors bin"});
  v("precision", s.device.precision,
    About{.flags = "precision",
          .group = kDevice,
          .help = "float32 (full), on a card half precision (autocast) or bfloat16; on the CPU "
                  "autocast is full; fastest: bf16 where the device has it, else autocast",
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
    About{.flags = "devices",
          .group = kDevice,
          .help = "several cards, like 0,1: each draws whole batches; the same pictures as on one",
          .more = "One worker a card, each with the whole model. Names and order are those of one "
                  "card, too. `cpu,cpu` is two workers that share the processor",
          .kind = "LIST",
          .local = true,
          .decides = "device"});
  v("threads", s.device.threads,
    About{.flags = "threads",
          .group = kDevice,
          .help = "threads; 0: as many as this process may use",
          .record = "/device/threads",
          .required = true,
          .local = true,
          .common = true});
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
              "so",
          .common = true});
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
          .required = true,
          .local = true});
  v("show", s.show,
    About{.flags = "show",
          .group = kOutput,
          .help = "draw finished pictures in the terminal, and with --preview growing ones",
          .more =
              "by the graphics of kitty, iTerm2 or sixel where the terminal has them, else, and "
              "within tmux, in coloured symbols, as growing ones always are; never into a file or "
              "pipe",
          .local = true});
  v("bell", s.bell,
    About{.flags = "bell",
          .group = kOutput,
          .help = "ring the terminal's bell at the end",
          .local = true});
  v("progress_fd", s.progress_fd,
    About{.flags = "progress-fd",
          .group = kOutput,
          .help = "write what happens to this file descriptor, a JSON object a line",
          .more = "steps, seconds left and paths; see \"Progress for programs\"",
          .limits = {0, 1 << 20},
          .local = true});
  v("profile", s.profile,
    About{.flags = "profile",
          .group = kDevice,
          .help = "say at the end where the time went",
          .more = "on stderr: calls, seconds, share, GFLOP and GFLOP/s by zone",
          .local = true});
  v("profile_json", s.profile_json,
    About{.flags = "profile-json",
          .group = kDevice,
          .help = "write that to a file, as JSON",
          .more = "one that is there is replaced",
          .kind = "FILE",
          .local = true,
          .endings = "json"});
}

}  // namespace sd::job
