#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sd::job {

/// A node of a ComfyUI graph.
struct ComfyNode {  // NOLINT(bugprone-exception-escape): what moves a json throws nothing
  std::string id;
  std::string type;
  nlohmann::json inputs;  ///< by name: a value, or a link [id, output]

  const nlohmann::json& input(std::string_view name) const;
  /// "KSampler (node 3)", for a message.
  std::string name() const;
};

/// The nodes that drew a picture, and the links between them.
class ComfyGraph {
 public:
  /// Of the chunk "prompt": {"3": {"class_type", "inputs"}}. Throws Error(kFile) if it is none.
  static ComfyGraph of_prompt(std::string_view text);
  /// Of the chunk "workflow", whose values have no names but in the node types that are known here.
  /// Throws Error(kFile) if it is none.
  static ComfyGraph of_workflow(std::string_view text);

  const std::map<std::string, ComfyNode>& nodes() const { return nodes_; }
  /// The node that an input of `node` comes from; null where it is a value or leads nowhere.
  const ComfyNode* from(const ComfyNode& node, std::string_view input) const;
  /// The value at an input, be it that of a node which gives the value in it and nothing else.
  const nlohmann::json& value(const ComfyNode& node, std::string_view input) const;
  /// The shortest way back from `start`, over the links of any inputs, to a node that `is_end`
  /// takes: the nodes on it, that one the last. Empty where there is none.
  std::vector<const ComfyNode*> way_back(const ComfyNode& start,
                                         bool (*is_end)(const ComfyNode&)) const;
  /// Why `from` gives no node: "input model of KSampler (node 3) leads to node 9, which is not in
  /// the graph", "… is no link".
  static std::string why_nowhere(const ComfyNode& node, std::string_view input);

 private:
  std::map<std::string, ComfyNode> nodes_;
};

}  // namespace sd::job
