#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "cli/flag_group.h"
#include "cli/progress_bar.h"
#include "image/blur.h"
#include "image/file_bytes.h"
#include "image/image_io.h"
#include "job/file_hash.h"
#include "job/init_image.h"
#include "job/inpaint_image.h"
#include "job/lora_text.h"
#include "job/model_choice.h"
#include "job/named_file.h"
#include "job/picture_record.h"
#include "job/saved_picture.h"
#include "models/embeddings.h"
#include "models/model_source.h"
#include "pipeline/noise_plan.h"
#include "runtime/kernel_policy.h"
#include "sd/error.h"

namespace sd {
namespace {

namespace fs = std::filesystem;

/// The folder of the embeddings that a picture's prompts may name.
std::string embeddings_of(const PictureRecord& record) {
  const bool known = record.settings.batch.prompts.syntax == PromptSyntax::kWebUi;
  return known ? find_embeddings_folder("") : "";
}

struct ReplayOptions {
  std::vector<std::string> files;
  std::string ckpt;
  std::string config;
  std::string vae;
  std::string init_img;
  std::string mask;
  std::string lora_dir = Settings().lora_dir;
  std::string out;
  bool json = false;
};

/// The most pictures in a batch that a record may speak of, their pixels, and draws before it.
constexpr int64_t kMostRows = 1024;
constexpr int64_t kMostPixels = kMaxSide * kMaxSide;
constexpr uint64_t kFarthestDraw = uint64_t{1} << 36;

PictureRecord read_record(const std::string& file) {
  const PngMetadata metadata = picture_texts(read_file_bytes(file), file);
  const std::string* json = metadata.find(kRecordKeyword);
  if (json == nullptr) {
    throw Error(ErrorKind::kFile, printable(file) + " does not say how it was drawn",
                "replay takes pictures that this program wrote without --no-metadata");
  }
  if (parse_json(*json, kRecordLimits).contains("grid_of")) {
    throw Error(ErrorKind::kFile, printable(file) + " is a grid of several pictures",
                "replay those of the samples folder");
  }
  PictureRecord record = parse_record(*json, file);
  const DrawRecord& draw = record.draw;
  if (draw.batch < 1 || draw.batch > kMostRows || draw.noise_rows > kMostRows ||
      std::max(draw.batch, draw.noise_rows) >
          kMostPixels / record.settings.batch.width / record.settings.batch.height ||
      std::max({draw.offset, draw.code_offset.value_or(0), draw.latent_offset.value_or(0)}) >
          kFarthestDraw) {
    throw Error(ErrorKind::kFile, printable(file) + ": its parameters are out of every range",
                "they must be as this program wrote them");
  }
  return record;
}

/// The model of the record, if it can be found, and what was given by hand.
ChosenModel find_model(const ReplayOptions& options, const PictureRecord& record) {
  Settings run(record.settings.script);
  run.ckpt = options.ckpt;
  run.config = options.config;
  if (run.ckpt.empty() && !record.built_in_model) {
    run.ckpt = find_named_checkpoint(record.settings.ckpt);
  }
  if (!run.ckpt.empty() && run.config.empty()) {
    run.config = find_named_file(record.settings.config, "config", kMostConfigBytes);
  }
  run.vae = options.vae;
  if (run.vae.empty())
    run.vae = record.settings.vae.empty() ? kOwnVae : find_named_vae(record.settings.vae);
  ChosenModel model = run.ckpt.empty() && record.built_in_model
                          ? built_in_model(run.vae == kOwnVae ? "" : run.vae)
                          : choose_model(run);
  model.paths.weights = record.settings.weights;
  return model;
}

void check_model(const ModelPaths& model, const PictureRecord& record) {
  const std::string hash = FileHash(main_file_of(model)).get();
  if (hash == record.model_sha256) return;
  throw Error(ErrorKind::kCheckpoint,
              "the picture was drawn by " + printable(record.settings.ckpt) + " (SHA-256 " +
                  printable(record.model_sha256.substr(0, 10)) + "…), and " +
                  printable(model.checkpoint) + " is another model (" + hash.substr(0, 10) + "…)",
              "name the model with --ckpt");
}

void check_vae(const ModelPaths& model, const PictureRecord& record) {
  const std::string hash = model.vae.empty() ? "" : FileHash(main_vae_file(model.vae)).get();
  if (hash == record.vae_sha256) return;
  throw Error(ErrorKind::kCheckpoint,
              "the picture was decoded by " +
                  (record.settings.vae.empty() ? std::string("the checkpoint's own autoencoder")
                                               : printable(record.settings.vae)) +
                  ", and another is given",
              "name the right one with --vae, or leave it out");
}

/// The mask's file, where one was given.
std::string find_mask(const ReplayOptions& options, const std::string& recorded) {
  if (!options.mask.empty() || recorded.empty() || recorded == kAlphaMask) {
    return options.mask.empty() ? recorded : options.mask;
  }
  const std::string found = find_named_file(recorded, "mask", kMostInitBytes);
  if (!found.empty()) return found;
  throw Error(ErrorKind::kFile, "the mask " + printable(recorded) + " is not there",
              "name it with --mask");
}

/// The picture that the record's run started from, and what of it was drawn.
InitPicture find_init_image(const ReplayOptions& options, const PictureRecord& record,
                            const ModelDescription& model) {
  InitSettings init = record.settings.batch.init;
  init.file = options.init_img.empty() ? find_named_file(init.file, "init image", kMostInitBytes)
                                       : options.init_img;
  std::error_code ignored;
  if (!fs::exists(init.file, ignored)) {
    const std::string& named = init.file.empty() ? record.settings.batch.init.file : init.file;
    throw Error(ErrorKind::kFile, "the init image " + printable(named) + " is not there",
                "name it with --init-img");
  }
  init.mask.file = find_mask(options, init.mask.file);
  const BatchSettings& batch = record.settings.batch;
  InitPicture start = InitImages(model).get(init, {batch.width, batch.height});
  const std::string mask = start.inpainting ? inpainting_sha256(*start.inpainting) : "";
  if (pixels_sha256(*start.image) == record.init_sha256 && mask == record.mask_sha256) return start;
  if (!record.mask_sha256.empty()) {
    throw Error(ErrorKind::kFile,
                printable(init.file) + " or the mask " + printable(init.mask.file) +
                    " is not what the run started from, or has changed",
                "name the right ones with --init-img and --mask");
  }
  throw Error(
      ErrorKind::kFile,
      printable(init.file) + " is not the picture that the run started from, or has changed",
      "name the right one with --init-img");
}

/// The adapters that the record's run had.
std::vector<LoraUse> find_adapters(const ReplayOptions& options, const PictureRecord& record) {
  std::vector<LoraUse> all = record.settings.batch.loras;
  for (size_t i = 0; i < all.size(); ++i) {
    std::string file = find_named_file(all[i].file, "adapter", kMostCheckpointBytes);
    if (file.empty()) file = find_lora(fs::path(all[i].file).filename(), options.lora_dir);
    if (hash_lora(file).sha256 != record.lora_hashes[i].sha256) {
      throw Error(ErrorKind::kFile,
                  printable(file) +
                      " is not the adapter that the picture was drawn with, or has "
                      "changed",
                  "name the folder of the right one with --lora-dir");
    }
    all[i].file = std::move(file);
  }
  return all;
}

Request request_of(const PictureRecord& record, const ModelDescription& model) {
  Request request;
  request.batch = record.settings.batch;
  request.pictures.assign(static_cast<size_t>(record.draw.batch), record.settings.picture);
  DrawRecord draw = record.draw;
  draw.variation_seed = record.settings.picture.variation_seed;
  request.noise = place_of(model, request.batch, draw, record.settings.rng,
                           record.settings.seed_mode == SeedMode::kImage);
  request.keep = {draw.row};
  return request;
}

/// The device, threads, kernels and precision of the record, as far as this machine has them.
DeviceOptions device_of(const PictureRecord& record) {
  DeviceOptions device = record.settings.device;
  if (device.device != "cpu") device.device = "auto";
  if (device.kernels == KernelChoice::kAvx512 && probe_isa() < Isa::kAvx512) {
    notice("the picture was drawn with AVX-512 kernels, which this processor does not have");
    device.kernels = KernelChoice::kAuto;
  }
  return device;
}

Image draw_again(const PictureRecord& record, const Request& request, const Pipeline& pipeline) {
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
  if (record.safety.action == SafetyAction::kBlurred) image = blur_beyond_recognition(image);
  if (record.safety.action == SafetyAction::kBlackened) image = Image(image.width, image.height);
  const Settings& settings = record.settings;
  return saved_picture(std::move(image), settings.watermark, settings.output.save_size);
}

struct Difference {
  int largest = 0;
  size_t values = 0;  ///< that differ
};

Difference compare(const Image& a, const Image& b) {
  Difference difference;
  for (size_t i = 0; i < a.rgb.size(); ++i) {
    const int by = std::abs(int{a.rgb[i]} - int{b.rgb[i]});
    difference.largest = std::max(difference.largest, by);
    if (by != 0) ++difference.values;
  }
  return difference;
}

void print_difference(const std::string& file, const Image& image, const Difference& difference,
                      bool json) {
  const std::string name = printable(file, std::string::npos);
  if (json) {
    const nlohmann::json line = {{"file", name},
                                 {"largest_difference", difference.largest},
                                 {"differing", difference.values},
                                 {"values", image.rgb.size()}};
    print_json(line.dump());
  } else if (difference.largest == 0) {
    print(name + ": identical\n");
  } else {
    print(format("%s: the largest difference is %d of 255; %zu of %zu values differ\n",
                 name.c_str(), difference.largest, difference.values, image.rgb.size()));
  }
  flush_output();
}

/// Draws pictures again; keeps the model from one to the next.
class Replayer {
 public:
  explicit Replayer(const ReplayOptions& options) : options_(options) {}

  Image replay(const PictureRecord& record) {
    const ChosenModel model = find_model(options_, record);
    Request request = request_of(record, model.description);
    if (record.starts_from_picture()) {
      const InitPicture start = find_init_image(options_, record, model.description);
      request.batch.init.image = start.image;
      request.batch.init.inpainting = start.inpainting;
    }
    request.batch.loras = find_adapters(options_, record);
    check_request(model.description, request);
    return draw_again(record, request, pipeline_for(model, record, request.batch.loras));
  }

 private:
  const Pipeline& pipeline_for(const ChosenModel& model, const PictureRecord& record,
                               const std::vector<LoraUse>& loras) {
    const DeviceOptions device = device_of(record);
    std::string key =
        format("%d %d %d %d %d ", static_cast<int>(model.paths.weights), device.threads,
               static_cast<int>(device.kernels), static_cast<int>(device.precision),
               record.starts_from_picture() ? 1 : 0) +
        embeddings_of(record) + "\n" + device.device + "\n" + model.paths.checkpoint + "\n" +
        model.paths.config + "\n" + model.paths.vae;
    for (const LoraUse& use : loras) key += "\n" + text_of_lora(use);
    check_model(model.paths, record);
    check_vae(model.paths, record);
    if (!pipeline_ || key != key_) {
      pipeline_.reset();  // memory for one
      LoadOptions load;
      load.model = model.paths;
      load.device = device;
      load.init_images = record.starts_from_picture();
      load.loras = {loras};
      load.embeddings = embeddings_of(record);
      pipeline_.emplace(Pipeline::load(load, model.description.config));
      key_ = key;
    }
    return *pipeline_;
  }

  const ReplayOptions& options_;
  std::optional<Pipeline> pipeline_;
  std::string key_;  // of the pipeline
};

/// `drawn`: what has the size that the picture must have.
template <class Drawn>
void check_size(const std::string& file, const Image& picture, const Drawn& drawn) {
  if (picture.width == drawn.width && picture.height == drawn.height) return;
  throw Error(ErrorKind::kFile, printable(file) + " does not have the size that its parameters say",
              "it was cropped or resized since it was drawn");
}

int run_replay(const ReplayOptions& options) {
  if (!options.out.empty() && options.files.size() > 1) {
    throw Error(ErrorKind::kUsage, "--out takes one picture, and there are several",
                "replay them one by one");
  }
  catch_interrupts([] { complain("error: stopped"); });
  std::vector<PictureRecord> records;
  for (const std::string& file : options.files) records.push_back(read_record(file));
  Replayer replayer(options);
  for (size_t i = 0; i < records.size(); ++i) {
    const Image before = read_image(options.files[i]);
    // (The size of a picture that was pasted into another is known once that is read.)
    const Settings& settings = records[i].settings;
    const bool pasted = !records[i].mask_sha256.empty();
    const BatchSettings& batch = settings.batch;
    if (!pasted) {
      check_size(options.files[i], before,
                 saved_size(batch.width, batch.height, settings.output.save_size));
    }
    const Image after = replayer.replay(records[i]);
    check_size(options.files[i], before, after);
    print_difference(options.files[i], after, compare(before, after), options.json);
    if (!options.out.empty() &&
        write_png(options.out, after, metadata_of(records[i])) == WriteOutcome::kExists) {
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
  command->add_option("FILE", options->files, "pictures that this program wrote")->required();
  FlagGroup group(command, "Where to find things");
  group.text("ckpt", options->ckpt, "the checkpoint, where it is not what the picture names",
             "FILE");
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
  output.flag("json", options->json, "as JSON, one line a file");
  command->callback([options, run] { *run = [options] { return run_replay(*options); }; });
}

}  // namespace sd
