#include "cli/prompt_json.h"

#include "sd/error.h"
#include "text/prompt_syntax.h"

namespace sd::cli {
namespace {

using Json = nlohmann::json;

template <class Items>
Json texts_with_weights(const Items& items) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back({item.text, item.weight});
  return list;
}

Json stages_json(const std::vector<text::PromptStage>& stages) {
  Json list = Json::array();
  for (const text::PromptStage& stage : stages) list.push_back({stage.until, stage.text});
  return list;
}

Json chunks_json(const std::vector<text::Chunk>& chunks, const text::EmbeddingNames& names) {
  Json list = Json::array();
  for (const text::Chunk& chunk : chunks) {
    Json fixes = Json::array();
    for (const text::Injected& one : chunk.embeddings) {
      fixes.push_back({one.offset, names[one.embedding].name});
    }
    list.push_back(
        {{"tokens", chunk.ids}, {"multipliers", chunk.weights}, {"fixes", std::move(fixes)}});
  }
  return list;
}

}  // namespace

nlohmann::json webui_prompt_json(const std::string& text, const text::PromptTimeline& timeline,
                                 const text::ChunkArgs& args) {
  try {
    const std::vector<text::WeightedText> attention = text::parse_attention(text);
    const text::ChunkedText chunked = text::chunk_text(attention, args);
    return {{"attention", texts_with_weights(attention)},
            {"schedule", stages_json(text::schedule_prompt(text, timeline))},
            {"and", texts_with_weights(text::split_at_and(text))},
            {"chunks", chunks_json(chunked.chunks, args.embeddings)},
            {"token_count", chunked.tokens}};
  } catch (const Error& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace sd::cli
