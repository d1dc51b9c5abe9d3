#include "job/a1111_inpaint.h"

#include "base/words.h"
#include "job/setting_values.h"

namespace sd::job {
namespace {

constexpr const char* kMode = "Mask mode";
constexpr const char* kNotMasked = "Inpaint not masked";
constexpr const char* kBlur = "Mask blur";
constexpr const char* kArea = "Inpaint area";
constexpr const char* kOnlyMasked = "Only masked";
constexpr const char* kPadding = "Masked area padding";
constexpr const char* kContent = "Masked content";

/// The web UI's words for a fill.
constexpr Word<InpaintFill> kFills[] = {{"original", InpaintFill::kOriginal},
                                        {"fill", InpaintFill::kFill},
                                        {"latent noise", InpaintFill::kNoise},
                                        {"latent nothing", InpaintFill::kNothing}};

}  // namespace

std::vector<std::pair<std::string, std::string>> inpaint_fields(const MaskSettings& mask) {
  std::vector<std::pair<std::string, std::string>> fields;
  if (!mask.any()) return fields;
  if (mask.invert) fields.emplace_back(kMode, kNotMasked);
  if (mask.blur.value_or(0) > 0) fields.emplace_back(kBlur, values::text_of(*mask.blur));
  if (mask.only_masked) {
    fields.emplace_back(kArea, kOnlyMasked);
    fields.emplace_back(kPadding, values::text_of(mask.padding));
  }
  for (const auto& [word, fill] : kFills) {
    if (fill == mask.fill && fill != InpaintFill::kOriginal) fields.emplace_back(kContent, word);
  }
  return fields;
}

bool set_inpaint_field(const std::string& name, const std::string& value, MaskSettings* mask) {
  if (name == kMode) {
    mask->invert = value == kNotMasked;
  } else if (name == kBlur) {
    values::parse(value, &mask->blur);
  } else if (name == kArea) {
    mask->only_masked = value == kOnlyMasked;
  } else if (name == kPadding) {
    values::parse(value, &mask->padding);
  } else if (name == kContent) {
    for (const auto& [word, fill] : kFills) {
      if (value == word) mask->fill = fill;
    }
  } else {
    return false;
  }
  return true;
}

}  // namespace sd::job
