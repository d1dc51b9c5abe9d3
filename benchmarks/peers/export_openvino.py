"""Writes diffusers' UNet or decoder as OpenVINO's model: export_openvino.py CHECKPOINT PART SIZE DIR"""

import pathlib
import sys

import openvino
import torch

import diffusers_model

checkpoint, part, size, folder = sys.argv[1:]
side = int(size)
torch.set_grad_enabled(False)
if part == "unet":
    model = diffusers_model.UNetStep(diffusers_model.load_unet(checkpoint))
    example = (torch.zeros(2, 4, side, side), torch.tensor(500), torch.zeros(2, 77, 768))
else:
    model = diffusers_model.Decode(diffusers_model.load_decoder(checkpoint))
    example = (torch.zeros(1, 4, side, side),)
converted = openvino.convert_model(model, example_input=example)
converted.reshape({place: list(value.shape) for place, value in enumerate(example)})
openvino.save_model(
    converted, pathlib.Path(folder) / f"{part}-{side}.xml", compress_to_fp16=False
)
