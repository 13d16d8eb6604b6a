"""What is measured and is no part of wxbot: fetched by its ordinary client into var/bench, once.

What cannot be had is left out of a run, with the reason.
"""

import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTRAS = ROOT / "var" / "bench" / "extras"
_PATIENCE_SECONDS = 300
_SERVERS = ("granian==2.8.7", "gunicorn_h1c==0.6.9")
_WEROBOT = ("werobot==1.13.1", "cryptography")
_NODE = ("express@5.3.0", "koa@3.3.0", "wechat@2.1.0", "co-wechat@2.4.0")
_NPM = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")


class MissingError(Exception):
    """Something is not to be had here; says why."""


@cache
def servers() -> Path:
    """Return the folder with Granian and gunicorn's parser in C, to be put onto PYTHONPATH."""
    folder = EXTRAS / "servers"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    return _made(folder, [[*pip, "--no-deps", "--target", str(folder), *_SERVERS]])


@cache
def werobot() -> Path:
    """Return the Python of WeRoBot's environment."""
    folder = EXTRAS / "werobot"
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    install = [*pip, *_WEROBOT, f"gunicorn=={version('gunicorn')}"]
    _made(folder, [[sys.executable, "-m", "venv", str(folder)], install])
    return python


@cache
def node() -> Path:
    """Return the folder of node's packages, for NODE_PATH."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise MissingError("needs node and npm: install the packages nodejs and npm")
    folder = EXTRAS / "node"
    return _made(folder, [["npm", "install", *_NPM, "--prefix", str(folder), *_NODE]]) / "node_modules"


def _made(folder: Path, commands: list[list[str]]) -> Path:
    done = folder / ".complete"
    if done.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for command in commands:
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise MissingError(f"{command[0]} was not done within {_PATIENCE_SECONDS} s") from None
        if run.returncode:
            last = (run.stderr.strip() or run.stdout.strip() or "no word of why").splitlines()[-1]
            raise MissingError(f"{Path(command[0]).name} failed: {last[:200]}")
    done.touch()
    return folder
