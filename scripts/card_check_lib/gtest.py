"""Runs of the kit's program of tests."""

import json
import re

PROGRAM, LIBRARY = "bin/cuda", "lib/libsd_cuda.so"


def reference(session):
  """The folder of the reference's outputs: the kit's, else the one beside the checkout; or None."""
  for folder in (session.kit / "reference", session.root.parent / "shared/reference"):
    if (folder / "cases").is_dir():
      return folder
  return None


def tests_program(session):
  """Raises Skipped where it, or what it tests, was not built."""
  session.program(LIBRARY)
  return session.program(PROGRAM)


def environment(session, **more):
  folder = reference(session)
  if folder:
    more["SD_REFERENCE_DIR"] = str(folder)
  return session.environment.own(SD_PARITY_DIR=str(session.out / "logs/parity"), **more)


def names(session, pattern):
  """The tests that a filter selects."""
  program = tests_program(session)
  done = session.run("list", [program, "--gtest_list_tests", f"--gtest_filter={pattern}"], 20,
                     environment(session))
  found, suite = [], ""
  for line in done.text.splitlines():
    if line.startswith("  "):
      found.append(suite + line.split("#")[0].strip())
    elif line and not line.startswith("Running"):
      suite = line.split("#")[0].strip()
  return found


def cases(results):
  """(name, test) of a result in GoogleTest's JSON."""
  return [(f"{suite['name']}.{test['name']}", test)
          for suite in results.get("testsuites", []) for test in suite["testsuite"]]


def properties(test):
  """What a test wrote down of itself."""
  known = {"name", "file", "line", "status", "result", "timestamp", "time", "classname", "failures",
           "value_param", "type_param", "skipped"}
  return {key: value for key, value in test.items() if key not in known}


def run(session, label, pattern, limit, **variables):
  """One process for all tests of that filter, and one line of the report."""
  program = tests_program(session)
  out = session.work / "tests.json"
  out.unlink(missing_ok=True)
  done = session.run(re.sub(r"\W+", "-", label), [
      program, f"--gtest_filter={pattern}", f"--gtest_output=json:{out}"], limit,
      environment(session, **variables))
  tests = cases(json.loads(out.read_text())) if out.exists() else []
  conclude(session, label, done, tests)


def conclude(session, label, done, tests):
  failed = [name for name, test in tests if test.get("failures")]
  skipped = [name for name, test in tests if test.get("result") == "SKIPPED"]
  notes = {f"{name}/{key}": value for name, test in tests
           for key, value in properties(test).items()}
  if done.code != 0 or failed or not tests:
    what = ", ".join(failed) if failed else done.why() if done.code else "there is no such test"
    session.check(label, False, what, done.log, **notes)
  elif len(skipped) == len(tests):
    why = re.search(r"Skipped\n+(.*)", done.text)
    session.report.check(label, "skipped",
                         f"{why[1].strip() if why else 'as it says'}: {', '.join(skipped)}", done.log)
  else:
    session.check(label, True, f"{len(tests) - len(skipped)} tests, {done.seconds:.0f} s" +
                  (f", {len(skipped)} skipped" if skipped else ""), done.log, **notes)
