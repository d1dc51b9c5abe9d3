// Inspection as text and as JSON.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "models/inspect.h"

namespace sd::models {
namespace {

using nlohmann::json;

/// More lines of one kind than this are counted, not shown; --json has them all.
constexpr size_t kShownLines = 20;

std::string line(const char* label, const std::string& value) {
  return fmt::format("{:12} ", label) + value + "\n";
}

/// Labelled lines, the label on the first only.
std::string lines(const char* label, const std::vector<std::string>& values) {
  std::string text;
  for (size_t i = 0; i < values.size() && i < kShownLines; ++i) {
    text += line(i == 0 ? label : "", values[i]);
  }
  if (values.size() > kShownLines) {
    text += line("", fmt::format("and {} more", values.size() - kShownLines));
  }
  return text;
}

/// The measured dims with the names that JSON gives them and the words that the text uses.
struct DimRow {
  const char* key;
  const char* words;
  std::optional<int64_t> ModelDims::*value;
};

constexpr DimRow kDims[] = {
    {"model_channels", "UNet channels", &ModelDims::model_channels},
    {"in_channels", "UNet input channels", &ModelDims::in_channels},
    {"context_dim", "context width", &ModelDims::context_dim},
    {"autoencoder_channels", "autoencoder channels", &ModelDims::autoencoder_channels},
    {"latent_channels", "latent channels", &ModelDims::latent_channels},
    {"text_width", "text width", &ModelDims::text_width},
    {"text_layers", "text layers", &ModelDims::text_layers},
    {"vocabulary", "vocabulary", &ModelDims::vocabulary},
    {"vision_width", "vision width", &ModelDims::vision_width},
    {"vision_layers", "vision layers", &ModelDims::vision_layers},
    {"embedding_vectors", "vectors", &ModelDims::embedding_vectors},
};

std::string dims_text(const ModelDims& dims) {
  std::vector<std::string> known;
  for (const DimRow& row : kDims) {
    if (const auto value = dims.*row.value) {
      known.push_back(std::string(row.words) + " " + std::to_string(*value));
    }
  }
  return join(known, ", ");
}

std::string part_text(const PartSummary& part) {
  std::vector<std::string> dtypes;
  for (const DtypeShare& share : part.dtypes) {
    dtypes.push_back(part.dtypes.size() == 1 ? share.dtype
                                             : fmt::format("{} {}", share.dtype, share.tensors));
  }
  return fmt::format("{:22} {:5} tensors {:12} numbers {:>10}  {}", part.name, part.tensors,
                     part.parameters, human_bytes(part.bytes), join(dtypes, ", "));
}

std::vector<std::string> problem_lines(const weights::CheckpointContents& contents) {
  std::vector<std::string> all;
  for (const weights::TensorProblem& problem : contents.problems) {
    all.push_back(problem.name.empty() ? problem.what
                                       : printable(problem.name) + ": " + problem.what);
  }
  return all;
}

std::vector<std::string> foreign_lines(const weights::CheckpointContents& contents) {
  std::vector<std::string> all;
  for (const weights::TensorInfo& info : contents.tensors) {
    if (!info.foreign.empty()) all.push_back(printable(info.name) + ": " + info.foreign);
  }
  return all;
}

std::vector<std::string> global_lines(const weights::CheckpointContents& contents) {
  std::vector<std::string> all;
  for (const weights::PickleGlobal& global : contents.globals) {
    all.push_back(global.name + (global.known ? "" : "  (unusual; never imported or called)"));
  }
  return all;
}

json part_json(const PartSummary& part) {
  json dtypes = json::object();
  for (const DtypeShare& share : part.dtypes) {
    dtypes[share.dtype] = {
        {"tensors", share.tensors}, {"parameters", share.parameters}, {"bytes", share.bytes}};
  }
  return {{"name", part.name},       {"prefix", part.prefix},
          {"tensors", part.tensors}, {"parameters", part.parameters},
          {"bytes", part.bytes},     {"dtypes", dtypes}};
}

json dims_json(const ModelDims& dims) {
  json object = json::object();
  for (const DimRow& row : kDims) {
    if (const auto value = dims.*row.value) object[row.key] = *value;
  }
  return object;
}

}  // namespace

std::string to_text(const Inspection& inspection) {
  const weights::CheckpointContents& contents = inspection.contents;
  std::string text =
      line("file", printable(inspection.path) + ", " + human_bytes(inspection.file_bytes));
  text += line("format", inspection.format + ", weights " +
                             (contents.embedding           ? "under \"string_to_param\""
                              : contents.nested_state_dict ? "under \"state_dict\""
                                                           : "at top level"));
  text += line("family", inspection.family);
  if (!inspection.adapter.empty()) text += line("adapter", inspection.adapter);
  if (const std::string dims = dims_text(inspection.dims); !dims.empty()) {
    text += line("dimensions", dims);
  }
  std::vector<std::string> parts;
  for (const PartSummary& part : inspection.parts) parts.push_back(part_text(part));
  text += parts.empty() ? line("parts", "no weights") : lines("parts", parts);
  text += line("EMA", inspection.has_ema ? "yes (model_ema.*)" : "no");
  text += line("schedule", inspection.schedule_buffers.empty()
                               ? "not in the file"
                               : fmt::format("{} buffers", inspection.schedule_buffers.size()));
  if (contents.global_step) {
    text += line("global step", std::to_string(*contents.global_step));
  }
  if (contents.other_tensors > 0) {
    text +=
        line("beside", fmt::format("{} tensors that are not weights (optimizer state and the like)",
                                   contents.other_tensors));
  }
  if (!contents.other_keys.empty()) text += lines("other keys", contents.other_keys);
  std::vector<std::string> metadata;
  for (const auto& [key, value] : contents.metadata) {
    metadata.push_back(printable(key) + " = " + printable(value));
  }
  text += lines("metadata", metadata);
  text += lines("globals", global_lines(contents));
  if (!contents.wrapper.empty()) text += line("left out", contents.wrapper + " in names");
  text += lines("unreadable", foreign_lines(contents));
  text += lines("problems", problem_lines(contents));
  if (inspection.sha256) text += line("sha256", *inspection.sha256);
  return text;
}

json to_json(const Inspection& inspection) {
  const weights::CheckpointContents& contents = inspection.contents;
  json result = {{"path", printable(inspection.path, SIZE_MAX)},
                 {"bytes", inspection.file_bytes},
                 {"format", inspection.format},
                 {"family", inspection.family},
                 {"dimensions", dims_json(inspection.dims)},
                 {"nested_state_dict", contents.nested_state_dict},
                 {"ema", inspection.has_ema},
                 {"schedule_buffers", inspection.schedule_buffers},
                 {"other_keys", contents.other_keys},
                 {"other_tensors", contents.other_tensors}};
  result["parts"] = json::array();
  for (const PartSummary& part : inspection.parts) result["parts"].push_back(part_json(part));
  result["globals"] = json::array();
  for (const weights::PickleGlobal& global : contents.globals) {
    result["globals"].push_back({{"name", global.name}, {"known", global.known}});
  }
  result["wrapper"] = contents.wrapper;
  result["packed"] = !contents.packed.empty();
  result["unreadable"] = json::array();
  for (const weights::TensorInfo& info : contents.tensors) {
    if (info.foreign.empty()) continue;
    result["unreadable"].push_back({{"tensor", printable(info.name)}, {"holds", info.foreign}});
  }
  result["problems"] = json::array();
  for (const weights::TensorProblem& problem : contents.problems) {
    result["problems"].push_back({{"tensor", printable(problem.name)}, {"problem", problem.what}});
  }
  result["metadata"] = json::object();
  for (const auto& [key, value] : contents.metadata) {
    result["metadata"][printable(key)] = printable(value, SIZE_MAX);
  }
  if (!inspection.adapter.empty()) result["adapter"] = inspection.adapter;
  if (contents.global_step) result["global_step"] = *contents.global_step;
  if (inspection.sha256) result["sha256"] = *inspection.sha256;
  return result;
}

}  // namespace sd::models
