#!/usr/bin/env python3
"""The least time that one guided step of Stable Diffusion v1 at 512x512 can take on some cards.

Walks the UNet's layers (its shapes are v1's; two rows, the unconditional and the conditional one)
and counts the FLOPs of its products and the bytes that each operation reads and writes in half
precision, as the CUDA path runs them: bias and residual in passes of their own, group norm with
SiLU in three (read, read, write). What is computed once a run (the context's keys and values) is
left out. Prints the sums and, for each card, three bounds. The cards' figures are NVIDIA's.
"""

from collections import Counter

ROWS, BYTES = 2, 2  # of the batch; of a value in half precision

# Dense half precision with float32 sums in TFLOP/s, memory in TB/s. H100 SXM5: "NVIDIA H100 Tensor
# Core GPU Architecture", table 2. RTX 4090: "NVIDIA Ada GPU Architecture" (V2.02), table 2.
# A100: "NVIDIA A100 Tensor Core GPU Architecture", table 2 (40 GB).
CARDS = {"H100 SXM5": (989.4, 3.35), "RTX 4090": (165.2, 1.008), "A100 40 GB": (312.0, 1.555)}

flops, moved = Counter(), Counter()
parameters = 0


def weights(count):
    global parameters
    parameters += count


def conv3(inputs, outputs, side, stride=1, passes=2):
    """`passes`: what is read and written after the product, in units of its result."""
    out = (side // stride) ** 2
    weights(9 * inputs * outputs + outputs)
    flops["3x3 convolutions"] += 2 * 9 * inputs * outputs * out * ROWS
    moved["products"] += (inputs * side**2 + outputs * out) * ROWS + 9 * inputs * outputs
    moved["bias, embedding, residual"] += passes * outputs * out * ROWS


def linear(inputs, outputs, tokens, kind="linear", bias=True, residual=False):
    weights(inputs * outputs + (outputs if bias else 0))
    flops[kind] += 2 * inputs * outputs * tokens * ROWS
    moved["products"] += (inputs + outputs) * tokens * ROWS + inputs * outputs
    if residual:
        moved["bias, embedding, residual"] += 3 * outputs * tokens * ROWS


def group_norm(channels, side):
    weights(2 * channels)
    moved["group norm + SiLU"] += 3 * channels * side**2 * ROWS


def layer_norm(channels, tokens):
    weights(2 * channels)
    moved["layer norm"] += 2 * channels * tokens * ROWS


def attention(channels, tokens, keys):
    flops["attention"] += 4 * channels * tokens * keys * ROWS
    moved["products"] += (2 * channels * tokens + 2 * channels * keys) * ROWS


def res_block(inputs, outputs, side):
    group_norm(inputs, side)
    weights(1280 * outputs + outputs)
    moved["products"] += 1280 * outputs
    conv3(inputs, outputs, side, passes=2)  # bias and embedding at once
    group_norm(outputs, side)
    if inputs != outputs:
        linear(inputs, outputs, side**2, kind="1x1 convolutions")
    conv3(outputs, outputs, side, passes=5)  # bias, then the residual


def transformer(channels, side):
    tokens = side**2
    group_norm(channels, side)
    linear(channels, channels, tokens, kind="1x1 convolutions")
    layer_norm(channels, tokens)
    for _ in range(3):
        linear(channels, channels, tokens, bias=False)
    attention(channels, tokens, tokens)
    linear(channels, channels, tokens, residual=True)
    layer_norm(channels, tokens)
    linear(channels, channels, tokens, bias=False)
    weights(2 * 768 * channels)
    attention(channels, tokens, 77)
    linear(channels, channels, tokens, residual=True)
    layer_norm(channels, tokens)
    linear(channels, 8 * channels, tokens)
    moved["GEGLU"] += 12 * channels * tokens * ROWS
    linear(4 * channels, channels, tokens, residual=True)
    linear(channels, channels, tokens, kind="1x1 convolutions", residual=True)


def unet():
    side, channels, skips = 64, 320, [320]
    weights(320 * 1280 + 1280 + 1280 * 1280 + 1280)  # time_embed
    conv3(4, 320, side)
    for level, width in enumerate([320, 640, 1280, 1280]):
        for _ in range(2):
            res_block(channels, width, side)
            channels = width
            if level < 3:
                transformer(channels, side)
            skips.append(channels)
        if level < 3:
            conv3(channels, channels, side, stride=2)
            side //= 2
            skips.append(channels)
    res_block(channels, channels, side)
    transformer(channels, side)
    res_block(channels, channels, side)
    for level, width in reversed(list(enumerate([320, 640, 1280, 1280]))):
        for _ in range(3):
            together = channels + skips.pop()
            moved["cat, upsample"] += 2 * together * side**2 * ROWS
            res_block(together, width, side)
            channels = width
            if level < 3:
                transformer(channels, side)
        if level > 0:
            moved["cat, upsample"] += 5 * channels * side**2 * ROWS
            side *= 2
            conv3(channels, channels, side)
    group_norm(channels, side)
    conv3(channels, 4, side)


def main():
    unet()
    assert parameters == 859_520_964, "not v1's UNet"
    print(f"{parameters / 1e6:.1f} M parameters, {parameters * BYTES / 1e9:.2f} GB in half precision")
    for name, count in flops.items():
        print(f"{name:28s} {count / 1e9:7.0f} GFLOP")
    print(f"{'together':28s} {sum(flops.values()) / 1e9:7.0f} GFLOP")
    for name, count in moved.items():
        print(f"{name:28s} {count * BYTES / 1e9:7.2f} GB")
    print(f"{'together':28s} {sum(moved.values()) * BYTES / 1e9:7.2f} GB")
    rest = (sum(moved.values()) - moved["products"]) * BYTES
    for card, (teraflops, terabytes) in CARDS.items():
        compute = sum(flops.values()) / teraflops / 1e9
        memory = sum(moved.values()) * BYTES / terabytes / 1e9
        apart = compute + rest / terabytes / 1e9
        print(f"{card:12s} FLOPs {compute:5.2f} ms, bytes {memory:5.2f} ms, products at the peak and "
              f"the rest at the memory's {apart:5.2f} ms: {1000 / apart:4.0f} it/s at most")


if __name__ == "__main__":
    main()
