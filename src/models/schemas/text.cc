#include "models/json_config.h"
#include "models/schemas/schemas.h"
#include "text/tokenizer.h"

namespace sd::models {
namespace fs = std::filesystem;
/// Of CLIPTextModel, or of a whole CLIP model with a text_config.
ClipTextConfig read_clip_json(const fs::path& path) {
  const JsonConfig file(path, "it must be the config.json of Hugging Face's CLIPTextModel");
  const JsonConfig json = file.is_object("text_config") ? file.merged({"text_config"}) : file;
  ClipTextConfig config;
  // Hugging Face's own defaults where a key is left out.
  config.vocab_size = json.integer("vocab_size", 49408, kMostNumber);
  config.hidden_size = json.integer("hidden_size", 512, kMostChannels);
  config.intermediate_size = json.integer("intermediate_size", 2048, kMostNumber);
  config.num_hidden_layers = json.integer("num_hidden_layers", 12, kMostLayers);
  config.num_attention_heads = json.integer("num_attention_heads", 8, kMostChannels);
  config.max_position_embeddings =
      json.integer("max_position_embeddings", text::kMaxTokens, kMostNumber);
  config.hidden_act = json.text("hidden_act", "quick_gelu", {"quick_gelu", "gelu"});
  if (config.hidden_size % config.num_attention_heads != 0) {
    json.fail("hidden_size is not a multiple of num_attention_heads");
  }
  if (config.max_position_embeddings < text::kMaxTokens) {
    json.fail("max_position_embeddings must be at least " + std::to_string(text::kMaxTokens));
  }
  return config;
}

/// `version`: a name at Hugging Face's hub (only ViT-L/14's numbers are known), or a folder with a
/// config.json, looked for beside the YAML file first.
ClipTextConfig read_clip_text_config(Params params, const fs::path& yaml) {
  const std::string version = params.text("version", "openai/clip-vit-large-patch14");
  params.only_integer("max_length", text::kMaxTokens);
  params.ignore({"device"});
  params.finish();
  for (const fs::path& folder : {yaml.parent_path() / version, fs::path(version)}) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / "config.json", ignored)) {
      return read_clip_json(folder / "config.json");
    }
  }
  if (version == "openai/clip-vit-large-patch14") return {};
  params.fail("version", "openai/clip-vit-large-patch14, or a folder with a config.json");
}

BertTextConfig read_bert_text_config(Params params) {
  BertTextConfig config;
  config.n_embed = params.integer("n_embed", config.n_embed, kMostChannels);
  config.n_layer = params.integer("n_layer", config.n_layer, kMostLayers);
  config.vocab_size = params.integer("vocab_size", config.vocab_size);
  config.max_seq_len = params.integer("max_seq_len", config.max_seq_len);
  params.only_boolean("use_tokenizer", true);
  params.ignore({"device", "embedding_dropout"});
  params.finish();
  if (config.max_seq_len != text::kMaxTokens)
    params.fail("max_seq_len", std::to_string(text::kMaxTokens));
  return config;
}

}  // namespace sd::models
