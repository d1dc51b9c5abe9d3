#include "cli/prompt_json.h"

#include "sd/error.h"
#include "text/prompt_syntax.h"

namespace sd {
namespace {

using nlohmann::json;

template <class Items>
json texts_with_weights(const Items& items) {
  json list = json::array();
  for (const auto& item : items) list.push_back({item.text, item.weight});
  return list;
}

json stages_json(const std::vector<PromptStage>& stages) {
  json list = json::array();
  for (const PromptStage& stage : stages) list.push_back({stage.until, stage.text});
  return list;
}

json chunks_json(const std::vector<Chunk>& chunks, const EmbeddingNames& names) {
  json list = json::array();
  for (const Chunk& chunk : chunks) {
    json fixes = json::array();
    for (const Injected& one : chunk.embeddings) {
      fixes.push_back({one.offset, names[one.embedding].name});
    }
    list.push_back(
        {{"tokens", chunk.ids}, {"multipliers", chunk.weights}, {"fixes", std::move(fixes)}});
  }
  return list;
}

}  // namespace

nlohmann::json webui_prompt_json(const std::string& text, const PromptTimeline& timeline,
                                 const ChunkArgs& args) {
  try {
    const std::vector<WeightedText> attention = parse_attention(text);
    const ChunkedText chunked = chunk_text(attention, args);
    return {{"attention", texts_with_weights(attention)},
            {"schedule", stages_json(schedule_prompt(text, timeline))},
            {"and", texts_with_weights(split_at_and(text))},
            {"chunks", chunks_json(chunked.chunks, args.embeddings)},
            {"token_count", chunked.tokens}};
  } catch (const Error& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace sd
