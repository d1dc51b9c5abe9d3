"""A LoRA adapter of the UNet (Hu et al. 2021; convolutions as in LoCon) under kohya's names.

Every adapted layer's weight becomes W + up @ down, with down [rank, in * kernel] and up [out,
rank]. The file scales the product by alpha / rank; here alpha is the rank.
"""

import contextlib

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import nn

_RESNET = {"in_layers.2": "conv1", "emb_layers.1": "time_emb_proj", "out_layers.3": "conv2",
           "skip_connection": "conv_shortcut"}
_SAMPLERS = {"op": "downsamplers_0_conv", "conv": "upsamplers_0_conv"}


def kohya_name(path, res_blocks):
  """The name in an adapter's file of the layer at `path` in the UNet, None where kohya has none.

  The names are diffusers' paths with underscores. Its blocks hold `res_blocks` residual blocks on
  the way down and one more on the way up: "input_blocks.3.1.proj_in" of a UNet with one a level is
  "lora_unet_down_blocks_1_attentions_0_proj_in".
  """
  side, index, *rest = path.split(".")
  if side == "middle_block":
    block, place = "mid_block", int(index) // 2
  elif side in ("input_blocks", "output_blocks"):
    way, first = ("down", 1) if side == "input_blocks" else ("up", 0)
    level, place = divmod(int(index) - first, res_blocks + 1)
    block, rest = f"{way}_blocks_{level}", rest[1:]
  else:
    return None
  layer = ".".join(rest)
  if not layer:
    return None  # the first convolution
  if layer in _RESNET:
    return f"lora_unet_{block}_resnets_{place}_{_RESNET[layer]}"
  if layer in _SAMPLERS:
    return f"lora_unet_{block}_{_SAMPLERS[layer]}"
  return f"lora_unet_{block}_attentions_{place}_{layer.replace('.', '_')}"


class Adapter:
  """Factors for all linear layers and convolutions of a UNet that kohya's trainer adapts.

  `factors` is the flat list down, up, down, up, … in the order of `names`; averages are lists
  of the same form, and every method takes such a list.
  """

  def __init__(self, unet, rank, res_blocks, seed):
    self.rank = rank
    layers = {path: m for path, m in unet.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))}
    self.names = {path: kohya_name(path, res_blocks) for path in layers}
    self.layers = {path: m for path, m in layers.items() if self.names[path]}
    generator = torch.Generator().manual_seed(seed)
    self.factors = []
    for layer in self.layers.values():
      out, inner = layer.weight.flatten(1).shape
      self.factors.append(torch.randn(rank, inner, generator=generator) * inner**-0.5)
      self.factors.append(torch.zeros(out, rank))

  def _pairs(self, factors):
    return zip(self.layers.items(), factors[::2], factors[1::2])

  def merged(self, factors):
    """{parameter's name: W + up @ down}, for torch.func.functional_call; carries gradients."""
    return {f"{path}.weight": layer.weight + (up @ down).view_as(layer.weight)
            for (path, layer), down, up in self._pairs(factors)}

  @contextlib.contextmanager
  def beside(self, factors):
    """Adds up(down(x)) to each layer's output instead of merging: the plain form of `merged`."""
    hooks = [layer.register_forward_hook(_branch(down, up))
             for (_, layer), down, up in self._pairs(factors)]
    try:
      yield
    finally:
      for hook in hooks:
        hook.remove()

  def save(self, path, factors, metadata):
    """Writes the file, in float16."""
    tensors = {}
    for (layer_path, layer), down, up in self._pairs(factors):
      name, tail = self.names[layer_path], (1, 1) if isinstance(layer, nn.Conv2d) else ()
      tensors[f"{name}.lora_down.weight"] = down.detach().view(self.rank, *layer.weight.shape[1:])
      tensors[f"{name}.lora_up.weight"] = up.detach().view(*up.shape, *tail)
      tensors[f"{name}.alpha"] = torch.tensor(float(self.rank))
    tensors = {k: v.to(torch.float16).contiguous() for k, v in tensors.items()}
    temporary = path.with_name(path.name + ".tmp")
    safetensors.torch.save_file(tensors, temporary, metadata={
        "format": "pt", "ss_network_module": "networks.lora", "ss_base_model_version": "sd_v1",
        "ss_network_dim": str(self.rank), "ss_network_alpha": str(self.rank), **metadata})
    temporary.chmod(0o644)
    temporary.replace(path)

  def read(self, path):
    """The factors of a file that `save` wrote, in float32."""
    tensors, factors = safetensors.torch.load_file(path), []
    for layer_path in self.layers:
      name = self.names[layer_path]
      for part in ("down", "up"):
        factors.append(tensors[f"{name}.lora_{part}.weight"].float().flatten(1))
    return factors


def _branch(down, up):
  def hook(layer, inputs, output):
    if isinstance(layer, nn.Linear):
      return output + F.linear(F.linear(inputs[0], down), up)
    kernel = down.view(-1, *layer.weight.shape[1:])
    inner = F.conv2d(inputs[0], kernel, None, layer.stride, layer.padding)
    return output + F.conv2d(inner, up[..., None, None])
  return hook
