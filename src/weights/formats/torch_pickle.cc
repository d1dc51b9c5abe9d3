#include "weights/formats/torch_pickle.h"

#include <fmt/core.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/strings.h"
#include "weights/formats/torch_globals.h"

namespace sd::weights {
namespace {

using pickle::Document;
using pickle::Kind;
using pickle::Value;

/// Longer than any name of a weight. A text that a pickle uses many times is written once, so that
/// without a bound work could grow as the square of the file's size.
constexpr size_t kMaxName = 1024;
/// Problems and keys beyond this number are counted, not kept.
constexpr size_t kMaxListed = 1000;

class ContentsReader {
 public:
  ContentsReader(const Document& document, const FindStorage& find, uint64_t file_size)
      : document_(document), find_(find), file_size_(file_size) {}

  CheckpointContents read() {
    contents_.globals = pickle_globals(document_);
    read_root(document_.root());
    count_other_tensors();
    if (more_problems_ > 0) {
      contents_.problems.push_back({"", fmt::format("and {} more tensors", more_problems_)});
    }
    if (more_keys_ > 0) contents_.other_keys.push_back(fmt::format("and {} more", more_keys_));
    return std::move(contents_);
  }

 private:
  void read_root(const Value& root) {
    if (root.kind() == Kind::kList && read_list(root)) return;
    if (root.kind() != Kind::kDict) {
      contents_.problems.push_back({"", "expected a dict of weights, found " + kind_of(root)});
      return;
    }
    if (const auto step = root.find("global_step")) contents_.global_step = step->as_int();
    if (const auto vectors = root.find("string_to_param")) return read_embedding(root, *vectors);
    const auto nested = root.find("state_dict");
    contents_.nested_state_dict = nested && nested->kind() == Kind::kDict;
    if (!contents_.nested_state_dict) return read_weights(root, "");
    read_weights(*nested, "state_dict: ");
    const std::vector<Value> pairs = root.items();
    for (size_t i = 0; i < pairs.size(); i += 2) {
      if (pairs[i].as_text() != "state_dict") add_key("", pairs[i]);
    }
  }

  /// What the file holds that is no dict, and the way to one.
  static std::string kind_of(const Value& root) {
    const std::string name = root.kind() == Kind::kObject ? root.callable()->global_name() : "";
    if (name.empty()) return "another value";
    if (name.starts_with("__torch__.")) {
      return "a TorchScript program: give the model it was made of";
    }
    return "an object of class " + printable(name) + ": save its state_dict()";
  }

  /// Textual inversion: a dict or a ParameterDict, which keeps its tensors in its state.
  void read_embedding(const Value& root, Value vectors) {
    if (const auto state = vectors.state()) {
      if (const auto parameters = state->find("_parameters")) vectors = *parameters;
    }
    if (vectors.kind() != Kind::kDict) {
      contents_.problems.push_back({"string_to_param", "expected a dict of vectors"});
      return;
    }
    contents_.embedding = true;
    if (const auto step = root.find("step")) contents_.global_step = step->as_int();
    read_weights(vectors, "string_to_param: ");
  }

  /// A list of tensors, as an early trainer of adapters wrote: their places are their names. False
  /// for another list.
  bool read_list(const Value& root) {
    const std::vector<Value> values = root.items();
    if (values.empty() || !find_tensor_call(values.front())) return false;
    for (size_t i = 0; i < values.size(); ++i) {
      if (const auto call = find_tensor_call(values[i])) read_tensor(std::to_string(i), *call);
    }
    std::sort(contents_.tensors.begin(), contents_.tensors.end(),
              [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
    return true;
  }

  void read_weights(const Value& dict, const std::string& label) {
    const std::vector<Value> pairs = dict.items();
    std::vector<std::pair<std::string_view, size_t>> named;  // and the index in `pairs`
    named.reserve(pairs.size() / 2);
    for (size_t i = 0; i < pairs.size(); i += 2) {
      const auto name = pairs[i].as_text();
      if (name && name->size() <= kMaxName) {
        named.emplace_back(*name, i);
      } else {
        add_key(label, pairs[i]);
      }
    }
    std::sort(named.begin(), named.end());
    contents_.tensors.reserve(named.size());
    for (size_t i = 0; i < named.size(); ++i) {
      const std::string_view name = named[i].first;
      if (i + 1 < named.size() && named[i + 1].first == name) continue;  // the later one counts
      if (const auto call = find_tensor_call(pairs[named[i].second + 1])) {
        read_tensor(name, *call);
      } else {
        add_key(label, pairs[named[i].second]);
      }
    }
  }

  static std::string key_name(const Value& key) {
    if (const auto text = key.as_text()) return printable(*text);
    const std::string global = key.global_name();
    return global.empty() ? "(a key that is not a text)" : "class " + printable(global);
  }

  void read_tensor(std::string_view name, const TensorCall& call) {
    weights_.insert(call.node.id());
    TensorInfo info;
    info.name = name;
    bool described = false;
    const std::string problem = describe_tensor(call, find_, file_size_, &info, &described);
    if (!problem.empty()) add_problem(info.name, problem);
    if (described) contents_.tensors.push_back(std::move(info));
  }

  void add_problem(const std::string& name, const std::string& what) {
    if (contents_.problems.size() < kMaxListed) {
      contents_.problems.push_back({name, what});
    } else {
      ++more_problems_;
    }
  }

  void add_key(const std::string& label, const Value& key) {
    if (contents_.other_keys.size() < kMaxListed) {
      contents_.other_keys.push_back(label + key_name(key));
    } else {
      ++more_keys_;
    }
  }

  /// Tensors of the optimizer, of callbacks, and so on.
  void count_other_tensors() {
    for (size_t i = 0; i < document_.size(); ++i) {
      const Value value = document_.value(static_cast<pickle::Id>(i));
      if (const auto callable = value.callable()) {
        if (makes_tensor(callable->global_name()) && !weights_.contains(value.id())) {
          ++contents_.other_tensors;
        }
      }
    }
  }

  const Document& document_;
  const FindStorage& find_;
  const uint64_t file_size_;
  CheckpointContents contents_;
  size_t more_problems_ = 0;
  size_t more_keys_ = 0;
  std::unordered_set<pickle::Id> weights_;
};

}  // namespace

CheckpointContents torch_contents(const Document& document, const FindStorage& find,
                                  uint64_t file_size) {
  return ContentsReader(document, find, file_size).read();
}

}  // namespace sd::weights
