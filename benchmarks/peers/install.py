"""Brings the programs to compare with into a folder: a virtual environment with diffusers and
OpenVINO, and stable-diffusion.cpp, built from the sources in the distribution of its Python
bindings."""

import pathlib
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import measure

BINDINGS = "stable-diffusion-cpp-python"


def requirements():
    lines = (HERE / "requirements.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def install_python(work):
    """The environment's interpreter."""
    python, stamp = work / "venv" / "bin" / "python", work / "venv" / "installed.txt"
    wanted = [line for line in requirements() if not line.startswith(BINDINGS)]
    if not stamp.exists() or stamp.read_text().splitlines() != wanted:
        print("installing " + ", ".join(wanted))
        measure.run([sys.executable, "-m", "venv", work / "venv"])
        measure.run([python, "-m", "pip", "install", "--quiet", *wanted])
        stamp.write_text("\n".join(wanted) + "\n")
    return python


def unpack_sources(work, python):
    """The folder of stable-diffusion.cpp."""
    pin = next(line for line in requirements() if line.startswith(BINDINGS))
    folder = work / pin.replace("==", "-").replace("-", "_", BINDINGS.count("-"))
    if not folder.exists():
        print(f"fetching the sources of {pin}")
        measure.run([python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", BINDINGS,
                     "--dest", work, pin])
        with tarfile.open(folder.with_name(folder.name + ".tar.gz")) as archive:
            archive.extractall(work)
    return folder / "vendor" / "stable-diffusion.cpp"


def build_sdcpp(work, python):
    """The program that times stable-diffusion.cpp."""
    sources, build = unpack_sources(work, python), work / "sdcpp-build"
    measure.run(["cmake", "-S", HERE / "sdcpp", "-B", build, "-G", "Ninja", f"-DSDCPP={sources}"])
    measure.run(["cmake", "--build", build, "--target", "run_sdcpp"])
    return build / "run_sdcpp"
