"""What the spool has acknowledged comes out of it once and whole; what it could not keep it refuses."""

import errno
import fcntl
import json
import logging
import os
import stat
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wxbot.errors import ConfigurationError
from wxbot.events.spool import Spool, SpoolError
from wxbot.events.spooled import Spooled
from wxbot.outcome import Status

pytestmark = pytest.mark.sqlite_only  # no database is in play: once is enough

digests = st.none() | st.binary(min_size=16, max_size=16)
data = st.dictionaries(st.text(), st.text() | st.lists(st.dictionaries(st.text(), st.text())))
entries = st.builds(
    Spooled,
    account=st.text(),
    body=st.binary(),
    arrived_at=st.integers(min_value=0, max_value=2**40),
    signed_by=digests,
    reply=st.none() | data,
    more=st.lists(data, max_size=4).map(tuple),
    status=st.none() | st.sampled_from(Status),
    handler=st.text(),
    detail=st.text(),
    seconds=st.floats(allow_nan=False),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the spool; nobody has made it yet."""
    return tmp_path / "var" / "spool"


@pytest.fixture
def spool(folder: Path) -> Spool:
    """Return a spool that is ready."""
    spool = Spool(folder)
    spool.check()
    return spool


def event(body: str | bytes) -> Spooled:
    content = body.encode() if isinstance(body, str) else body
    return Spooled(account="default", body=content, arrived_at=1_700_000_000)


def import_all(spool: Spool) -> list[bytes]:
    """Import what there is and return the bodies."""
    entered: list[Spooled] = []
    assert spool.import_into(entered.extend) == len(entered)
    return [entry.body for entry in entered]


def tear(folder: Path, fragment: bytes) -> None:
    """Leave what a process leaves that is killed while it writes."""
    with (folder / "current.jsonl").open("ab") as file:
        file.write(fragment)


def damaged(folder: Path) -> list[Path]:
    return sorted(folder.glob("damaged-*.jsonl"))


@settings(max_examples=50)
@given(written=st.lists(entries, max_size=3))
def test_entries_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, written: list[Spooled]
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"))
    for entry in written:
        spool.append(entry)
    read: list[Spooled] = []

    spool.import_into(read.extend)

    assert read == written
    assert spool.size() == (0, 0)


def test_entries_come_in_batches_and_in_their_order(spool: Spool) -> None:
    bodies = [b"%d" % number for number in range(250)]
    for body in bodies:
        spool.append(event(body))
    batches: list[list[bytes]] = []

    spool.import_into(lambda batch: batches.append([entry.body for entry in batch]))

    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert [body for batch in batches for body in batch] == bodies


def test_import_of_an_empty_spool_enters_nothing(spool: Spool, folder: Path) -> None:
    def refuse(_batch: Sequence[Spooled]) -> None:
        raise AssertionError

    assert spool.import_into(refuse) == 0
    assert Spool(folder / "nowhere").import_into(refuse) == 0


def test_files_are_for_their_owner_only(spool: Spool, folder: Path) -> None:
    spool.append(event("<xml/>"))
    tear(folder, b"torn")
    import_all(spool)
    spool.append(event("<xml/>"))

    modes = {path.name.split("-")[0]: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}

    assert modes == {"current.jsonl": 0o600, "damaged": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("before", [b"\0" * 8, b'{"sum":"0123456789abcdef","event":{"acc', b"\xff"])
def test_whole_line_is_found_behind_what_is_not(spool: Spool, folder: Path, before: bytes) -> None:
    spool.append(event("<xml/>"))
    current = folder / "current.jsonl"
    current.write_bytes(before + current.read_bytes())

    assert import_all(spool) == [b"<xml/>"]
    assert damaged(folder)[0].read_bytes() == before


def test_lines_are_json_for_people_in_need(spool: Spool, folder: Path) -> None:
    spool.append(event("<xml/>"))

    line = json.loads((folder / "current.jsonl").read_text())

    assert line["event"]["account"] == "default"


def test_size_counts_what_waits(spool: Spool, folder: Path) -> None:
    spool.append(event("Ailin"))
    first = (folder / "current.jsonl").stat().st_size
    with pytest.raises(ConnectionResetError):
        spool.import_into(reset)
    spool.append(event("Bo!!!"))

    assert spool.size() == (2, 2 * first)


def reset(_batch: Sequence[Spooled]) -> None:
    raise ConnectionResetError


def test_events_stay_when_the_database_goes_away_again(spool: Spool) -> None:
    for number in range(150):
        spool.append(event(str(number)))
    seen: list[bytes] = []

    def enter_once(batch: Sequence[Spooled]) -> None:
        if seen:
            raise ConnectionResetError
        seen.extend(entry.body for entry in batch)

    with pytest.raises(ConnectionResetError):
        spool.import_into(enter_once)
    spool.append(event("meanwhile"))

    assert import_all(spool) == [*(b"%d" % number for number in range(150)), b"meanwhile"]
    assert import_all(spool) == []


def test_line_torn_anywhere_takes_no_other_with_it(spool: Spool, folder: Path) -> None:
    spool.append(event("whole"))
    whole = (folder / "current.jsonl").read_bytes()
    for length in range(1, len(whole)):
        (folder / "current.jsonl").write_bytes(whole + whole[:length])

        spool.append(event("next"))

        # Only the newline was missing: such an event was not acknowledged, and entering it does no harm.
        torn = [b"whole"] if length == len(whole) - 1 else []
        assert import_all(spool) == [b"whole", *torn, b"next"]
        assert len(damaged(folder)) == min(length, len(whole) - 2)


def test_torn_last_line_is_set_aside(spool: Spool, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool.append(event("whole"))
    tear(folder, b'{"sum":"oAILIN')

    assert import_all(spool) == [b"whole"]

    [aside] = damaged(folder)
    assert aside.read_bytes() == b'{"sum":"oAILIN'
    assert f"1 damaged lines of the spool were set aside in {aside}" in caplog.text
    assert "oAILIN" not in caplog.text
    assert import_all(spool) == []


def test_any_changed_byte_damages_its_line_only(spool: Spool, folder: Path) -> None:
    for name in ("Ailin", "Bo", "Chen"):
        spool.append(event(name))
    lines = (folder / "current.jsonl").read_bytes().splitlines(keepends=True)
    for position in range(len(lines[1])):
        changed = bytearray(lines[1])
        changed[position] ^= 0x01
        (folder / "current.jsonl").write_bytes(lines[0] + changed + lines[2])

        assert import_all(spool) == [b"Ailin", b"Chen"]
        damaged(folder)[-1].unlink()


@pytest.mark.parametrize("garbage", [b"\0" * 5_000_000, b"\n" * 1000, b"\xff\xfe\n{}\n[]\nnull\n"])
def test_garbage_does_not_block_the_rest(spool: Spool, folder: Path, garbage: bytes) -> None:
    (folder / "current.jsonl").write_bytes(garbage)

    spool.append(event("Ailin"))

    assert import_all(spool) == [b"Ailin"]
    assert damaged(folder)[0].read_bytes().rstrip(b"\n") == garbage.rstrip(b"\n")


def test_line_of_another_version_is_set_aside(spool: Spool, folder: Path) -> None:
    newer = event("newer")
    vars(newer)["novelty"] = 1
    spool.append(newer)
    spool.append(event("ours"))

    assert import_all(spool) == [b"ours"]
    assert b"novelty" in damaged(folder)[0].read_bytes()


def test_file_is_kept_whole_when_its_damage_finds_no_space(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append(event("Ailin"))
    tear(folder, b"torn")
    content = (folder / "current.jsonl").read_bytes()
    entered: list[Spooled] = []

    def enter(batch: Sequence[Spooled]) -> None:
        entered.extend(batch)
        monkeypatch.setattr(os, "fsync", no_space)

    spool.import_into(enter)

    assert [entry.body for entry in entered] == [b"Ailin"]
    assert damaged(folder)[0].read_bytes() == content
    assert spool.size() == (0, 0)


def no_space(_file: int) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_append_that_is_not_on_disk_is_refused_and_undone(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append(event("before"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)

        with pytest.raises(SpoolError, match=r"in the spool .*: No space left on device\. See to the disk"):
            spool.append(event("lost"))

    spool.append(event("after"))
    assert import_all(spool) == [b"before", b"after"]
    assert not damaged(folder)


def test_event_beyond_all_sizes_is_refused(spool: Spool) -> None:
    with pytest.raises(SpoolError, match="too large"):
        spool.append(event(b"x" * (1 << 20)))

    spool.append(event(b"x" * (1 << 16)))
    assert [len(body) for body in import_all(spool)] == [1 << 16]


def test_append_is_refused_while_the_folder_is_missing(spool: Spool, folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    with pytest.raises(SpoolError, match="No such file or directory"):
        spool.append(event("lost"))

    folder.with_name("away").rename(folder)
    spool.append(event("kept"))

    assert import_all(spool) == [b"kept"]


def test_waiting_appends_share_an_fsync(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: (calls.append(file), time.sleep(0.02)))
    four = [event(f"{each}") for each in range(4)]
    threads = [
        threading.Thread(target=lambda: [spool.append(each, patience_seconds=60) for each in four])
        for _ in range(16)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(calls) <= 24
    assert len(import_all(spool)) == 64


@pytest.fixture
def stuck(folder: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Thread]:
    """Hold the folder's lock, as a disk or a process that stands still does, against one append."""
    monkeypatch.setattr("wxbot.events.folder_lock._LOCK_SECONDS", 60.0)
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    thread = threading.Thread(target=lambda: spool.append(event("patient")))
    thread.start()
    while not spool._is_writing:
        time.sleep(0.01)
    yield thread
    os.close(descriptor)
    thread.join()


def test_append_does_not_wait_for_ever(spool: Spool, stuck: threading.Thread) -> None:
    started = time.monotonic()

    with pytest.raises(SpoolError, match=r"the disk took longer than 0\.2 s"):
        spool.append(event("impatient"), patience_seconds=0.2)

    assert time.monotonic() - started < 10
    assert stuck.is_alive()


def test_append_that_gave_up_is_not_written(spool: Spool, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        entered, go_on = threading.Event(), threading.Event()
        patch.setattr(os, "fsync", lambda _file: (entered.set(), go_on.wait(20)))
        thread = threading.Thread(target=lambda: spool.append(event("patient")))
        thread.start()
        assert entered.wait(20)
        with pytest.raises(SpoolError):
            spool.append(event("impatient"), patience_seconds=0.05)
        go_on.set()
        thread.join()
    spool.append(event("next"))

    assert import_all(spool) == [b"patient", b"next"]


def test_importers_at_once_enter_each_event_once(spool: Spool, folder: Path) -> None:
    for number in range(1000):
        spool.append(event(str(number)))
        if number % 100 == 0:
            Spool(folder)._close_current()  # as killed importers leave it
    entered: list[bytes] = []

    def enter(batch: Sequence[Spooled]) -> None:
        time.sleep(0.005)
        entered.extend(entry.body for entry in batch)

    importers = [threading.Thread(target=lambda: Spool(folder).import_into(enter)) for _ in range(6)]
    for importer in importers:
        importer.start()
    for importer in importers:
        importer.join()

    assert sorted(entered, key=int) == [b"%d" % number for number in range(1000)]
    assert spool.size() == (0, 0)


def test_importer_that_was_overtaken_enters_nothing(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append(event("Ailin"))
    entered: list[Spooled] = []
    flock = fcntl.flock

    def overtake(file: int, operation: int) -> None:
        if operation == fcntl.LOCK_EX | fcntl.LOCK_NB:  # opened, not locked yet
            monkeypatch.undo()
            Spool(folder).import_into(entered.extend)
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", overtake)

    assert import_all(spool) == []
    assert [entry.body for entry in entered] == [b"Ailin"]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forked although it has threads
def test_import_is_free_again_although_a_child_lives_on(spool: Spool) -> None:
    spool.append(event("Ailin"))
    children: list[int] = []

    def fork_and_fail(_batch: Sequence[Spooled]) -> None:
        children.append(os.fork())
        if children[0] == 0:
            time.sleep(60)
            os._exit(0)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        spool.import_into(fork_and_fail)
    try:
        assert import_all(spool) == [b"Ailin"]
    finally:
        os.kill(children[0], 9)
        os.waitpid(children[0], 0)


def test_file_that_cannot_be_read_keeps_no_other(
    spool: Spool, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "import-0.jsonl").mkdir()
    spool.append(event("Ailin"))

    assert import_all(spool) == [b"Ailin"]
    assert "import-0.jsonl could not be read: Is a directory" in caplog.text


def test_nobody_waits_for_ever_for_a_process_that_stands_still_with_the_folder(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append(event("one"))
    monkeypatch.setattr("wxbot.events.folder_lock._LOCK_SECONDS", 0.05)
    frozen = os.open(folder, os.O_RDONLY)
    fcntl.flock(frozen, fcntl.LOCK_EX)

    with pytest.raises(SpoolError, match="is one of them frozen"):
        spool.append(event("two"))
    with pytest.raises(SpoolError, match="is one of them frozen"):
        spool.import_into(lambda _entries: None)
    spool.check()  # so that others can start

    os.close(frozen)
    spool.append(event("three"))
    assert import_all(spool) == [b"one", b"three"]


def test_check_makes_the_folder(folder: Path) -> None:
    Spool(folder).check()
    Spool(folder).check()

    assert folder.is_dir()


def test_check_refuses_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match=r"\[spool\] path: .*/file cannot be used: it is no folder"):
        Spool(tmp_path / "file").check()
    with pytest.raises(ConfigurationError, match="Not a directory"):
        Spool(tmp_path / "file" / "spool").check()


def test_import_of_many_events_is_quick_and_small(
    spool: Spool, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spool.append(event("x" * 1000))
    line = (folder / "current.jsonl").read_bytes()
    with (folder / "current.jsonl").open("ab") as file:
        file.writelines(line for _ in range(29_999))
    tracemalloc.start()
    started = time.process_time()

    count = spool.import_into(lambda _batch: None)

    seconds, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 30_000
    assert peak < 4_000_000
    assert seconds < 15  # a tenth of it without the counting of memory


def test_reserve_makes_way_for_events_when_the_disk_is_full(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(folder, reserve_bytes=1 << 16)
    spool.check()
    reserve = folder / "reserve"
    assert reserve.stat().st_size == 1 << 16
    write = os.write

    def write_if_there_is_room(file: int, line: bytes) -> int:
        return write(file, line) if not reserve.exists() else no_space(file)

    monkeypatch.setattr(os, "write", write_if_there_is_room)
    spool.append(event("first"))
    monkeypatch.undo()

    spool.check()  # not while events wait: they may need the room
    assert not reserve.exists()
    assert import_all(spool) == [b"first"]
    spool.check()
    assert reserve.exists()
