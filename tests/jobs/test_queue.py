"""The queue hands ids over, signed and never too many, and keeps nobody waiting when it is out of reach."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from wxbot.jobs import queue as module
from wxbot.jobs.queue import Queue, open_queue

# Each on a file and on Redis; the database has no part in it.
pytestmark = pytest.mark.sqlite_only
on_both = pytest.mark.parametrize("carrier", ["file", "redis"], indirect=True)
ID = bytes(range(16))
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def consumers() -> Iterator[list[Any]]:
    """Return the consumers that were started, and end them."""
    consumers: list[Any] = []
    yield consumers
    for consumer in consumers:
        consumer.stop(graceful=True)


@pytest.fixture
def consume(consumers: list[Any]) -> Any:
    """Return what starts a consumer and returns the list of ids that it gets."""

    def consume(queue: Queue, threads: int = 1) -> list[bytes]:
        got: list[bytes] = []
        consumer = queue.consumer(threads=threads, run=got.append)
        consumer.start()
        consumers.append(consumer)
        return got

    return consume


def tire(consumer: Any) -> None:
    """Let a consumer look as seldom as it ever does, as when nothing has come for a while."""
    for worker, _thread in consumer.worker_threads:
        worker.delay = worker.max_delay


@pytest.fixture
def looks(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return when a consumer has looked in vain."""
    looks: list[float] = []
    look = queue.engine.storage.dequeue

    def noted() -> Any:
        found = look()
        if found is None:
            looks.append(time.monotonic())
        return found

    monkeypatch.setattr(queue.engine.storage, "dequeue", noted)
    return looks


@on_both
def test_an_id_arrives_within_half_a_second(
    queue: Queue, looks: list[float], consume: Any, consumers: list[Any], wait: Any
) -> None:
    got = consume(queue)
    took: list[float] = []
    # The machine may stand still while the id is on its way; it does not do so every time.
    while len(took) < 5 and min(took, default=1.0) >= 0.7:
        tire(consumers[0])
        seen = len(looks)
        wait(lambda seen=seen: len(looks) > seen, "a look in vain, after which the next is furthest away")
        started = time.monotonic()
        assert queue.dispatch([ID])
        wait(lambda: len(got) > len(took), "the id")
        took.append(time.monotonic() - started)

    assert min(took) < 0.7
    assert got == [ID] * len(took)


@on_both
def test_ids_of_other_processes_arrive_once(queue: Queue, open_another: Any, consume: Any, wait: Any) -> None:
    other = open_another()
    got = consume(queue, 4)
    ids = [bytes([number]) * 16 for number in range(50)]

    assert other.dispatch(ids)
    wait(lambda: len(got) >= 50, "all ids")

    assert sorted(got) == ids and queue.pending() == 0


@on_both
def test_what_another_key_has_signed_is_not_taken(
    queue: Queue, open_another: Any, consume: Any, wait: Any
) -> None:
    stranger = open_another(secret_key="f" * 32)
    got = consume(queue)

    assert stranger.dispatch([ID]) and queue.dispatch([ID])
    wait(lambda: got, "the id")

    assert got == [ID] and stranger.pending() == 1


@on_both
def test_what_nobody_has_signed_is_thrown_away(queue: Queue, consume: Any, wait: Any) -> None:
    queue.engine.storage.enqueue(b"cos\nsystem\n(S'false'\ntR.")
    got = consume(queue)

    queue.dispatch([ID])
    wait(lambda: got, "the id")

    assert got == [ID] and queue.pending() == 0


@on_both
def test_the_queue_does_not_grow_without_end(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PENDING", 5)

    queue.dispatch([ID] * 3)
    queue.dispatch([ID] * 10)

    assert queue.pending() == 5


def test_a_file_that_is_deleted_is_made_anew(tmp_path: Path, consume: Any, wait: Any) -> None:
    file = tmp_path / "queue.db"
    web, worker = (
        open_queue(backend="sqlite", path=str(file), redis_url="", secret_key=SECRET) for _ in range(2)
    )
    got = consume(worker)
    web.dispatch([ID])
    wait(lambda: len(got) == 1, "the first id")

    for path in tmp_path.glob("queue.db*"):
        path.unlink()
    web.dispatch([ID])
    wait(lambda: len(got) == 2, "the second id")

    assert file.exists()


def test_a_file_that_cannot_be_is_no_fault_of_the_caller(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    queue = open_queue(backend="sqlite", path=f"{tmp_path}/taken/queue.db", redis_url="", secret_key=SECRET)

    assert not queue.dispatch([ID]) and queue.pending() is None
    assert queue.dispatch([])


def callers(server: socket.socket) -> int:
    """Return how many have connected since somebody asked; they are let go of."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


def test_a_server_that_does_not_answer_holds_up_one_caller_once(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.setblocking(False)
        url = f"redis://:hunter2@127.0.0.1:{mute.getsockname()[1]}/0"
        queue = open_queue(backend="redis", path="", redis_url=url, secret_key=SECRET)
        started = time.monotonic()
        threads = [threading.Thread(target=queue.dispatch, args=([ID],)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first = time.monotonic() - started
        # Each of them has tried once: another try would have held it up once more.
        tries = callers(mute)

        assert not queue.dispatch([ID])

        assert first < 15 and 1 <= tries <= 3
        assert callers(mute) == 0, "who comes later is not held up at all"
    assert "out of reach" in caplog.text and "hunter2" not in caplog.text
