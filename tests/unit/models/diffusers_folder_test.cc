// A model as diffusers writes it: a folder a part, other names, one file or several.

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/log.h"
#include "models/convert_layout.h"
#include "models/latent_diffusion.h"
#include "models/random_checkpoint.h"
#include "support/expect_error.h"
#include "support/tensor_file.h"
#include "support/tiny_model.h"
#include "weights/formats/writers.h"
#include "weights/name_maps/name_maps.h"

namespace sd::test {
using namespace models;
using namespace runtime;
using namespace weights;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

TEST(DiffusersNames, FollowThePublishedTables) {
  const std::vector<std::pair<std::string, std::string>> unet = {
      {"input_blocks.0.0.weight", "conv_in.weight"},
      {"time_embed.2.bias", "time_embedding.linear_2.bias"},
      {"input_blocks.1.0.in_layers.2.weight", "down_blocks.0.resnets.0.conv1.weight"},
      {"input_blocks.2.1.proj_in.weight", "down_blocks.0.attentions.1.proj_in.weight"},
      {"input_blocks.3.0.op.weight", "down_blocks.0.downsamplers.0.conv.weight"},
      {"input_blocks.4.0.skip_connection.bias", "down_blocks.1.resnets.0.conv_shortcut.bias"},
      {"input_blocks.11.0.emb_layers.1.weight", "down_blocks.3.resnets.1.time_emb_proj.weight"},
      {"middle_block.0.out_layers.0.weight", "mid_block.resnets.0.norm2.weight"},
      {"middle_block.1.transformer_blocks.0.ff.net.0.proj.weight",
       "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.weight"},
      {"middle_block.2.out_layers.3.weight", "mid_block.resnets.1.conv2.weight"},
      {"output_blocks.2.1.conv.weight", "up_blocks.0.upsamplers.0.conv.weight"},
      {"output_blocks.5.2.conv.weight", "up_blocks.1.upsamplers.0.conv.weight"},
      {"output_blocks.4.1.norm.weight", "up_blocks.1.attentions.1.norm.weight"},
      {"output_blocks.11.0.in_layers.0.weight", "up_blocks.3.resnets.2.norm1.weight"},
      {"out.0.weight", "conv_norm_out.weight"},
      {"out.2.bias", "conv_out.bias"}};
  for (const auto& [ours, theirs] : unet) {
    EXPECT_EQ(diffusers_unet_name("model.diffusion_model." + ours, 2), theirs);
  }
  const std::vector<std::pair<std::string, std::string>> vae = {
      {"encoder.conv_in.weight", "encoder.conv_in.weight"},
      {"encoder.down.1.block.0.nin_shortcut.weight",
       "encoder.down_blocks.1.resnets.0.conv_shortcut.weight"},
      {"encoder.down.0.downsample.conv.bias", "encoder.down_blocks.0.downsamplers.0.conv.bias"},
      {"encoder.norm_out.weight", "encoder.conv_norm_out.weight"},
      {"decoder.mid.block_2.norm1.weight", "decoder.mid_block.resnets.1.norm1.weight"},
      {"decoder.mid.attn_1.norm.weight", "decoder.mid_block.attentions.0.group_norm.weight"},
      {"decoder.mid.attn_1.proj_out.bias", "decoder.mid_block.attentions.0.to_out.0.bias"},
      {"decoder.up.0.block.2.conv2.weight", "decoder.up_blocks.3.resnets.2.conv2.weight"},
      {"decoder.up.3.upsample.conv.weight", "decoder.up_blocks.0.upsamplers.0.conv.weight"},
      {"quant_conv.weight", "quant_conv.weight"}};
  for (const auto& [ours, theirs] : vae) {
    EXPECT_EQ(diffusers_vae_name("first_stage_model." + ours, 4), theirs);
  }
  EXPECT_EQ(old_diffusers_vae_name("first_stage_model.decoder.mid.attn_1.k.weight", 4),
            "decoder.mid_block.attentions.0.key.weight");
  EXPECT_EQ(old_diffusers_vae_name("first_stage_model.decoder.mid.attn_1.proj_out.weight", 4),
            "decoder.mid_block.attentions.0.proj_attn.weight");
  EXPECT_EQ(diffusers_text_name("cond_stage_model.transformer.text_model.final_layer_norm.bias"),
            "text_model.final_layer_norm.bias");
}

const json kUnet = {{"_class_name", "UNet2DConditionModel"},
                    {"block_out_channels", {32, 64}},
                    {"down_block_types", {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D"}},
                    {"layers_per_block", 1},
                    {"cross_attention_dim", 32},
                    {"attention_head_dim", 4},
                    {"sample_size", 8}};
const json kVae = {{"_class_name", "AutoencoderKL"},
                   {"block_out_channels", {32, 32, 32, 32}},
                   {"layers_per_block", 1},
                   {"latent_channels", 4}};

/// The small model of the formula as a folder. Its UNet lies in `shards` files.
class Folder {
 public:
  explicit Folder(size_t shards = 1, bool old_names = false) {
    write_config(folder, tiny_config());
    fs::create_directories(folder / "m/unet");
    fs::create_directories(folder / "m/vae");
    folder.write("m/unet/config.json", kUnet.dump());
    folder.write("m/vae/config.json", kVae.dump());
    folder.write("m/text_encoder/config.json", tiny_clip_config().dump());
    std::map<std::string, std::vector<TensorToWrite>> files;
    json index;
    for (const auto& [name, shape] : wanted_tensors(read_model_config(folder / "model.yaml"))) {
      const std::string other = renamed(name, old_names);
      std::string file = "vae/diffusion_pytorch_model.safetensors";
      if (name.starts_with("cond")) file = "text_encoder/model.safetensors";
      if (name.starts_with("model.")) {
        file = "diffusion_pytorch_model";
        if (shards > 1) file += "-" + std::to_string(index.size() % shards);
        index[other] = file + ".safetensors";
        file = "unet/" + file + ".safetensors";
      }
      const bool linear = !name.starts_with("model.") && other.find("attentions") != other.npos;
      files[file].push_back(
          {other, at::kFloat,
           linear ? std::vector<int64_t>{shape.begin(), shape.begin() + 1} : shape,
           [name = name, shape = shape](char* bytes) {
             fill_by_formula(name, shape, reinterpret_cast<float*>(bytes));
           }});
      if (linear && shape.size() > 1) files[file].back().shape.push_back(shape[1]);
    }
    for (const auto& [file, tensors] : files) write_safetensors(folder / ("m/" + file), tensors);
    if (shards > 1) write_index({{"weight_map", index}});
  }

  static std::string renamed(const std::string& name, bool old_names) {
    if (name.starts_with("cond")) return diffusers_text_name(name);
    if (name.starts_with("model.")) return diffusers_unet_name(name, 1);
    return old_names ? old_diffusers_vae_name(name, 4) : diffusers_vae_name(name, 4);
  }
  void write_index(const json& index) const {
    folder.write("m/unet/diffusion_pytorch_model.safetensors.index.json", index.dump());
  }
  ModelPaths paths() const {
    return {.checkpoint = folder / "m", .config = "", .weights = WeightChoice::kConfig};
  }
  LatentDiffusion load() const {
    return load_latent_diffusion(open_model(paths()), CoderParts::kBoth, ExecPolicy());
  }

  const TempFolder folder;
};

/// Sums are taken in another order where weights lie at other places of a page.
double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(DiffusersFolder, HoldsTheSameModelAsOneFile) {
  const c10::InferenceMode inference;
  const Folder whole;
  const std::string file = whole.folder / "one.safetensors";
  write_random_checkpoint(file, read_model_config(whole.folder / "model.yaml"));
  ModelPaths paths{
      .checkpoint = file, .config = whole.folder / "model.yaml", .weights = WeightChoice::kConfig};
  const LatentDiffusion one = load_latent_diffusion(open_model(paths), CoderParts::kBoth, {});
  const at::Tensor x = at::linspace(-1, 1, 4 * 64).view({1, 4, 8, 8});
  const at::Tensor ids = at::arange(77, at::kLong).view({1, 77});
  const at::Tensor context = one.text_encoder->encode(ids);
  for (const auto& [shards, old_names] : {std::pair(1, false), {3, true}}) {
    SCOPED_TRACE(shards);
    const Folder folder(static_cast<size_t>(shards), old_names);
    const LatentDiffusion model = folder.load();
    EXPECT_LT(difference(model.text_encoder->encode(ids), context), 1e-5);
    EXPECT_LT(difference((*model.unet)(x, 500, context), (*one.unet)(x, 500, context)), 1e-5);
    EXPECT_LT(difference(model.decode(x), one.decode(x)), 1e-5);
    EXPECT_EQ(model.schedule.alphas_cumprod(), one.schedule.alphas_cumprod());
  }
}

TEST(DiffusersFolder, NamesWhatIsMissingByTheFilesOwnNames) {
  const Folder folder;
  json unet = kUnet;
  unet["layers_per_block"] = 2;
  folder.folder.write("m/unet/config.json", unet.dump());
  expect_error(ErrorKind::kCheckpoint, "down_blocks.0.resnets.1.", [&] { folder.load(); });
  fs::remove(folder.folder / "m/vae/config.json");
  expect_error(ErrorKind::kCheckpoint, "found none in vae", [&] { folder.load(); });
}

TEST(DiffusersFolder, RefusesWhatIsNotComputed) {
  const Folder folder;
  const std::vector<std::tuple<const char*, const char*, json>> changes = {
      {"unet", "_class_name", "ControlNetModel"},
      {"unet", "down_block_types", json::array({"DownBlock2D", "AttnDownBlock2D"})},
      {"unet", "block_out_channels", json::array({32, 48})},
      {"unet", "attention_head_dim", json::array({4, 8})},
      {"unet", "cross_attention_dim", 64},
      {"unet", "in_channels", 8},
      {"unet", "in_channels", 5},
      {"unet", "time_cond_proj_dim", 256},
      {"unet", "layers_per_block", 1000000},
      {"vae", "latent_channels", 16},
      {"vae", "scaling_factor", 0},
      {"scheduler", "rescale_betas_zero_snr", true},
      {"scheduler", "prediction_type", "sample"}};
  for (const auto& [part, key, value] : changes) {
    SCOPED_TRACE(std::string(key) + " " + value.dump());
    const std::string name =
        std::string("m/") + part +
        (part == std::string("scheduler") ? "/scheduler_config.json" : "/config.json");
    json config = part == std::string("unet") ? kUnet : part == std::string("vae") ? kVae : json();
    const std::string before = config.dump();
    config[key] = value;
    folder.folder.write(name, config.dump());
    expect_error(ErrorKind::kCheckpoint,
                 part == std::string("vae") && *key == 'l' ? "channels" : key,
                 [&] { folder.load(); });
    folder.folder.write(name, before == "null" ? "{}" : before);
  }
}

TEST(DiffusersFolder, TakesOneNumberForEachLevel) {
  const Folder folder;
  json unet = kUnet;
  for (const char* key : {"attention_head_dim", "layers_per_block", "cross_attention_dim"}) {
    unet[key] = json::array({kUnet[key], kUnet[key]});
  }
  unet["sample_size"] = nullptr;  // as diffusers writes where nobody said one
  folder.folder.write("m/unet/config.json", unet.dump());
  EXPECT_NO_THROW(folder.load());
}

TEST(DiffusersFolder, SaysThatItsScheduleEndsInNoise) {
  const Folder folder;
  folder.folder.write("m/scheduler/scheduler_config.json",
                      R"({"prediction_type": "v_prediction", "rescale_betas_zero_snr": true})");
  const LatentDiffusion model = folder.load();
  EXPECT_TRUE(model.source.config.zero_snr);
  EXPECT_LT(model.schedule.alphas_cumprod().back(), 1e-7F);
  write_diffusers_folder(model.source, folder.folder / "again", {});
  EXPECT_TRUE(config_of({.checkpoint = folder.folder / "again", .config = ""}).zero_snr);
  const fs::path file = folder.folder / "one.safetensors";
  write_one_file(model.source, file, {});
  const ModelSource marked =
      open_model({.checkpoint = file, .config = folder.folder / "model.yaml"});
  EXPECT_TRUE(marked.config.predicts_v && marked.config.zero_snr);
}

/// transformers 5 writes the names of the text encoder without "text_model.".
TEST(DiffusersFolder, ReadsTheNamesOfTransformers5) {
  const Folder folder;
  const fs::path file = folder.folder / "m/text_encoder/model.safetensors";
  const auto plain = open_checkpoint(file);
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& info : plain->index()) {
    tensors.push_back({info.name.substr(std::string("text_model.").size()), info.dtype, info.shape,
                       [plain, info](char* bytes) {
                         std::memcpy(bytes, plain->tensor(info).const_data_ptr(), info.bytes);
                       }});
  }
  write_safetensors(folder.folder / "short.safetensors", tensors);
  const c10::InferenceMode inference;
  const at::Tensor ids = at::arange(77, at::kLong).view({1, 77});
  const at::Tensor expected = folder.load().text_encoder->encode(ids).clone();
  fs::rename(folder.folder / "short.safetensors", file);
  EXPECT_LE(difference(folder.load().text_encoder->encode(ids), expected), 1e-5);
}

TEST(DiffusersFolder, KeepsToItsOwnFiles) {
  const Folder folder(2);
  for (const std::string name :
       {"../vae/diffusion_pytorch_model.safetensors", "..", "/etc/passwd", "a/b", ""}) {
    folder.write_index({{"weight_map", {{"conv_in.weight", name}}}});
    expect_error(ErrorKind::kCheckpoint, "expected names of files beside it",
                 [&] { folder.load(); });
  }
  folder.write_index({{"weight_map", {{"conv_in.weight", "absent.safetensors"}}}});
  expect_error(ErrorKind::kFile, "absent.safetensors", [&] { folder.load(); });
  folder.write_index({{"weight_map", json::object()}});
  expect_error(ErrorKind::kCheckpoint, "weight_map", [&] { folder.load(); });
}

TEST(DiffusersFolder, IsNamedByItsPipelineWhereThatIsAnothers) {
  const Folder folder;
  const auto write_class = [&](const char* name) {
    folder.folder.write("m/model_index.json", json({{"_class_name", name}}).dump());
  };
  for (const char* name : {"StableDiffusionPipeline", "StableDiffusionInpaintPipeline",
                           "StableDiffusionImg2ImgPipeline", "LatentConsistencyModelPipeline"}) {
    write_class(name);
    EXPECT_NO_THROW(folder.load()) << name;
  }
  for (const char* name : {"StableDiffusionXLPipeline", "StableDiffusion3Pipeline", "FluxPipeline",
                           "AltDiffusionPipeline"}) {
    write_class(name);
    expect_error(ErrorKind::kCheckpoint, name, [&] { folder.load(); });
  }
}

TEST(DiffusersFolder, SaysThatItHasOtherMerges) {
  const Folder folder;
  std::string said;
  const LogSink before =
      set_log_sink([&](LogKind, const std::string& line) { said += line + "\n"; });
  folder.load();
  const std::string without = said;
  folder.folder.write("m/tokenizer/merges.txt", "#version: 0.2\na b\n");
  folder.load();
  set_log_sink(before);
  EXPECT_EQ(without.find("merges"), std::string::npos) << without;
  EXPECT_NE(said.find("are not the merges of CLIP's tokenizer"), std::string::npos) << said;
}

/// Puts the files of the folder where Hugging Face's hub keeps them, and links in their places.
fs::path in_cache(const Folder& folder) {
  const fs::path cache = folder.folder / "hub/models--a--b", from = folder.folder / "m";
  fs::create_directories(cache / "blobs");
  size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    if (!entry.is_regular_file()) continue;
    const fs::path blob = cache / "blobs" / std::to_string(count++);
    const fs::path link = cache / "snapshots/abc" / fs::relative(entry.path(), from);
    fs::create_directories(link.parent_path());
    fs::copy_file(entry.path(), blob);
    fs::create_symlink(fs::relative(blob, link.parent_path()), link);
  }
  return cache / "snapshots/abc";
}

TEST(DiffusersFolder, MayLieInTheCacheOfTheHub) {
  const Folder folder(2);
  ModelPaths paths = folder.paths();
  paths.checkpoint = in_cache(folder);
  EXPECT_NO_THROW(open_model(paths));
  const fs::path link = folder.folder / "linked";
  fs::create_directory_symlink(paths.checkpoint, link);
  paths.checkpoint = link;
  EXPECT_NO_THROW(open_model(paths));
  ModelPaths with_vae = folder.paths();
  with_vae.vae = (link / "vae").string();
  EXPECT_NO_THROW(open_model(with_vae));
  ModelPaths above = folder.paths();
  above.checkpoint = folder.folder / "hub/models--a--b";
  expect_error(ErrorKind::kCheckpoint, "found that of its revisions", [&] { config_of(above); });
  const fs::path shard = link / "unet/diffusion_pytorch_model-1.safetensors";
  fs::remove(shard);
  fs::create_symlink(folder.folder / "m/unet/diffusion_pytorch_model-1.safetensors", shard);
  expect_error(ErrorKind::kCheckpoint, "found a link to", [&] { open_model(paths); });
}

/// A variant lies beside: what has no variant counts.
TEST(DiffusersFolder, TakesTheFilesWithoutAVariantFirst) {
  const Folder folder;
  for (const char* name : {"unet/diffusion_pytorch_model.fp16.safetensors",
                           "unet/diffusion_pytorch_model.safetensors.index.fp16.json",
                           "unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors"}) {
    folder.folder.write(std::string("m/") + name, "not read");
  }
  EXPECT_NO_THROW(folder.load());
}

constexpr const char* kShard = "m/unet/diffusion_pytorch_model-1.safetensors";

TEST(DiffusersFolder, TakesNoPartThatALinkLeadsOutTo) {
  const Folder folder(2);
  fs::rename(folder.folder / kShard, folder.folder / "elsewhere.safetensors");
  fs::create_symlink("../../elsewhere.safetensors", folder.folder / kShard);
  expect_error(ErrorKind::kCheckpoint, "found a link to", [&] { folder.load(); });
}

TEST(DiffusersFolder, NamesWhatItsFilesLackOrHoldTwice) {
  const Folder folder(2);
  folder.load();
  fs::remove(folder.folder / kShard);
  write_tensors(folder.folder / kShard, {{"unrelated", at::ones({1})}});
  expect_error(ErrorKind::kCheckpoint, "missing", [&] { folder.load(); });
  const auto first =
      open_checkpoint(folder.folder / "m/unet/diffusion_pytorch_model-0.safetensors");
  const std::string name = first->index().front().name;
  fs::remove(folder.folder / kShard);
  write_tensors(folder.folder / kShard, {{name, at::ones({1})}});
  expect_error(ErrorKind::kCheckpoint, "found one in two", [&] { folder.load(); });
}

TEST(DiffusersFolder, SaysWhichFileIsEmpty) {
  for (const std::string name : {"unet/config.json", "vae/config.json", "text_encoder/config.json",
                                 "unet/diffusion_pytorch_model.safetensors.index.json"}) {
    const Folder folder(2);
    folder.folder.write("m/" + name, "");
    expect_error(ErrorKind::kCheckpoint, name, [&] { folder.load(); });
  }
  const Folder folder;
  folder.folder.write("m/vae/diffusion_pytorch_model.safetensors", "");
  expect_error(ErrorKind::kFile, "vae/diffusion_pytorch_model.safetensors", [&] { folder.load(); });
}

}  // namespace
}  // namespace sd::test
