#include "cli/commands/replay_drawing.h"

#include <fmt/core.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/progress_bar.h"
#include "image/blur.h"
#include "job/file_hash.h"
#include "job/left_out.h"
#include "job/lora_folder.h"
#include "job/lora_text.h"
#include "job/saved_picture.h"
#include "models/embeddings.h"
#include "pipeline/noise_plan.h"
#include "runtime/kernel_policy.h"

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

void say_left_out(const Settings& settings) {
  if (settings.batch.prompts.syntax != PromptSyntax::kWebUi) return;
  const std::string what = job::left_out_of(settings.picture);
  if (!what.empty()) notice("left out of a prompt, " + what);
}

/// What another program's record does not say in our words.
void complete(const Request& request, const Pipeline& pipeline, job::PictureRecord* record) {
  record->settings.batch.loras = request.batch.loras;
  record->settings.batch.hires.loras = request.batch.hires.loras;
  record->embeddings.clear();
  for (const EmbeddingUse& use : pipeline.embeddings_of(request, record->draw.row)) {
    record->embeddings.push_back({use.name, job::sha256_of_file(use.file)});
  }
}

}  // namespace

Image Replayer::replay(const std::string& file, ReplayInput* input) {
  prepare(file, input);
  return draw(input->record);
}

Image Replayer::draw(const job::PictureRecord& record) const {
  Request request = request_of(record, pipeline_->description());
  request.batch = batch_;
  check_request(pipeline_->description(), request);
  return draw_again(record, request, *pipeline_);
}

void Replayer::prepare(const std::string& file, ReplayInput* input) {
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
  batch_ = request.batch;
  load_pipeline(model, record, networks.embeddings);
  if (input->foreign) complete(request, *pipeline_, &record);
}

void Replayer::load_pipeline(const job::ChosenModel& model, const job::PictureRecord& record,
                             const std::map<std::string, std::string>& embeddings) {
  const DeviceOptions device = device_of(record);
  std::string key =
      fmt::format("{} {} {} {} ", static_cast<int>(model.paths.weights), device.threads,
                  static_cast<int>(device.kernels), static_cast<int>(device.precision)) +
      embeddings_of(options_, record) + "\n" + device.device + "\n" + model.paths.checkpoint +
      "\n" + model.paths.config + "\n" + model.paths.vae;
  const std::vector<std::vector<LoraUse>> loras = job::loras_by_pass(batch_);
  for (const std::vector<LoraUse>& uses : loras) {
    for (const LoraUse& use : uses) key.append("\n").append(job::text_of_lora(use));
    key += "\n";
  }
  for (const auto& [name, file] : embeddings) key += fmt::format("\n{}={}", name, file);
  if (pipeline_ && key == key_) return;
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

}  // namespace sd::cli
