"""The image can be built from what is copied into it, and runs what the tests run, as nobody special."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from tests.deploy import shipped

DOCKERFILE = (shipped.DEPLOY / "Dockerfile").read_text()
LOCK = (shipped.DEPLOY / "requirements-servers.txt").read_text()


def instructions() -> list[tuple[str, str]]:
    """Return each instruction with its words, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line]


def copied() -> dict[str, str]:
    """Return what is copied from the checkout, and the folder it goes to."""
    words = [rest.split() for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    return {source: each[-1] for each in words for source in each[:-1]}


def test_what_is_copied_exists_and_nothing_else_is_sent() -> None:
    ignored = (shipped.DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in ignored if not line.startswith("#")]

    assert rules[0] == "*" and rules[-1] == "**/__pycache__"
    assert {rule.removeprefix("!") for rule in rules[1:-1]} == set(copied())
    assert all((shipped.ROOT / source).exists() for source in copied())


def test_wheel_is_built_from_what_is_copied(tmp_path: Path) -> None:
    for source, target in copied().items():
        there = shipped.ROOT / source
        if there.is_dir():
            shutil.copytree(there, tmp_path / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (tmp_path / target).mkdir(exist_ok=True)
            shutil.copy(there, tmp_path / target)

    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)

    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"wxbot/_gunicorn.conf.py", "wxbot/_migrations/env.py", "wxbot/_handlers/__init__.py"} <= names


def test_packages_are_locked_and_come_with_every_driver() -> None:
    installs = [
        rest for name, rest in instructions() if name == "RUN" and " install " in rest and "pip" in rest
    ]
    extras = tomllib.loads((shipped.ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    drivers = [extras[name][0] for name in ("postgres", "mysql", "redis")]

    first, second = installs
    assert "--require-hashes -r deploy/requirements-servers.txt" in first
    assert "--no-deps --no-build-isolation --no-index ." in second
    for wanted in (*drivers, "gunicorn", "hatchling"):
        name = re.match(r"[a-z0-9-]+", wanted)
        assert name and f"\n{name[0]}==" in LOCK, wanted
    assert not [rest for _, rest in instructions() if "://" in rest]


def test_image_runs_as_nobody_special_what_compose_and_systemd_run() -> None:
    *_, user, _, command = instructions()

    assert user == ("USER", "wxbot")
    assert command == ("CMD", '["wxbot", "serve", "--no-worker"]')
    assert shipped.ours()["web1"]["command"] == ["wxbot", "serve", "--no-worker"]
    assert shipped.unit("wxbot-web.service")["ExecStart"][0].endswith("/wxbot serve --no-worker")
    (worker,) = shipped.unit("wxbot-worker.service")["ExecStart"]
    assert worker.split("/")[-1].split() == shipped.ours()["worker"]["command"]
