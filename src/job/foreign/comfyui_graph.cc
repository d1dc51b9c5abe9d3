#include "job/foreign/comfyui_graph.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "job/foreign/loose_json.h"
#include "sd/error.h"

namespace sd::job {
namespace {

using nlohmann::json;

/// What the values of a node are called, in the order in which a workflow lists them; "" is none of
/// the node's inputs.
struct Widgets {
  const char* type;
  std::vector<const char*> names;
};
const Widgets kWidgets[] = {
    {"KSampler", {"seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"}},
    {"KSamplerAdvanced",
     {"add_noise", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler", "start_at_step",
      "end_at_step", "return_with_leftover_noise"}},
    {"CheckpointLoaderSimple", {"ckpt_name"}},
    {"CLIPTextEncode", {"text"}},
    {"CLIPSetLastLayer", {"stop_at_clip_layer"}},
    {"EmptyLatentImage", {"width", "height", "batch_size"}},
    {"LoraLoader", {"lora_name", "strength_model", "strength_clip"}},
    {"LoraLoaderModelOnly", {"lora_name", "strength_model"}},
    {"LatentUpscale", {"upscale_method", "width", "height", "crop"}},
    {"LatentUpscaleBy", {"upscale_method", "scale_by"}},
    {"VAELoader", {"vae_name"}},
    {"LoadImage", {"image"}}};

std::string id_text(const json& id) { return id.is_string() ? id.get<std::string>() : id.dump(); }

bool is_link(const json& value) { return value.is_array() && value.size() == 2; }

json widget_inputs(const json& node) {
  json inputs = json::object();
  const json& values = member(node, "widgets_values");
  if (values.is_object()) inputs = values;
  if (!values.is_array()) return inputs;
  for (const Widgets& widgets : kWidgets) {
    if (member(node, "type") != widgets.type) continue;
    for (size_t i = 0; i < std::min(values.size(), widgets.names.size()); ++i) {
      if (*widgets.names[i] != '\0') inputs[widgets.names[i]] = values[i];
    }
  }
  return inputs;
}

/// By a link's number the node and the output that it comes from.
std::map<std::string, json> link_sources(const json& links) {
  std::map<std::string, json> sources;
  for (const json& link : links) {
    if (link.is_array() && link.size() >= 3) {
      sources[id_text(link[0])] = json::array({id_text(link[1]), link[2]});
    }
  }
  return sources;
}

}  // namespace

const json& ComfyNode::input(std::string_view name) const { return member(inputs, name); }

std::string ComfyNode::name() const {
  return printable(type, 60) + " (node " + printable(id, 20) + ")";
}

ComfyGraph ComfyGraph::of_prompt(std::string_view text) {
  ComfyGraph graph;
  const json nodes = parse_object(text);
  for (const auto& [id, node] : nodes.items()) {
    const auto type = text_in(member(node, "class_type"));
    if (type) graph.nodes_[id] = {.id = id, .type = *type, .inputs = member(node, "inputs")};
  }
  if (graph.nodes_.empty()) {
    throw Error(ErrorKind::kFile, "not a record", "its JSON holds no node of a ComfyUI graph");
  }
  return graph;
}

ComfyGraph ComfyGraph::of_workflow(std::string_view text) {
  ComfyGraph graph;
  const json workflow = parse_object(text);
  const auto sources = link_sources(member(workflow, "links"));
  for (const json& node : member(workflow, "nodes")) {
    const auto type = text_in(member(node, "type"));
    if (!type || !node.contains("id")) continue;
    json inputs = widget_inputs(node);
    for (const json& input : member(node, "inputs")) {
      const auto name = text_in(member(input, "name"));
      const auto source = sources.find(id_text(member(input, "link")));
      if (name && source != sources.end()) inputs[*name] = source->second;
    }
    const std::string id = id_text(node.at("id"));
    graph.nodes_[id] = {.id = id, .type = *type, .inputs = inputs};
  }
  if (graph.nodes_.empty()) {
    throw Error(ErrorKind::kFile, "not a record", "its JSON holds no node of a ComfyUI graph");
  }
  return graph;
}

std::string ComfyGraph::why_nowhere(const ComfyNode& node, std::string_view input) {
  const std::string where = "input " + std::string(input) + " of " + node.name();
  const json& link = node.input(input);
  if (!is_link(link)) return where + (link.is_null() ? " is not there" : " is not a link");
  return where + " leads to node " + printable(id_text(link[0]), 20) +
         ", which is not in the graph";
}

const json& ComfyGraph::value(const ComfyNode& node, std::string_view input) const {
  constexpr std::string_view kTypes[] = {"PrimitiveNode",
                                         "PrimitiveInt",
                                         "PrimitiveFloat",
                                         "PrimitiveString",
                                         "PrimitiveStringMultiline",
                                         "String Literal",
                                         "Seed (rgthree)",
                                         "easy seed"};
  const json& here = node.input(input);
  const ComfyNode* source = from(node, input);
  const bool gives = source != nullptr && std::find(std::begin(kTypes), std::end(kTypes),
                                                    source->type) != std::end(kTypes);
  for (const char* name : {"value", "seed", "string", "text", "prompt"}) {
    if (!gives) break;
    const json& there = source->input(name);
    if (there.is_string() || there.is_number()) return there;
  }
  return here;
}

std::vector<const ComfyNode*> ComfyGraph::way_back(const ComfyNode& start,
                                                   bool (*is_end)(const ComfyNode&)) const {
  struct Step {
    const ComfyNode* node;
    size_t before;
  };
  std::vector<Step> steps = {{&start, 0}};
  std::set<std::string> seen = {start.id};
  for (size_t i = 0; i < steps.size(); ++i) {
    const ComfyNode& here = *steps[i].node;
    for (const auto& [name, value] : here.inputs.items()) {
      const ComfyNode* node = from(here, name);
      if (node == nullptr || !seen.insert(node->id).second) continue;
      steps.push_back({node, i});
      if (!is_end(*node)) continue;
      std::vector<const ComfyNode*> way;
      for (size_t at = steps.size() - 1; at != 0; at = steps[at].before) {
        way.push_back(steps[at].node);
      }
      std::reverse(way.begin(), way.end());
      return way;
    }
  }
  return {};
}

const ComfyNode* ComfyGraph::from(const ComfyNode& node, std::string_view input) const {
  const json& link = node.input(input);
  if (!is_link(link)) return nullptr;
  const auto found = nodes_.find(id_text(link[0]));
  return found == nodes_.end() ? nullptr : &found->second;
}

}  // namespace sd::job
