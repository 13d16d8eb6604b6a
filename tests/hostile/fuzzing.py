"""Fuzzes a target with coverage, where atheris is installed: `python -m tests.hostile.fuzzing document`.

What follows the target's name goes to libFuzzer, as in -max_total_time=3600.
"""

import importlib
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Let atheris look for bytes that break a target."""
    atheris = importlib.import_module("atheris")
    name, *options = arguments
    with tempfile.TemporaryDirectory() as folder, atheris.instrument_imports(include=["wxbot"]):
        fuzz = importlib.import_module("tests.hostile.fuzz")
        target = fuzz.Whole(Path(folder)) if name == "answer" else fuzz.TARGETS[name]
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        for number, seed in enumerate(fuzz.CORPUS):
            (seeds / str(number)).write_bytes(seed)
        atheris.Setup(["fuzz", *options, str(seeds)], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
