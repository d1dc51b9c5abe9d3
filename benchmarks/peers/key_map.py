"""The reference's tensors under the names of diffusers' modules (Stable Diffusion v1)."""

import re

RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
UNET_ENDS = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}
MIDDLE = {"0": "mid_block.resnets.0", "1": "mid_block.attentions.0", "2": "mid_block.resnets.1"}
ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
LEVELS = 4


def split_leaf(name):
    """'a.b.weight' → ('a.b', 'weight')."""
    scope, leaf = name.rsplit(".", 1)
    return scope, leaf


def unet_layer(direction, block, layer, rest):
    """The scope of a layer of input_blocks or output_blocks; `rest` is what stands below it."""
    if direction == "input":
        level, place = divmod(block - 1, 3)
        side = f"down_blocks.{level}"
        if rest == "op":
            return f"{side}.downsamplers.0.conv"
    else:
        level, place = divmod(block, 3)
        side = f"up_blocks.{level}"
        if rest == "conv":
            return f"{side}.upsamplers.0.conv"
    if layer == 0:
        return f"{side}.resnets.{place}.{RESNET[rest]}"
    return f"{side}.attentions.{place}.{rest}"


def unet_name(name):
    """`name` is below model.diffusion_model."""
    scope, leaf = split_leaf(name)
    if scope in UNET_ENDS:
        return f"{UNET_ENDS[scope]}.{leaf}"
    middle = re.fullmatch(r"middle_block\.(\d)\.(.+)", scope)
    if middle:
        rest = middle[2] if middle[1] == "1" else RESNET[middle[2]]
        return f"{MIDDLE[middle[1]]}.{rest}.{leaf}"
    direction, block, layer, rest = re.fullmatch(
        r"(input|output)_blocks\.(\d+)\.(\d)\.(.+)", scope
    ).groups()
    return f"{unet_layer(direction, int(block), int(layer), rest)}.{leaf}"


def decoder_scope(scope):
    """A scope of the autoencoder's decoder, or None if it belongs to the encoder."""
    if scope in ("post_quant_conv", "decoder.conv_in", "decoder.conv_out"):
        return scope
    if scope == "decoder.norm_out":
        return "decoder.conv_norm_out"
    middle = re.fullmatch(r"decoder\.mid\.(block_1|block_2|attn_1)\.(.+)", scope)
    if middle:
        if middle[1] == "attn_1":
            return f"decoder.mid_block.attentions.0.{ATTENTION[middle[2]]}"
        number = 0 if middle[1] == "block_1" else 1
        return f"decoder.mid_block.resnets.{number}.{shortcut(middle[2])}"
    up = re.fullmatch(r"decoder\.up\.(\d)\.(?:block\.(\d)\.(.+)|upsample\.conv)", scope)
    if up is None:
        return None
    side = f"decoder.up_blocks.{LEVELS - 1 - int(up[1])}"
    if up[2] is None:
        return f"{side}.upsamplers.0.conv"
    return f"{side}.resnets.{up[2]}.{shortcut(up[3])}"


def shortcut(rest):
    return "conv_shortcut" if rest == "nin_shortcut" else rest


def decoder_tensor(name, tensor):
    """(name, tensor) for diffusers, or None; `name` is below first_stage_model."""
    scope, leaf = split_leaf(name)
    renamed = decoder_scope(scope)
    if renamed is None:
        return None
    if ".attentions." in renamed and tensor.dim() == 4:
        tensor = tensor[:, :, 0, 0]
    return f"{renamed}.{leaf}", tensor
