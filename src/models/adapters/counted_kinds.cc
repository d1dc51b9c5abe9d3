#include "models/adapters/counted_kinds.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/strings.h"
#include "models/adapters/adapter_file.h"
#include "models/adapters/adapter_purpose.h"

namespace sd::models {

void CountedKinds::add(const AdapterKind* kind, const AdapterParts& parts) {
  std::string name = kind == nullptr ? "bias" : kind->name;
  const bool dora = parts.has(AdapterRole::kDoraScale) || parts.has(AdapterRole::kMagnitude);
  if (dora) name = "DoRA of " + name;
  auto& known = ranks_[name];
  const int64_t rank = kind == nullptr ? 0 : kind->rank(parts);
  if (rank > 0) known.insert(rank);
}

std::string CountedKinds::text() const {
  std::vector<std::string> words;
  for (const auto& [name, all] : ranks_) {
    std::string word = name;
    if (!all.empty()) word += fmt::format(" rank {}", *all.begin());
    if (all.size() > 1) word += fmt::format(" to {}", *all.rbegin());
    words.push_back(word);
  }
  return join(words, ", ");
}

std::string describe_adapter(const AdapterFile& file) {
  CountedKinds kinds;
  size_t layers = 0, of_text = 0;
  for (const auto& layer : file.layers) {  // (In clang 14 a lambda captures no structured binding.)
    const auto& name = layer.first;
    const auto& parts = layer.second;
    const auto all = adapter_kinds();
    const auto kind =
        std::find_if(all.begin(), all.end(), [&](const AdapterKind& one) { return one.is(parts); });
    if (kind == all.end()) continue;
    kinds.add(&*kind, parts);
    ++layers;
    if (name.find("lora_te") == 0 || name.find("text") == 0) ++of_text;
  }
  if (layers == 0 || layers < file.strange.size()) return "";
  std::string text = kinds.text() + fmt::format("; {} layers", layers);
  if (of_text > 0) text += fmt::format(", {} of them of the text encoder", of_text);
  if (!file.embeddings.empty()) text += fmt::format("; {} embeddings", file.embeddings.size());
  const std::string trained = trained_on(file), advice = suggestion(file);
  if (!trained.empty()) text += "; trained on " + trained;
  return advice.empty() ? text : text + "; " + advice;
}

}  // namespace sd::models
