#include "models/adapters/adapter_library.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"

namespace sd::models {
namespace {

AdapterStrength strength_of(const LoraUse& use) {
  return {.unet = use.unet, .text = use.text, .rank = use.rank};
}

void say(const Adapter& adapter) {
  notice(adapter.summary());
  for (const std::string& line : adapter.file().notes) {
    notice(printable(adapter.file().name()) + ": " + line);
  }
  for (const std::string& line : adapter.misfits()) detail(line);
  for (const std::string& name : adapter.unmatched()) {
    detail(printable(name) + ": not in this model");
  }
}

/// The values of a tensor; none where there is no tensor, which has no shape here.
int64_t count(const std::vector<int64_t>& shape) {
  int64_t values = shape.empty() ? 0 : 1;
  for (const int64_t side : shape) values *= side;
  return values;
}

}  // namespace

std::shared_ptr<const Adapter> AdapterLibrary::get(const std::string& file) {
  const std::lock_guard lock(mutex_);
  auto& known = known_[file];
  if (known == nullptr) known = open(file);
  return known;
}

void AdapterLibrary::advise(const std::string& file, const DrawnWith& drawn) {
  const auto adapter = get(file);
  const std::string advice = suggestion(adapter->file(), drawn);
  if (advice.empty()) return;
  const std::lock_guard lock(mutex_);
  if (advised_.insert(file).second) notice(printable(adapter->file().name()) + " is " + advice);
}

std::shared_ptr<const Adapter> AdapterLibrary::open(const std::string& file) {
  if (names_ == nullptr) names_ = std::make_unique<const LayerNames>(config_);
  auto adapter = open_adapter(file, *names_);
  say(*adapter);
  return adapter;
}

ModelSource AdapterLibrary::adapted(const ModelSource& source, const std::vector<LoraUse>& uses) {
  ModelSource result = source;
  for (const LoraUse& use : uses) {
    const weights::WeightEdit edit = adapter_edit(get(use.file), strength_of(use));
    result.text.edits.push_back(edit);
    result.unet.edits.push_back(edit);
  }
  return result;
}

bool AdapterLibrary::changes(bool text, const std::vector<LoraUse>& uses) {
  return std::any_of(uses.begin(), uses.end(), [&](const LoraUse& use) {
    const auto adapter = get(use.file);
    const double strength = text ? use.text : use.unet;
    return strength != 0 && std::any_of(adapter->modules().begin(), adapter->modules().end(),
                                        [&](const auto& one) { return one.layer.is_text == text; });
  });
}

int64_t AdapterLibrary::changed_bytes(const std::vector<LoraUse>& uses, int64_t item) {
  std::map<std::string, int64_t> changed;  // values, by layer: several adapters may change one
  for (const LoraUse& use : uses) {
    for (const Adapter::Module& module : get(use.file)->modules()) {
      if ((module.layer.is_text ? use.text : use.unet) == 0) continue;
      changed[module.layer.name] = count(module.layer.weight) + count(module.layer.bias);
    }
  }
  int64_t values = 0;
  for (const auto& [layer, of_layer] : changed) values += of_layer;
  return values * item;
}

}  // namespace sd::models
