#include "job/hires_plan.h"

#include "sampling/sampler.h"
#include "sd/error.h"

namespace sd::job {
namespace {

constexpr UpscalerLabel kLabels[] = {
    {HiresUpscaler::kLatent, "Latent"},
    {HiresUpscaler::kLatentAntialiased, "Latent (antialiased)"},
    {HiresUpscaler::kLatentBicubic, "Latent (bicubic)"},
    {HiresUpscaler::kLatentBicubicAntialiased, "Latent (bicubic antialiased)"},
    {HiresUpscaler::kLatentNearest, "Latent (nearest)"},
    {HiresUpscaler::kLatentNearestExact, "Latent (nearest-exact)"},
    {HiresUpscaler::kLanczos, "Lanczos"},
    {HiresUpscaler::kNearest, "Nearest"},
    {HiresUpscaler::kNone, "None"}};

}  // namespace

std::span<const UpscalerLabel> upscaler_labels() { return kLabels; }

void resolve_hires(HiresSettings* hires) {
  if (!hires->on()) {
    if (*hires == HiresSettings()) return;
    throw Error(ErrorKind::kUsage,
                "settings of a second pass are given, but there is no second pass",
                "give `hires_scale`, or `hires_width` and `hires_height`");
  }
  if (!hires->sampler.empty()) {
    const sampling::SamplerChoice choice = sampling::choose_sampler(hires->sampler);
    hires->sampler = choice.sampler.name;
    if (hires->schedule.empty() && choice.schedule != nullptr) {
      hires->schedule = choice.schedule->name;
    }
  }
  if (hires->schedule.empty()) return;
  const sampling::Schedule* schedule = sampling::find_schedule(hires->schedule);
  hires->schedule = schedule == nullptr ? sampling::kAutomaticSchedule : schedule->name;
}

}  // namespace sd::job
