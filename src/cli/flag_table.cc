#include "cli/flag_table.h"

#include <cctype>
#include <vector>

#include "base/strings.h"
#include "cli/command_page.h"
#include "cli/flags.h"
#include "cli/serve.h"
#include "cli/settings_layers.h"
#include "job/settings.h"

namespace sd::cli {
namespace {

/// "`--n_samples INT`", or "`--rng cuda`, `cpu`".
std::string flag_cell(const job::Setting& setting) {
  const std::string flag = "`--" + setting.flags().front();
  if (setting.is_switch) return flag + "`";
  if (!setting.words.empty()) return flag + " " + join(setting.words, "`, `") + "`";
  return flag + " " + setting.kind + "`";
}

std::string default_cell(const job::Setting& setting) {
  const auto shown = [&](Script script) {
    const std::string text = default_of(setting, Settings(script));
    return setting.kind == "TEXT" && !text.empty() ? "`" + text + "`" : text;
  };
  const std::string words = shown(Script::kTxt2Img), picture = shown(Script::kImg2Img);
  std::string cell = setting.known_to(Script::kTxt2Img) ? words : picture;
  if (setting.about.scripts == job::Scripts::kBoth && words != picture)
    cell += ", img2img " + picture;
  return cell.empty() ? "" : " " + cell;
}

std::string text_cell(const job::Setting& setting) {
  std::string text;
  if (!setting.known_to(Script::kTxt2Img)) text = "img2img: ";
  if (!setting.known_to(Script::kImg2Img)) text = "txt2img: ";
  text += setting.about.help;
  const std::string more = setting.about.more;
  if (more.empty()) return text;
  const bool sentence = std::isupper(static_cast<unsigned char>(more.front())) != 0;
  return text + (sentence ? ". " : "; ") + more;
}

/// The flags that say where settings and requests come from.
std::string layer_rows() {
  CLI::App app;
  LayerFlags flags;
  bool serves = false;
  add_layer_flags(&app, &flags);
  add_serve_flag(&app, &serves);
  std::string rows = "| **Settings and requests** | | |\n";
  for (const FlagPage& flag : page_of(app).flags) {
    if (flag.group != "Settings") continue;
    rows += "| `--" + flag.names.front() + (flag.kind.empty() ? "" : " " + flag.kind) + "` | | " +
            flag.help + " |\n";
  }
  return rows;
}

}  // namespace

std::string flag_table() {
  std::string table = "| flag | default | |\n|---|---|---|\n";
  for (const job::SettingGroup group : all_groups()) {
    table += std::string("| **") + title_of(group) + "** | | |\n";
    for (const job::Setting& setting : job::all_settings()) {
      if (setting.about.group != group || !is_command_flag(setting)) continue;
      table += "| " + flag_cell(setting) + " |" + default_cell(setting) + " | " +
               text_cell(setting) + " |\n";
    }
  }
  return table + layer_rows() +
         "| **Every command** | | |\n"
         "| `-q`, `--quiet` | | print paths and errors only |\n"
         "| `-v`, `--verbose` | | print more, such as unused tensors |\n"
         "| `-h`, `--help` | | show the flags that people use most |\n"
         "| `--help-all` | | show all flags |\n";
}

}  // namespace sd::cli
