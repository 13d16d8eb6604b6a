"""A web process asks the others of its machine what they have answered; who does not say is no help."""

import json
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wxbot import Text
from wxbot.events import neighbours
from wxbot.events.neighbours import Neighbours
from wxbot.wechat import replies
from wxbot.wechat.replies import ACK

pytestmark = pytest.mark.sqlite_only  # no database is in play: once is enough

EVENT, OTHER = b"0123456789abcdef", b"fedcba9876543210"
Start = Callable[..., Neighbours]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine take its time."""
    monkeypatch.setattr(neighbours, "_PATIENCE_SECONDS", 30.0)
    monkeypatch.setattr(neighbours, "_PATIENCE_WITH_ALL_SECONDS", 60.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder whose path is longer than the address of a socket may be."""
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    return folder


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Return a function that starts a process with these answers, as far as this test is concerned."""
    started: list[Neighbours] = []

    def start(answers: dict[bytes, Any] | None = None) -> Neighbours:
        started.append(Neighbours(folder, (answers or {}).get))
        started[-1].listen()
        wait_until(lambda: len(sockets(folder)) >= len(started))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def peer(folder: Path) -> Iterator[socket.socket]:
    """Return the socket of a process that listens, and does no more."""
    with socket.socket(socket.AF_UNIX) as listening, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        listening.bind("0.sock")
        listening.listen()
        yield listening


def sockets(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.sock"))


def knows_nothing(_event: bytes) -> None:
    return None


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_one_of_the_others_knows(start: Start) -> None:
    start()
    start({EVENT: Text("好"), OTHER: ACK})
    asking = start({OTHER: Text("mine")})

    assert asking.ask(EVENT) == Text("好")
    assert asking.ask(OTHER) == ACK
    assert asking.ask(bytes(16)) is None


def test_socket_is_for_its_owner_only_and_goes_with_it(start: Start, folder: Path) -> None:
    listening = start()
    [file] = sockets(folder)
    mode = stat.S_IMODE(file.stat().st_mode)
    listening.close()

    assert mode == 0o600
    assert list(folder.iterdir()) == []


def test_process_is_asked_no_more_than_once_to_listen(start: Start, folder: Path) -> None:
    listening = start()
    for _ in range(3):
        listening.listen()

    wait_until(lambda: len([each for each in threading.enumerate() if each.name == "neighbours"]) <= 1)
    assert len(sockets(folder)) == 1


def test_threads_that_answer_first_at_once_begin_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both, named = threading.Barrier(2), neighbours.secrets.token_hex
    others = set(threading.enumerate())  # which end with the tests before
    listening = Neighbours(folder, {EVENT: Text("好")}.get)

    def name(count: int) -> str:
        both.wait(60)
        return named(count)

    with monkeypatch.context() as patch:
        patch.setattr(neighbours.secrets, "token_hex", name)
        threads = [threading.Thread(target=listening.listen) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    begun = set(threading.enumerate()) - others
    assert len([each for each in begun if each.name == "neighbours"]) == 1
    wait_until(lambda: sockets(folder))
    assert Neighbours(folder, knows_nothing).ask(EVENT) == Text("好")
    listening.close()


def test_start_waits_for_nobody(
    start: Start, folder: Path, peer: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one starts at the same moment, and does not accept yet."""
    monkeypatch.setattr(neighbours, "_PATIENCE_SECONDS", 3600.0)
    start({EVENT: Text("好")})
    wait_until(lambda: len(sockets(folder)) == 2)
    (name,) = {file.name for file in sockets(folder)} - {"0.sock"}

    assert Neighbours(folder, knows_nothing)._ask(name, EVENT) == Text("好")


def test_what_a_killed_process_left_is_cleared_away(start: Start, folder: Path, peer: socket.socket) -> None:
    peer.close()
    assert len(sockets(folder)) == 1
    start()

    wait_until(lambda: [file.name for file in sockets(folder)] != ["0.sock"])
    wait_until(lambda: len(sockets(folder)) == 1)


def test_process_that_stands_still_is_left_alone(
    folder: Path, peer: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(neighbours, "_LEFT_ALONE_SECONDS", 3600.0)
    asking = Neighbours(folder, knows_nothing)

    assert [asking.ask(EVENT) for _ in range(3)] == [None, None, None]
    peer.setblocking(False)
    peer.accept()[0].close()
    with pytest.raises(BlockingIOError):
        peer.accept()


def said(event: bytes, reply: object) -> bytes:
    return json.dumps({"event": event.hex(), "reply": reply}).encode()


GOOD = said(EVENT, replies.to_data(Text("好")))


@pytest.mark.parametrize(
    "answer",
    [
        said(OTHER, replies.to_data(Text("好"))),
        said(EVENT, {"type": "card"}),
        said(EVENT, None),
        b'{"event":"%s"}' % EVENT.hex().encode(),
        GOOD[:-1],
        GOOD + GOOD,
        b"[]",
        b"\xff",
        b"",
    ],
)
def test_what_is_no_answer_to_this_is_none(folder: Path, peer: socket.socket, answer: bytes) -> None:
    assert ask(folder, peer, GOOD) == Text("好")
    assert ask(folder, peer, answer) is None


def ask(folder: Path, peer: socket.socket, answer: bytes) -> object:
    """Ask a process that answers so."""

    def speak() -> None:
        with peer.accept()[0] as asked:
            asked.recv(16)
            asked.sendall(answer)

    speaking = threading.Thread(target=speak)
    speaking.start()
    found = Neighbours(folder, knows_nothing).ask(EVENT)
    speaking.join()
    return found


def test_without_a_folder_nobody_knows(folder: Path) -> None:
    folder.rmdir()
    alone = Neighbours(folder, knows_nothing)
    alone.listen()

    wait_until(lambda: alone._is_closed)
    assert alone.ask(EVENT) is None
