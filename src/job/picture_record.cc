#include "job/picture_record.h"

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/strings.h"
#include "sampling/sampler.h"
#include "sampling/schedule.h"
#include "sd/error.h"
#include "weights/sha256.h"

namespace sd {
namespace {

using nlohmann::json;

/// The words that a record has for an enumeration, and the way back.
template <class T>
struct Words {
  std::vector<std::pair<const char*, T>> all;

  const char* of(T value) const {
    for (const auto& [word, meaning] : all) {
      if (meaning == value) return word;
    }
    return all.front().first;
  }
  T meaning(const std::string& word) const {
    for (const auto& [known, meaning] : all) {
      if (word == known) return meaning;
    }
    throw Error(ErrorKind::kFile, "'" + printable(word, 40) + "' is none of the words it may be");
  }
};

const Words<Script>& script_words() {
  static const Words<Script> words{{{"txt2img", Script::kTxt2Img}, {"img2img", Script::kImg2Img}}};
  return words;
}
const Words<RngKind>& rng_words() {
  static const Words<RngKind> words{{{"cuda", RngKind::kCuda}, {"cpu", RngKind::kCpu}}};
  return words;
}
const Words<KernelChoice>& kernel_words() {
  static const Words<KernelChoice> words{{{"aten", KernelChoice::kAten},
                                          {"auto", KernelChoice::kAuto},
                                          {"avx2", KernelChoice::kAvx2},
                                          {"avx512", KernelChoice::kAvx512}}};
  return words;
}
const Words<Precision>& precision_words() {
  static const Words<Precision> words{
      {{"autocast", Precision::kAutocast}, {"full", Precision::kFull}, {"bf16", Precision::kBf16}}};
  return words;
}

const Words<SafetyMode>& safety_words() {
  static const Words<SafetyMode> words{{{"off", SafetyMode::kOff},
                                        {"report", SafetyMode::kReport},
                                        {"blur", SafetyMode::kBlur},
                                        {"black", SafetyMode::kBlack},
                                        {"refuse", SafetyMode::kRefuse}}};
  return words;
}
const Words<SafetyAction>& action_words() {
  static const Words<SafetyAction> words{{{"none", SafetyAction::kNone},
                                          {"blurred", SafetyAction::kBlurred},
                                          {"blackened", SafetyAction::kBlackened},
                                          {"withheld", SafetyAction::kWithheld}}};
  return words;
}

const Words<bool>& seed_mode_words() {
  static const Words<bool> words{{{"stream", false}, {"image", true}}};
  return words;
}
const Words<bool>& weights_words() {
  static const Words<bool> words{{{"plain", false}, {"ema", true}}};
  return words;
}

/// The number that `value` is. (get() would cut fractions off and wrap what does not fit.)
template <class T>
T whole_number(const json& value, T least = std::numeric_limits<T>::min()) {
  bool fits = value.is_number_integer();
  if (value.is_number_unsigned()) {
    fits = std::in_range<T>(value.get<uint64_t>());
  } else if (fits) {
    fits = std::in_range<T>(value.get<int64_t>());
  }
  if (fits && value.get<T>() >= least) return value.get<T>();
  const std::string found = value.is_number() ? value.dump() : value.type_name();
  throw Error(ErrorKind::kFile, "expected a whole number in its range, found " + found);
}

json optional_number(const std::optional<uint64_t>& number) {
  return number ? json(*number) : json(nullptr);
}

std::optional<uint64_t> optional_number(const json& value) {
  if (value.is_null()) return std::nullopt;
  return whole_number<uint64_t>(value);
}

json to_json(const DrawRecord& draw) {
  return {{"offset", draw.offset},
          {"batch", draw.batch},
          {"row", draw.row},
          {"noise_rows", draw.noise_rows},
          {"code_offset", optional_number(draw.code_offset)},
          {"latent_offset", optional_number(draw.latent_offset)}};
}

json to_json(const InitRecord& init) {
  json fit = nullptr;
  if (init.fit) fit = {init.fit->width, init.fit->height};
  return {{"file", init.file},
          {"pixels_sha256", init.pixels_sha256},
          {"strength", init.strength},
          {"fit", fit},
          {"exif", init.exif}};
}

json to_json(const ModelRecord& model) {
  return {{"checkpoint", model.checkpoint},
          {"config", model.config},
          {"sha256", model.sha256},
          {"weights", weights_words().of(model.ema)},
          {"built_in", model.built_in}};
}

json to_json(SafetyMode mode, const SafetyOutcome& outcome) {
  json safety = {{"mode", safety_words().of(mode)},
                 {"action", action_words().of(outcome.action)},
                 {"failure", outcome.failure}};
  if (!outcome.verdict) return safety;
  safety["flagged"] = outcome.verdict->flagged;
  safety["concept_scores"] = outcome.verdict->concept_scores;
  safety["special_scores"] = outcome.verdict->special_scores;
  safety["adjustment"] = outcome.verdict->adjustment;
  safety["bad_concepts"] = outcome.verdict->bad_concepts;
  return safety;
}

/// What was found and done; the scores are for readers.
SafetyOutcome parse_safety(const json& value) {
  SafetyOutcome outcome;
  outcome.action = action_words().meaning(value.at("action").get<std::string>());
  outcome.failure = value.at("failure").get<std::string>();
  if (value.contains("flagged")) {
    outcome.verdict = SafetyVerdict{.flagged = value.at("flagged").get<bool>(),
                                    .adjustment = value.at("adjustment").get<double>(),
                                    .concept_scores = value.at("concept_scores"),
                                    .special_scores = value.at("special_scores"),
                                    .bad_concepts = {}};
    for (const json& index : value.at("bad_concepts")) {
      outcome.verdict->bad_concepts.push_back(whole_number<int>(index));
    }
  }
  return outcome;
}

DrawRecord parse_draw(const json& value, uint64_t seed) {
  return {.seed = seed,
          .batch = whole_number<int64_t>(value.at("batch")),
          .row = whole_number<int64_t>(value.at("row")),
          .noise_rows = whole_number<int64_t>(value.at("noise_rows")),
          .offset = whole_number<uint64_t>(value.at("offset")),
          .code_offset = optional_number(value.at("code_offset")),
          .latent_offset = optional_number(value.at("latent_offset"))};
}

InitRecord parse_init(const json& value) {
  InitRecord init{.file = value.at("file").get<std::string>(),
                  .pixels_sha256 = value.at("pixels_sha256").get<std::string>(),
                  .strength = value.at("strength").get<double>(),
                  .fit = std::nullopt,
                  .exif = value.at("exif").get<bool>()};
  const json& fit = value.at("fit");
  if (!fit.is_null()) init.fit = FitSize{whole_number(fit.at(0), 1), whole_number(fit.at(1), 1)};
  return init;
}

ModelRecord parse_model(const json& value) {
  return {.checkpoint = value.at("checkpoint").get<std::string>(),
          .config = value.at("config").get<std::string>(),
          .sha256 = value.at("sha256").get<std::string>(),
          .ema = weights_words().meaning(value.at("weights").get<std::string>()),
          .built_in = value.at("built_in").get<bool>()};
}

PictureRecord record_of(const json& value) {
  PictureRecord record;
  record.version = value.at("version").get<std::string>();
  record.script = script_words().meaning(value.at("command").get<std::string>());
  record.picture = {.prompt = value.at("prompt").get<std::string>(),
                    .negative_prompt = value.at("negative_prompt").get<std::string>(),
                    .scale = value.at("scale").get<double>()};
  record.width = whole_number(value.at("width"), 1);
  record.height = whole_number(value.at("height"), 1);
  record.sampler = value.at("sampler").get<std::string>();
  record.schedule = value.value("schedule", record.schedule);
  record.steps = whole_number<int64_t>(value.at("steps"));
  record.eta = value.at("eta").get<double>();
  record.rng = rng_words().meaning(value.at("rng").get<std::string>());
  record.draw = parse_draw(value.at("draw"), whole_number<uint64_t>(value.at("seed")));
  record.own_stream = seed_mode_words().meaning(value.at("seed_mode").get<std::string>());
  record.fixed_code = value.at("fixed_code").get<bool>();
  if (!value.at("init_image").is_null()) record.init = parse_init(value.at("init_image"));
  record.model = parse_model(value.at("model"));
  const json& device = value.at("device");
  record.device.device = device.at("name").get<std::string>();
  record.device.threads = whole_number<int>(device.at("threads"));
  record.device.kernels = kernel_words().meaning(device.at("kernels").get<std::string>());
  // The first pictures do not say it: all were drawn in float32 on the CPU.
  const json precision = device.value("precision", json("autocast"));
  record.device.precision = precision_words().meaning(precision.get<std::string>());
  record.watermark = value.at("watermark").get<std::string>();
  record.safety_mode = safety_words().meaning(value.at("safety").at("mode").get<std::string>());
  record.safety = parse_safety(value.at("safety"));
  return record;
}

/// As AUTOMATIC1111's web UI calls the sampler; a record of another version may name one that we do
/// not know.
std::string sampler_label(const std::string& name) {
  for (const Sampler& sampler : samplers()) {
    if (sampler.name == name) return sampler.label;
  }
  return name;
}

}  // namespace

std::string recorded_path(const std::string& path) {
  const std::filesystem::path typed(path);
  // (JSON holds UTF-8, a name any bytes.)
  return printable(typed.is_absolute() ? typed.filename().string() : path, std::string::npos);
}

std::string pixels_sha256(const Image& image) {
  return sha256_of(image.rgb.data(), image.rgb.size());
}

json to_json(const PictureRecord& record) {
  json object = {{"program", "sd"},
                 {"version", record.version},
                 {"command", script_words().of(record.script)},
                 {"prompt", record.picture.prompt},
                 {"negative_prompt", record.picture.negative_prompt},
                 {"seed", record.draw.seed},
                 {"seed_mode", seed_mode_words().of(record.own_stream)},
                 {"rng", rng_words().of(record.rng)},
                 {"draw", to_json(record.draw)},
                 {"fixed_code", record.fixed_code},
                 {"sampler", record.sampler},
                 {"steps", record.steps},
                 {"eta", record.eta},
                 {"scale", record.picture.scale},
                 {"width", record.width},
                 {"height", record.height},
                 {"init_image", record.init ? to_json(*record.init) : json(nullptr)},
                 {"model", to_json(record.model)},
                 {"device",
                  {{"name", record.device.device},
                   {"threads", record.device.threads},
                   {"kernels", kernel_words().of(record.device.kernels)},
                   {"precision", precision_words().of(record.device.precision)}}},
                 {"watermark", record.watermark},
                 {"safety", to_json(record.safety_mode, record.safety)}};
  if (record.schedule != kAutomaticSchedule) object["schedule"] = record.schedule;
  return object;
}

PictureRecord parse_record(const std::string& text, const std::string& name) {
  try {
    const json parsed = parse_json(text, kRecordLimits);
    if (parsed.is_discarded()) throw Error(ErrorKind::kFile, "expected JSON, found something else");
    return record_of(parsed);
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kFile,
                printable(name) + ": its parameters cannot be read: " + printable(error.what()),
                "they must be as this program wrote them");
  } catch (const Error& error) {
    throw Error(ErrorKind::kFile,
                printable(name) + ": its parameters cannot be read: " + error.what(),
                "they must be as this program wrote them");
  }
}

std::string a1111_text(const PictureRecord& record) {
  std::string text = record.picture.prompt + "\n";
  if (!record.picture.negative_prompt.empty()) {
    text += "Negative prompt: " + record.picture.negative_prompt + "\n";
  }
  text += format("Steps: %lld, Sampler: %s, CFG scale: %g, Seed: %llu, Size: %dx%d",
                 static_cast<long long>(record.steps), sampler_label(record.sampler).c_str(),
                 record.picture.scale, static_cast<unsigned long long>(record.draw.seed),
                 record.width, record.height);
  text += ", Model hash: " + record.model.sha256.substr(0, 10);
  text += ", Model: " + std::filesystem::path(record.model.checkpoint).stem().string();
  if (record.init) text += format(", Denoising strength: %g", record.init->strength);
  return text + ", Version: sd " + record.version;
}

PngMetadata metadata_of(const PictureRecord& record) {
  PngMetadata metadata;
  metadata.add("parameters", a1111_text(record));
  metadata.add(kRecordKeyword, to_json(record).dump());
  return metadata;
}

PngMetadata grid_metadata(const std::vector<PictureRecord>& records) {
  json pictures = json::array();
  for (const PictureRecord& record : records) pictures.push_back(to_json(record));
  PngMetadata metadata;
  metadata.add("parameters", a1111_text(records.front()));
  metadata.add(kRecordKeyword, json({{"program", "sd"}, {"grid_of", pictures}}).dump());
  return metadata;
}

}  // namespace sd
