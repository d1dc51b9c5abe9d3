// The table of samplers. To add one, write a file in samplers/ that ends in its row, and a line
// here.

#include "sampling/sampler.h"

// A line each.
// clang-format off
#define SD_SAMPLERS(row) \
  row(ddim) \
  row(plms) \
  row(dpm_solver) \
  row(euler) \
  row(euler_a) \
  row(lms) \
  row(heun) \
  row(dpm2) \
  row(dpm2_a) \
  row(dpmpp_2s_a) \
  row(dpmpp_2m) \
  row(dpmpp_sde) \
  row(dpmpp_2m_sde) \
  row(dpmpp_2m_sde_heun) \
  row(dpmpp_3m_sde) \
  row(dpm_fast) \
  row(dpm_adaptive) \
  row(restart) \
  row(webui_ddim) \
  row(webui_ddim_cfgpp) \
  row(webui_plms) \
  row(unipc) \
  row(tcd) \
  row(diffusers_lcm) \
  row(ddim_trailing) \
  row(lcm)
// clang-format on

namespace sd::sampling {

#define SD_DECLARE(name) Sampler name##_sampler();
SD_SAMPLERS(SD_DECLARE)

std::span<const Sampler> samplers() {
#define SD_ROW(name) name##_sampler(),
  static const Sampler all[] = {SD_SAMPLERS(SD_ROW)};
  return all;
}

}  // namespace sd::sampling
