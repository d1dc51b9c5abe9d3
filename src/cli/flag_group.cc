#include "cli/flag_group.h"

#include "job/setting_values.h"
#include "sd/error.h"

namespace sd::cli {

std::string spellings(const std::string& name) {
  std::string other = name;
  std::replace(other.begin(), other.end(), '_', '-');
  if (other == name) std::replace(other.begin(), other.end(), '-', '_');
  return other == name ? "--" + name : "--" + name + ",--" + other;
}

CLI::Option* FlagGroup::whole_number(const std::string& name, int64_t& value,
                                     const std::string& help) {
  const auto take = [name, &value](const std::string& text) {
    try {
      job::values::parse(text, &value);
    } catch (const Error& error) {
      throw CLI::ValidationError("--" + name, error.what());
    }
  };
  return parsed(name, take, help, "INT")->default_str(std::to_string(value));
}

}  // namespace sd::cli
