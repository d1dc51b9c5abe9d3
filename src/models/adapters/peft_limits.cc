#include "models/adapters/peft_limits.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/names.h"
#include "base/strings.h"

namespace sd::models {
namespace {

using nlohmann::json;

/// What `peft_type` may be.
constexpr std::string_view kTypes[] = {"LORA", "ADALORA", "LOHA", "LOKR",
                                       "IA3",  "OFT",     "BOFT", "LN_TUNING"};

/// How `init_lora_weights` begins where the model itself was changed before training: less the
/// first product of the adapter (PiSSA, OLoRA, CorDA, LoRA-GA), or quantised (LoftQ).
constexpr std::string_view kChangedModels[] = {"pissa", "olora", "corda", "loftq", "lora_ga"};

/// Forms of LoRA that are no product of two matrices, or not for all words of a prompt.
constexpr const char* kOtherForms[] = {"use_qalora",   "use_bdlora",  "alora_invocation_tokens",
                                       "arrow_config", "kasa_config", "monteclora_config"};

std::string text_in(const json& config, const std::string& key) {
  const auto found = config.find(key);
  return found != config.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Whether a key is set: to more than null, false and nothing.
bool is_set(const json& config, const std::string& key) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return false;
  return found->is_boolean() ? found->get<bool>() : !found->empty();
}

/// (Some programs write Python's own name of it: "PeftType.LORA".)
void check_type(const std::string& type, AdapterFile* file) {
  const std::string name = type.substr(type.rfind('.') + 1);
  const bool is_known = std::any_of(std::begin(kTypes), std::end(kTypes),
                                    [&](std::string_view one) { return is_name(name, one); });
  if (type.empty() || is_known) return;
  file->faults.push_back("expected one of " + join({std::begin(kTypes), std::end(kTypes)}, ", ") +
                         " as peft_type of its config, found " + printable(type, 40));
}

void check_model(const std::string& first, AdapterFile* file) {
  const bool is_changed =
      std::any_of(std::begin(kChangedModels), std::end(kChangedModels),
                  [&](std::string_view begin) { return first.starts_with(begin); });
  if (!is_changed) return;
  file->faults.push_back("expected an adapter for the model as it is, found init_lora_weights " +
                         printable(first, 40) +
                         " in its config, which changed the model before it was trained");
}

/// Until 0.18 PEFT trained biases with `bias` "lora_only" and did not write them.
void check_biases(const std::string& biases, AdapterFile* file) {
  const bool has = std::any_of(file->layers.begin(), file->layers.end(), [](const auto& layer) {
    return layer.second.has(AdapterRole::kWholeBias);
  });
  if (has || biases.empty() || biases == "none") return;
  file->notes.push_back("its config says that biases were trained (" + printable(biases, 40) +
                        "), but the file has none, as older versions of PEFT left them out: "
                        "pictures may differ from those of its training");
}

}  // namespace

void check_peft_config(const json& config, const std::string& prefix, AdapterFile* file) {
  check_type(text_in(config, prefix + "peft_type"), file);
  check_model(text_in(config, prefix + "init_lora_weights"), file);
  for (const char* form : kOtherForms) {
    if (!is_set(config, prefix + form)) continue;
    file->faults.push_back(std::string("expected a plain LoRA, found ") + form + " in its config");
  }
  check_biases(text_in(config, prefix + "bias"), file);
}

}  // namespace sd::models
