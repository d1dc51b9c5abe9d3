#pragma once

#include <array>
#include <span>
#include <string_view>

#include "sd/options.h"
#include "sd/progress.h"
#include "sd/safety.h"
#include "sd/settings.h"

namespace sd {

/// A value of an enumeration, and the word that flags, records and messages have for it.
template <class T>
struct Word {
  const char* word;
  T value;
};

/// All words of an enumeration, in the order of the help page. What has words is below.
template <class T>
inline constexpr std::array<Word<T>, 0> kWords = {};

template <>
inline constexpr std::array kWords<Script> = {Word<Script>{"txt2img", Script::kTxt2Img},
                                              Word<Script>{"img2img", Script::kImg2Img}};
template <>
inline constexpr std::array kWords<PictureFormat> = {
    Word<PictureFormat>{"png", PictureFormat::kPng},
    Word<PictureFormat>{"jpg", PictureFormat::kJpeg},
    Word<PictureFormat>{"webp", PictureFormat::kWebp}};
template <>
inline constexpr std::array kWords<SeedMode> = {Word<SeedMode>{"stream", SeedMode::kStream},
                                                Word<SeedMode>{"image", SeedMode::kImage}};
template <>
inline constexpr std::array kWords<RngKind> = {
    Word<RngKind>{"cuda", RngKind::kCuda}, Word<RngKind>{"cpu", RngKind::kCpu},
    Word<RngKind>{"nv", RngKind::kNv}, Word<RngKind>{"numpy", RngKind::kNumpy}};
template <>
inline constexpr std::array kWords<UniPcVariant> = {
    Word<UniPcVariant>{"bh1", UniPcVariant::kBh1}, Word<UniPcVariant>{"bh2", UniPcVariant::kBh2},
    Word<UniPcVariant>{"vary_coeff", UniPcVariant::kVaryCoeff}};
template <>
inline constexpr std::array kWords<UniPcSkip> = {
    Word<UniPcSkip>{"time_uniform", UniPcSkip::kTimeUniform},
    Word<UniPcSkip>{"time_quadratic", UniPcSkip::kTimeQuadratic},
    Word<UniPcSkip>{"logSNR", UniPcSkip::kLogSnr}};
template <>
inline constexpr std::array kWords<InpaintMode> = {
    Word<InpaintMode>{"runwayml", InpaintMode::kRunwayml},
    Word<InpaintMode>{"ldm", InpaintMode::kLdm}, Word<InpaintMode>{"webui", InpaintMode::kWebui}};
template <>
inline constexpr std::array kWords<InpaintFill> = {
    Word<InpaintFill>{"original", InpaintFill::kOriginal},
    Word<InpaintFill>{"fill", InpaintFill::kFill}, Word<InpaintFill>{"noise", InpaintFill::kNoise},
    Word<InpaintFill>{"nothing", InpaintFill::kNothing}};
template <>
inline constexpr std::array kWords<FitMode> = {Word<FitMode>{"stretch", FitMode::kStretch},
                                               Word<FitMode>{"crop", FitMode::kCrop},
                                               Word<FitMode>{"pad", FitMode::kPad}};
template <>
inline constexpr std::array kWords<HiresUpscaler> = {
    Word<HiresUpscaler>{"latent", HiresUpscaler::kLatent},
    Word<HiresUpscaler>{"latent-antialiased", HiresUpscaler::kLatentAntialiased},
    Word<HiresUpscaler>{"latent-bicubic", HiresUpscaler::kLatentBicubic},
    Word<HiresUpscaler>{"latent-bicubic-antialiased", HiresUpscaler::kLatentBicubicAntialiased},
    Word<HiresUpscaler>{"latent-nearest", HiresUpscaler::kLatentNearest},
    Word<HiresUpscaler>{"latent-nearest-exact", HiresUpscaler::kLatentNearestExact},
    Word<HiresUpscaler>{"lanczos", HiresUpscaler::kLanczos},
    Word<HiresUpscaler>{"nearest", HiresUpscaler::kNearest},
    Word<HiresUpscaler>{"none", HiresUpscaler::kNone}};
template <>
inline constexpr std::array kWords<WeightChoice> = {
    Word<WeightChoice>{"config", WeightChoice::kConfig},
    Word<WeightChoice>{"ema", WeightChoice::kEma},
    Word<WeightChoice>{"plain", WeightChoice::kPlain}};
template <>
inline constexpr std::array kWords<Precision> = {
    Word<Precision>{"full", Precision::kFull}, Word<Precision>{"autocast", Precision::kAutocast},
    Word<Precision>{"bf16", Precision::kBf16}, Word<Precision>{"fastest", Precision::kFastest}};
template <>
inline constexpr std::array kWords<MemoryMode> = {
    Word<MemoryMode>{"fast", MemoryMode::kFast},
    Word<MemoryMode>{"balanced", MemoryMode::kBalanced}, Word<MemoryMode>{"low", MemoryMode::kLow}};
template <>
inline constexpr std::array kWords<VaeTiling> = {Word<VaeTiling>{"auto", VaeTiling::kAuto},
                                                 Word<VaeTiling>{"on", VaeTiling::kOn},
                                                 Word<VaeTiling>{"off", VaeTiling::kOff}};
template <>
inline constexpr std::array kWords<KernelChoice> = {
    Word<KernelChoice>{"auto", KernelChoice::kAuto},
    Word<KernelChoice>{"aten", KernelChoice::kAten},
    Word<KernelChoice>{"avx2", KernelChoice::kAvx2},
    Word<KernelChoice>{"avx512", KernelChoice::kAvx512}};
template <>
inline constexpr std::array kWords<SafetyMode> = {
    Word<SafetyMode>{"off", SafetyMode::kOff}, Word<SafetyMode>{"report", SafetyMode::kReport},
    Word<SafetyMode>{"blur", SafetyMode::kBlur}, Word<SafetyMode>{"black", SafetyMode::kBlack},
    Word<SafetyMode>{"refuse", SafetyMode::kRefuse}};
template <>
inline constexpr std::array kWords<SafetyAction> = {
    Word<SafetyAction>{"none", SafetyAction::kNone},
    Word<SafetyAction>{"blurred", SafetyAction::kBlurred},
    Word<SafetyAction>{"blackened", SafetyAction::kBlackened},
    Word<SafetyAction>{"withheld", SafetyAction::kWithheld}};

template <>
inline constexpr std::array kWords<Stage> = {
    Word<Stage>{"load", Stage::kLoad}, Word<Stage>{"text", Stage::kText},
    Word<Stage>{"encode", Stage::kEncode}, Word<Stage>{"sample", Stage::kSample},
    Word<Stage>{"decode", Stage::kDecode}};
template <>
inline constexpr std::array kWords<PromptSyntax> = {
    Word<PromptSyntax>{"plain", PromptSyntax::kPlain},
    Word<PromptSyntax>{"webui", PromptSyntax::kWebUi}};
template <>
inline constexpr std::array kWords<Emphasis> = {
    Word<Emphasis>{"original", Emphasis::kOriginal}, Word<Emphasis>{"no-norm", Emphasis::kNoNorm},
    Word<Emphasis>{"ignore", Emphasis::kIgnore}, Word<Emphasis>{"none", Emphasis::kNone},
    Word<Emphasis>{"old", Emphasis::kOld}};
template <>
inline constexpr std::array kWords<UnequalLengths> = {
    Word<UnequalLengths>{"apart", UnequalLengths::kApart},
    Word<UnequalLengths>{"pad", UnequalLengths::kPad},
    Word<UnequalLengths>{"pad-old", UnequalLengths::kPadOld}};

/// The word of a value.
template <class T>
const char* word_of(T value) {
  for (const Word<T>& each : kWords<T>) {
    if (each.value == value) return each.word;
  }
  return "";
}

/// The value of a word, or null.
template <class T>
const T* value_of(std::string_view word) {
  for (const Word<T>& each : kWords<T>) {
    if (each.word == word) return &each.value;
  }
  return nullptr;
}

}  // namespace sd
