#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace sd::cli {

/// "--n_samples,--n-samples": the reference's spelling first, the other one beside it.
std::string spellings(const std::string& name);

/// Refuses an empty text, as a variable of a shell leaves it, if the option names a file, a folder
/// or a shard: it would count as if the option were not there.
void require_name(CLI::Option* option);

/// Options and flags of one group of the help page. A flag that is given twice counts the last
/// time, as with the reference's argparse.
class FlagGroup {
 public:
  FlagGroup(CLI::App* app, std::string title) : app_(app), title_(std::move(title)) {}

  CLI::Option* text(const std::string& name, std::string& value, const std::string& help,
                    const std::string& kind = "TEXT") {
    return finish(app_->add_option(spellings(name), value, help), kind);
  }
  /// One that may be given several times, each with one value.
  CLI::Option* texts(const std::string& name, std::vector<std::string>& values,
                     const std::string& help, const std::string& kind) {
    const auto take = [&values](const CLI::results_t& typed) {
      values = typed;
      return true;
    };
    return app_->add_option(spellings(name), CLI::callback_t(take), help)
        ->group(title_)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name(kind);
  }
  CLI::Option* whole_number(const std::string& name, int64_t& value, const std::string& help);
  /// `take` gets the typed text and throws CLI::ValidationError or Error(kUsage).
  CLI::Option* parsed(const std::string& name, const std::function<void(const std::string&)>& take,
                      const std::string& help, const std::string& kind) {
    return finish(app_->add_option_function<std::string>(spellings(name), take, help), kind);
  }
  CLI::Option* flag(const std::string& name, bool& value, const std::string& help) {
    return app_->add_flag(spellings(name), value, help)
        ->group(title_)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  template <class T>
  CLI::Option* choice(const std::string& name, T& value,
                      const std::vector<std::pair<std::string, T>>& words, size_t fallback,
                      const std::string& help) {
    std::vector<std::string> names;
    names.reserve(words.size());
    for (const auto& [word, meaning] : words) names.push_back(word);
    const auto take = [words, names, name, &value](const std::string& typed) {
      for (const auto& [word, meaning] : words) {
        if (word != typed) continue;
        value = meaning;
        return;
      }
      throw CLI::ValidationError("--" + name,
                                 "expected " + join(names, " or ") + ", found " + printable(typed));
    };
    return parsed(name, take, help, join(names, "|"))->default_str(names[fallback]);
  }

 private:
  CLI::Option* finish(CLI::Option* option, const std::string& kind) {
    return option->group(title_)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->type_name(kind);
  }

  CLI::App* app_;
  std::string title_;
};

}  // namespace sd::cli
