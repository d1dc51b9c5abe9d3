"""Latent consistency distillation (Luo et al. 2023, arXiv 2310.04378) and its sampler.

The student answers at any of the 50 times of a DDIM run with the end of the guided run. It learns
this from its own moving average one DDIM step of the guided teacher nearer to the end, or from the
end itself of runs that the teacher made (as Luhman and Luhman 2021, here at all times of a run).
"""

import torch

import diffusion

TIMES = torch.arange(19, diffusion.TIMESTEPS, 20)  # of the teacher's 50 DDIM steps, ascending
SIGMA_DATA, TIME_SCALE = 0.5, 10.0
HUBER = 0.001
ALPHAS = diffusion.alphas_cumprod()


def _column(values):
  return values[:, None, None, None]


def scalings(t):
  """Times [N] -> c_skip, c_out [N, 1, 1, 1]: 1 and 0 at t = 0, where the answer is x itself."""
  scaled = TIME_SCALE * t.float()
  square = scaled**2 + SIGMA_DATA**2
  return _column(SIGMA_DATA**2 / square), _column(scaled / square.sqrt())


def clean(x, eps, t):
  """The clean latent that noise eps [N, 4, h, w] in x at times [N] leaves."""
  a = _column(ALPHAS[t])
  return (x - (1 - a).sqrt() * eps) / a.sqrt()


def noised(latents, noise, t):
  """sqrt(a) latents + sqrt(1 - a) noise at times [N]."""
  a = _column(ALPHAS[t])
  return a.sqrt() * latents + (1 - a).sqrt() * noise


def consistency(unet, x, t, context):
  """The student's answer [N, 4, h, w]: a blend of x and of the clean latent that it predicts."""
  c_skip, c_out = scalings(t)
  return c_skip * x + c_out * clean(x, unet(x, t, context).float(), t)


@torch.no_grad()
def teacher_step(unet, x, index, context, empty, scale, stride=1):
  """One guided DDIM step of the teacher -> (x [N, 4, h, w], its times [N]).

  It goes from TIMES[index] to the time `stride` places earlier, or to t = 0.
  """
  t = TIMES[index]
  both = torch.cat([context, empty.expand_as(context)])
  eps, eps_empty = unet(torch.cat([x, x]), torch.cat([t, t]), both).float().chunk(2)
  eps = eps_empty + scale * (eps - eps_empty)
  earlier = torch.where(index >= stride, TIMES[(index - stride).clamp(min=0)], 0)
  return noised(clean(x, eps, t), eps, earlier), earlier


@torch.no_grad()
def teacher_run(unet, noise, context, empty, scale, first_stride):
  """A guided run of the teacher from noise [N, 4, h, w] in steps of two places in TIMES.

  `first_stride`, 1 or 2, says whether it visits even or odd places after the first.
  -> points [places, N, 4, h, w], their places in TIMES (ints), the end [N, 4, h, w].
  """
  places, points, x, stride = [], [], noise, first_stride
  place = len(TIMES) - 1
  while place >= 0:
    places.append(place)
    points.append(x)
    index = torch.full((noise.shape[0],), place)
    x, _ = teacher_step(unet, x, index, context, empty, scale, stride)
    place, stride = place - stride, 2
  return torch.stack(points), places, x


def huber(error):
  """Mean of sqrt(error^2 + c^2) - c: nearly the absolute error, smooth at 0."""
  return ((error**2 + HUBER**2).sqrt() - HUBER).mean()


def sampler_times(steps):
  """The times of a run of `steps` steps, descending, as diffusers' LCMScheduler picks them."""
  descending = TIMES.flip(0)
  return [int(descending[i * len(TIMES) // steps]) for i in range(steps)]


@torch.no_grad()
def sample(unet, context, noises):
  """Draws latents in len(noises) steps without guidance; noises: one [N, 4, h, w] a step.

  The first is the start; the others are added to the student's answer between two steps.
  """
  times, x = sampler_times(len(noises)), None
  for t, noise in zip(times, noises):
    batch_t = torch.full((noise.shape[0],), t)
    x = noise if x is None else noised(x, noise, batch_t)
    x = consistency(unet, x, batch_t, context)
  return x
