#pragma once

#include "sampling/sampling_plan.h"

// One function a sampler, each in a file of its own. Those of k-diffusion follow its
// k_diffusion/sampling.py (release 0.0.16), those of the web UI its version 1.10.1.

namespace sd {

/// DDIM (Song, Meng and Ermon 2020, arXiv:2010.02502), as ldm.models.diffusion.ddim does it: one
/// evaluation and one draw a step, the draw for eta 0 too.
at::Tensor sample_ddim(const SampleArgs& args);

/// What a step of DDIM's family is made of.
struct DdimStep {
  const Prediction& predicted;
  const Level& to;
  float direction;          ///< the weight of the noise in x: sqrt(1 - alpha_prev - deviation²)
  float deviation;          ///< the weight of fresh noise, which eta brings in
  const at::Tensor& noise;  ///< undefined where `deviation` is 0
};
/// DDIM's loop; `next` makes each step's latent.
at::Tensor run_ddim(const SampleArgs& args,
                    at::Tensor (*next)(const SampleArgs& args, const DdimStep& step));

/// DDIM CFG++ (Chung et al. 2024, arXiv:2406.08070), as the web UI does it: towards the noise that
/// is predicted without guidance. One evaluation and one draw a step.
at::Tensor sample_ddim_cfgpp(const SampleArgs& args);

/// PLMS (Liu et al. 2022, arXiv:2202.09778), as ldm.models.diffusion.plms does it: one evaluation
/// and one draw a step, two in the first.
at::Tensor sample_plms(const SampleArgs& args);

/// PLMS as the web UI does it: the look ahead is always at the next level. No draws.
at::Tensor sample_webui_plms(const SampleArgs& args);

/// DPM-Solver++ 2M (Lu et al. 2022, arXiv:2211.01095), as the reference sets it up: data
/// prediction, uniform in time, the last step of first order below 15 steps. No draws.
at::Tensor sample_dpm_solver(const SampleArgs& args);

/// Euler, Heun and DPM2 (Karras et al. 2022, arXiv:2206.00364, algorithm 2), as k-diffusion does
/// them: one draw a step, without churn too; Heun and DPM2 make two evaluations but in the last.
at::Tensor sample_euler(const SampleArgs& args);
at::Tensor sample_heun(const SampleArgs& args);
at::Tensor sample_dpm2(const SampleArgs& args);

/// Euler's and DPM2's steps with noise added after each but the last.
at::Tensor sample_euler_a(const SampleArgs& args);
at::Tensor sample_dpm2_a(const SampleArgs& args);

/// Linear multistep: Adams and Bashforth's for uneven steps, of order 4. No draws.
at::Tensor sample_lms(const SampleArgs& args);

/// DPM-Solver++ (Lu et al. 2022, arXiv:2211.01095) in k-diffusion's forms: with noise after each of
/// two evaluations (2S a, SDE), from the last two or three pictures (2M, 2M SDE, 3M SDE). The SDE
/// ones take increments of a Brownian path.
at::Tensor sample_dpmpp_2s_a(const SampleArgs& args);
at::Tensor sample_dpmpp_2m(const SampleArgs& args);
at::Tensor sample_dpmpp_sde(const SampleArgs& args);
at::Tensor sample_dpmpp_2m_sde(const SampleArgs& args);
at::Tensor sample_dpmpp_2m_sde_heun(const SampleArgs& args);
at::Tensor sample_dpmpp_3m_sde(const SampleArgs& args);

/// DPM-Solver (Lu et al. 2022, arXiv:2206.00927): args.count evaluations in steps of order 3 and
/// lower ones at the end; or steps whose length hangs on their error. One draw a step (that
/// counts).
at::Tensor sample_dpm_fast(const SampleArgs& args);
at::Tensor sample_dpm_adaptive(const SampleArgs& args);
int64_t dpm_fast_steps(int64_t evaluations);

/// Restart sampling (Xu et al. 2023, arXiv:2306.14878): Heun's steps, and from 20 of them on again
/// from sigma 2 to 0.1. A draw a jump.
at::Tensor sample_restart(const SampleArgs& args);
int64_t restart_step_count(const Levels& levels);
int64_t restart_draws(const SamplingPlan& plan);

/// UniPC (Zhao et al. 2023, arXiv:2302.04867), as the web UI sets it up. No draws.
at::Tensor sample_unipc(const SampleArgs& args);

/// Consistency sampling (Luo et al. 2023, arXiv:2310.04378): one draw a step but the last.
at::Tensor sample_lcm(const SampleArgs& args);

/// Makes of a prediction what a latent consistency model means by it.
void edit_as_consistency_model(Prediction* prediction, const Evaluation& at);

/// The levels of make_ddim_schedule, and alphas_cumprod[0] at the end.
Levels ddim_levels(const NoiseSchedule& schedule, int64_t steps, double eta);

/// The latent at a level, if the prediction is right: alpha·x0 + sigma·eps. A whole step of DDIM
/// without noise, and of Euler.
at::Tensor at_level(const SampleArgs& args, const Prediction& prediction, const Level& level);

}  // namespace sd
