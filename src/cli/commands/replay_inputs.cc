#include "cli/commands/replay_inputs.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/strings.h"
#include "image/image_io.h"
#include "job/file_hash.h"
#include "job/foreign/foreign_picture.h"
#include "job/foreign/foreign_replay.h"
#include "job/foreign/foreign_settings.h"
#include "job/init_image.h"
#include "job/inpaint_image.h"
#include "job/model_search.h"
#include "job/named_file.h"
#include "models/model_source.h"
#include "sd/error.h"

namespace sd::cli {

namespace fs = std::filesystem;

namespace {

/// The most pictures in a batch that a record may speak of, their pixels, and draws before it.
constexpr int64_t kMostRows = 1024;
constexpr int64_t kMostPixels = kMaxSide * kMaxSide;
constexpr uint64_t kFarthestDraw = uint64_t{1} << 36;

job::PictureRecord own_record(const std::string& file, const std::string& json) {
  if (parse_json(json, job::kRecordLimits).contains("grid_of")) {
    throw Error(ErrorKind::kFile, printable(file) + " is a grid of several pictures",
                "replay those of the samples folder");
  }
  job::PictureRecord record = job::parse_record(json, file);
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

/// What of it is not supported.
std::vector<std::string> reasons_of(const ReplayInput& input, const ReplayOptions& options) {
  std::vector<std::string> reasons;
  for (const std::string& reason : input.cannot) {
    if (reason != job::kNoStartPicture || options.init_img.empty())
      reasons.push_back(printable(reason));
  }
  return reasons;
}

ReplayInput foreign_input(const std::string& file, const image::PngMetadata& texts,
                          const ReplayOptions& options) {
  const job::ForeignRecord record = job::read_foreign_record(texts);
  if (!record.error.empty()) {
    throw Error(ErrorKind::kFile,
                printable(file) + " does not say how it was drawn" +
                    (job::has_foreign_record(texts) ? ": " + record.error : ""),
                "replay takes pictures of this program, drawn without --no-metadata, and of others "
                "that `sd show` can read");
  }
  const Image image = image::read_image(file);
  job::ForeignPicture picture = job::foreign_picture(record, image.width, image.height);
  ReplayInput input = {.record = std::move(picture.record),
                       .foreign = true,
                       .model_hash = std::move(picture.model_hash),
                       .cannot = std::move(picture.cannot),
                       .vae_hash = std::move(picture.vae_hash),
                       .loras = std::move(picture.loras),
                       .embeddings = std::move(picture.embeddings)};
  say_differences(file, options, reasons_of(input, options));
  return input;
}

/// The autoencoder of the hash or, where that is not stated or does not count, of the name below
/// the folder of models.
std::string find_foreign_vae(const ReplayOptions& options, const ReplayInput& input) {
  const std::string& name = input.record.settings.vae;
  std::string found = job::find_vae(options.models, input.vae_hash, name);
  if (!found.empty()) return found;
  found = job::find_vae(options.models, "", name);
  const std::string other = printable(found) +
                            " has another hash than the picture's autoencoder, " +
                            printable(input.vae_hash, 80);
  if (!found.empty() && !options.approximately) {
    throw Error(ErrorKind::kFile, other,
                "name the right one with --vae, or draw with this one by --approximately");
  }
  if (!found.empty()) {
    notice("not as it was drawn: " + other);
    return found;
  }
  throw Error(ErrorKind::kFile,
              "the picture's autoencoder " + printable(name, 60) + " is not below " +
                  printable(options.models),
              "name it with --vae");
}

/// A checkpoint that a record of another program names, below the folder of models.
std::string find_foreign_checkpoint(const ReplayOptions& options, const ReplayInput& input) {
  const std::string& name = input.record.settings.ckpt;
  std::string found = job::find_model(options.models, input.model_hash, name);
  if (!found.empty()) {
    notice("checkpoint: " + printable(found) + ", which fits the picture's " +
           (input.model_hash.empty() ? "model name" : "model hash"));
    return found;
  }
  throw Error(ErrorKind::kFile,
              "no checkpoint below " + printable(options.models) + " is the picture's model: " +
                  printable(name.empty() ? "without a name" : name, 60) +
                  (input.model_hash.empty() ? "" : " [" + printable(input.model_hash, 80) + "]"),
              "name it with --ckpt, or the folder that contains it with --models");
}

}  // namespace

void say_differences(const std::string& file, const ReplayOptions& options,
                     const std::vector<std::string>& reasons) {
  if (reasons.empty()) return;
  if (!options.approximately) {
    throw Error(ErrorKind::kFile,
                printable(file) + " cannot be drawn as it was: " + join(reasons, "; "),
                "--approximately draws the closest possible");
  }
  for (const std::string& reason : reasons) notice("not as it was drawn: " + reason);
}

ReplayInput read_input(const std::string& file, const ReplayOptions& options) {
  const image::PngMetadata texts = job::read_record_texts(file);
  const std::string* json = texts.find(image::kRecordKeyword);
  if (json == nullptr) return foreign_input(file, texts, options);
  return {.record = own_record(file, *json)};
}

job::ChosenModel find_model(const ReplayOptions& options, const ReplayInput& input) {
  const job::PictureRecord& record = input.record;
  Settings run(record.settings.script);
  run.ckpt = options.ckpt;
  run.config = options.config;
  if (run.ckpt.empty() && input.foreign) run.ckpt = find_foreign_checkpoint(options, input);
  if (run.ckpt.empty() && !record.built_in_model) {
    run.ckpt = job::find_named_checkpoint(record.settings.ckpt);
  }
  if (!run.ckpt.empty() && run.config.empty() && !input.foreign) {
    run.config = job::find_named_file(record.settings.config, "config", job::kMostConfigBytes);
  }
  run.vae = options.vae;
  if (run.vae.empty() && !input.foreign) {
    run.vae = record.settings.vae.empty() ? job::kOwnVae : job::find_named_vae(record.settings.vae);
  }
  if (run.vae.empty() && input.foreign && !record.settings.vae.empty()) {
    run.vae = find_foreign_vae(options, input);
  }
  job::ChosenModel model = run.ckpt.empty() && record.built_in_model
                               ? job::built_in_model(run.vae == job::kOwnVae ? "" : run.vae)
                               : job::choose_model(run);
  model.paths.weights = record.settings.weights;
  return model;
}

namespace {

void check_vae(const ModelPaths& model, const job::PictureRecord& record) {
  const std::string hash =
      model.vae.empty() ? "" : job::FileHash(models::main_vae_file(model.vae)).get();
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
  if (!options.mask.empty() || recorded.empty() || recorded == job::kAlphaMask) {
    return options.mask.empty() ? recorded : options.mask;
  }
  const std::string found = job::find_named_file(recorded, "mask", job::kMostInitBytes);
  if (!found.empty()) return found;
  throw Error(ErrorKind::kFile, "the mask " + printable(recorded) + " is not there",
              "name it with --mask");
}

}  // namespace

std::string check_model(const ModelPaths& model, const ReplayInput& input) {
  const job::PictureRecord& record = input.record;
  std::string hash = job::FileHash(models::main_file_of(model)).get();
  if (input.foreign) return hash;
  if (hash == record.model_sha256) {
    check_vae(model, record);
    return hash;
  }
  throw Error(ErrorKind::kCheckpoint,
              "the picture was drawn by " + printable(record.settings.ckpt) + " (SHA-256 " +
                  printable(record.model_sha256.substr(0, 10)) + "…), and " +
                  printable(model.checkpoint) + " is another model (" + hash.substr(0, 10) + "…)",
              "name the model with --ckpt");
}

job::InitPicture find_init_image(const ReplayOptions& options, const ReplayInput& input,
                                 const ModelDescription& model) {
  const job::PictureRecord& record = input.record;
  InitSettings init = record.settings.batch.init;
  init.file = options.init_img.empty()
                  ? job::find_named_file(init.file, "init image", job::kMostInitBytes)
                  : options.init_img;
  std::error_code ignored;
  if (!fs::exists(init.file, ignored)) {
    const std::string& named = init.file.empty() ? record.settings.batch.init.file : init.file;
    throw Error(ErrorKind::kFile, "the init image " + printable(named) + " is not there",
                "name it with --init-img");
  }
  init.mask.file = find_mask(options, init.mask.file);
  const BatchSettings& batch = record.settings.batch;
  job::InitPicture start = job::InitImages(model).get(init, {batch.width, batch.height});
  if (input.foreign) return start;
  const std::string mask = start.inpainting ? job::inpainting_sha256(*start.inpainting) : "";
  if (job::pixels_sha256(*start.image) == record.init_sha256 && mask == record.mask_sha256)
    return start;
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

}  // namespace sd::cli
