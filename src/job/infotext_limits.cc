#include "job/infotext_limits.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/strings.h"
#include "sd/error.h"
#include "sd/request.h"
#include "text/prompt_syntax.h"

namespace sd::job {
namespace {

/// What the prompts of both passes ask for. Throws Error(kUsage) where a strength is no number.
std::vector<text::NetworkUse> networks_in(const PictureSettings& picture) {
  std::vector<text::NetworkUse> all;
  for (const std::string& prompt : {picture.prompt, picture.hires_prompt}) {
    const auto some = text::parse_prompt(prompt, PromptSyntax::kWebUi).networks;
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

/// What the prompts ask for and this program does not have. (Of an unknown kind the web UI has
/// nothing, either.)
void refuse_networks(WebUiSettings* to) {
  try {
    for (const text::NetworkUse& use : networks_in(to->settings.picture)) {
      if (use.kind != "hypernet") continue;
      to->unsupported.push_back("hypernetworks are not supported: " + printable(use.name, 60));
    }
  } catch (const Error&) {  // which `refuse_request` says
  }
}

/// Sides as the web UI draws them, whose latent counts whole eights; of a scale and sides of the
/// second pass the sides count there (modules/processing.py, calculate_target_resolution).
void complete_sizes(WebUiSettings* to) {
  constexpr int kFactor = 8;
  BatchSettings& batch = to->settings.batch;
  const bool whole = batch.width % kFactor == 0 && batch.height % kFactor == 0;
  if (!whole && batch.hires.on()) {
    to->unsupported.push_back(
        fmt::format("Size: {}x{} is not a multiple of 8", batch.width, batch.height));
  }
  batch.width = std::max(kFactor, batch.width / kFactor * kFactor);
  batch.height = std::max(kFactor, batch.height / kFactor * kFactor);
  if (batch.hires.width != 0 || batch.hires.height != 0) batch.hires.scale = 0;
  if (batch.hires.on()) return;
  if (batch.hires != HiresSettings()) to->unsupported.emplace_back("a second pass without a size");
  batch.hires = {};
  to->settings.picture.hires_prompt.clear();
  to->settings.picture.hires_negative_prompt.clear();
}

/// Whether the texts of all steps can be looked at while a record is only read.
bool is_small(const Settings& settings) {
  constexpr size_t kMostBytes = size_t{64} << 20;
  const PictureSettings& picture = settings.picture;
  const size_t length = picture.prompt.size() + picture.negative_prompt.size() +
                        picture.hires_prompt.size() + picture.hires_negative_prompt.size();
  const auto steps = static_cast<size_t>(settings.batch.steps + settings.batch.hires.steps);
  return length < kMostBytes / (2 * (steps + 1));
}

/// What no run takes, whichever model draws it. (Adapters are looked for later.)
void refuse_request(WebUiSettings* to) {
  const Settings& settings = to->settings;
  if (!is_small(settings)) return;  // what draws it looks at them
  Request request;
  request.batch = settings.batch;
  request.pictures = {settings.picture};
  request.noise = {.rng = settings.rng, .seeds = {settings.seed}, .rows = 0};
  request.noise.changes = settings.batch.noise;
  request.noise.variation_seeds = {settings.picture.variation_seed.value_or(0)};
  try {
    const size_t named = networks_in(settings.picture).size();
    request.batch.loras.assign(named, LoraUse{.file = "", .in_prompt = true});
    check_request(ModelDescription(), request);
  } catch (const Error& error) {
    to->unsupported.emplace_back(error.what());
  }
}

}  // namespace

void limit_settings(WebUiSettings* to) {
  complete_sizes(to);
  refuse_networks(to);
  refuse_request(to);
}

}  // namespace sd::job
