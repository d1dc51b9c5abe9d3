"""Times diffusers' UNet or decoder: eager PyTorch on the CPU; compiled, in half precision, on a CUDA
card."""

import runner

args = runner.arguments()

import torch

import diffusers_model


def load():
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    cuda = args.device == "cuda"
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[args.precision]
    inputs = [torch.from_numpy(value).to(args.device, dtype) for value in runner.read_inputs(args)]
    if args.part == "unet":
        model = diffusers_model.UNetStep(diffusers_model.load_unet(args.model))
        inputs.insert(1, torch.tensor(runner.TIME, device=args.device))
    else:
        model = diffusers_model.Decode(diffusers_model.load_decoder(args.model))
    model = model.to(args.device, dtype, memory_format=torch.channels_last)
    if cuda:
        model = torch.compile(model, mode="max-autotune")

    def compute():
        result = model(*inputs)
        if cuda:
            torch.cuda.synchronize()
        return result.float().cpu().numpy()

    return compute


runner.measure(args, load)
