"""What is checked, in order: correctness first, then speed."""

import dataclasses
import typing

import step_draw
import step_kernel_times
import step_machine
import step_parity
import step_peers
import step_sanitizer
import step_small_cards
import step_speed
import step_tests
import step_whole_run


@dataclasses.dataclass
class Step:
  number: int
  name: str
  check: typing.Callable
  seconds: float  # at most
  correctness: bool  # whether what fails here makes the exit code 1


STEPS = [
    Step(1, "this machine", step_machine.check, 40, True),
    Step(2, "does it draw", step_draw.check, 80, True),
    Step(3, "kernels, graphs, noise, library", step_tests.check, 90, True),
    Step(4, "parity", step_parity.check, 120, True),
    Step(5, "speed at full size", step_speed.check, 120, False),
    Step(6, "a whole run", step_whole_run.check, 70, True),
    Step(7, "small cards", step_small_cards.check, 90, True),
    Step(8, "time by kernel", step_kernel_times.check, 60, False),
    Step(9, "compute-sanitizer", step_sanitizer.check, 60, True),
    Step(10, "beside diffusers, compiled", step_peers.check, 160, False),
]
