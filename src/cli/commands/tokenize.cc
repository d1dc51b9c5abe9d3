#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "runtime/data_files.h"
#include "sd/error.h"
#include "text/tokenizer.h"

namespace sd {
namespace {

struct TokenizeOptions {
  std::vector<std::string> texts;
  std::string jsonl;
  bool bert = false;
};

std::unique_ptr<Tokenizer> open_tokenizer(const TokenizeOptions& options) {
  return options.bert ? make_bert_tokenizer(data_file("tokenizer/bert-vocab.txt"))
                      : make_clip_tokenizer(data_file("tokenizer/clip.model"));
}

void print_tokens(const std::string& text, const Tokens& tokens) {
  std::printf("%s\n", printable(text, text.size() + 1).c_str());
  for (int64_t i = 0; i < tokens.used; ++i) {
    const auto at = static_cast<size_t>(i);
    std::printf("  %2d  %5d  %s\n", static_cast<int>(i), tokens.ids[at], tokens.pieces[at].c_str());
  }
  std::printf("  %lld of %lld ids used\n", static_cast<long long>(tokens.used),
              static_cast<long long>(kMaxTokens));
  if (!tokens.lost.empty()) {
    std::printf("  falls off the end (%lld ids): %s\n", static_cast<long long>(tokens.lost_tokens),
                tokens.lost.c_str());
  }
}

[[noreturn]] void bad_line(int64_t number, const std::string& what) {
  throw Error(ErrorKind::kUsage,
              format("line %lld: %s", static_cast<long long>(number), what.c_str()),
              "a line looks like {\"prompt\": \"a cat\"}");
}

/// Lines of {"prompt": …} → lines of {"ids": […]}.
void convert_lines(std::istream& in, const Tokenizer& tokenizer) {
  std::string line;
  for (int64_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) bad_line(number, "not a JSON object: " + printable(line, 60));
    const auto prompt = json.find("prompt");
    if (prompt == json.end() || !prompt->is_string()) bad_line(number, "no text named \"prompt\"");
    const nlohmann::json out = {{"ids", tokenizer.encode(prompt->get<std::string>()).ids}};
    std::printf("%s\n", out.dump().c_str());
  }
}

int run_tokenize(const TokenizeOptions& options) {
  if (options.texts.empty() && options.jsonl.empty()) {
    throw Error(ErrorKind::kUsage, "there is nothing to tokenize",
                "give texts, or --jsonl FILE (- is standard input)");
  }
  const auto tokenizer = open_tokenizer(options);
  for (const std::string& text : options.texts) print_tokens(text, tokenizer->encode(text));
  if (options.jsonl == "-") {
    convert_lines(std::cin, *tokenizer);
  } else if (!options.jsonl.empty()) {
    std::ifstream file(options.jsonl, std::ios::binary);
    std::error_code ignored;
    if (!file || std::filesystem::is_directory(options.jsonl, ignored)) {
      throw Error(ErrorKind::kFile, "cannot read " + printable(options.jsonl),
                  "check the path after --jsonl");
    }
    convert_lines(file, *tokenizer);
  }
  return 0;
}

}  // namespace

void add_tokenize_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand("tokenize", "show how a text encoder reads a prompt");
  auto options = std::make_shared<TokenizeOptions>();
  command->add_option("TEXT", options->texts, "prompts");
  command
      ->add_option("--jsonl", options->jsonl,
                   "lines of {\"prompt\": …} in this file (- is standard input) become lines of "
                   "{\"ids\": [77 of them]}")
      ->type_name("FILE");
  command->add_flag("--bert", options->bert, "as the LAION-400M model reads it, instead of CLIP");
  command->callback([options, run] { *run = [options] { return run_tokenize(*options); }; });
}

}  // namespace sd
