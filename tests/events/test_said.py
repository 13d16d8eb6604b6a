"""An event that any process of a machine has spooled is answered alike by all of them, and spooled once."""

import errno
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from wxbot import Text, clock
from wxbot.events import folder_lock, said, spool
from wxbot.events.folder_lock import locked
from wxbot.events.spool import Spool, SpoolError
from wxbot.events.spooled import Spooled, from_line
from wxbot.wechat import replies
from wxbot.wechat.parse import parse_event

pytestmark = pytest.mark.sqlite_only  # no database is in play: once is enough

BODY = (
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>{}</FromUserName><CreateTime>1700000000</CreateTime>"
    "<MsgType>event</MsgType><Event>SCAN</Event><EventKey>code</EventKey></xml>"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def ours(folder: Path) -> Spool:
    """Return the spool as this process has it."""
    spool = Spool(folder)
    spool.check()
    return spool


@pytest.fixture
def theirs(folder: Path, ours: Spool) -> Spool:
    """Return the same folder as another process has it."""
    return Spool(folder)


def entry(who: str, answer: str, *, seconds_ago: int = 0) -> Spooled:
    arrived_at = int(clock.now().timestamp()) - seconds_ago
    reply = replies.to_data(Text(answer))
    return Spooled(account="default", body=BODY.format(who).encode(), arrived_at=arrived_at, reply=reply)


def keep(spool: Spool, who: str, answer: str, *, seconds_ago: int = 0) -> str:
    """Spool the event of somebody with an answer, and return the answer that is the first."""
    kept = entry(who, answer, seconds_ago=seconds_ago)
    known: Any = spool.append(kept, event=parse_event(kept.body, account="default").digest)
    return answer if known is None else str(known.content)


def kept(spool: Spool) -> list[Any]:
    """Return the answers that an import brings in."""
    entries: list[Spooled] = []
    spool.import_into(entries.extend)
    return [each.reply and each.reply["content"] for each in entries]


def test_first_answer_counts_for_all(ours: Spool, theirs: Spool) -> None:
    assert keep(theirs, "ailin", "one") == "one"
    assert keep(ours, "ailin", "two") == keep(theirs, "ailin", "three") == "one"
    assert keep(ours, "bo", "four") == keep(theirs, "bo", "five") == "four"
    assert kept(ours) == ["one", "four"]


def test_another_account_is_another_event(ours: Spool, theirs: Spool) -> None:
    keep(theirs, "ailin", "one")
    body = BODY.format("ailin").encode()
    other = Spooled(account="other", body=body, arrived_at=int(clock.now().timestamp()))

    assert ours.append(other, event=parse_event(body, account="other").digest) is None


def test_what_an_import_takes_away_is_still_known(ours: Spool, theirs: Spool) -> None:
    keep(theirs, "ailin", "one")
    keep(ours, "bo", "two")
    keep(theirs, "chen", "three")

    assert kept(theirs) == ["one", "two", "three"]
    assert [keep(ours, who, "late") for who in ("ailin", "bo", "chen")] == ["one", "two", "three"]
    assert kept(ours) == []


def test_what_is_being_imported_is_known_to_who_comes_now(ours: Spool, theirs: Spool) -> None:
    keep(theirs, "ailin", "one")
    said: list[str] = []

    def enter(_: Sequence[Spooled]) -> None:
        said.append(keep(ours, "ailin", "two"))

    theirs.import_into(enter)

    assert said == ["one"]
    assert kept(ours) == []


def test_files_of_several_imports_are_read_on(ours: Spool, theirs: Spool) -> None:
    keep(ours, "ailin", "one")
    for who in ("bo", "chen"):
        keep(theirs, who, who)
        theirs._close_current()
    keep(theirs, "dai", "dai")

    assert [keep(ours, who, "late") for who in ("bo", "chen", "dai")] == ["bo", "chen", "dai"]


def test_file_that_was_read_is_not_read_again_for_its_new_name(
    ours: Spool, theirs: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(theirs, "ailin", "one")
    keep(ours, "bo", "two")
    keep(ours, "chen", "three")
    read: list[bytes] = []

    def noted(line: bytes) -> Spooled | None:
        read.append(line)
        return from_line(line)

    monkeypatch.setattr(said, "from_line", noted)

    theirs._close_current()

    assert keep(ours, "ailin", "late") == "one"
    assert len(read) == 1  # what was written last, and not read since


def test_no_file_is_read_twice(ours: Spool, theirs: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("ailin", "bo", "chen"):
        keep(theirs, who, "one")
        theirs._close_current()
    keep(ours, "dai", "one")
    read: list[bytes] = []
    monkeypatch.setattr(said, "from_line", lambda line: read.append(line) or from_line(line))

    for who in ("eli", "fei", "gao"):
        theirs._close_current()
        assert keep(ours, who, "one") == "one"
        assert keep(ours, "bo", "late") == "one"

    assert len(read) == len(set(read)) == 4  # what it has written itself


def test_file_that_comes_in_the_place_of_an_imported_one_is_read(ours: Spool, theirs: Spool) -> None:
    """File systems give the number of a removed file to the next one."""
    keep(theirs, "ailin", "one")
    theirs._close_current()
    keep(ours, "bo", "one")
    kept(theirs)
    keep(theirs, "chen", "one")
    theirs._close_current()
    keep(theirs, "dai", "one")

    assert [keep(ours, who, "late") for who in ("ailin", "chen", "dai")] == ["one"] * 3


def test_repeat_after_a_minute_is_spooled_again(ours: Spool, theirs: Spool) -> None:
    keep(theirs, "ailin", "one", seconds_ago=100)

    assert keep(ours, "ailin", "two") == "two"
    assert kept(ours) == ["one", "two"]


def test_only_the_end_of_a_long_file_is_read(
    ours: Spool, theirs: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(said, "_TAIL_BYTES", 2000)
    for number in range(20):
        keep(theirs, f"o{number}", "one")

    assert keep(ours, "o0", "two") == "two"
    assert keep(ours, "o19", "two") == "one"


@pytest.mark.parametrize("change", [(b"one", b"ONE"), (b"}\n", b""), (b'{"sum"', b'{"Sum"')])
def test_line_that_is_not_whole_answers_nothing(
    ours: Spool, theirs: Spool, folder: Path, change: tuple[bytes, bytes]
) -> None:
    keep(theirs, "ailin", "one")
    file = folder / "current.jsonl"
    file.write_bytes(file.read_bytes().replace(*change))

    assert keep(ours, "ailin", "two") == "two"
    assert keep(theirs, "ailin", "three") == "two"


@pytest.mark.parametrize("reply", [{"type": "card"}, {"type": "text", "words": "one"}, {}, None])
def test_reply_of_another_version_answers_nothing(ours: Spool, theirs: Spool, reply: Any) -> None:
    other = entry("ailin", "one")
    theirs.append(Spooled(**(vars(other) | {"reply": reply})))

    assert keep(ours, "ailin", "two") == "two"


def test_document_that_is_no_event_is_passed_over(ours: Spool, theirs: Spool) -> None:
    reply = replies.to_data(Text("one"))
    now = int(clock.now().timestamp())
    theirs.append(Spooled(account="default", body=b"<xml>", arrived_at=now, reply=reply))
    keep(theirs, "ailin", "one")

    assert keep(ours, "ailin", "two") == "one"


def test_deliveries_of_one_batch_get_one_answer(ours: Spool, folder: Path) -> None:
    answers: dict[str, str] = {}

    def say(answer: str) -> None:
        answers[answer] = keep(ours, "ailin", answer)

    threads = [threading.Thread(target=say, args=[str(number)]) for number in range(4)]
    with locked(folder):
        for thread in threads:
            thread.start()
        while len(ours._queue) + ours._is_writing < 4:
            time.sleep(0.01)
    for thread in threads:
        thread.join()

    assert len(answers) == 4 and len(set(answers.values())) == 1
    assert kept(ours) == [answers["0"]]


def test_another_process_has_its_turn_before_who_has_just_written_writes_again(
    ours: Spool, theirs: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for the folder once in a while only, and would meet it locked for as long as events come."""
    entered, go_on = threading.Event(), threading.Event()
    fsync, sleep = os.fsync, time.sleep

    def fsync_slowly(file: int) -> None:
        entered.set()
        go_on.wait(20)
        fsync(file)

    def let_them(seconds: float) -> None:
        if threading.current_thread() is second and seconds > folder_lock._LOCK_PAUSE_SECONDS:
            keep(theirs, "bo", "two")
        sleep(seconds)

    first = threading.Thread(target=lambda: keep(ours, "ailin", "one"))
    second = threading.Thread(target=lambda: keep(ours, "chen", "three"))
    monkeypatch.setattr(os, "fsync", fsync_slowly)
    monkeypatch.setattr(time, "sleep", let_them)
    first.start()
    assert entered.wait(20)
    second.start()
    while not ours._queue:
        sleep(0.01)
    go_on.set()
    first.join()
    second.join()

    assert kept(ours) == ["one", "two", "three"]


def test_what_goes_back_into_the_spool_is_kept_although_it_is_known(ours: Spool) -> None:
    keep(ours, "ailin", "one")
    ours.append(entry("ailin", "one"))

    assert kept(ours) == ["one", "one"]


def no_space(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "the disk is full")


def test_repeat_is_answered_on_a_full_disk(
    ours: Spool, theirs: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(theirs, "ailin", "one")
    monkeypatch.setattr(spool, "_append_whole", no_space)

    assert keep(ours, "ailin", "two") == "one"
    with pytest.raises(SpoolError):
        keep(ours, "bo", "two")


def test_line_that_may_not_be_on_disk_answers_nothing(
    ours: Spool, theirs: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wrote it may have been killed before it was, and nobody has relied on it."""
    keep(theirs, "ailin", "one")
    keep(ours, "bo", "two")
    fsync, failures = os.fsync, [OSError(errno.EIO, "broken")]

    def fail_once(file: int) -> None:
        if failures:
            raise failures.pop()
        fsync(file)

    monkeypatch.setattr(os, "fsync", fail_once)

    assert keep(ours, "ailin", "three") == "three"
    assert kept(ours) == ["one", "two", "three"]


def removed_but_open(folder: Path) -> list[str]:
    """Return the files of a folder that are gone and yet take room, since this process has them open."""
    links = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the look itself
            links.append(str(link.readlink()))
    return [link for link in links if str(folder) in link and "deleted" in link]


def test_file_that_was_imported_takes_no_room_after_the_outage(
    ours: Spool, theirs: Spool, folder: Path
) -> None:
    keep(theirs, "ailin", "one")
    keep(ours, "bo", "two")
    kept(theirs)
    held = removed_but_open(folder)
    ours.rest()

    assert held and not removed_but_open(folder)
    assert keep(ours, "ailin", "three") == "one"
