"""A batch that is killed again and again mints each code once, and hides nothing about the calls it lost."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from wxbot.db.engine import open_engine
from wxbot.db.models import mintings, permanent_numbers
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import APPID, SECRET, World

AT_ONCE = 4
KILLS = 3
# The long form takes minutes.
IS_LONG = os.environ.get("WXBOT_LONG") == "1"
CODES = 10_000 if IS_LONG else 200
CONFIG = """
secret_key = "the secret key of the batches, long enough"
[database]
url = "sqlite:///wxbot.db"
[accounts.default]
appid = "{appid}"
secret = "{secret}"
token = "ab12cd34ef56gh78"
mode = "plain"
api_base = "{url}"
mp_base = "{url}"
"""


class Batch:
    """A folder with a CSV, and the command that works it off against an emulator of its own."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        self.world = world

    def write(self, size: int) -> None:
        """Write a file of which every tenth line asks for the next permanent number."""
        with (self.folder / "codes.csv").open("w", encoding="utf-8", newline="") as written:
            rows = csv.writer(written)
            rows.writerow(("scene", "type", "permanent", "caption"))
            for number in range(size):
                is_next = number % 10 == 0
                row = ("", "number", "yes") if is_next else (f"shop:{number}", "", "")
                rows.writerow((*row, f"店 {number}"))

    def start(self) -> subprocess.Popen[bytes]:
        """Run the command as a process."""
        command = ["-m", "wxbot", "qr", "batch", "codes.csv", "--per-minute", "60000", "--images", "svg"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("WXBOT_")}
        with (self.folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *command], cwd=self.folder, env=environment, stdout=log, stderr=log
            )

    def kill_at(self, tickets: int) -> None:
        """Run it until the platform has minted so many codes, then kill it."""
        process = self.start()
        while len(self.world.codes.minted) < tickets:
            assert process.poll() is None, (self.folder / "log.txt").read_text()
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL

    def finish(self) -> int:
        """Run it to its good end, and return the most memory it had, in bytes."""
        process = self.start()
        peak = 0
        # Not by getrusage(), which counts the test's own memory at the moment of the fork.
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            if found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text()):
                peak = max(peak, int(found[1]) * 1024)
            time.sleep(0.02)
        assert process.returncode == 0, (self.folder / "log.txt").read_text()
        return peak

    def written(self) -> list[dict[str, str]]:
        """Return the lines of the CSV that the command wrote."""
        with (self.folder / "codes" / "codes.csv").open(encoding="utf-8-sig", newline="") as written:
            return list(csv.DictReader(written))

    def outcomes(self) -> Counter[str]:
        """Count what came of the calls that were written down."""
        engine = open_engine(f"sqlite:///{self.folder / 'wxbot.db'}")
        with engine.connect() as connection:
            counted = Counter(connection.scalars(select(mintings.c.outcome)))
        engine.dispose()
        return counted

    def numbers(self) -> list[tuple[int, str]]:
        """Return the permanent numbers that are taken, and for what."""
        engine = open_engine(f"sqlite:///{self.folder / 'wxbot.db'}")
        with engine.connect() as connection:
            rows = connection.execute(select(permanent_numbers.c.number, permanent_numbers.c.purpose)).all()
        engine.dispose()
        return [(row.number, row.purpose) for row in rows]


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[Batch]:
    """An empty folder that is configured for an emulator."""
    world = World()
    with run_emulator(world) as running:
        (tmp_path / "config.toml").write_text(CONFIG.format(appid=APPID, secret=SECRET, url=running.url))
        yield Batch(tmp_path, world)


@pytest.mark.timeout(1800 if IS_LONG else 240)
def test_a_batch_that_is_killed_three_times_mints_each_code_once(batch: Batch) -> None:
    batch.write(CODES)
    for kill in range(1, KILLS + 1):
        batch.kill_at(CODES * kill // (KILLS + 1))
    memory = batch.finish()

    rows = batch.written()
    tickets = {row["ticket"] for row in rows}
    assert len(rows) == len(tickets) == len({row["scene"] for row in rows}) == CODES
    assert tickets <= set(batch.world.codes.minted)
    outcomes = batch.outcomes()
    extra = len(batch.world.codes.minted) - CODES
    assert set(outcomes) <= {"minted", "unknown"}
    assert outcomes["minted"] == CODES
    assert 0 <= extra <= outcomes["unknown"] <= KILLS * AT_ONCE
    numbers = batch.numbers()
    assert len(numbers) == len({purpose for _, purpose in numbers}) == CODES // 10
    assert all((batch.folder / "codes" / row["image"]).stat().st_size > 500 for row in rows)
    assert 0 < memory < 150_000_000
