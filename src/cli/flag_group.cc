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

void require_name(CLI::Option* option) {
  const bool is_word = option->get_positional();
  const std::string kind = is_word ? option->get_name() : option->get_type_name();
  const bool names = kind.starts_with("FILE") || kind.starts_with("DIR") || kind == "IN" ||
                     kind == "OUT" || kind == "I/N";
  if (!names) return;
  const std::string problem = "expected " + kind + ", found an empty text" +
                              (is_word ? "" : "; leave the flag out for its default");
  option->check([problem](const std::string& text) { return text.empty() ? problem : ""; });
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
