#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "cli/commands/replay_inputs.h"
#include "cli/commands/replay_networks.h"
#include "cli/flag_group.h"
#include "cli/progress_bar.h"
#include "image/blur.h"
#include "image/difference.h"
#include "image/file_bytes.h"
#include "image/image_io.h"
#include "job/file_hash.h"
#include "job/left_out.h"
#include "job/lora_folder.h"
#include "job/lora_text.h"
#include "job/model_choice.h"
#include "job/picture_record.h"
#include "job/saved_picture.h"
#include "models/embeddings.h"
#include "models/model_source.h"
#include "pipeline/noise_plan.h"
#include "runtime/kernel_policy.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

/// The folder of the embeddings that a picture's prompts may name.
std::string embeddings_of(const ReplayOptions& options, const job::PictureRecord& record) {
  const bool known = record.settings.batch.prompts.syntax == PromptSyntax::kWebUi;
  return known ? models::find_embeddings_folder(options.embeddings) : "";
}

Request request_of(const job::PictureRecord& record, const ModelDescription& model) {
  Request request;
  request.batch = record.settings.batch;
  request.pictures.assign(static_cast<size_t>(record.draw.batch), record.settings.picture);
  DrawRecord draw = record.draw;
  draw.variation_seed = record.settings.picture.variation_seed;
  request.noise = pipeline::place_of(model, request.batch, draw, record.settings.rng,
                                     record.settings.seed_mode == SeedMode::kImage);
  request.keep = {draw.row};
  return request;
}

/// The device, threads, kernels and precision of the record, as far as this machine has them.
DeviceOptions device_of(const job::PictureRecord& record) {
  DeviceOptions device = record.settings.device;
  if (device.device != "cpu") device.device = "auto";
  if (device.kernels == KernelChoice::kAvx512 && runtime::probe_isa() < runtime::Isa::kAvx512) {
    notice("the picture was drawn with AVX-512 kernels, which this processor does not have");
    device.kernels = KernelChoice::kAuto;
  }
  return device;
}

Image draw_again(const job::PictureRecord& record, const Request& request,
                 const Pipeline& pipeline) {
  Session session = pipeline.start();
  ProgressBar bar(ProgressBar::style_of_stderr());
  Image image;
  session.generate(
      request, [&](Picture picture) { image = std::move(picture.image); },
      [&](const ProgressEvent& event) {
        if (interrupted() || reader_gone()) return false;
        bar.show({.event = event, .seconds_left = std::nullopt});
        return true;
      });
  // What the checker took from the picture stays taken.
  if (record.safety.action == SafetyAction::kBlurred) image = image::blur_beyond_recognition(image);
  if (record.safety.action == SafetyAction::kBlackened) image = Image(image.width, image.height);
  const Settings& settings = record.settings;
  return job::saved_picture(std::move(image), settings.watermark, settings.output.save_size);
}

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

/// Draws pictures again; keeps the model from one to the next.
class Replayer {
 public:
  explicit Replayer(const ReplayOptions& options) : options_(options), networks_(options) {}

  /// The record gets the hash of the model that drew it. `file`: the picture's.
  Image replay(const std::string& file, ReplayInput* input) {
    job::PictureRecord& record = input->record;
    const job::ChosenModel model = find_model(options_, *input);
    record.model_sha256 = check_model(model.paths, *input);
    if (input->foreign) record.settings.ckpt = job::recorded_path(model.paths.checkpoint);
    Request request = request_of(record, model.description);
    if (record.starts_from_picture()) {
      const job::InitPicture start = find_init_image(options_, *input, model.description);
      request.batch.init.image = start.image;
      request.batch.init.inpainting = start.inpainting;
    }
    if (input->foreign) say_left_out(record.settings);
    const FoundNetworks networks = networks_.find(input);
    say_differences(file, options_, networks.differences);
    request.batch.loras = networks.loras;
    request.batch.hires.loras = networks.hires_loras;
    check_request(model.description, request);
    const Pipeline& pipeline = pipeline_for(model, record, request.batch, networks.embeddings);
    if (input->foreign) complete(request, pipeline, &record);
    return draw_again(record, request, pipeline);
  }

 private:
  static void say_left_out(const Settings& settings) {
    if (settings.batch.prompts.syntax != PromptSyntax::kWebUi) return;
    const std::string what = job::left_out_of(settings.picture);
    if (!what.empty()) notice("left out of a prompt, " + what);
  }

  /// What another program's record does not say in our words.
  static void complete(const Request& request, const Pipeline& pipeline,
                       job::PictureRecord* record) {
    record->settings.batch.loras = request.batch.loras;
    record->settings.batch.hires.loras = request.batch.hires.loras;
    record->embeddings.clear();
    for (const EmbeddingUse& use : pipeline.embeddings_of(request, record->draw.row)) {
      record->embeddings.push_back({use.name, job::sha256_of_file(use.file)});
    }
  }

  const Pipeline& pipeline_for(const job::ChosenModel& model, const job::PictureRecord& record,
                               const BatchSettings& batch,
                               const std::map<std::string, std::string>& embeddings) {
    const DeviceOptions device = device_of(record);
    std::string key =
        fmt::format("{} {} {} {} ", static_cast<int>(model.paths.weights), device.threads,
                    static_cast<int>(device.kernels), static_cast<int>(device.precision)) +
        embeddings_of(options_, record) + "\n" + device.device + "\n" + model.paths.checkpoint +
        "\n" + model.paths.config + "\n" + model.paths.vae;
    const std::vector<std::vector<LoraUse>> loras = job::loras_by_pass(batch);
    for (const std::vector<LoraUse>& uses : loras) {
      for (const LoraUse& use : uses) key += "\n" + job::text_of_lora(use);
      key += "\n";
    }
    for (const auto& [name, file] : embeddings) key += "\n" + name + "=" + file;
    if (!pipeline_ || key != key_) {
      pipeline_.reset();  // memory for one
      LoadOptions load;
      load.model = model.paths;
      load.device = device;
      load.embeddings = embeddings_of(options_, record);
      load.embedding_files = embeddings;
      load.loras = loras;
      pipeline_.emplace(Pipeline::load(load, model.description.config));
      key_ = key;
    }
    return *pipeline_;
  }

  const ReplayOptions& options_;
  NetworkFinder networks_;
  std::optional<Pipeline> pipeline_;
  std::string key_;  // of the pipeline
};

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
    const Image after = replayer.replay(options.files[i], &inputs[i]);
    const bool same_size = has_size(before.image, {after.width, after.height});
    if (!same_size && !may_differ) refuse();
    if (same_size) {
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
      program->add_subcommand("replay", "draw a picture again and say how much it differs");
  auto options = std::make_shared<ReplayOptions>();
  command
      ->add_option("FILE", options->files,
                   "pictures that this program or another wrote, with their parameters")
      ->required();
  FlagGroup group(command, "Where to find things");
  group.text("ckpt", options->ckpt, "the checkpoint, where it is not what the picture names",
             "FILE");
  group.text("models", options->models,
             "the folder in which another program's model is looked for, by hash and name", "DIR");
  group.text(
      "embeddings", options->embeddings,
      "the folder of textual inversions that prompts name, where it is not models/embeddings",
      "DIR");
  group.text("config", options->config,
             "the model's YAML file, where it is not what the picture names", "FILE");
  group.text("vae", options->vae, "the autoencoder, where it is not what the picture names",
             "FILE");
  group.text("init-img", options->init_img, "the picture that it started from, where it has moved",
             "FILE");
  group.text("mask", options->mask, "its mask, where it has moved", "FILE");
  group.text("lora-dir", options->lora_dir, "where adapters are, if they have moved", "DIR");
  FlagGroup output(command, "Output");
  output.text("out", options->out, "write the picture drawn again", "FILE");
  output.flag("approximately", options->approximately,
              "draw another program's picture though something of it is not supported");
  output.flag("json", options->json, "as JSON, one line a file");
  command->callback([options, run] { *run = [options] { return run_replay(*options); }; });
}

}  // namespace sd::cli
