#pragma once

#include <cstddef>
#include <set>

#include "sd/request.h"
#include "text/chunks.h"

namespace sd::pipeline {

/// What prompts are read by.
struct PromptReader {
  const text::Tokenizer& tokenizer;
  const text::EmbeddingNames& embeddings;
  const ModelDescription& model;
};

/// The places, among the names, of the embeddings that the encoded texts of a row hold, at whatever
/// step and in whatever pass.
std::set<size_t> used_embeddings(const PromptReader& reader, const Request& request, int64_t row);

}  // namespace sd::pipeline
