#include "models/model_config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include "base/log.h"
#include "base/strings.h"
#include "models/json_config.h"
#include "sd/error.h"
#include "text/tokenizer.h"

namespace sd {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kLargest = 1 << 20;  // no width, depth or count of a real model is near this

/// A `params` map of the YAML, read key by key; what is left over at the end is named.
class Params {
 public:
  Params(const YAML::Node& node, std::string name, const fs::path& file)
      : node_(node), name_(std::move(name)), file_(file) {
    if (node_ && !node_.IsMap() && !node_.IsNull()) fail(name_, "a map of keys", node_);
  }

  /// The value of `key`, or `fallback` if the key is absent or null.
  template <class T>
  T get(const std::string& key, T fallback, const char* kind) {
    const YAML::Node value = take(key);
    if (!value || value.IsNull()) return fallback;
    try {
      return value.as<T>();
    } catch (const YAML::Exception&) {
      fail(key, kind);
    }
  }

  int64_t integer(const std::string& key, int64_t fallback, int64_t least = 1) {
    const auto value = get<int64_t>(key, fallback, "a whole number");
    if ((value < least || value > kLargest) && value != fallback) {
      fail(key, format("a whole number from %lld to %lld", static_cast<long long>(least),
                       static_cast<long long>(kLargest)));
    }
    return value;
  }

  double number(const std::string& key, double fallback) {
    return get<double>(key, fallback, "a number");
  }
  bool boolean(const std::string& key, bool fallback) {
    return get<bool>(key, fallback, "True or False");
  }
  std::string text(const std::string& key, const std::string& fallback) {
    return get<std::string>(key, fallback, "a text");
  }

  std::vector<int64_t> integers(const std::string& key, const std::vector<int64_t>& fallback) {
    auto values = get<std::vector<int64_t>>(key, fallback, "a list of whole numbers");
    for (const int64_t value : values) {
      if (value < 1 || value > kLargest) fail(key, "a list of whole numbers above 0");
    }
    return values;
  }

  /// The `params` of a sub-config with `target` and `params`.
  Params sub_config(const std::string& key, std::string* target) {
    const YAML::Node node = take(key);
    const std::string name = name_ + "." + key;
    if (!node || !node.IsMap()) fail(key, "a map with target and params");
    const YAML::Node named = node["target"];
    if (!named || !named.IsScalar()) fail(key + ".target", "the name of a class");
    *target = named.as<std::string>();
    return Params(node["params"], name + ".params", file_);
  }

  Params sub_map(const std::string& key) { return Params(take(key), name_ + "." + key, file_); }

  /// Throws if the key is present with another value than `only`: we compute nothing else.
  void only_boolean(const std::string& key, bool only) {
    if (boolean(key, only) != only) fail(key, only ? "True" : "False");
  }
  void only_integer(const std::string& key, int64_t only) {
    if (get<int64_t>(key, only, "a whole number") != only) {
      fail(key, std::to_string(only));
    }
  }
  void only_text(const std::string& key, const std::string& only) {
    if (text(key, only) != only) fail(key, "'" + only + "'");
  }
  void only_absent(const std::string& key) {
    const YAML::Node value = take(key);
    if (value && !value.IsNull()) fail(key, "no value");
  }

  /// Keys of the reference that have no bearing on a picture.
  void ignore(std::initializer_list<const char*> keys) { seen_.insert(keys.begin(), keys.end()); }

  /// Says which keys nobody read: a misspelt key must not pass in silence.
  void finish() const {
    if (!node_ || !node_.IsMap()) return;
    for (const auto& entry : node_) {
      const auto key = entry.first.as<std::string>("");
      if (seen_.count(key) == 0) {
        notice("config: " + name_ + "." + printable(key) + " is not a key of ours and is ignored");
      }
    }
  }

  /// Throws for a key of this map, with what is found there.
  [[noreturn]] void fail(const std::string& key, const std::string& expected) const {
    fail(name_ + "." + key, expected, find_quietly(key));
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& expected,
                         const YAML::Node& value) const {
    throw Error(ErrorKind::kCheckpoint,
                "config " + file_.string() + ": " + name + " must be " + expected + ", found " +
                    shown(value),
                "see configs/stable-diffusion/v1-inference.yaml for a config that works");
  }

  YAML::Node take(const std::string& key) {
    seen_.insert(key);
    return node_ && node_.IsMap() ? YAML::Node(node_[key]) : YAML::Node(YAML::NodeType::Undefined);
  }

  YAML::Node find_quietly(const std::string& key) const {
    const size_t dot = key.rfind('.');
    const std::string leaf = dot == std::string::npos ? key : key.substr(dot + 1);
    if (!node_ || !node_.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
    return node_[leaf];
  }

  static std::string shown(const YAML::Node& value) {
    if (!value || value.IsNull()) return "nothing";
    if (value.IsScalar()) return "'" + printable(value.Scalar(), 60) + "'";
    return value.IsSequence() ? "a list" : "a map";
  }

  YAML::Node node_;
  std::string name_;
  fs::path file_;
  std::set<std::string> seen_;
};

UNetConfig read_unet(Params params) {
  UNetConfig config;
  config.in_channels = params.integer("in_channels", config.in_channels);
  config.out_channels = params.integer("out_channels", config.out_channels);
  config.model_channels = params.integer("model_channels", config.model_channels);
  config.num_res_blocks = params.integer("num_res_blocks", config.num_res_blocks);
  config.attention_resolutions =
      params.integers("attention_resolutions", config.attention_resolutions);
  config.channel_mult = params.integers("channel_mult", {1, 2, 4, 8});
  config.num_heads = params.integer("num_heads", -1);
  config.num_head_channels = params.integer("num_head_channels", -1);
  config.transformer_depth = params.integer("transformer_depth", 1);
  config.context_dim = params.integer("context_dim", -1);
  config.conv_resample = params.boolean("conv_resample", true);
  config.use_scale_shift_norm = params.boolean("use_scale_shift_norm", false);
  config.resblock_updown = params.boolean("resblock_updown", false);
  config.num_groups = params.integer("num_groups", 32);
  params.only_boolean("use_spatial_transformer", true);
  params.only_integer("dims", 2);
  params.only_absent("num_classes");
  params.only_absent("n_embed");
  params.ignore({"image_size", "dropout", "use_checkpoint", "use_fp16", "legacy",
                 "num_heads_upsample", "use_new_attention_order"});
  params.finish();
  if (config.context_dim == -1) params.fail("context_dim", "the width of the text encoder");
  if (config.num_heads == -1 && config.num_head_channels == -1) {
    params.fail("num_heads", "set (or num_head_channels)");
  }
  if (config.channel_mult.empty() || config.channel_mult.size() > 8) {
    params.fail("channel_mult", "a list of 1 to 8 whole numbers");
  }
  // The reference's last convolution takes this for granted.
  if (config.channel_mult.front() != 1) {
    params.fail("channel_mult", "a list that begins with 1");
  }
  for (const int64_t mult : config.channel_mult) {
    const int64_t channels = mult * config.model_channels;
    if (channels % config.num_groups != 0) {
      params.fail("model_channels", format("such that every level's channels are a multiple of "
                                           "%lld (%lld are not)",
                                           static_cast<long long>(config.num_groups),
                                           static_cast<long long>(channels)));
    }
    if (config.num_heads > channels || config.num_head_channels > channels) {
      params.fail("num_heads", format("at most the channels of every level (%lld)",
                                      static_cast<long long>(channels)));
    }
  }
  return config;
}

AutoencoderConfig read_autoencoder(Params params) {
  AutoencoderConfig config;
  config.embed_dim = params.integer("embed_dim", config.embed_dim);
  params.ignore(
      {"monitor", "lossconfig", "ckpt_path", "ignore_keys", "image_key", "colorize_nlabels"});
  Params ddconfig = params.sub_map("ddconfig");
  config.z_channels = ddconfig.integer("z_channels", config.z_channels);
  config.resolution = ddconfig.integer("resolution", config.resolution);
  config.in_channels = ddconfig.integer("in_channels", config.in_channels);
  config.out_ch = ddconfig.integer("out_ch", config.out_ch);
  config.ch = ddconfig.integer("ch", config.ch);
  config.ch_mult = ddconfig.integers("ch_mult", {1, 2, 4, 8});
  config.num_res_blocks = ddconfig.integer("num_res_blocks", config.num_res_blocks);
  config.attn_resolutions = ddconfig.integers("attn_resolutions", {});
  config.resamp_with_conv = ddconfig.boolean("resamp_with_conv", true);
  config.num_groups = ddconfig.integer("num_groups", 32);
  ddconfig.only_boolean("double_z", true);
  ddconfig.only_boolean("tanh_out", false);
  ddconfig.only_boolean("give_pre_end", false);
  ddconfig.only_boolean("use_linear_attn", false);
  ddconfig.only_text("attn_type", "vanilla");
  ddconfig.ignore({"dropout"});
  ddconfig.finish();
  params.finish();
  if (config.ch_mult.empty() || config.ch_mult.size() > 8) {
    ddconfig.fail("ch_mult", "a list of 1 to 8 whole numbers");
  }
  if (config.in_channels != 3 || config.out_ch != 3) {
    ddconfig.fail("out_ch", "3, as in_channels (red, green, blue)");
  }
  for (const int64_t mult : config.ch_mult) {
    if (mult * config.ch % config.num_groups != 0) {
      ddconfig.fail("ch", format("such that every level's channels are a multiple of %lld",
                                 static_cast<long long>(config.num_groups)));
    }
  }
  return config;
}

/// A config.json of Hugging Face's CLIPTextModel, or of a whole CLIP model with a text_config.
ClipTextConfig read_clip_json(const fs::path& path) {
  const JsonConfig file(path, "it must be the config.json of Hugging Face's CLIPTextModel");
  const JsonConfig json = file.is_object("text_config") ? file.merged({"text_config"}) : file;
  ClipTextConfig config;
  // Hugging Face's own defaults where a key is left out.
  config.vocab_size = json.integer("vocab_size", 49408, kLargest);
  config.hidden_size = json.integer("hidden_size", 512, kLargest);
  config.intermediate_size = json.integer("intermediate_size", 2048, kLargest);
  config.num_hidden_layers = json.integer("num_hidden_layers", 12, kLargest);
  config.num_attention_heads = json.integer("num_attention_heads", 8, kLargest);
  config.max_position_embeddings = json.integer("max_position_embeddings", 77, kLargest);
  config.hidden_act = json.text("hidden_act", "quick_gelu", {"quick_gelu", "gelu"});
  if (config.hidden_size % config.num_attention_heads != 0) {
    json.fail("hidden_size is not a multiple of num_attention_heads");
  }
  if (config.max_position_embeddings < kMaxTokens) {
    json.fail("max_position_embeddings must be at least 77");
  }
  return config;
}

/// `version`: a name at Hugging Face's hub (only ViT-L/14's numbers are known), or a folder with a
/// config.json, looked for beside the YAML file first.
ClipTextConfig read_clip_text(Params params, const fs::path& yaml) {
  const std::string version = params.text("version", "openai/clip-vit-large-patch14");
  params.only_integer("max_length", kMaxTokens);
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

BertTextConfig read_bert_text(Params params) {
  BertTextConfig config;
  config.n_embed = params.integer("n_embed", config.n_embed);
  config.n_layer = params.integer("n_layer", config.n_layer);
  config.vocab_size = params.integer("vocab_size", config.vocab_size);
  config.max_seq_len = params.integer("max_seq_len", config.max_seq_len);
  params.only_boolean("use_tokenizer", true);
  params.ignore({"device", "embedding_dropout"});
  params.finish();
  if (config.max_seq_len != kMaxTokens) params.fail("max_seq_len", "77");
  return config;
}

void read_text(Params& model, const fs::path& yaml, ModelConfig* config) {
  std::string target;
  Params params = model.sub_config("cond_stage_config", &target);
  if (target == "ldm.modules.encoders.modules.FrozenCLIPEmbedder") {
    config->text_family = TextFamily::kClip;
    config->clip_text = read_clip_text(std::move(params), yaml);
  } else if (target == "ldm.modules.encoders.modules.BERTEmbedder") {
    config->text_family = TextFamily::kBert;
    config->bert_text = read_bert_text(std::move(params));
  } else {
    throw Error(ErrorKind::kCheckpoint,
                "config " + yaml.string() + ": the text encoder " + printable(target, 80) +
                    " is not one that this program computes",
                "it computes FrozenCLIPEmbedder and BERTEmbedder of ldm.modules.encoders.modules");
  }
}

void require_target(const std::string& found, const std::string& expected, const fs::path& yaml) {
  if (found == expected) return;
  throw Error(ErrorKind::kCheckpoint,
              "config " + yaml.string() + ": expected the class " + expected + ", found " +
                  printable(found, 80),
              "this program runs latent diffusion models with the layout of Stable Diffusion v1");
}

ModelConfig read_model(Params params, const fs::path& yaml) {
  ModelConfig config;
  config.linear_start = params.number("linear_start", config.linear_start);
  config.linear_end = params.number("linear_end", config.linear_end);
  config.timesteps = params.integer("timesteps", config.timesteps);
  config.image_size = params.integer("image_size", 64);
  config.channels = params.integer("channels", 4);
  config.scale_factor = params.number("scale_factor", 1.0);
  config.scale_by_std = params.boolean("scale_by_std", false);
  config.use_ema = params.boolean("use_ema", true);
  params.only_text("beta_schedule", "linear");
  params.only_text("parameterization", "eps");
  params.only_text("conditioning_key", "crossattn");
  params.only_boolean("concat_mode", true);
  params.ignore({"base_learning_rate",
                 "num_timesteps_cond",
                 "log_every_t",
                 "first_stage_key",
                 "cond_stage_key",
                 "cond_stage_trainable",
                 "cond_stage_forward",
                 "monitor",
                 "scheduler_config",
                 "ckpt_path",
                 "ignore_keys",
                 "load_only_unet",
                 "loss_type",
                 "clip_denoised",
                 "cosine_s",
                 "given_betas",
                 "original_elbo_weight",
                 "v_posterior",
                 "l_simple_weight",
                 "use_positional_encodings",
                 "learn_logvar",
                 "logvar_init"});
  std::string target;
  Params unet = params.sub_config("unet_config", &target);
  require_target(target, "ldm.modules.diffusionmodules.openaimodel.UNetModel", yaml);
  config.unet = read_unet(std::move(unet));
  Params first_stage = params.sub_config("first_stage_config", &target);
  require_target(target, "ldm.models.autoencoder.AutoencoderKL", yaml);
  config.first_stage = read_autoencoder(std::move(first_stage));
  read_text(params, yaml, &config);
  params.finish();

  const int64_t context = config.text_family == TextFamily::kClip ? config.clip_text.hidden_size
                                                                  : config.bert_text.n_embed;
  if (config.unet.context_dim != context) {
    params.fail(
        "unet_config.params.context_dim",
        format("the width of the text encoder, %lld (it is %lld)", static_cast<long long>(context),
               static_cast<long long>(config.unet.context_dim)));
  }
  if (config.unet.in_channels != config.channels || config.unet.out_channels != config.channels ||
      config.first_stage.embed_dim != config.channels) {
    params.fail("channels",
                "the same as in_channels and out_channels of the UNet and embed_dim of "
                "the autoencoder");
  }
  if (!(config.linear_start > 0 && config.linear_end > 0 && config.linear_start < 1 &&
        config.linear_end < 1)) {
    params.fail("linear_start", "between 0 and 1, as linear_end");
  }
  if (!std::isfinite(config.scale_factor) || config.scale_factor == 0) {
    params.fail("scale_factor", "a finite number other than 0");
  }
  return config;
}

}  // namespace

int64_t ModelConfig::size_multiple() const {
  constexpr int64_t kReference = 64;
  const int64_t levels = static_cast<int64_t>(unet.channel_mult.size());
  return std::max(kReference, first_stage.factor() << (levels - 1));
}

ModelConfig read_model_config(const fs::path& path) {
  std::ifstream file(path);
  std::error_code ignored;
  if (!file || fs::is_directory(path, ignored)) {
    throw Error(ErrorKind::kFile, "the config " + path.string() + " cannot be read",
                "give --config the YAML file of the model");
  }
  std::stringstream text;
  text << file.rdbuf();
  YAML::Node root;
  try {
    root = YAML::Load(text.str());
  } catch (const YAML::Exception& error) {
    throw Error(ErrorKind::kCheckpoint,
                "the config " + path.string() + " is not YAML: " + printable(error.what()),
                "give --config the YAML file of the model");
  }
  if (!root.IsMap()) root = YAML::Node(YAML::NodeType::Map);
  Params top(root, "config", path);
  std::string target;
  Params model = top.sub_config("model", &target);
  require_target(target, "ldm.models.diffusion.ddpm.LatentDiffusion", path);
  return read_model(std::move(model), path);
}

}  // namespace sd
