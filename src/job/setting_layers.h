#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "job/settings.h"

namespace sd::job {

/// What one source says of a setting; without a text it only counts as set there.
struct LayerValue {
  const Setting* setting = nullptr;
  std::optional<std::string> text;
};

/// A source of settings: a file, the environment, a preset, the command line.
struct SettingLayer {
  std::string origin;  ///< as messages name it
  std::vector<LayerValue> values;
  bool typed = false;  ///< it is on the command line, or a preset of the program's named there
};

/// The values of several sources, of which the later ones win.
class LayeredSettings {
 public:
  /// Puts the layer above those before it. What decides one thing together (the sampler, `plms`)
  /// is taken from one layer: values below it are forgotten.
  void add(const SettingLayer& layer);

  /// The script's defaults and the values that won. Throws Error(kUsage), naming the source, for a
  /// text that is none of the setting's values.
  Settings settings(Script script) const;

  /// Puts what settings files and variables chose when a job began in place of what they say now,
  /// but for what does not change a job's files.
  void keep_to_job(const SettingLayer& of_job);

  /// Keys of the values that settings files and variables chose and that change a job's files.
  std::vector<std::string> keys_from_files() const;

  /// Where the value comes from; null: it is the default.
  const std::string* origin(const Setting& setting) const;

 private:
  struct Winner {
    LayerValue value;
    std::string origin;
    bool typed = false;

    bool is_of_files() const { return !typed && !value.setting->about.local; }
  };
  std::map<size_t, Winner> winners_;  // by place
};

}  // namespace sd::job
