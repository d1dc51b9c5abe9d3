"""Writes the small checkpoints beside it with the real torch.save (torch 2.11, numpy 2).

Kept so that anyone can see what is in them; the tests read the files and need no Python.
"""

import collections
import pathlib

import numpy
import torch

HERE = pathlib.Path(__file__).parent


def weights():
    """Every dtype and layout that a reader can meet, with values the tests know."""
    table = torch.arange(48, dtype=torch.float32).reshape(4, 12)
    return collections.OrderedDict(
        [
            ("plain.weight", torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4),
            ("half.weight", (torch.arange(5) / 8 - 0.25).half()),
            ("bf16.weight", (torch.arange(4) / 2 - 1).bfloat16()),
            ("double.weight", torch.arange(3, dtype=torch.float64) / 4),
            ("ids", torch.arange(7).reshape(1, 7)),
            ("i32", torch.tensor([1, -2, 3], dtype=torch.int32)),
            ("flags", torch.tensor([True, False, True])),
            ("scalar", torch.tensor(2.5)),
            ("empty", torch.empty(0, 4)),
            ("transposed", table.t()),
            ("shared.row", table[1]),
            ("shared.column", table[:, 2]),
            ("parameter", torch.nn.Parameter(torch.tensor([1.5, -1.5]))),
            ("expanded", torch.tensor([3.0]).expand(4)),
        ]
    )


def checkpoint():
    """The weights among what a trainer puts beside them."""
    return {
        "epoch": 1,
        "global_step": 1234,
        "state_dict": weights(),
        "callbacks": {torch.nn.Linear: {"score": numpy.float64(0.5), "best": torch.tensor(0.25)}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}],
        "hyper": {
            "a": (1, 2.5, None, True),
            "s": {1, 2},
            "big": 2**80,
            "neg": -(2**40),
            "b": b"\0\xff",
        },
    }


def save(value, name, **options):
    torch.save(value, HERE / name, **options)


def main():
    save(checkpoint(), "zip.ckpt")
    save(checkpoint(), "zip-p4.ckpt", pickle_protocol=4)
    for protocol in (1, 2, 4):
        save(
            checkpoint(),
            f"legacy-p{protocol}.ckpt",
            _use_new_zipfile_serialization=False,
            pickle_protocol=protocol,
        )
    save(torch.nn.Linear(2, 2), "module.ckpt")
    save({"dense": torch.ones(2), "sparse": torch.eye(3).to_sparse()}, "sparse.ckpt")
    with_attribute = torch.ones(2)
    with_attribute.note = 1
    save(
        {
            "u16": torch.tensor([1, 2, 65535], dtype=torch.uint16),
            "f8": torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn),
            "attribute": with_attribute,
        },
        "newer.ckpt",
    )


if __name__ == "__main__":
    main()
