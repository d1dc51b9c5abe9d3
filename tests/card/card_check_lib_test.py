"""The parts of scripts/card_check that need neither a card nor the program."""

import json
import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts/card_check_lib"))

import deadline  # noqa: E402
import drawing  # noqa: E402
import gtest  # noqa: E402
import machine  # noqa: E402
import png  # noqa: E402
import process  # noqa: E402
import report  # noqa: E402
import step_kernel_times  # noqa: E402
import step_sanitizer  # noqa: E402
import step_whole_run  # noqa: E402
import steps_list  # noqa: E402


class Clock:
  def __init__(self):
    self.now = 100.0

  def __call__(self):
    return self.now


class DeadlineTest(unittest.TestCase):

  def test_a_step_ends_by_its_own_limit_or_by_that_of_all(self):
    clock = Clock()
    limits = deadline.Deadline(50, clock)
    limits.begin_step(20)
    clock.now += 15
    self.assertEqual(limits.left(), 5)
    clock.now += 10
    self.assertEqual(limits.left(), 0)
    limits.begin_step(100)
    self.assertEqual(limits.left(), 25)
    self.assertEqual(limits.elapsed(), 25)
    clock.now += 100
    self.assertEqual((limits.left(), limits.left_of_all()), (0, 0))

  def test_numbers(self):
    self.assertEqual(deadline.numbers("1-3,7", 10), [1, 2, 3, 7])
    for wrong in ("0", "3-1", "11", "a", "", "1-", "1,,2"):
      with self.assertRaises(ValueError, msg=wrong):
        deadline.numbers(wrong, 10)

  def test_correctness_comes_before_speed(self):
    self.assertEqual([step.number for step in steps_list.STEPS], list(range(1, 11)))
    self.assertEqual([step.correctness for step in steps_list.STEPS[:4]], [True] * 4)
    self.assertLess(sum(step.seconds for step in steps_list.STEPS[:4]), 560)


class ProcessTest(unittest.TestCase):

  def run_in(self, folder, *command, **more):
    return process.run(command, pathlib.Path(folder) / "log.txt", **more)

  def test_it_is_ended_at_its_limit_with_what_it_started(self):
    with tempfile.TemporaryDirectory() as folder:
      done = self.run_in(folder, "sh", "-c", "echo begun; sleep 100 & wait", limit=0.5)
      self.assertTrue(done.timed_out)
      self.assertLess(done.seconds, 50)
      self.assertEqual(done.text, "begun\n")
      self.assertIn("longer than", done.why())

  def test_its_log_has_the_command_and_both_outputs(self):
    with tempfile.TemporaryDirectory() as folder:
      done = self.run_in(folder, "sh", "-c", "echo out; echo err >&2; exit 3", limit=20)
      self.assertEqual((done.code, done.text), (3, "out\nerr\n"))
      self.assertEqual(done.why(), "exit code 3: err")
      self.assertTrue((pathlib.Path(folder) / "log.txt").read_text().startswith("$ sh -c "))

  def test_why_it_failed_is_its_error_and_not_its_hint(self):
    done = process.Finished(5, 1.0, "device: x\nerror: no card\nhint: try --device cpu\n", "")
    self.assertEqual(done.why(), "exit code 5: error: no card")

  def test_a_program_that_is_not_there(self):
    with tempfile.TemporaryDirectory() as folder:
      done = self.run_in(folder, "/nowhere/program", limit=20)
      self.assertEqual(done.code, 127)
      self.assertIn("No such file", done.why())

  def test_events_carry_their_seconds(self):
    with tempfile.TemporaryDirectory() as folder:
      done = self.run_in(folder, "sh", "-c", 'eval "echo {\\\\\\"a\\\\\\": 1} >&$2"', "sh", limit=20,
                         with_events=True)
      self.assertEqual([event for _, event in done.events], [{"a": 1}], done)


class DrawingTest(unittest.TestCase):

  def test_stages(self):
    def progress(second, stage, step):
      return second, {"event": "progress", "stage": stage, "step": step}
    events = [(0.5, {"event": "notice", "text": "x"}), progress(1.0, "text", 0),
              progress(1.5, "sample", 0), progress(2.0, "sample", 1), progress(3.0, "sample", 2),
              progress(3.25, "decode", 0), progress(3.5, "decode", 1)]
    made = drawing.Drawing(process.Finished(0, 4.0, "", "", events), ["a"], [])
    self.assertEqual(made.stages(), {"load": 1.0, "sample": 2.0, "decode": 0.5, "end": 0.5})
    self.assertEqual(made.first_step(), 2.0)


class ReportTest(unittest.TestCase):

  def setUp(self):
    self.folder = tempfile.TemporaryDirectory()
    self.addCleanup(self.folder.cleanup)
    self.out = pathlib.Path(self.folder.name)
    (self.out / "logs").mkdir()
    self.report = report.Report(self.out, Clock())

  def lines(self):
    return (self.out / "report.txt").read_text().splitlines()

  def test_it_is_whole_after_every_check(self):
    self.report.begin(1, "machine", True)
    self.report.check("sd devices", "measured", "no card")
    self.assertEqual(self.lines()[0], "so far nothing failed")
    self.assertFalse(json.loads((self.out / "report.json").read_text())["done"])
    self.report.check("programs", "passed", "0.1.0", None, seconds=1.5)
    self.assertIn("  passed   programs: 0.1.0", self.lines())
    self.report.finish()
    self.assertEqual(self.lines()[0], "nothing failed")
    self.assertFalse(self.report.failed())
    written = json.loads((self.out / "report.json").read_text())
    self.assertEqual(written["steps"][0]["checks"][1]["numbers"], {"seconds": 1.5})

  def test_what_failed_comes_with_the_end_of_its_log(self):
    (self.out / "logs/02-x.txt").write_text("\n".join(f"line {i}" for i in range(100)))
    self.report.begin(2, "draws", True)
    self.report.check("default flags", "failed", "exit code 1", "02-x.txt")
    self.report.check("other", "passed", "fine")
    self.assertEqual(self.lines()[0], "FAILED: draws")
    self.assertIn("line 99", self.lines())
    self.assertIn("line 80", self.lines())
    self.assertNotIn("line 79", self.lines())
    self.assertTrue(self.report.failed())

  def test_it_stays_short_whatever_fails(self):
    (self.out / "logs/02-x.txt").write_text("\n".join(f"line {i}" for i in range(100)))
    self.report.begin(2, "draws", True)
    for i in range(20):
      self.report.check(f"check {i}", "failed", "exit code 1", "02-x.txt")
    self.assertLess(len(self.lines()), 120)
    self.assertEqual(self.lines()[-1], "more in logs.tar.xz")

  def test_speed_that_cannot_be_measured_is_no_fault_of_the_pictures(self):
    self.report.begin(5, "speed", False)
    self.report.check("UNet", "failed", "exit code 1")
    self.report.finish()
    self.assertFalse(self.report.failed())
    self.assertIn("not measured as it should be: speed", self.lines()[0])

  def test_a_step_is_what_its_worst_check_is(self):
    def status(*words):
      return report.status_of([{"status": word} for word in words])
    self.assertEqual(status("passed", "failed", "cut"), "failed")
    self.assertEqual(status("passed", "cut"), "cut")
    self.assertEqual(status("skipped", "passed"), "passed")
    self.assertEqual(status("skipped", "skipped"), "skipped")
    self.assertEqual(status(), "skipped")


class PngTest(unittest.TestCase):

  def test_what_is_written_is_read(self):
    with tempfile.TemporaryDirectory() as folder:
      path = pathlib.Path(folder) / "a.png"
      rows = [bytes((x * y + c) % 256 for x in range(5) for c in range(3)) for y in range(4)]
      png.write(path, 5, rows)
      self.assertEqual(png.read(path), (5, 4, [bytearray(row) for row in rows]))
      self.assertEqual(png.difference(path, path), (0, 0))

  def test_our_pictures_are_read(self):
    # heart.png has every kind of filter that our encoder chooses.
    width, height, rows = png.read(ROOT / "models/demo/selftest/heart.png")
    self.assertEqual((width, height, len(rows)), (128, 128, 128))
    self.assertEqual({len(row) for row in rows}, {384})

  def test_a_sheet_has_a_grey_cell_for_what_is_not_there(self):
    with tempfile.TemporaryDirectory() as folder:
      path = pathlib.Path(folder) / "sheet.png"
      png.sheet(path, [ROOT / "models/demo/selftest/heart.png", pathlib.Path("/nowhere.png")], 16, 2)
      width, height, rows = png.read(path)
      self.assertEqual((width, height), (32, 16))
      self.assertEqual(rows[8][3 * 20:3 * 20 + 3], b"\x80\x80\x80")


class MachineTest(unittest.TestCase):

  def torch(self, folder, version=None):
    torch = pathlib.Path(folder) / "torch"
    (torch / "lib").mkdir(parents=True)
    (torch / "lib/libtorch_cpu.so").touch()
    if version:
      (torch / "version.py").write_text(version)
    return torch

  def test_the_pinned_version_is_the_one_that_is_asked_for(self):
    pins = (ROOT / "third_party/requirements.txt").read_text()
    self.assertIn(f"torch=={machine.TORCH} ", pins)

  def test_versions(self):
    for text, problem in (
        ("__version__ = '2.11.0+cu130'\ncuda: Optional[str] = '13.0'\n", ""),
        ("__version__ = '2.10.0'\ncuda: Optional[str] = '13.0'\n", "is torch 2.10.0"),
        ("__version__ = '2.11.0+cpu'\ncuda: Optional[str] = None\n", "built for processors only"),
        ("__version__ = '2.11.0+cu128'\ncuda: Optional[str] = '12.8'\n", "built for CUDA 12.8")):
      with tempfile.TemporaryDirectory() as folder:
        found = machine.why_not(self.torch(folder, text))
        self.assertTrue(problem in found and bool(problem) == bool(found), found)

  def test_without_version_py_the_folder_beside_says_it(self):
    with tempfile.TemporaryDirectory() as folder:
      torch = self.torch(folder)
      self.assertIn("no known version", machine.why_not(torch))
      (torch.parent / "torch-2.11.0.dist-info").mkdir()
      self.assertEqual(machine.why_not(torch), "")

  def test_a_folder_without_the_library(self):
    self.assertIn("no lib/libtorch_cpu.so", machine.why_not(pathlib.Path("/nowhere")))
    with self.assertRaises(machine.Unfit):
      machine.find_torch(pathlib.Path("/nowhere"), pathlib.Path("/nowhere/torch"))


class TablesTest(unittest.TestCase):

  def test_kernels_are_summed_by_name(self):
    text = "\n".join([
        "==PROF== something", '"ID","Kernel Name","gpu__time_duration.sum"', '"","","ns"',
        '"0","gemm","1,500"', '"1","norm","250"', '"2","gemm","500"'])
    self.assertEqual(step_kernel_times.by_name(text), {"gemm": (2.0, 2), "norm": (0.25, 1)})
    self.assertEqual(step_kernel_times.by_name("nothing"), {})

  def test_findings_of_the_sanitizer(self):
    for text, count in (("========= ERROR SUMMARY: 3 errors", 3), ("no such device", 0),
                        ("========= RACECHECK SUMMARY: 2 hazards displayed (2 errors)", 2)):
      self.assertEqual(step_sanitizer.findings(text), count)

  def test_moments(self):
    self.assertEqual(step_whole_run.moments("10, 0\n[N/A], 5\n20, 90\n"), [(10, 0), (20, 90)])

  def test_what_a_test_wrote_down_is_kept_apart(self):
    results = {"testsuites": [{"name": "A", "testsuite": [
        {"name": "B", "status": "RUN", "result": "COMPLETED", "time": "0s", "full": "0.5"}]}]}
    (name, test), = gtest.cases(results)
    self.assertEqual((name, gtest.properties(test)), ("A.B", {"full": "0.5"}))


class PinsTest(unittest.TestCase):

  def test_the_compiler_is_of_one_release_and_has_hashes(self):
    text = (ROOT / "third_party/requirements-nvcc.txt").read_text()
    pins = dict(re.findall(r"^([\w-]+)==([\d.]+) --hash=sha256:[0-9a-f]{64}$", text, re.MULTILINE))
    self.assertEqual({pins[name] for name in ("nvidia-cuda-nvcc", "nvidia-nvvm", "nvidia-cuda-crt")},
                     {"13.0.88"})
    setup = (ROOT / "scripts/setup").read_text()
    for name in pins:
      self.assertIn("unpack " + name.replace("-", "_"), setup)


if __name__ == "__main__":
  unittest.main()
