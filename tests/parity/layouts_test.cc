// One model in all the ways in which its files may lie, and with other autoencoders.

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "models/convert_layout.h"
#include "models/latent_diffusion.h"
#include "models/model_source.h"
#include "support/expect_error.h"
#include "support/golden_tensor.h"
#include "support/model_case.h"
#include "weights/formats/writers.h"

namespace sd::test {
using namespace models;
using namespace runtime;
using namespace sampling;
using namespace weights;

namespace {

namespace fs = std::filesystem;

/// The case's flags with another checkpoint; a folder has its own config.
std::vector<std::string> with_checkpoint(const ModelCase& model_case, const fs::path& checkpoint) {
  std::vector<std::string> argv = model_case.arguments();
  set_flag(&argv, "--ckpt", checkpoint);
  if (fs::is_directory(checkpoint)) drop_flag(&argv, "--config");
  return argv;
}

TEST(Layouts, OfOneModelDrawOnePicture) {
  SD_NEEDS_MODELS();
  for (const char* name : {"m01-ddim", "m02-plms-two", "m03-img2img"}) {
    const ModelCase model_case("mini", name);
    std::vector<Image> first;
    for (const char* layout :
         {"mini/mini.safetensors", "diffusers/A-safetensors", "diffusers/B-fp16-bin-sharded",
          "diffusers/A-safetensors/unet", "pruned/nai-flat.ckpt"}) {
      SCOPED_TRACE(std::string(name) + " " + layout);
      const FlagsRun run(model_case.script(), with_checkpoint(model_case, models_dir() / layout));
      compare_with_case(model_case, run);
      if (first.empty()) first = run.pictures();
      EXPECT_EQ(run.pictures(), first);
    }
  }
}

/// The tensors of a checkpoint under other names.
void write_renamed(const fs::path& from, const fs::path& to, const std::string& prefix) {
  const auto file = open_checkpoint(from);
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& info : file->index()) {
    if (info.name.starts_with("loss.") || info.name.starts_with("model_ema")) continue;
    tensors.push_back({prefix + info.name, at::kHalf, info.shape, [file, &info](char* bytes) {
                         const at::Tensor half = file->tensor(info).to(at::kHalf).contiguous();
                         std::memcpy(bytes, half.const_data_ptr(), half.nbytes());
                       }});
  }
  write_safetensors(to, tensors);
}

TEST(Vae, TakesThePlaceOfTheModelsOwn) {
  SD_NEEDS_MODELS();
  const TempFolder folder;
  write_renamed(models_dir() / "vae/alt.vae.pt", folder / "prefixed.safetensors",
                "first_stage_model.");
  for (const char* name : {"v01-txt2img", "v02-img2img"}) {
    const ModelCase model_case("vae", name);
    for (const fs::path& vae :
         {models_dir() / "vae/alt.vae.pt", models_dir() / "vae/alt-diffusers",
          models_dir() / "vae/alt-diffusers/diffusion_pytorch_model.safetensors",
          folder / fs::path("prefixed.safetensors")}) {
      SCOPED_TRACE(name + (" " + vae.string()));
      std::vector<std::string> argv = model_case.arguments();
      set_flag(&argv, "--vae", vae);
      compare_with_case(model_case, FlagsRun(model_case.script(), argv));
    }
  }
}

TEST(Vae, BesideTheCheckpointIsTaken) {
  SD_NEEDS_MODELS();
  const TempFolder folder;
  fs::copy_file(models_dir() / "mini/mini.safetensors", folder / "m.safetensors");
  fs::copy_file(models_dir() / "vae/alt.vae.pt", folder / "m.vae.pt");
  const ModelCase model_case("vae", "v01-txt2img"), own_case("mini", "m01-ddim");
  std::vector<std::string> argv = model_case.arguments();
  set_flag(&argv, "--ckpt", folder / "m.safetensors");
  compare_with_case(model_case, FlagsRun(Script::kTxt2Img, argv));
  argv = own_case.arguments();
  set_flag(&argv, "--ckpt", folder / "m.safetensors");
  set_flag(&argv, "--vae", "none");
  compare_with_case(own_case, FlagsRun(Script::kTxt2Img, argv));
}

ModelSource opened_with(const std::string& vae) {
  ModelPaths paths{.checkpoint = models_dir() / "mini/mini.safetensors",
                   .config = models_dir() / "mini/mini.yaml"};
  paths.vae = vae;
  return open_model(paths);
}

TEST(Vae, IsRefusedByWhatItIs) {
  SD_NEEDS_MODELS();
  const std::vector<std::pair<std::string, const char*>> files = {
      {"lora/files/kohya-r4.safetensors", "expected an autoencoder, found a LoRA"},
      {"refuse/flux.safetensors", "found a FLUX model"},
      {"refuse/unet-only.safetensors", "found a UNet"},
      {"taesd/taesd_decoder.pth", "found the decoder of a TAESD"},
      {"taesd/diffusers", "found a TAESD"},
      {"refuse/vae-only.safetensors", "misshapen tensors"},
      {"vae", "expected diffusion_pytorch_model.safetensors"}};
  for (const auto& [file, part] : files) {
    expect_error(ErrorKind::kCheckpoint, part,
                 [&, path = models_dir() / file] { opened_with(path); });
  }
  for (const auto& [file, part] : std::vector<std::pair<std::string, const char*>>{
           {"vae/alt.vae.pt", "expected a TAESD, found an autoencoder alone"},
           {"taesd/taesd_encoder.pth", "only its encoder"},
           {"mini/mini.safetensors", "expected a TAESD"}}) {
    expect_error(ErrorKind::kCheckpoint, part,
                 [&, path = models_dir() / file] { opened_with("taesd:" + path.string()); });
  }
}

at::Tensor golden_of(const GoldenTensors& goldens, const std::string& name) {
  return tensor_of(goldens.f32(name));
}

TEST(Taesd, GivesWhatItsAuthorsProgramGives) {
  SD_NEEDS_MODELS();
  const c10::InferenceMode inference;
  const GoldenTensors goldens(models_dir() / "taesd/forward.safetensors");
  const at::Tensor z = golden_of(goldens, "z"), x = golden_of(goldens, "encode_x");
  for (const char* file :
       {"taesd_decoder.pth", "diffusers", "", "diffusers/diffusion_pytorch_model.safetensors"}) {
    SCOPED_TRACE(file);
    const ModelSource source = opened_with("taesd:" + (models_dir() / "taesd" / file).string());
    const LatentDiffusion model = load_latent_diffusion(source, CoderParts::kBoth, ExecPolicy());
    EXPECT_LE(max_difference((model.decode(z) + 1) / 2, golden_of(goldens, "decoded")), 5e-5);
    const at::Tensor latent = model.encode(x * 2 - 1, at::Tensor());
    EXPECT_LE(max_difference(latent, golden_of(goldens, "encoded")), 5e-5);
  }
}

TEST(Taesd, GivesInStripsWhatItGivesAsAWhole) {
  SD_NEEDS_MODELS();
  const c10::InferenceMode inference;
  const ModelSource source = opened_with("taesd:" + (models_dir() / "taesd/diffusers").string());
  const LatentDiffusion model = load_latent_diffusion(source, CoderParts::kBoth, ExecPolicy());
  const at::Tensor z = at::randn({1, 4, 64, 8}, at::detail::createCPUGenerator(1));
  CoderWork strips;
  strips.strips.emplace(StripWork{.bytes = 1 << 16});
  const at::Tensor whole = model.decode(z);
  EXPECT_LE(max_difference(model.coder->decode(z, strips), whole), 1e-5);
  EXPECT_LE(max_difference(model.coder->encode(whole, strips), model.coder->encode(whole, {})),
            1e-5);
}

TEST(Taesd, DrawsAndStartsFromPictures) {
  SD_NEEDS_MODELS();
  for (const auto& [group, name] : {std::pair("mini", "m01-ddim"), {"mini", "m03-img2img"}}) {
    const ModelCase model_case(group, name);
    std::vector<std::string> argv = model_case.arguments();
    set_flag(&argv, "--vae", "taesd:" + (models_dir() / "taesd/taesd_decoder.pth").string());
    const FlagsRun run(model_case.script(), argv);
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_FALSE(run.pictures().empty());
  }
}

/// A copy of the model's folder that says it predicts v, and two other ways to say so of its file.
std::vector<std::vector<std::string>> ways_to_say_v(const TempFolder& folder) {
  const fs::path copy = folder / "m";
  fs::copy(models_dir() / "diffusers/A-safetensors", copy, fs::copy_options::recursive);
  nlohmann::json scheduler =
      nlohmann::json::parse(std::ifstream(copy / "scheduler/scheduler_config.json"));
  scheduler["prediction_type"] = "v_prediction";
  fs::remove(copy / "scheduler/scheduler_config.json");
  folder.write("m/scheduler/scheduler_config.json", scheduler.dump());
  std::ifstream yaml(models_dir() / "mini/mini.yaml");
  std::string text((std::istreambuf_iterator<char>(yaml)), std::istreambuf_iterator<char>());
  text.replace(text.find("    linear_start"), 0, "    parameterization: v\n");
  fs::copy(models_dir() / "mini/clip-mini", folder / "clip-mini");
  const std::string config = folder.write("v.yaml", text),
                    file = models_dir() / "mini/mini.safetensors";
  const ModelSource source = open_model({.checkpoint = copy, .config = ""});
  write_one_file(source, folder / "marked.safetensors", {});
  return {{"--ckpt", copy.string()},
          {"--ckpt", file, "--config", config},
          {"--ckpt", folder / "marked.safetensors", "--config", models_dir() / "mini/mini.yaml"}};
}

/// diffusers' DDIM scheduler with v_prediction: x0 = alpha·x - sigma·v.
TEST(PredictsV, IsDrawnAsDiffusersSchedulerDoes) {
  SD_NEEDS_MODELS();
  const TempFolder folder;
  std::vector<Image> first;
  for (std::vector<std::string> argv : ways_to_say_v(folder)) {
    SCOPED_TRACE(argv[1] + (argv.size() > 2 ? " with a config" : ""));
    argv.insert(argv.end(), {"--prompt", "a green bottle", "--H", "128", "--W", "128", "--scale",
                             "1", "--ddim_steps", "4", "--n_samples", "1", "--n_iter", "1"});
    const FlagsRun run(Script::kTxt2Img, argv);
    ASSERT_EQ(run.exit_code, 0);
    const at::Tensor x = counterpart(run.tensors, "unet_x", 0);
    const at::Tensor v = counterpart(run.tensors, "unet_eps", 0);
    const auto t = counterpart(run.tensors, "unet_t", 0).item<double>();
    const float kept =
        NoiseSchedule::linear(0.00085, 0.012, 1000).alphas_cumprod()[static_cast<size_t>(t)];
    const at::Tensor x0 = std::sqrt(kept) * x - std::sqrt(1 - kept) * v;
    EXPECT_LE(max_difference(counterpart(run.tensors, "step_pred_x0", 0), x0), 1e-5);
    if (first.empty()) first = run.pictures();
    EXPECT_EQ(run.pictures(), first);
  }
}

/// All weights of a file by name.
std::map<std::string, at::Tensor> weights_in(const fs::path& path) {
  std::map<std::string, at::Tensor> all;
  const auto file = open_checkpoint(path);
  for (const TensorInfo& info : file->index()) all[info.name] = file->tensor(info).clone();
  return all;
}

TEST(Convert, GoesToAFolderAndBackWithEveryValue) {
  SD_NEEDS_MODELS();
  const TempFolder folder;
  ModelPaths paths{.checkpoint = models_dir() / "mini/mini.safetensors",
                   .config = models_dir() / "mini/mini.yaml"};
  write_diffusers_folder(open_model(paths), folder / "m", {});
  write_one_file(open_model({.checkpoint = folder / "m", .config = ""}),
                 folder / "back.safetensors", {});
  const auto before = weights_in(paths.checkpoint), after = weights_in(folder / "back.safetensors");
  EXPECT_GT(after.size(), 400u);
  for (const auto& [name, values] : after) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(before.contains(name));
    EXPECT_EQ(values.scalar_type(), before.at(name).scalar_type());
    EXPECT_TRUE(at::equal(values.flatten(), before.at(name).flatten()));
  }
  const ModelCase model_case("mini", "m01-ddim");
  const FlagsRun plain(Script::kTxt2Img, with_checkpoint(model_case, paths.checkpoint));
  const FlagsRun of_folder(Script::kTxt2Img, with_checkpoint(model_case, folder / "m"));
  std::vector<std::string> argv = with_checkpoint(model_case, folder / "back.safetensors");
  drop_flag(&argv, "--config");  // its own lies beside it
  const FlagsRun of_file(Script::kTxt2Img, argv);
  EXPECT_EQ(of_folder.pictures(), plain.pictures());
  EXPECT_EQ(of_file.pictures(), plain.pictures());
}

TEST(Folders, KeepToThemselves) {
  SD_NEEDS_MODELS();
  const TempFolder folder;
  fs::copy(models_dir() / "diffusers/A-safetensors", folder / "m", fs::copy_options::recursive);
  const fs::path weights = folder / "m/unet/diffusion_pytorch_model.safetensors";
  fs::rename(weights, folder / "elsewhere.safetensors");
  fs::create_symlink("../../elsewhere.safetensors", weights);
  expect_error(ErrorKind::kCheckpoint, "found a link to",
               [&] { open_model({.checkpoint = folder / "m", .config = ""}); });
  // As in the cache of Hugging Face's hub.
  fs::create_directories(folder / "hub/snapshots");
  fs::create_directories(folder / "hub/blobs");
  fs::rename(folder / "m", folder / "hub/snapshots/0123");
  fs::rename(folder / "elsewhere.safetensors", folder / "hub/blobs/abcd");
  const fs::path link = folder / "hub/snapshots/0123/unet/diffusion_pytorch_model.safetensors";
  fs::remove(link);
  fs::create_symlink("../../../blobs/abcd", link);
  open_model({.checkpoint = folder / "hub/snapshots/0123", .config = ""});
}

}  // namespace
}  // namespace sd::test
