#include "cli/prompt_lines.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/strings.h"
#include "base/words.h"
#include "cli/did_you_mean.h"
#include "cli/flags.h"
#include "cli/settings_file.h"
#include "sd/error.h"

namespace sd::cli {
namespace {

constexpr std::string_view kSpace = " \t";

constexpr size_t kMostBytes = size_t{256} << 20;
constexpr int64_t kMostLines = 1'000'000;

[[noreturn]] void refuse_size(const std::string& path, const std::string& most) {
  throw Error(ErrorKind::kUsage, "the prompt file " + printable(path) + " holds more than " + most,
              "give fewer prompts, or draw a job (`job`), which reads its file bit by bit");
}

/// All of it. (A device or a pipe may have no end.)
std::string read_text(std::istream* stream, const std::string& path) {
  constexpr size_t kStep = size_t{1} << 20;
  std::string text;
  while (*stream) {
    const size_t size = text.size();
    text.resize(size + kStep);
    stream->read(text.data() + size, kStep);
    text.resize(size + static_cast<size_t>(stream->gcount()));
    if (text.size() > kMostBytes) refuse_size(path, "256 MiB");
    stop_if_interrupted();
  }
  return text;
}

std::string read_prompt_file(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& stream = path == "-" ? std::cin : file;
  std::string text = read_text(&stream, path);
  std::error_code ignored;
  const bool no_file = path != "-" && !file.is_open();
  if (no_file || stream.bad() || std::filesystem::is_directory(path, ignored)) {
    throw Error(ErrorKind::kFile, "the prompt file " + printable(path) + " cannot be read",
                "check the path after `from_file`");
  }
  const auto breaks = std::count(text.begin(), text.end(), '\n');
  if (breaks > kMostLines) refuse_size(path, fmt::format("{} lines", kMostLines));
  return text;
}

/// "--name=" as "--name" and an empty word: CLI11 would take the next word for its value.
std::vector<std::string> with_empty_values(const CLI::App& app, std::vector<std::string> words) {
  std::vector<std::string> flags;
  for (std::string& word : words) {
    const bool empty_value = word.size() > 1 && word.back() == '=' &&
                             app.get_option_no_throw(word.substr(0, word.size() - 1)) != nullptr;
    if (empty_value) word.pop_back();
    flags.push_back(std::move(word));
    if (empty_value) flags.emplace_back();
  }
  return flags;
}

/// That words of a line are no flags: which, and what it may have.
[[noreturn]] void refuse_words(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    names.push_back("--" + option->get_lnames().front());
  }
  std::string guess;
  const std::string problem = unexpected_arguments(app, &guess);
  if (!guess.empty()) guess += " ";
  throw Error(ErrorKind::kUsage, problem,
              guess + "a line may have " + join(names, ", ") +
                  "; text that looks like a flag can be given in JSON Lines");
}

/// Sets `options` by flags, in the order of the line.
void apply_flags(CLI::App* app, std::vector<std::string> flags, Script script,
                 LineSettings* settings) {
  app->set_help_flag();
  add_line_flags(app, script, settings);
  flags = with_empty_values(*app, std::move(flags));
  std::reverse(flags.begin(), flags.end());  // as CLI11 takes them
  try {
    app->parse(std::move(flags));
  } catch (const CLI::ExtrasError&) {
    refuse_words(*app);
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorKind::kUsage, printable(error.what()),
                std::string("sd ") + word_of(script) + " --help says what each flag takes");
  }
}

/// Flags of the web UI that are called otherwise here.
constexpr std::pair<std::string_view, std::string_view> kWebUiFlags[] = {
    {"--cfg_scale", "--scale"},
    {"--sampler_name", "--sampler"},
    {"--subseed", "--variation-seed"},
    {"--subseed_strength", "--variation-strength"}};

std::string our_flag(const std::string& word) {
  for (const auto& [theirs, ours] : kWebUiFlags) {
    if (word == theirs) return std::string(ours);
  }
  return word;
}

bool takes_all_words(std::string_view flag) {
  return flag == "--prompt" || flag == "--negative_prompt" || flag == "--negative-prompt";
}

/// Flags as the web UI's script "Prompts from file or textbox" takes them
/// (scripts/prompts_from_file.py): all words up to the next flag are one prompt.
std::vector<std::string> of_webui_script(const std::vector<std::string>& words) {
  std::vector<std::string> flags;
  for (size_t i = 0; i < words.size(); ++i) {
    flags.push_back(our_flag(words[i]));
    if (!takes_all_words(words[i]) || i + 1 == words.size()) continue;
    flags.push_back(words[++i]);
    for (; i + 1 < words.size() && !words[i + 1].starts_with("--"); ++i) {
      flags.back() += " " + words[i + 1];
    }
  }
  return flags;
}

void refuse_second_prompt(const std::vector<std::string>& words) {
  const bool has_one = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word == "--prompt" || word.starts_with("--prompt=");
  });
  if (!has_one) return;
  throw Error(ErrorKind::kUsage, "there is a prompt before --prompt",
              "write the prompt at the start of the line, or after --prompt");
}

void parse_text(const std::string& line, Script script, LineSettings* settings) {
  const size_t flags = job::find_flags(line);
  settings->picture.prompt = line.substr(0, flags);
  if (flags == std::string::npos) return;
  settings->picture.prompt.erase(settings->picture.prompt.find_last_not_of(kSpace) + 1);
  std::vector<std::string> words = split_words(line.substr(flags));
  CLI::App app;
  if (!settings->picture.prompt.empty()) {
    refuse_second_prompt(words);
  } else {
    app.add_option("--prompt", settings->picture.prompt)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    words = of_webui_script(words);
  }
  apply_flags(&app, std::move(words), script, settings);
}

/// "--seed=7" of a member "seed": 7.
std::string flag_of(const std::string& name, const nlohmann::json& value) {
  if (value.is_string()) return "--" + name + "=" + value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return "--" + name + "=" + value.dump();
  throw Error(ErrorKind::kUsage,
              "\"" + printable(name, 40) + "\" must be a text, a number, true or false",
              "members have the names of flags");
}

void parse_json_line(const std::string& line, Script script, LineSettings* settings) {
  const auto json = parse_json(line);
  if (!json.is_object()) {
    throw Error(ErrorKind::kUsage, "not a JSON object: " + printable(line, 60),
                "a line looks like {\"prompt\": \"a cat\", \"seed\": 7}");
  }
  set_by_members(json, script, settings);
}

/// What a backslash within "…" takes as it is.
bool is_escapable(const std::string& text, size_t at) {
  return at < text.size() && (text[at] == '"' || text[at] == '\\');
}

/// Whether these are the lines of a file of JSON Lines.
bool are_json(const std::string& path, const std::vector<std::string>& lines) {
  const auto first = std::find_if_not(lines.begin(), lines.end(), job::is_blank);
  return job::is_json_lines(path, first == lines.end() ? std::string_view() : *first);
}

}  // namespace

job::PromptLine parse_prompt_line(const std::string& line, int64_t number, bool json,
                                  const Settings& settings) {
  job::PromptLine parsed{.number = number, .settings = settings, .problem = "", .hint = ""};
  try {
    if (line.size() > kMostBytesOfLine) {
      throw Error(ErrorKind::kUsage, "longer than 1 MiB: " + printable(line, 60),
                  "a line is one prompt");
    }
    if (!is_valid_utf8(line)) {
      throw Error(ErrorKind::kUsage, "not UTF-8: " + printable(line, 60), "save the file as UTF-8");
    }
    if (json) {
      parse_json_line(line, settings.script, &parsed.settings);
    } else {
      parse_text(line, settings.script, &parsed.settings);
    }
  } catch (const Error& error) {
    parsed.problem = error.what();
    parsed.hint = error.hint();
  }
  return parsed;
}

void set_by_members(const nlohmann::json& object, Script script, LineSettings* settings) {
  std::vector<std::string> flags;
  for (const auto& [name, value] : object.items()) {
    const job::Setting* setting = setting_named(name);
    if (value.is_array() && setting != nullptr && setting->repeats) {
      for (const nlohmann::json& one : value) flags.push_back(flag_of(name, one));
    } else if (name != "prompt") {
      flags.push_back(flag_of(name, value));
    } else if (value.is_string()) {
      settings->picture.prompt = value.get<std::string>();
    } else {
      throw Error(ErrorKind::kUsage, "\"prompt\" must be a text", "{\"prompt\": \"a cat\"}");
    }
  }
  CLI::App app;
  apply_flags(&app, std::move(flags), script, settings);
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && kSpace.find(c) != std::string_view::npos) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (quote == '"' && c == '\\' && is_escapable(text, i + 1)) {
      words.back() += text[++i];
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) {
    throw Error(ErrorKind::kUsage, std::string("a quote ") + quote + " does not end",
                "write it twice, around the text");
  }
  return words;
}

std::vector<job::PromptLine> read_prompt_lines(const Settings& settings) {
  if (settings.from_file.empty()) return {};
  const std::string text = read_prompt_file(settings.from_file);
  std::vector<std::string> lines = job::split_lines(text);
  const bool json = are_json(settings.from_file, lines);
  if (json) lines = job::split_lines(text, job::LineBreaks::kJson);
  std::vector<job::PromptLine> parsed;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (json && job::is_blank(lines[i])) continue;
    parsed.push_back(parse_prompt_line(lines[i], static_cast<int64_t>(i) + 1, json, settings));
  }
  if (parsed.empty()) {
    throw Error(ErrorKind::kUsage,
                "the prompt file " + printable(settings.from_file) + " has no lines",
                "write one prompt per line into it");
  }
  return parsed;
}

}  // namespace sd::cli
