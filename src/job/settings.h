#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "job/settings_table.h"
#include "sd/settings.h"

namespace sd::job {

/// A row of the table, without a value.
struct Setting {
  size_t place = 0;  ///< in the table
  std::string key;
  About about;
  std::string kind;                ///< of value, as the help page names it: INT, FILE, auto|cpu
  std::vector<std::string> words;  ///< what an enumeration may be
  bool is_switch = false;          ///< given without a value
  bool repeats = false;            ///< may be given several times; text has a line for each
  bool is_line = false;            ///< a member of LineSettings

  /// The spellings of its flag, without dashes, the help page's first; none: it has no flag.
  std::vector<std::string> flags() const;
  bool known_to(Script script) const;
};

/// All rows, in the table's order.
const std::vector<Setting>& all_settings();

/// The row of that key; null if there is none.
const Setting* find_setting(std::string_view key);

/// Sets a value from what was typed. Throws Error(kUsage): "expected a whole number, found 'x'".
/// A sampler that a line names takes the place of the command's `plms` and `dpm_solver`.
void set_text(LineSettings* settings, const Setting& setting, const std::string& text);
void set_text(Settings* settings, const Setting& setting, const std::string& text);
/// Sets it from JSON. Throws Error(kUsage) or json::exception.
void set_json(Settings* settings, const Setting& setting, const nlohmann::json& value);

/// Sets a value by its key; false, and nothing is changed, where the script does not know the
/// setting, or no run can have that value.
bool try_set(Settings* settings, std::string_view key, const std::string& text);

/// The values of all rows, by place.
std::vector<std::string> text_values(const Settings& settings);
std::vector<nlohmann::json> json_values(const Settings& settings);

/// Throws Error(kUsage) for the first number outside its limits, naming the setting: "`n_iter` must
/// be from 1 to 1000000, found 0".
void check_limits(const LineSettings& settings);
void check_limits(const Settings& settings);

/// Where the reference's script puts its pictures.
const char* default_outdir(const Settings& settings);

}  // namespace sd::job
