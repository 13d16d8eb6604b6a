"""The first ten minutes, played and timed: clone, `make run`, scan, edit a handler, see it change.

`python -m bench.newcomer` needs git, make and a package index. Nothing of an earlier installation is used:
folder, environment and package cache are empty. Exit code 1 when a target is missed. With --test `make test`
follows, which takes as long as the tests do.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
SCAN_SECONDS = 120.0
EDIT_SECONDS = 3.0
_GIVE_UP_SECONDS = 900.0
_PEOPLE = 10  # who look, one after the other, whether an edited handler is live
WELCOME, BEFORE, AFTER = "欢迎加入会员！", "会员您好，", "您好，老朋友，"


class Phone:
    """A person with a phone, played by the API of the emulator's page."""

    def __init__(self, address: str) -> None:
        self.address = f"{address.rstrip('/')}/phone/api"

    def meet(self, number: int) -> str:
        """Return the openid of somebody new."""
        return str(self._ask("/people", {"name": f"小白{number}"})["openid"])

    def scan(self, openid: str, scene: str) -> str:
        """Let somebody scan a code, and follow with it if they do not yet; return what they read."""
        ticket = until(lambda: self._ticket(openid, scene))
        before = self._read(openid)[0]
        self._ask(f"/people/{openid}/scan", {"ticket": ticket, "follows": True})
        return str(until(lambda: self._read(openid)[0] > before and self._read(openid)[1]))

    def _ticket(self, openid: str, scene: str) -> str:
        codes = self._ask(f"/state?person={openid}")["codes"]
        return next((code["ticket"] for code in codes if str(code["scene"]) == scene), "")

    def _read(self, openid: str) -> tuple[int, str]:
        entries = self._ask(f"/state?person={openid}")["entries"]
        said = [each["bubble"]["text"] for each in entries if each["side"] == "account" and each["bubble"]]
        return len(said), said[-1] if said else ""

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, {"Content-Type": "application/json"})
        with urlopen(request, timeout=10) as answer:
            return json.load(answer)


def play(folder: Path, *, tests: bool) -> bool:
    """Play all steps in an empty folder, print their times; return whether the targets were met."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "PIP_CACHE_DIR": str(folder / "cache"),
    }
    clone, started = folder / "wxbot", time.monotonic()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True, env=environment)
    tell("cloned", started)
    ports = "--port 0 --emulator-port 0 --shop-port 0"
    with (folder / "run.log").open("wb") as log:
        running = subprocess.Popen(
            ["make", "run", f"ARGS={ports}"],
            cwd=clone,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        phone = Phone(until(lambda: address_in(folder / "run.log", running)))
        tell("phone page is there", started)
        people = [phone.meet(number) for number in range(_PEOPLE)]
        first = phone.scan(people[0], "vip")
        scanned = tell(f"first scan: {first}", started)
        for person in people[1:]:
            phone.scan(person, "vip")
        others = cycle(people)
        edited = edit(clone / "handlers" / "welcome.py", lambda: phone.scan(next(others), "vip"))
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(60)
    if tests:
        subprocess.run(["make", "test"], cwd=clone, env=environment, check=True)
        tell("all tests", started)
    return first.startswith(WELCOME) and scanned < SCAN_SECONDS and edited < EDIT_SECONDS


def edit(handler: Path, scan: Callable[[], str]) -> float:
    """Change what a handler says; return the seconds until somebody reads it."""
    handler.write_text(handler.read_text("utf-8").replace(BEFORE, AFTER), "utf-8")
    saved = time.monotonic()

    def has_changed() -> bool:
        if scan().startswith(AFTER):
            return True
        # Within one second the same scan by the same person would be the same event, with the same answer.
        time.sleep(1.0 / _PEOPLE)
        return False

    until(has_changed)
    return tell("edited handler is live", saved)


def address_in(log: Path, running: "subprocess.Popen[bytes]") -> str:
    """Return the address of the phone page, empty as long as it has not been printed."""
    said = log.read_text("utf-8", "replace")
    if running.poll() is not None:
        raise SystemExit(f"make run has ended:\n{said}")
    found = re.search(r"Phone page\D+(http://\S+)", said)
    return found[1] if found else ""


def until(look: Callable[[], Any]) -> Any:
    """Look until there is something; return it."""
    give_up_at = time.monotonic() + _GIVE_UP_SECONDS
    while not (found := look()):
        if time.monotonic() > give_up_at:
            raise SystemExit("nothing happens any more")
        time.sleep(0.05)
    return found


def tell(what: str, since: float) -> float:
    """Print a step with its seconds, and return them."""
    seconds = time.monotonic() - since
    print(f"{seconds:7.1f} s  {what}", flush=True)
    return seconds


def main() -> None:
    """Play it once in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser(description="Play a newcomer, and print the times.")
    parser.add_argument("--test", action="store_true", help="run `make test` in the end")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wxbot-newcomer-") as folder:
        is_met = play(Path(folder), tests=given.test)
    print(f"first scan < {SCAN_SECONDS:g} s and edit < {EDIT_SECONDS:g} s: {'met' if is_met else 'MISSED'}")
    sys.exit(0 if is_met else 1)


if __name__ == "__main__":
    main()
