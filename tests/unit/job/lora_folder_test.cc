#include "job/lora_folder.h"

#include <gtest/gtest.h>

#include "job/lora_text.h"
#include "sd/error.h"
#include "support/expect_error.h"
#include "support/temp_folder.h"

namespace sd {
using namespace job;

namespace {

TEST(LoraFolder, FindsFilesByTheirNames) {
  const test::TempFolder folder;
  const std::string style = folder.write("deep/My_Style.safetensors", "x").string();
  folder.write("My_Style.txt", "x");
  const LoraFolder in(folder.path().string());
  for (const char* name : {"My_Style", "My_Style.safetensors", "my style"}) {
    EXPECT_EQ(in.find(name), style) << name;
  }
  const LoraFolder nowhere("nowhere");
  EXPECT_EQ(nowhere.find(style), style);
  test::expect_error(ErrorKind::kFile, "there is no adapter My_Stile",
                     [&] { in.find("My_Stile"); });
  test::expect_error(ErrorKind::kFile, "there is no adapter x", [&] { nowhere.find("x"); });
}

TEST(LorasOf, PutsThoseOfThePromptBehindTheGivenOnes) {
  const test::TempFolder folder;
  folder.write("a.safetensors", "x");
  folder.write("b.safetensors", "x");
  const auto all =
      loras_of({{.file = "b"}, {.file = "old", .in_prompt = true}},
               "x <lora:a:0.5:0.25:8> <hypernet:c:1> <lyco:b>", LoraFolder(folder.path().string()));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(lora_name(all[0].file), "b");
  EXPECT_EQ(all[1], (LoraUse{.file = (folder / "a.safetensors").string(),
                             .unet = 0.25,
                             .text = 0.5,
                             .rank = 8,
                             .in_prompt = true}));
  EXPECT_EQ(all[2].text, 1);
}

TEST(LoraFolder, OpensNoPathThatAPromptNames) {
  const test::TempFolder folder;
  const std::string elsewhere = folder.write("elsewhere/a.safetensors", "x").string();
  folder.write("here/b.safetensors", "x");
  const LoraFolder in((folder / "here").string());
  EXPECT_EQ(in.find(elsewhere), elsewhere);  // the user's own
  for (const std::string& path : {elsewhere, std::string("../elsewhere/a.safetensors")}) {
    test::expect_error(ErrorKind::kFile, "there is no adapter",
                       [&] { loras_of({}, "x <lora:" + path + ":1>", in); });
  }
}

TEST(LoraFolder, TakesTheFolderThatPeftOrDiffusersWrote) {
  const LoraFolder nowhere("nowhere");
  for (const char* name : {"pytorch_lora_weights.bin", "adapter_model.safetensors"}) {
    const test::TempFolder folder;
    const std::string file = folder.write(std::string("style/") + name, "x").string();
    folder.write("style/adapter_config.json", "{}");
    EXPECT_EQ(nowhere.find(folder / "style"), file);
  }
  const test::TempFolder empty;
  test::expect_error(ErrorKind::kFile, "there is no adapter", [&] { nowhere.find(empty.path()); });
}

TEST(LoraFolder, NamesTheFoldersOfEachNetwork) {
  const test::TempFolder folder;
  folder.write("style/unet/adapter_model.safetensors", "x");
  folder.write("style/text_encoder/adapter_model.safetensors", "x");
  test::expect_error(ErrorKind::kFile, "found folders of adapters",
                     [&] { LoraFolder("nowhere").find(folder / "style"); });
}

/// A safetensors file whose header has this name.
std::string named_file(const std::string& name) {
  const std::string header = R"({"__metadata__":{"ss_output_name":")" + name +
                             R"("},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string length(8, '\0');
  length[0] = static_cast<char>(header.size());
  return length + header + std::string(4, '\0');
}

/// The web UI's cards name adapters so, whatever their files are called.
TEST(LoraFolder, FindsTheNamesOfHeaders) {
  const test::TempFolder folder;
  folder.write("a-000001.safetensors", named_file("style"));
  const std::string last = folder.write("b/a-000002.safetensors", named_file("style")).string();
  const std::string other = folder.write("other.safetensors", named_file("else")).string();
  folder.write("damaged.safetensors", "x");
  const std::string by_file = folder.write("else.safetensors", named_file("other")).string();
  const LoraFolder in(folder.path().string());
  EXPECT_EQ(in.find_name("style"), last);
  EXPECT_EQ(in.find_name("else"), by_file);  // a file's name goes first
  EXPECT_EQ(in.find_name("other"), other);
  test::expect_error(ErrorKind::kFile, "there is no adapter nothing",
                     [&] { in.find_name("nothing"); });
}

TEST(LoraFolder, IsLookedThroughOnce) {
  const test::TempFolder folder;
  folder.write("a.safetensors", "x");
  const LoraFolder in(folder.path().string());
  const std::string a = in.find("a");
  std::filesystem::remove(a);
  EXPECT_EQ(in.find("a"), a);
}

}  // namespace
}  // namespace sd
