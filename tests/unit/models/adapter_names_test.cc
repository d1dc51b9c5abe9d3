// The names that trainers give the layers of a model.

#include <gtest/gtest.h>

#include "models/adapters/adapter_key.h"
#include "models/adapters/layer_names.h"
#include "models/model_config.h"

namespace sd {
using namespace models;

namespace {

/// Stable Diffusion v1.
ModelConfig v1() { return {}; }

/// One residual block a level, as the built-in model's.
ModelConfig one_block() {
  ModelConfig config;
  config.unet = {.model_channels = 32,
                 .num_res_blocks = 1,
                 .attention_resolutions = {1, 2},
                 .channel_mult = {1, 2},
                 .num_heads = 4,
                 .context_dim = 32};
  config.clip_text = {.hidden_size = 32, .intermediate_size = 64, .num_hidden_layers = 1};
  return config;
}

std::string found(const LayerNames& names, const std::string& spelled) {
  const AdaptedLayer* layer = names.find(spelled);
  return layer == nullptr ? "none" : layer->name;
}

TEST(LayerNames, FindsEverySpellingOfALayer) {
  const LayerNames names(one_block());
  const std::string to_out =
      "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_out.0";
  for (const char* spelled :
       {"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0",
        "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_out_0",
        "lycoris_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0",
        "oft_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0",
        "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
        "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out",
        "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out",
        "base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
        "unet.base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
        "base_model.model._orig_mod.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
        "unet._orig_mod.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
        "base_model.model.unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
        "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_out.0",
        "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_out.0"}) {
    EXPECT_EQ(found(names, spelled), to_out) << spelled;
  }
  const std::string q = "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.q_proj";
  for (const char* spelled :
       {"lora_te_text_model_encoder_layers_0_self_attn_q_proj",
        "lora_te1_text_model_encoder_layers_0_self_attn_q_proj",
        "lora_te_encoder_layers_0_self_attn_q_proj",
        "text_encoder.text_model.encoder.layers.0.self_attn.q_proj",
        "text_encoder.text_model.encoder.layers.0.self_attn.to_q",
        "base_model.model.text_model.encoder.layers.0.self_attn.q_proj",
        "text_encoder.base_model.model.text_model.encoder.layers.0.self_attn.q_proj",
        "text_encoders.clip_l.transformer.text_model.encoder.layers.0.self_attn.q_proj",
        "cond_stage_model.transformer.text_model.encoder.layers.0.self_attn.q_proj"}) {
    EXPECT_EQ(found(names, spelled), q) << spelled;
  }
}

TEST(LayerNames, FindsNoLayerOfOtherModels) {
  const LayerNames names(v1());
  for (const char* spelled :
       {"lora_te2_text_model_encoder_layers_0_self_attn_q_proj", "lora_te_text_projection",
        "text_encoder_2.text_model.encoder.layers.0.self_attn.q_proj",
        "lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_k",
        "lora_unet_double_blocks_0_img_attn_qkv", "", "lora_unet_", "unet."}) {
    EXPECT_EQ(found(names, spelled), "none") << spelled;
  }
}

struct Numbered {
  const char *kohya, *v1, *one_block;
};

TEST(LayerNames, CountsBlocksAsTheConfigSays) {
  const LayerNames of_v1(v1()), of_one(one_block());
  const Numbered cases[] = {
      {"down_blocks_1_resnets_0_conv1", "input_blocks.4.0.in_layers.2",
       "input_blocks.3.0.in_layers.2"},
      {"down_blocks_0_downsamplers_0_conv", "input_blocks.3.0.op", "input_blocks.2.0.op"},
      {"up_blocks_1_attentions_1_proj_in", "output_blocks.4.1.proj_in",
       "output_blocks.3.1.proj_in"},
      {"up_blocks_0_upsamplers_0_conv", "output_blocks.2.1.conv", "output_blocks.1.2.conv"},
      {"mid_block_resnets_1_time_emb_proj", "middle_block.2.emb_layers.1",
       "middle_block.2.emb_layers.1"},
      {"conv_in", "input_blocks.0.0", "input_blocks.0.0"},
      {"conv_out", "out.2", "out.2"},
      {"time_embedding_linear_2", "time_embed.2", "time_embed.2"}};
  for (const Numbered& one : cases) {
    const std::string spelled = std::string("lora_unet_") + one.kohya;
    EXPECT_EQ(found(of_v1, spelled), std::string("model.diffusion_model.") + one.v1);
    EXPECT_EQ(found(of_one, spelled), std::string("model.diffusion_model.") + one.one_block);
  }
}

struct Split {
  const char *name, *layer;
  AdapterRole role;
};

TEST(AdapterKey, TakesNamesApart) {
  const Split cases[] = {
      {"lora_unet_x.lora_down.weight", "lora_unet_x", AdapterRole::kDown},
      {"lora_unet_x.alpha", "lora_unet_x", AdapterRole::kAlpha},
      {"unet.x.attn1.to_q.lora_A.weight", "unet.x.attn1.to_q", AdapterRole::kDown},
      {"unet.x.attn1.to_q.lora_B.default.weight", "unet.x.attn1.to_q", AdapterRole::kUp},
      {"unet.x.attn1.to_q.lora_A.style", "unet.x.attn1.to_q", AdapterRole::kDown},
      {"x.attn1.processor.to_q_lora.up.weight", "x.attn1.to_q", AdapterRole::kUp},
      {"x.attn1.to_q.lora.down.weight", "x.attn1.to_q", AdapterRole::kDown},
      {"x.q_proj.lora_linear_layer.up.weight", "x.q_proj", AdapterRole::kUp},
      {"unet:12:up", "unet:12", AdapterRole::kUp},
      {"lora_unet_x.a1.weight", "lora_unet_x", AdapterRole::kGloraA1},
      {"lora_unet_x.weight", "lora_unet_x", AdapterRole::kIa3},
      {"lora_unet_x.lokr_w1_b", "lora_unet_x", AdapterRole::kLokrW1B},
      {"x.lora_magnitude_vector.weight", "x", AdapterRole::kMagnitude},
      {"x.oft_R.weight", "x", AdapterRole::kPeftOft},
      {"x.oft_R.style.weight", "x", AdapterRole::kPeftOft},
      {"x.oft_r", "x", AdapterRole::kPeftBlocks},
      {"x.boft_s", "x", AdapterRole::kPeftLengths},
      {"x.lora_B.bias", "x", AdapterRole::kUpBias},
      {"base_model.model.x.weight", "base_model.model.x", AdapterRole::kWhole},
      {"base_model.model.x.base_layer.bias", "base_model.model.x", AdapterRole::kWholeBias},
      {"base_model.model.norm1.ln_tuning_layers.weight", "base_model.model.norm1",
       AdapterRole::kWhole}};
  for (const Split& one : cases) {
    const auto key = split_adapter_key(one.name);
    ASSERT_TRUE(key) << one.name;
    EXPECT_EQ(key->layer, one.layer) << one.name;
    EXPECT_EQ(key->role, one.role) << one.name;
  }
  for (const char* name :
       {"", ".weight", "alpha", "x.bias", "x.oft_R.bias", "x.lora_down.weight.more.than.it"}) {
    EXPECT_FALSE(split_adapter_key(name)) << name;
  }
}

}  // namespace
}  // namespace sd
