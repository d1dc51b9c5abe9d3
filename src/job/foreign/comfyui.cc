// ComfyUI: PNG tEXt "prompt" (the graph that was run) and "workflow" (the editor's file); WebP:
// EXIF Model "prompt:…" and Make "workflow:…". Links are followed back from the node that saves the
// picture.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/names.h"
#include "base/strings.h"
#include "job/foreign/comfyui_graph.h"
#include "job/foreign/comfyui_names.h"
#include "job/foreign/foreign_settings.h"
#include "job/foreign/loose_json.h"
#include "job/foreign/readers.h"
#include "sd/error.h"

namespace sd::job {
namespace {

using nlohmann::json;

constexpr NamePair kUpscalers[] = {{"nearest-exact", "Latent (nearest-exact)"},
                                   {"bilinear", "Latent"},
                                   {"bicubic", "Latent (bicubic)"}};

bool is_sampler(const ComfyNode& node) {
  return node.type == "KSampler" || node.type == "KSamplerAdvanced";
}

bool is_saver(const ComfyNode& node) {
  return node.type == "SaveImage" || node.type == "PreviewImage" || node.type == "SaveAnimatedWEBP";
}

/// Looks for what drew the picture of one graph.
class Reader {
 public:
  explicit Reader(ComfyGraph graph) : graph_(std::move(graph)) {}

  ForeignRecord read() {
    const ComfyNode* saves = nullptr;
    std::vector<const ComfyNode*> way;  // from there back to the sampler
    for (const auto& [id, node] : graph_.nodes()) {
      if (!is_saver(node) || !way.empty()) continue;
      if (saves == nullptr) saves = &node;
      way = graph_.way_back(node, is_sampler);
    }
    const ComfyNode& last = way.empty() ? any_sampler() : *way.back();
    read_passes(last);
    say_comfyui_prompts(&record_);
    read_vae(way);
    say_way(way);
    if (saves != nullptr && way.empty()) {
      record_.cannot.push_back("no links lead from " + saves->name() +
                               " back to a sampler that is known");
    }
    return std::move(record_);
  }

 private:
  const ComfyNode& any_sampler() const {
    for (const auto& [id, node] : graph_.nodes()) {
      if (is_sampler(node)) return node;
    }
    throw Error(ErrorKind::kFile, "no sampler", "the graph has no known sampler");
  }

  /// What the sampler's result goes through before it is saved, but for the decoder.
  void say_way(const std::vector<const ComfyNode*>& way) {
    for (const ComfyNode* node : way) {
      const bool is_usual =
          is_sampler(*node) || node->type.starts_with("VAEDecode") || node->type == "Reroute";
      if (!is_usual) record_.cannot.push_back("the picture goes through " + node->name());
    }
  }

  /// The autoencoder of the decoder on the way; of a graph without a way any.
  void read_vae(const std::vector<const ComfyNode*>& way) {
    const auto take = [&](const ComfyNode* loader) {
      if (loader == nullptr || loader->type != "VAELoader") return;
      if (const auto name = text_in(loader->input("vae_name"))) record_.extra["vae"] = *name;
    };
    for (const ComfyNode* node : way) take(graph_.from(*node, "vae"));
    if (!way.empty()) return;
    for (const auto& [id, node] : graph_.nodes()) take(&node);
  }

  const ComfyNode* sampler_before(const ComfyNode& start) const {
    const auto way = graph_.way_back(start, is_sampler);
    return way.empty() ? nullptr : way.back();
  }

  /// `last`, and the pass before it, if its latent comes from one.
  void read_passes(const ComfyNode& last) {
    const ComfyNode* latent = graph_.from(last, "latent_image");
    const ComfyNode* first = latent == nullptr ? nullptr : sampler_before_latent(*latent);
    if (first == &last) say_ring(last);
    if (first == nullptr || first == &last) return read_pass(last);
    ForeignRecord second;
    read_sampling(last, &second);
    read_pass(*first);
    add_second_pass(last, *latent, second);
  }

  const ComfyNode* sampler_before_latent(const ComfyNode& latent) {
    if (is_sampler(latent)) return &latent;
    return latent.type == "EmptyLatentImage" ? nullptr : sampler_before(latent);
  }

  void add_second_pass(const ComfyNode& last, const ComfyNode& latent,
                       const ForeignRecord& second) {
    const auto value = [](const auto& from) { return from ? json(*from) : json(nullptr); };
    json hires = {{"upscaler", nullptr},
                  {"steps", value(second.steps)},
                  {"sampler", value(second.sampler)},
                  {"schedule", value(second.schedule)},
                  {"scale", value(second.scale)},
                  {"seed", value(second.seed)},
                  {"strength", value(number_in(last.input("denoise")))}};
    const std::string method = text_in(latent.input("upscale_method")).value_or("");
    std::vector<std::string> unknown;
    if (latent.type == "LatentUpscale" || latent.type == "LatentUpscaleBy") {
      if (const auto ours = translate(kUpscalers, method, "", &unknown)) hires["upscaler"] = *ours;
    }
    set_second_size(latent, &hires);
    record_.hires = hires;
    record_.cannot.push_back("two passes with " + printable(latent.type, 60) +
                             (method.empty() ? "" : " (" + printable(method, 60) + ")") +
                             " between them");
    if (second.seed != record_.seed) {
      record_.cannot.emplace_back("a second pass with a seed of its own");
    }
  }

  void set_second_size(const ComfyNode& latent, json* hires) const {
    const auto width = whole_in(latent.input("width")), height = whole_in(latent.input("height"));
    if (width && height) {
      (*hires)["width"] = *width;
      (*hires)["height"] = *height;
      return;
    }
    const auto by = number_in(latent.input("scale_by"));
    if (!by || *by <= 0 || *by > 100 || !record_.width || !record_.height) return;
    const auto larger = [&](int64_t side) {
      const int64_t latent_side = side / 8;
      return 8 * std::llround(*by * static_cast<double>(latent_side));
    };
    (*hires)["width"] = larger(*record_.width);
    (*hires)["height"] = larger(*record_.height);
  }

  void read_pass(const ComfyNode& sampler) {
    read_sampling(sampler, &record_);
    read_latent(sampler);
    record_.prompt = prompt_of(sampler, "positive", "prompt");
    record_.negative = prompt_of(sampler, "negative", "negative prompt");
    read_model(sampler);
  }

  void read_sampling(const ComfyNode& node, ForeignRecord* record) {
    const bool advanced = node.type == "KSamplerAdvanced";
    record->seed = seed_in(graph_.value(node, advanced ? "noise_seed" : "seed"));
    record->steps = whole_in(graph_.value(node, "steps"));
    record->scale = number_in(graph_.value(node, "cfg"));
    set_comfyui_sampling(graph_.value(node, "sampler_name"), graph_.value(node, "scheduler"),
                         record);
    for (const char* name : {"seed", "noise_seed", "steps", "cfg", "sampler_name", "scheduler"}) {
      if (graph_.value(node, name).is_array()) say_from_node(node, name, name, record);
    }
    if (advanced) read_advanced(node, record);
  }

  static void read_advanced(const ComfyNode& node, ForeignRecord* record) {
    const int64_t steps = record->steps.value_or(0);
    const int64_t start = whole_in(node.input("start_at_step")).value_or(0);
    const int64_t end = whole_in(node.input("end_at_step")).value_or(steps);
    if (start > 0) {
      record->cannot.push_back(fmt::format("starts at step {}", start));
    }
    if (end < steps) {
      const bool keeps = node.input("return_with_leftover_noise") == "enable";
      record->cannot.push_back(fmt::format("stops at step {} of {}", end, steps) +
                               (keeps ? " and keeps the noise that is left" : ""));
    }
    if (node.input("add_noise") == "disable") record->cannot.emplace_back("adds no noise");
  }

  void say_from_node(const ComfyNode& node, const char* input, const char* what,
                     ForeignRecord* record) const {
    const ComfyNode* from = graph_.from(node, input);
    const std::string start = "the " + std::string(what);
    record->cannot.push_back(from == nullptr
                                 ? start + ": " + ComfyGraph::why_nowhere(node, input)
                                 : start + " comes from an unknown node: " + from->name());
  }

  void say_ring(const ComfyNode& node) {
    record_.cannot.push_back("the graph's links lead back to " + node.name());
  }

  /// The nodes that come one before the other at that input, the nearest first; of a ring each
  /// once.
  std::vector<const ComfyNode*> chain(const ComfyNode& start, const char* input) {
    std::vector<const ComfyNode*> nodes;
    std::set<const ComfyNode*> seen = {&start};
    for (const ComfyNode* node = graph_.from(start, input); node != nullptr;
         node = graph_.from(*node, input)) {
      if (!seen.insert(node).second) {
        say_ring(*node);
        break;
      }
      nodes.push_back(node);
    }
    return nodes;
  }

  void read_latent(const ComfyNode& sampler) {
    const ComfyNode* latent = graph_.from(sampler, "latent_image");
    const auto strength = number_in(sampler.input("denoise"));
    if (latent != nullptr && latent->type == "EmptyLatentImage") {
      record_.width = whole_in(latent->input("width"));
      record_.height = whole_in(latent->input("height"));
      if (strength && *strength != 1) record_.strength = strength;
      if (record_.strength) record_.cannot.emplace_back("starts from a grey picture");
      const int64_t batch = whole_in(latent->input("batch_size")).value_or(1);
      if (batch > 1) {
        record_.cannot.push_back(fmt::format("one of a batch of {}, which is not recorded", batch));
      }
      return;
    }
    record_.size_from_picture = true;
    record_.strength = strength;
    if (latent != nullptr && latent->type == "VAEEncode") {
      record_.cannot.emplace_back(kNoStartPicture);
      record_.cannot.emplace_back("it starts from the mean of what the encoder gives");
    } else {
      say_from_node(sampler, "latent_image", "latent", &record_);
    }
  }

  /// The text of a conditioning; nothing where it comes out of nodes that are not known.
  std::optional<std::string> prompt_of(const ComfyNode& sampler, const char* input,
                                       const char* what) {
    const ComfyNode* encode = graph_.from(sampler, input);
    if (encode == nullptr || encode->type != "CLIPTextEncode") {
      say_from_node(sampler, input, what, &record_);
      return std::nullopt;
    }
    if (std::string(input) == "positive") read_clip(*encode);
    const json& text = graph_.value(*encode, "text");
    if (text.is_string()) return text.get<std::string>();
    say_from_node(*encode, "text", what, &record_);
    return std::nullopt;
  }

  void read_clip(const ComfyNode& encode) {
    for (const ComfyNode* node : chain(encode, "clip")) {
      if (node->type != "CLIPSetLastLayer" || record_.clip_skip) continue;
      const auto layer = whole_in(node->input("stop_at_clip_layer"));
      if (layer && *layer < 0) record_.clip_skip = -*layer;
    }
  }

  void read_model(const ComfyNode& sampler) {
    const ComfyNode* last = &sampler;
    for (const ComfyNode* node : chain(sampler, "model")) {
      last = node;
      if (node->type == "LoraLoader" || node->type == "LoraLoaderModelOnly") {
        add_lora(*node);
      } else if (node->type.starts_with("CheckpointLoader")) {
        record_.model = text_in(node->input("ckpt_name"));
        break;
      } else {
        record_.cannot.push_back("the node " + node->name() + " is not known");
      }
    }
    const bool is_known = is_sampler(*last) || last->type.starts_with("LoraLoader");
    if (is_known && graph_.from(*last, "model") == nullptr) {
      say_from_node(*last, "model", "model", &record_);
    }
    std::reverse(record_.loras.begin(), record_.loras.end());
  }

  void add_lora(const ComfyNode& node) {
    record_.loras.push_back({.name = text_in(node.input("lora_name")).value_or(""),
                             .weight = number_in(node.input("strength_model")).value_or(1),
                             .text_weight = number_in(node.input("strength_clip"))});
  }

  ComfyGraph graph_;
  ForeignRecord record_;
};

/// The text under a keyword, or behind it in an EXIF text: "prompt:{…}".
std::string graph_text(const image::PngMetadata& texts, const std::string& keyword) {
  if (const std::string* text = texts.find(keyword)) return *text;
  for (const auto& [name, text] : texts.texts) {
    // (The case of the word varies between versions.)
    const std::string_view start = std::string_view(text).substr(0, keyword.size() + 1);
    if (name.starts_with("exif:") && is_name(start, keyword + ":")) {
      return text.substr(keyword.size() + 1);
    }
  }
  return "";
}

}  // namespace

bool is_comfyui(const image::PngMetadata& texts) {
  return looks_like_object(graph_text(texts, "prompt")) ||
         looks_like_object(graph_text(texts, "workflow"));
}

ForeignRecord read_comfyui(const image::PngMetadata& texts) {
  const std::string prompt = graph_text(texts, "prompt");
  if (looks_like_object(prompt)) return Reader(ComfyGraph::of_prompt(prompt)).read();
  ForeignRecord record = Reader(ComfyGraph::of_workflow(graph_text(texts, "workflow"))).read();
  record.cannot.emplace_back("only the editor's file is there, whose values have no names");
  return record;
}

}  // namespace sd::job
