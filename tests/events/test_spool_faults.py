"""Killed processes, full disks, read-only disks: the spool loses nothing that it has acknowledged."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from wxbot.events.spool import Spool
from wxbot.events.spooled import Spooled

pytestmark = pytest.mark.sqlite_only  # no database is in play: once is enough

# Appends with four threads; tells each event on the standard output once it is acknowledged.
WRITER = """
import os, sys, threading
from pathlib import Path
from wxbot.events.spool import Spool
from wxbot.events.spooled import Spooled

spool = Spool(Path(sys.argv[1]))

def write(name):
    for number in range(1_000_000):
        event = f"{sys.argv[2]}-{name}-{number}"
        spool.append(Spooled(account="default", body=event.encode() + b"x" * 600, arrived_at=1))
        os.write(1, event.encode() + b"\\n")

for name in "abcd":
    threading.Thread(target=write, args=[name]).start()
"""

# Imports without end into a file that takes each event again and again.
IMPORTER = """
import os, sys, time
from pathlib import Path
from wxbot.events.spool import Spool

def enter(batch):
    time.sleep(0.01)
    os.write(1, b"".join(entry.body.rstrip(b"x") + b"\\n" for entry in batch))

while True:
    Spool(Path(sys.argv[1])).import_into(enter)
"""

# Appends until the disk refuses, then again when there is space; ends well if no refusal was a lie.
FILLER = """
import sys
from pathlib import Path
from wxbot.events.spool import Spool, SpoolError
from wxbot.events.spooled import Spooled

spool, kept, refused = Spool(Path(sys.argv[1])), [], 0
spool.check()
{limit}

def append(number, size):
    global refused
    try:
        spool.append(Spooled(account="default", body=b"%d " % number + b"x" * size, arrived_at=1))
        kept.append(number)
    except SpoolError as error:
        refused += 1
        assert "{reason}" in str(error), error

for number in range(300):
    append(number, 700)
assert refused > 100 and kept
for number in range(300, 320):
    append(number, 3)  # small ones may still find room behind what was cut off
{relief}
for number in range(400, 450):
    append(number, 700)
assert kept[-50:] == list(range(400, 450))
read = []
assert spool.import_into(read.extend) == len(kept)
assert [int(entry.body.split()[0]) for entry in read] == kept
assert not list(Path(sys.argv[1]).glob("damaged-*"))
print("kept", len(kept), "refused", refused)
"""


class Crowd:
    """Processes that are killed; what they told stays."""

    def __init__(self, folder: Path, told: Path) -> None:
        self.folder = folder
        self.told = told
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, script: str, name: str) -> None:
        with (self.told / name).open("ab") as out:
            command = [sys.executable, "-c", script, str(self.folder), name]
            self._running.append(subprocess.Popen(command, stdout=out))

    def wait_until_all_tell(self) -> None:
        give_up_at = time.monotonic() + 30
        while not all(path.stat().st_size for path in self.told.iterdir()):
            assert time.monotonic() < give_up_at
            time.sleep(0.01)

    def kill(self) -> None:
        for process in self._running:
            process.send_signal(signal.SIGKILL)
        for process in self._running:
            process.wait()
        self._running.clear()

    def said(self) -> list[str]:
        return [line for path in self.told.iterdir() for line in path.read_text().splitlines()]


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    """Return a crowd around an empty spool; none of it is left afterwards."""
    told, folder = tmp_path / "told", tmp_path / "spool"
    told.mkdir()
    Spool(folder).check()
    crowd = Crowd(folder, told)
    yield crowd
    crowd.kill()


def test_what_killed_processes_appended_is_imported_once(crowd: Crowd) -> None:
    imported: Counter[str] = Counter()

    def enter(batch: Sequence[Spooled]) -> None:
        imported.update(entry.body.rstrip(b"x").decode() for entry in batch)

    spool = Spool(crowd.folder)
    for generation in range(3):
        names = [f"{generation}{name}" for name in "AB"]
        for name in names:
            crowd.start(WRITER, name)
        crowd.wait_until_all_tell()
        end = time.monotonic() + random.uniform(0.05, 0.5)
        while time.monotonic() < end:
            spool.import_into(enter)
        crowd.kill()
    spool.import_into(enter)

    acknowledged = set(crowd.said())
    assert len(acknowledged) > 100
    assert acknowledged <= imported.keys()
    assert set(imported.values()) == {1}
    # Each thread may have written one event that it could not tell about any more.
    assert len(imported.keys() - acknowledged) <= 3 * 2 * 4
    assert spool.size() == (0, 0)


def test_killed_importers_leave_all_to_the_next(crowd: Crowd) -> None:
    spool = Spool(crowd.folder)
    crowd.start(WRITER, "writer")
    crowd.wait_until_all_tell()
    time.sleep(0.2)
    crowd.kill()
    acknowledged = set(crowd.said())
    (crowd.told / "writer").unlink()

    for name in ("first", "second", "third"):
        crowd.start(IMPORTER, name)
        if name == "first":
            crowd.wait_until_all_tell()
        time.sleep(random.uniform(0.0, 0.1))
        crowd.kill()
    rest: list[Spooled] = []
    spool.import_into(rest.extend)

    assert len(acknowledged) > 20
    assert acknowledged <= {*crowd.said(), *(entry.body.rstrip(b"x").decode() for entry in rest)}
    assert spool.size() == (0, 0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forked although it has threads
def test_import_killed_halfway_begins_anew(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(250):
        spool.append(Spooled(account="default", body=b"%d" % number, arrived_at=1))
    child = os.fork()
    if child == 0:
        left = iter([True, True])
        spool.import_into(lambda _batch: None if next(left, False) else os.kill(os.getpid(), signal.SIGKILL))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    spool.append(Spooled(account="default", body=b"250", arrived_at=1))
    entered: list[Spooled] = []

    spool.import_into(entered.extend)

    assert [int(entry.body) for entry in entered] == list(range(251))


def test_imports_that_fail_make_one_file(tmp_path: Path) -> None:
    """As a worker tries each second of an outage; every process reads what gets a new name."""
    spool = Spool(tmp_path)

    def fail(_batch: Sequence[Spooled]) -> None:
        raise ConnectionResetError

    for number in range(3):
        spool.append(Spooled(account="default", body=b"%d" % number, arrived_at=1))
        with pytest.raises(ConnectionResetError):
            spool.import_into(fail)
    names = sorted(path.name.split("-")[0] for path in tmp_path.iterdir())
    entered: list[Spooled] = []
    spool.import_into(entered.extend)

    assert names == ["current.jsonl", "import"]
    assert [entry.body for entry in entered] == [b"0", b"1", b"2"]


def run(command: Sequence[str | Path]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_limit_of_file_size_costs_no_acknowledged_event(tmp_path: Path) -> None:
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (60_000, -1))"
    relief = "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))"
    script = FILLER.format(limit=limit, relief=relief, reason="File too large")

    assert "refused" in run([sys.executable, "-c", script, tmp_path])


@pytest.fixture(scope="module")
def private_mounts() -> list[str]:
    """Return the command prefix under which a process may mount what nobody else sees."""
    for prefix in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        trial = [*prefix, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        try:
            if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
                return prefix
        except FileNotFoundError:
            break
    pytest.skip("needs the right to mount a file system: run as root, or allow user namespaces")


def test_full_disk_costs_no_acknowledged_event(tmp_path: Path, private_mounts: list[str]) -> None:
    relief = "import subprocess\nsubprocess.run(['mount', '-o', 'remount,size=4m', sys.argv[1]], check=True)"
    script = FILLER.format(limit="", relief=relief, reason="No space left on device")
    on_small_disk = 'mount -t tmpfs -o size=64k tmpfs "$3" && exec "$1" -c "$2" "$3"'

    said = run([*private_mounts, "sh", "-c", on_small_disk, "sh", sys.executable, script, tmp_path])

    assert "refused" in said


NOT_WRITABLE = "cannot be used: it cannot be written by this user, or the disk is read-only"
NOT_THERE = "cannot be used: there is none, and this user may not make it in"


@pytest.mark.parametrize(
    ("look", "said_of_it"),
    [
        ("Spool(here).check()", f"{{}} {NOT_WRITABLE}"),
        ("Spool(here).look()", f"{{}} {NOT_WRITABLE}"),
        ("Spool(here / 'new').look()", f"{{}}/new {NOT_THERE} {{}}"),
    ],
)
def test_read_only_disk_is_refused(
    tmp_path: Path, private_mounts: list[str], look: str, said_of_it: str
) -> None:
    script = (
        "import sys; from pathlib import Path; from wxbot.events.spool import Spool\n"
        f"here = Path(sys.argv[1])\ntry:\n    {look}\nexcept Exception as error:\n    print(error)"
    )
    on_read_only_disk = 'mount -t tmpfs -o ro tmpfs "$3" && exec "$1" -c "$2" "$3"'

    said = run([*private_mounts, "sh", "-c", on_read_only_disk, "sh", sys.executable, script, tmp_path])

    assert said == (
        f"[spool] path: {said_of_it.format(tmp_path, tmp_path)}. "
        "Give the user that runs wxbot all rights to it, or name another folder.\n"
    )
