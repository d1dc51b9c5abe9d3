#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "cli/commands/replay_drawing.h"
#include "cli/commands/replay_inputs.h"
#include "cli/flag_group.h"
#include "image/difference.h"
#include "image/file_bytes.h"
#include "image/image_io.h"
#include "job/foreign/batch_place.h"
#include "job/model_choice.h"
#include "job/picture_record.h"
#include "job/saved_picture.h"
#include "pipeline/hires.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

/// The picture that is drawn again.
struct Before {
  Image image;
  std::string lossy;  ///< the format, where it lost detail, or empty
};

Before read_before(const std::string& file) {
  const std::vector<uint8_t> bytes = image::read_file_bytes(file);
  return {image::decode_image(bytes, file), image::lossy_format(bytes)};
}

/// What is said behind the difference from a lossy file.
std::string lossy_remark(const std::string& format) {
  if (format.empty()) return "";
  return fmt::format(
      " (its {} is lossy: to tell whether the picture is the same, compare with one "
      "that was saved as PNG)",
      format);
}

void print_difference(const std::string& file, const Before& before,
                      const image::ImageDifference& difference, bool json) {
  const std::string name = printable(file, std::string::npos);
  const Image& image = before.image;
  if (json) {
    nlohmann::json line = {{"file", name},
                           {"largest_difference", difference.largest},
                           {"differing", difference.values},
                           {"values", image.rgb.size()}};
    if (!before.lossy.empty()) line["lossy"] = before.lossy;
    print_json(line.dump());
  } else if (difference.largest == 0) {
    print(name + ": identical\n");
  } else {
    print(fmt::format("{}: the largest difference is {} of 255; {} of {} values differ{}\n", name,
                      difference.largest, difference.values, image.rgb.size(),
                      lossy_remark(before.lossy)));
  }
  flush_output();
}

bool is_close(const Image& before, const Image& after) {
  constexpr int kMost = 32;
  return image::difference_of(before, after).largest <= kMost;
}

/// Where it counts, the picture as it is at the place of a batch that fits, which another program's
/// text does not tell; else as it was drawn alone.
Image at_its_place(const std::string& file, const Image& before, Image alone, ReplayInput* input,
                   const Replayer& replayer) {
  const BatchSettings& batch = input->record.settings.batch;
  const bool counts =
      input->foreign && input->cannot.empty() && pipeline::encodes_first_pass(batch.hires);
  if (!counts || is_close(before, alone)) return alone;
  const DrawRecord draw = input->record.draw;
  const bool varies = batch.noise.variation_strength != 0;
  for (const job::BatchPlace& place : job::batch_places()) {
    if (varies && place.before + 1 < place.batch) continue;  // the same as in a smaller batch
    input->record.draw = job::at_place(draw, place, varies);
    Image again = replayer.draw(input->record);
    if (!is_close(before, again)) continue;
    notice(fmt::format("{}: picture {} of a batch of {}, which its text does not say",
                       printable(file), place.before + 1, place.batch));
    return again;
  }
  input->record.draw = draw;
  return alone;
}

bool has_size(const Image& picture, const FitSize& size) {
  return FitSize{picture.width, picture.height} == size;
}

int run_replay(const ReplayOptions& options) {
  if (!options.out.empty() && options.files.size() > 1) {
    throw Error(ErrorKind::kUsage, "--out takes one picture, and there are several",
                "replay them one by one");
  }
  catch_interrupts([] { complain("error: stopped"); });
  std::vector<ReplayInput> inputs;
  for (const std::string& file : options.files) inputs.push_back(read_input(file, options));
  Replayer replayer(options);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Before before = read_before(options.files[i]);
    const bool may_differ = inputs[i].foreign && options.approximately;
    const auto refuse = [&] {
      throw Error(ErrorKind::kFile,
                  printable(options.files[i]) + " does not have the size that its parameters say",
                  "it was cropped or resized since it was drawn");
    };
    const auto recorded = job::saved_size(inputs[i].record);
    if (recorded && !has_size(before.image, *recorded) && !may_differ) refuse();
    Image after = replayer.replay(options.files[i], &inputs[i]);
    const bool same_size = has_size(before.image, {after.width, after.height});
    if (!same_size && !may_differ) refuse();
    if (same_size) {
      after = at_its_place(options.files[i], before.image, std::move(after), &inputs[i], replayer);
      print_difference(options.files[i], before, image::difference_of(before.image, after),
                       options.json);
    } else {
      notice(printable(options.files[i]) + ": drawn with another size, so not compared");
    }
    if (!options.out.empty() && write_png(options.out, after, job::metadata_of(inputs[i].record)) ==
                                    image::WriteOutcome::kExists) {
      throw Error(ErrorKind::kFile, printable(options.out) + " is already there",
                  "choose another name after --out");
    }
  }
  return 0;
}

}  // namespace

void add_replay_command(CLI::App* program, RunFn* run) {
  CLI::App* command =
      program->add_subcommand("replay", "draw a picture again and print how much it differs");
  auto options = std::make_shared<ReplayOptions>();
  command
      ->add_option("FILE", options->files,
                   "pictures that this program or another wrote, with their parameters")
      ->required();
  FlagGroup group(command, "Where to find things");
  group.text("ckpt", options->ckpt, "the checkpoint, if it is not the one that the picture names",
             "FILE");
  group.text("models", options->models,
             "the folder in which to look for another program's model, by hash and name", "DIR");
  group.text("embeddings", options->embeddings,
             "the folder of textual inversions that prompts name, if it is not models/embeddings",
             "DIR");
  group.text("config", options->config,
             "the model's YAML file, if it is not the one that the picture names", "FILE");
  group.text("vae", options->vae, "the autoencoder, if it is not the one that the picture names",
             "FILE");
  group.text("init-img", options->init_img, "the init image, if it has moved", "FILE");
  group.text("mask", options->mask, "the mask, if it has moved", "FILE");
  group.text("lora-dir", options->lora_dir, "the folder of adapters, if they have moved", "DIR");
  FlagGroup output(command, "Output");
  output.text("out", options->out, "write the new picture to this file", "FILE");
  output.flag("approximately", options->approximately,
              "draw another program's picture even if some of its settings are not supported");
  output.flag("json", options->json, "as JSON, one line per file");
  command->callback([options, run] { *run = [options] { return run_replay(*options); }; });
}

}  // namespace sd::cli
