#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/output.h"
#include "base/strings.h"
#include "cli/commands/commands.h"
#include "cli/flag_group.h"
#include "cli/prompt_json.h"
#include "cli/prompt_lines.h"
#include "models/embeddings.h"
#include "runtime/data_files.h"
#include "sd/error.h"
#include "text/chunks.h"
#include "text/prompt_schedule.h"
#include "text/prompt_syntax.h"
#include "text/tokenizer.h"

namespace sd::cli {
namespace {

struct TokenizeOptions {
  std::vector<std::string> texts;
  std::string jsonl;
  bool bert = false;
  PromptSyntax syntax = PromptSyntax::kPlain;
  int64_t steps = 50;
  int64_t comma_backtrack = 20;
  std::string embeddings;
};

std::unique_ptr<text::Tokenizer> open_tokenizer(const TokenizeOptions& options) {
  return options.bert ? text::make_bert_tokenizer(runtime::data_file("tokenizer/bert-vocab.txt"))
                      : text::make_clip_tokenizer(runtime::data_file("tokenizer/clip.model"));
}

void print_tokens(const std::string& text, const text::Tokens& tokens) {
  print(printable(text, std::string::npos) + "\n");
  for (int64_t i = 0; i < tokens.used; ++i) {
    const auto at = static_cast<size_t>(i);
    print(fmt::format("  {:2}  {:5}  {}\n", i, tokens.ids[at],
                      printable(tokens.pieces[at], std::string::npos)));
  }
  print(fmt::format("  {} of {} ids used\n", tokens.used, text::kMaxTokens));
  if (!tokens.lost.empty()) {
    print(fmt::format("  falls off the end ({} ids): {}\n", tokens.lost_tokens,
                      printable(tokens.lost, std::string::npos)));
  }
}

std::string in_quotes(const std::string& text) {
  return "\"" + printable(text, text.size() + 1) + "\"";
}

/// The ids of a chunk up to its padding, with weights; an embedding's vectors as one line.
void print_chunk(const text::Chunk& chunk, const text::ChunkArgs& args) {
  size_t used = chunk.ids.size();
  while (used > 2 && chunk.ids[used - 1] == args.tokenizer.frame().padding) --used;
  std::map<size_t, size_t> embeddings;  // by the place of the first vector
  for (const text::Injected& one : chunk.embeddings) {
    embeddings[static_cast<size_t>(one.offset) + 1] = one.embedding;
  }
  for (size_t i = 0; i < used;) {
    const auto embedding = embeddings.find(i);
    if (embedding == embeddings.end()) {
      print(fmt::format("    {:2}  {:5}  {:<8.4g} {}\n", i, chunk.ids[i], chunk.weights[i],
                        args.tokenizer.piece(chunk.ids[i])));
      ++i;
    } else {
      const text::EmbeddingName& name = args.embeddings[embedding->second];
      print(fmt::format("    {:2}  {:2} vectors {:<4.4g} embedding {}\n", i, name.vectors,
                        chunk.weights[i], printable(name.name)));
      i += static_cast<size_t>(name.vectors);
    }
  }
}

void print_part(const text::PromptPart& part, const TokenizeOptions& options,
                const text::ChunkArgs& args) {
  if (part.weight != 1)
    print(fmt::format("  part of weight {:g}: {}\n", part.weight, in_quotes(part.text)));
  const auto stages = text::schedule_prompt(part.text, {.steps = options.steps});
  for (const text::PromptStage& stage : stages) {
    const text::ChunkedText text = text::chunk_text(text::parse_attention(stage.text), args);
    print(fmt::format("  to step {}: {}\n", stage.until, in_quotes(stage.text)));
    for (size_t i = 0; i < text.chunks.size(); ++i) {
      print(fmt::format("   chunk {} of {}: id, weight\n", i + 1, text.chunks.size()));
      print_chunk(text.chunks[i], args);
    }
  }
}

void print_prompt(const std::string& text, const TokenizeOptions& options,
                  const text::ChunkArgs& args) {
  print(fmt::format("{}\n", printable(text, text.size() + 1)));
  const text::ParsedPrompt parsed = text::parse_prompt(text, PromptSyntax::kWebUi);
  for (const text::NetworkUse& use : parsed.networks) {
    print(fmt::format("  network {} {}: text encoder {:g}, UNet {:g}\n", printable(use.kind),
                      printable(use.name), use.text_strength, use.unet_strength));
  }
  for (const text::PromptPart& part : parsed.parts) print_part(part, options, args);
}

[[noreturn]] void bad_line(int64_t number, const std::string& what) {
  throw Error(ErrorKind::kUsage, fmt::format("line {}: {}", number, what),
              "a line looks like {\"prompt\": \"a cat\"}");
}

/// A whole number of at least 1 under this key, or what stands for it.
int64_t count_of(const nlohmann::json& line, const char* key, int64_t otherwise, int64_t number) {
  const auto entry = line.find(key);
  if (entry == line.end()) return otherwise;
  if (!entry->is_number_integer() || *entry < 1 || *entry > 10'000) {
    bad_line(number, std::string("\"") + key + "\" must be a whole number from 1 to 10000");
  }
  return *entry;
}

nlohmann::json converted(const nlohmann::json& line, int64_t number, const TokenizeOptions& options,
                         const text::ChunkArgs& args) {
  const auto prompt = line.find("prompt");
  if (prompt == line.end() || !prompt->is_string()) bad_line(number, "no text named \"prompt\"");
  const std::string text = *prompt;
  if (options.syntax == PromptSyntax::kPlain) return {{"ids", args.tokenizer.encode(text).ids}};
  text::PromptTimeline timeline{.steps = count_of(line, "steps", options.steps, number)};
  const int64_t hires = count_of(line, "hires_steps", 0, number);
  if (hires > 0) timeline = {.steps = hires, .first_pass = timeline.steps};
  timeline.old_editing = line.value("old_editing", nlohmann::json()) == true;
  return webui_prompt_json(text, timeline, args);
}

/// The next line; false at the end. (A device or a pipe may have a line without one.)
bool read_line(std::istream& in, int64_t number, std::string* line) {
  line->clear();
  for (char c = 0; in.get(c);) {
    if (c == '\n') return true;
    if (line->size() == kMostBytesOfLine) bad_line(number, "longer than 1 MiB");
    line->push_back(c);
  }
  return !line->empty();
}

/// Lines of {"prompt": …} → lines of {"ids": […]}, or of what the web UI's syntax makes of them.
void convert_lines(std::istream& in, const TokenizeOptions& options, const text::ChunkArgs& args) {
  std::string line;
  for (int64_t number = 1; !output_failed() && read_line(in, number, &line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto json = parse_json(line);
    if (!json.is_object()) bad_line(number, "not a JSON object: " + printable(line, 60));
    print_json(converted(json, number, options, args).dump());
  }
}

void convert_file(const TokenizeOptions& options, const text::ChunkArgs& args) {
  if (options.jsonl == "-") return convert_lines(std::cin, options, args);
  std::ifstream file(options.jsonl, std::ios::binary);
  std::error_code ignored;
  if (!file || std::filesystem::is_directory(options.jsonl, ignored)) {
    throw Error(ErrorKind::kFile, "cannot read " + printable(options.jsonl),
                "check the path after --jsonl");
  }
  convert_lines(file, options, args);
}

/// The names of the embeddings, of whatever width; what is skipped is said.
text::EmbeddingNames open_embeddings(const TokenizeOptions& options,
                                     const text::Tokenizer& tokenizer) {
  const std::string folder = models::find_embeddings_folder(options.embeddings);
  if (options.syntax == PromptSyntax::kPlain || folder.empty()) return {};
  const models::EmbeddingSet set = models::load_embeddings(folder, /*width=*/0);
  for (const models::SkippedEmbedding& one : set.skipped) {
    notice("not used: " + printable(one.file.string()) + ": " + one.reason);
  }
  return {tokenizer, set.names()};
}

int run_tokenize(const TokenizeOptions& options) {
  if (options.texts.empty() && options.jsonl.empty()) {
    throw Error(ErrorKind::kUsage, "there is nothing to tokenize",
                "give texts, or --jsonl FILE (- is standard input)");
  }
  const auto tokenizer = open_tokenizer(options);
  const text::EmbeddingNames embeddings = open_embeddings(options, *tokenizer);
  const text::ChunkArgs args{*tokenizer, embeddings, options.comma_backtrack};
  for (const std::string& text : options.texts) {
    if (options.syntax == PromptSyntax::kPlain) {
      print_tokens(text, tokenizer->encode(text));
    } else {
      print_prompt(text, options, args);
    }
  }
  if (!options.jsonl.empty()) convert_file(options, args);
  return 0;
}

void add_syntax_flags(CLI::App* command, TokenizeOptions* options) {
  FlagGroup group(command, "Prompt syntax");
  group.choice<PromptSyntax>(
      "prompt-syntax", options->syntax,
      {{"plain", PromptSyntax::kPlain}, {"webui", PromptSyntax::kWebUi}}, 0,
      "webui: weights, editing, AND and chunks as AUTOMATIC1111's web UI reads them");
  group
      .whole_number("steps", options->steps,
                    "webui: the number of steps, for shares of them as in [a:b:0.5]")
      ->check(CLI::Range(1, 10'000));
  group
      .whole_number(
          "comma-backtrack", options->comma_backtrack,
          "webui: end a full chunk after a comma, if there is one at most this many ids back")
      ->check(CLI::Range(0, 74));
  group
      .text("embeddings", options->embeddings,
            "webui: the folder of textual inversions whose names become vectors", "DIR")
      ->default_str("models/embeddings");
}

}  // namespace

void add_tokenize_command(CLI::App* program, RunFn* run) {
  CLI::App* command = program->add_subcommand("tokenize", "show how a text encoder reads a prompt");
  auto options = std::make_shared<TokenizeOptions>();
  command->add_option("TEXT", options->texts, "prompts");
  command
      ->add_option(
          "--jsonl", options->jsonl,
          "turn lines of {\"prompt\": …} in this file (- is standard input) into lines of "
          "{\"ids\": [77 of them]}; with webui, a line may also have \"steps\", and the result has "
          "\"attention\", \"schedule\", \"and\", \"chunks\" and \"token_count\"")
      ->type_name("FILE");
  command->add_flag("--bert", options->bert, "as the LAION-400M model reads it, instead of CLIP");
  add_syntax_flags(command, options.get());
  command->callback([options, run] { *run = [options] { return run_tokenize(*options); }; });
}

}  // namespace sd::cli
