#include "job/left_out.h"

#include <gtest/gtest.h>

namespace sd::test {
using namespace job;

namespace {

std::string left_out(const std::string& prompt, const std::string& hires_prompt = "") {
  PictureSettings picture;
  picture.prompt = prompt;
  picture.hires_prompt = hires_prompt;
  return left_out_of(picture);
}

TEST(LeftOut, NamesWhatAPromptAsksForInVain) {
  EXPECT_EQ(left_out("a <lora:x:1> <lyco:y> < 3 <3:"), "");
  EXPECT_EQ(left_out("a <foo:x:1> <foo:x:2>"),
            "<foo:x>: foo is not a kind of network; lora and lyco are");
  EXPECT_EQ(left_out("a <hypernet:x:1>"), "<hypernet:x>: hypernetworks are not supported");
  EXPECT_EQ(left_out("<LORA:x:1>", "<hypernet:y>"),
            "<LORA:x>: LORA is not a kind of network; lora and lyco are; <hypernet:y>: "
            "hypernetworks are not supported");
}

}  // namespace
}  // namespace sd::test
