#include "cli/flags.h"

#include <string>
#include <vector>

#include "base/log.h"
#include "cli/flag_group.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

/// "--ddim_steps,--ddim-steps,--steps": all spellings of a setting's flag.
std::string all_spellings(const job::Setting& setting) {
  std::vector<std::string> all;
  for (const std::string& flag : setting.flags()) all.push_back(spellings(flag));
  return join(all, ",");
}

template <class S>
void set_by_flag(S* settings, const job::Setting& setting, const std::string& text) {
  try {
    job::set_text(settings, setting, text);
  } catch (const Error& error) {
    throw CLI::ValidationError("--" + setting.flags().front(), error.what());
  }
}

template <class S>
CLI::Option* add_setting(CLI::App* app, const job::Setting& setting, S* settings) {
  const std::string names = all_spellings(setting);
  CLI::Option* option = nullptr;
  if (setting.is_switch) {
    const auto set = [settings, setting](const CLI::results_t& typed) {
      bool on = false;
      if (!CLI::detail::lexical_cast(typed.back(), on)) return false;
      set_by_flag(settings, setting, on ? "true" : "false");
      return true;
    };
    option = app->add_option(names, CLI::callback_t(set), setting.about.help)->expected(0);
  } else if (setting.repeats) {
    const auto set = [settings, setting](const CLI::results_t& typed) {
      set_by_flag(settings, setting, join(typed, "\n"));
      return true;
    };
    return app->add_option(names, CLI::callback_t(set), setting.about.help)
        ->type_name(setting.kind)
        ->group(title_of(setting.about.group))
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  } else {
    const auto set = [settings, setting](const std::string& text) {
      set_by_flag(settings, setting, text);
    };
    option = app->add_option_function<std::string>(names, set, setting.about.help)
                 ->type_name(setting.kind);
    require_name(option);  // in a line of a prompt file, too
  }
  return option->group(title_of(setting.about.group))
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

}  // namespace

void add_verbosity_flags(CLI::App* app) {
  app->add_flag_function(
         "-q,--quiet", [](int64_t) { set_verbosity(Verbosity::kQuiet); },
         "print paths and errors only")
      ->group("Output");
  app->add_flag_function(
         "-v,--verbose", [](int64_t) { set_verbosity(Verbosity::kVerbose); }, "print more")
      ->group("Output");
}

const char* title_of(job::SettingGroup group) {
  switch (group) {
    case job::SettingGroup::kPicture:
      return "What to draw";
    case job::SettingGroup::kPrompts:
      return "Reading prompts";
    case job::SettingGroup::kInpaint:
      return "Inpainting";
    case job::SettingGroup::kSampling:
      return "Sampling";
    case job::SettingGroup::kHires:
      return "Second, larger pass";
    case job::SettingGroup::kModel:
      return "Model";
    case job::SettingGroup::kOutput:
      return "Output";
    case job::SettingGroup::kJob:
      return "Jobs";
    case job::SettingGroup::kSafety:
      return "Safety checker";
    case job::SettingGroup::kDevice:
      return "Device";
  }
  return "";
}

std::span<const job::SettingGroup> all_groups() {
  using enum job::SettingGroup;
  static constexpr job::SettingGroup kGroups[] = {kPicture, kInpaint, kPrompts, kSampling, kHires,
                                                  kModel,   kOutput,  kJob,     kSafety,   kDevice};
  return kGroups;
}

bool is_command_flag(const job::Setting& setting) {
  const bool there =
      setting.about.where == job::Settable::kCommand || setting.about.where == job::Settable::kBoth;
  return there && *setting.about.flags != '\0';
}

std::string default_of(const job::Setting& setting, const Settings& settings) {
  if (setting.is_switch) return "";
  if (settings.script == Script::kImg2Img && *setting.about.fallback_img != '\0') {
    return setting.about.fallback_img;
  }
  if (*setting.about.fallback != '\0') return setting.about.fallback;
  return job::text_values(settings)[setting.place];
}

void add_run_flags(CLI::App* app, Settings* settings) {
  for (const job::Setting& setting : job::all_settings()) {
    if (!is_command_flag(setting) || !setting.known_to(settings->script)) continue;
    add_setting(app, setting, settings)->default_str(default_of(setting, *settings));
  }
  app->get_option("--devices")->excludes(app->get_option("--device"));
}

void add_line_flags(CLI::App* app, Script script, LineSettings* settings) {
  for (const job::Setting& setting : job::all_settings()) {
    const job::Settable where = setting.about.where;
    const bool there = where == job::Settable::kLine || where == job::Settable::kBoth;
    if (there && setting.known_to(script)) add_setting(app, setting, settings);
  }
}

}  // namespace sd::cli
