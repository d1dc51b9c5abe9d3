#include "weights/formats/pickle.h"

namespace sd::weights::pickle {
namespace {

/// Longer than the names of modules and classes: a bound on the work that one long text, used many
/// times, can make.
constexpr size_t kMaxName = 256;

}  // namespace

Kind Value::kind() const { return document_->nodes_[id_].kind; }

std::optional<int64_t> Value::as_int() const {
  const auto& node = document_->nodes_[id_];
  if (node.kind != Kind::kInt) return std::nullopt;
  return node.integer;
}

std::optional<bool> Value::as_bool() const {
  const auto& node = document_->nodes_[id_];
  if (node.kind != Kind::kBool) return std::nullopt;
  return node.integer != 0;
}

std::optional<std::string_view> Value::as_text() const {
  const auto& node = document_->nodes_[id_];
  if (node.kind != Kind::kString && node.kind != Kind::kBytes && node.kind != Kind::kBigInt) {
    return std::nullopt;
  }
  return document_->text(node);
}

size_t Value::size() const { return document_->nodes_[id_].count; }

std::vector<Value> Value::items() const {
  const auto& node = document_->nodes_[id_];
  std::vector<Value> all;
  all.reserve(node.count);
  for (uint32_t c = node.head; c != kNoId; c = document_->chunks_[c].next) {
    const auto& chunk = document_->chunks_[c];
    for (uint32_t i = 0; i < chunk.count; ++i) {
      all.emplace_back(document_, document_->items_[chunk.begin + i]);
    }
  }
  return all;
}

Value Value::item(size_t i) const {
  uint32_t c = document_->nodes_[id_].head;
  while (i >= document_->chunks_[c].count) {
    i -= document_->chunks_[c].count;
    c = document_->chunks_[c].next;
  }
  return {document_, document_->items_[document_->chunks_[c].begin + i]};
}

std::optional<Value> Value::find(std::string_view key) const {
  if (kind() != Kind::kDict) return std::nullopt;
  std::optional<Value> found;
  const std::vector<Value> pairs = items();
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
    if (pairs[i].as_text() == key) found = pairs[i + 1];
  }
  return found;
}

std::string Value::global_name() const {
  const auto& node = document_->nodes_[id_];
  if (node.kind != Kind::kGlobal) return "";
  const auto& module = document_->nodes_[node.first];
  const auto& name = document_->nodes_[node.second];
  std::string full(document_->text(module).substr(0, kMaxName));
  if (!full.empty()) full += '.';
  return full.append(document_->text(name).substr(0, kMaxName));
}

bool Value::is_global(std::string_view module, std::string_view name) const {
  const auto& node = document_->nodes_[id_];
  return node.kind == Kind::kGlobal && document_->text(document_->nodes_[node.first]) == module &&
         document_->text(document_->nodes_[node.second]) == name;
}

std::optional<Value> Value::callable() const {
  if (kind() != Kind::kObject) return std::nullopt;
  return Value(document_, document_->nodes_[id_].first);
}

std::optional<Value> Value::arguments() const {
  if (kind() != Kind::kObject) return std::nullopt;
  return Value(document_, document_->nodes_[id_].second);
}

std::optional<Value> Value::state() const {
  if (kind() != Kind::kObject || document_->nodes_[id_].tail == kNoId) return std::nullopt;
  return Value(document_, document_->nodes_[id_].tail);
}

std::optional<Value> Value::persistent_id() const {
  if (kind() != Kind::kPersistent) return std::nullopt;
  return Value(document_, document_->nodes_[id_].first);
}

}  // namespace sd::weights::pickle
