#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/output.h"
#include "base/strings.h"
#include "base/words.h"
#include "cli/commands/commands.h"
#include "cli/flag_group.h"
#include "cli/flags.h"
#include "cli/settings_layers.h"

namespace sd::cli {
namespace {

struct SettingsFlags {
  Script script = Script::kTxt2Img;
  LayerFlags layers;
  bool json = false;
};

struct ShownSetting {
  std::string key;
  std::string flag;
  std::string value;
  std::string origin;
};

std::vector<ShownSetting> shown_settings(const SettingsFlags& flags) {
  const job::LayeredSettings layers = read_layers(flags.layers, flags.script);
  const Settings settings = layers.settings(flags.script);
  const std::vector<std::string> values = job::text_values(settings);
  std::vector<ShownSetting> shown;
  for (const job::Setting& setting : job::all_settings()) {
    if (!is_command_flag(setting) || !setting.known_to(flags.script)) continue;
    const std::string* origin = layers.origin(setting);
    shown.push_back({setting.key, "--" + setting.flags().front(), values[setting.place],
                     origin == nullptr ? "default" : *origin});
  }
  return shown;
}

int run_settings(const SettingsFlags& flags) {
  nlohmann::json all = nlohmann::json::array();
  for (const auto& [key, flag, value, origin] : shown_settings(flags)) {
    if (flags.json) {
      all.push_back({{"key", key}, {"flag", flag}, {"value", value}, {"origin", origin}});
    } else {
      print(fmt::format("{:24} {:24} {}\n", key, printable(value), printable(origin)));
    }
  }
  if (flags.json) print_json(all.dump(2));
  return 0;
}

}  // namespace

void add_settings_command(CLI::App* program, RunFn* run) {
  CLI::App* command =
      program->add_subcommand("settings", "show each setting, its value and where it comes from");
  auto flags = std::make_shared<SettingsFlags>();
  FlagGroup group(command, "Output");
  group.choice<Script>("of", flags->script,
                       {{"txt2img", Script::kTxt2Img}, {"img2img", Script::kImg2Img}}, 0,
                       "the script whose settings to show");
  group.flag("json", flags->json, "as JSON");
  add_layer_flags(command, &flags->layers);
  command->callback([=] { *run = [=] { return run_settings(*flags); }; });
}

}  // namespace sd::cli
