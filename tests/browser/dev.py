"""A running `wxbot dev` for the tests: its addresses, and how it is started and ended."""

import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTS_WITHIN_SECONDS = 120


@dataclass(frozen=True)
class Dev:
    """A running `wxbot dev`: its phone page, its demo shop and its bot, and the folder that it runs in."""

    url: str
    shop: str
    bot: str
    folder: Path

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return (self.folder / "dev.log").read_text()

    def expire(self, purpose: str, subject: str = "%") -> None:
        """Let the time of all claims of a purpose be over, or of those on one subject."""
        with closing(sqlite3.connect(self.folder / "var" / "dev.db", timeout=60)) as database, database:
            changed = database.execute(
                "UPDATE claims SET expires_at = strftime('%s') - 1 WHERE purpose = ? AND subject LIKE ?",
                (purpose, subject),
            )
            assert changed.rowcount


@contextmanager
def running_dev(folder: Path) -> Iterator[Dev]:
    """Run `wxbot dev` in a folder until the block ends."""
    command = [sys.executable, "-m", "wxbot", "dev"]
    for option in ("--port", "--emulator-port", "--shop-port"):
        command += [option, "0"]
    log = folder / "dev.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        yield _ready(process, log)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _ready(process: subprocess.Popen[bytes], log: Path) -> Dev:
    give_up_at = time.monotonic() + STARTS_WITHIN_SECONDS
    tries = 1
    while "ready in" not in (said := log.read_text()):
        assert process.poll() is None and time.monotonic() < give_up_at, said
        if said.count("the bot was not ready within") == tries:
            # As its words advise where the machine is busy.
            tries += 1
            (log.parent / "handlers" / "__init__.py").touch()
        time.sleep(0.1)
    found = dict(
        re.findall(r"^(Phone page|Demo shop|Callback) .*?(http://127\.0\.0\.1:\d+)", log.read_text(), re.M)
    )
    return Dev(found["Phone page"], found["Demo shop"], found["Callback"], log.parent)
