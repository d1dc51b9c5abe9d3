#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/data_files.h"
#include "support/golden.h"
#include "text/tokenizer.h"

namespace sd::test {

/// The objects of a JSON Lines file.
inline std::vector<nlohmann::json> json_lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

/// Texts with what the reference's own parts make of them (support/make_text_cases.py).
inline std::vector<nlohmann::json> text_cases() {
  return json_lines(std::filesystem::path(SD_SOURCE_DIR) / "tests/data/text_cases.jsonl");
}

/// The items of the reference's tokens.json.
inline nlohmann::json token_items() {
  std::ifstream file(reference_dir() / "tokens.json");
  return nlohmann::json::parse(file).at("items");
}

inline const text::Tokenizer& clip() {
  static const auto instance =
      text::make_clip_tokenizer(runtime::data_file("tokenizer/clip.model"));
  return *instance;
}

/// The ids before the padding.
inline std::vector<int32_t> used_ids(const text::Tokens& tokens) {
  return {tokens.ids.begin(), tokens.ids.begin() + tokens.used};
}

/// 100,000 bytes or a little more: `unit` again and again.
inline std::string hundred_kilobytes(const std::string& unit) {
  std::string text;
  while (text.size() < 100'000) text += unit;
  return text;
}

}  // namespace sd::test
