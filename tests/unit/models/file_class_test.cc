// Every kind of file, given to every flag that takes another: what the error calls it, and which
// flag it names.

#include "models/file_class.h"

#include <gtest/gtest.h>

#include "models/adapters/adapter_file.h"
#include "models/embeddings.h"
#include "models/layouts/vae.h"
#include "support/checkpoint_writer.h"
#include "support/tiny_model.h"

namespace sd::test {
using namespace models;

namespace {

struct Kind {
  std::vector<std::string> names;  ///< of its tensors
  const char* what;
  FileUse use;
  const char* way;  ///< part of the hint wherever it is not for
};

const std::vector<Kind>& kinds() {
  const std::string unet = "model.diffusion_model.out.2.weight";
  static const std::vector<Kind> all = {
      {{unet, "cond_stage_model.transformer.text_model.x"},
       "a whole model",
       FileUse::kModel,
       "give it with `ckpt`"},
      {{unet, "conditioner.embedders.0.transformer.x"},
       "an SDXL model",
       FileUse::kNone,
       "draws with"},
      {{unet}, "a UNet without a text encoder", FileUse::kPart, "give `ckpt` a whole model"},
      {{"model_ema.diffusion_modelx"}, "the averaged weights", FileUse::kPart, "a whole model"},
      {{"text_model.x", "text_model.y"}, "a text encoder alone", FileUse::kPart, "a whole model"},
      {{"conv_in.weight", "down_blocks.0.x", "mid_block.x"},
       "the UNet of a diffusers folder",
       FileUse::kPartOfFolder,
       "give `ckpt` the folder above it"},
      {{"lora_unet_x.lora_up.weight", "lora_unet_x.lora_down.weight"},
       "a LoRA adapter",
       FileUse::kAdapter,
       "give it with `lora`"},
      {{"base_model.model.x.lora_A.weight", "base_model.model.x.lora_B.weight"},
       "an adapter (LoRA)",
       FileUse::kAdapter,
       "give it with `lora`"},
      {{"encoder.conv_in.weight", "decoder.conv_in.weight"},
       "an autoencoder alone",
       FileUse::kAutoencoder,
       "give it with `vae`"},
      {{"encoder.conv_in.weight", "decoder.conv_in.weight", "loss.logvar", "model_ema.decay"},
       "an autoencoder alone",
       FileUse::kAutoencoder,
       "give it with `vae`"},
      {{"first_stage_model.decoder.conv_in.weight", "first_stage_model.x"},
       "an autoencoder alone",
       FileUse::kAutoencoder,
       "give it with `vae`"},
      {{"encoder.layers.0.weight", "decoder.layers.0.weight"},
       "a TAESD",
       FileUse::kTaesd,
       "give it with `vae` taesd:FILE"},
      {{"1.weight", "3.conv.0.weight"}, "the decoder of a TAESD", FileUse::kTaesd, "taesd:FILE"},
      {{"emb_params"}, "a textual inversion embedding", FileUse::kEmbedding, "`embeddings`"},
      {{"vision_model.x", "special_care_embeds"},
       "a safety checker",
       FileUse::kSafetyChecker,
       "give it with `safety_ckpt`"},
      {{"control_model.x", "control_model.y"}, "a ControlNet", FileUse::kNone, "draws with"},
      {{"768.0.linear.0.weight", "768.1.x"}, "a hypernetwork", FileUse::kNone, "draws with"},
  };
  return all;
}

void take_as_vae(const std::string& vae) {
  const TempFolder folder;
  ModelSource source = shapes_of(read_model_config(write_config(folder, tiny_config())));
  take_vae(vae, &source);
}

/// A flag: opens a file that is given with it.
struct Flag {
  FileUse takes;
  void (*open)(const std::string& file);
};

const Flag kFlags[] = {
    {FileUse::kModel,
     [](const std::string& file) {
       const TempFolder folder;
       open_model({.checkpoint = file, .config = write_config(folder, tiny_config())});
     }},
    {FileUse::kAdapter, [](const std::string& file) { read_adapter(file); }},
    {FileUse::kAutoencoder, [](const std::string& file) { take_as_vae(file); }},
    {FileUse::kTaesd, [](const std::string& file) { take_as_vae("taesd:" + file); }},
};

TEST(FileClasses, AreNamedAtEveryFlagWithTheirOwn) {
  for (const Kind& kind : kinds()) {
    const TempFile file(safetensors_of(kind.names));
    for (const Flag& flag : kFlags) {
      if (flag.takes == kind.use) continue;
      SCOPED_TRACE(testing::Message() << kind.what << " at flag " << static_cast<int>(flag.takes));
      try {
        flag.open(file.path());
        ADD_FAILURE() << "was taken";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kCheckpoint);
        EXPECT_NE(std::string(error.what()).find(kind.what), std::string::npos) << error.what();
        EXPECT_NE(error.hint().find(kind.way), std::string::npos) << error.hint();
        EXPECT_TRUE(error.details().empty());
      }
    }
  }
}

TEST(FileClasses, AreNamedAmongEmbeddings) {
  for (const Kind& kind : kinds()) {
    if (kind.use == FileUse::kEmbedding || kind.names.size() < 2) continue;
    const TempFolder folder;
    folder.write("word.safetensors", safetensors_of(kind.names));
    const EmbeddingSet set = load_embeddings(folder.path(), 768);
    ASSERT_EQ(set.skipped.size(), 1U) << kind.what;
    const std::string& reason = set.skipped.front().reason;
    EXPECT_NE(reason.find(kind.what), std::string::npos) << reason;
    EXPECT_NE(reason.find(kind.way), std::string::npos) << reason;
  }
}

TEST(FileClasses, AFileInThePlaceOfTheFolderOfEmbeddings) {
  const TempFile file(safetensors_of({"emb_params"}));
  try {
    load_embeddings(file.path(), 768);
    ADD_FAILURE() << "was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_NE(std::string(error.what()).find("found a file"), std::string::npos);
  }
}

}  // namespace
}  // namespace sd::test
