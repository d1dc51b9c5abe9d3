#include <gtest/gtest.h>

#include "runtime/data_files.h"
#include "sd/error.h"
#include "text/chunks.h"
#include "text/prompt_schedule.h"
#include "text/prompt_syntax.h"
#include "unit/text/cases.h"

// The web UI's own results (../shared/a1111/prompts), all exactly.
namespace sd {
using namespace runtime;
using namespace text;

namespace {

using nlohmann::json;

json as_json(const std::vector<PromptStage>& stages) {
  json list = json::array();
  for (const PromptStage& stage : stages) list.push_back({stage.until, stage.text});
  return list;
}

/// Lists of [text, weight].
template <class Weighted>
json as_json(const std::vector<Weighted>& items) {
  json list = json::array();
  for (const auto& item : items) list.push_back({item.text, item.weight});
  return list;
}

json as_json(const ChunkedText& text) {
  json list = json::array();
  for (const Chunk& chunk : text.chunks) {
    list.push_back(
        {{"tokens", chunk.ids}, {"multipliers", chunk.weights}, {"fixes", json::array()}});
  }
  return list;
}

std::string first_error(const std::string& text) {
  try {
    parse_attention(text);
    schedule_prompt(text, {.steps = 20});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void expect_schedules(const json& row) {
  const std::string text = row.at("text");
  const auto expect = [&](const char* key, const PromptTimeline& timeline) {
    if (row.contains(key) && row.at(key) != "same") {
      EXPECT_EQ(as_json(schedule_prompt(text, timeline)), row.at(key)) << key << ": " << text;
    }
  };
  expect("schedule_20", {.steps = 20});
  expect("schedule_50", {.steps = 50});
  expect("hires_20_10", {.steps = 10, .first_pass = 20});
  expect("old_20", {.steps = 20, .old_editing = true});
  expect("old_hires_20_10", {.steps = 10, .first_pass = 20, .old_editing = true});
  if (row.value("old_20", json()) == "same") {
    EXPECT_EQ(as_json(schedule_prompt(text, {.steps = 20, .old_editing = true})),
              row.at("schedule_20"));
  }
}

/// Random prompts with deep brackets, escapes and odd numbers, and what the web UI's parser
/// (modules/prompt_parser.py over lark 1.1.2, as in shiimizu/ComfyUI_smZNodes) makes of them,
/// whatever the hash seed of its Python.
TEST(WebUiPrompts, OfRandomBracketsAreParsedAsThere) {
  const auto rows =
      test::json_lines(std::filesystem::path(SD_SOURCE_DIR) / "tests/data/webui_prompts.jsonl");
  ASSERT_GE(rows.size(), 80u);
  for (const json& row : rows) {
    const std::string text = row.at("prompt");
    if (row.contains("error")) {
      EXPECT_NE(first_error(text), "") << text;
      continue;
    }
    const int64_t steps = row.at("steps"), hires = row.value("hires_steps", 0);
    const PromptTimeline timeline = {.steps = hires > 0 ? hires : steps,
                                     .first_pass = hires > 0 ? steps : 0,
                                     .old_editing = row.value("old_editing", false)};
    EXPECT_EQ(as_json(parse_attention(text)), row.at("attention")) << text;
    EXPECT_EQ(as_json(split_at_and(text)), row.at("and")) << text;
    EXPECT_EQ(as_json(schedule_prompt(text, timeline)), row.at("schedule")) << text;
  }
}

TEST(WebUiPrompts, AreParsedAsThere) {
  SD_NEEDS_A1111();
  const auto rows = test::json_lines(test::a1111_dir() / "prompts/prompts.jsonl");
  ASSERT_GE(rows.size(), 472u);
  for (const json& row : rows) {
    const std::string text = row.at("text");
    if (row.contains("error")) {
      EXPECT_NE(first_error(text), "") << text;
      continue;
    }
    EXPECT_EQ(as_json(parse_attention(text)), row.at("attention")) << text;
    EXPECT_EQ(as_json(split_at_and(text)), row.at("and")) << text;
    expect_schedules(row);
  }
}

TEST(WebUiPrompts, AreCutIntoChunksAsThere) {
  SD_NEEDS_A1111();
  const auto tokenizer = make_clip_tokenizer(data_file("tokenizer/clip.model"));
  const EmbeddingNames none;
  for (const json& row : test::json_lines(test::a1111_dir() / "prompts/prompts.jsonl")) {
    if (row.contains("error")) continue;
    const std::string text = row.at("text");
    const ChunkedText chunked =
        chunk_text(parse_attention(text), {.tokenizer = *tokenizer, .embeddings = none});
    EXPECT_EQ(as_json(chunked), row.at("chunks")) << text;
    EXPECT_EQ(chunked.tokens, row.at("token_count")) << text;
  }
}

}  // namespace
}  // namespace sd
