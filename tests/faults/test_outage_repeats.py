"""The database goes away or is locked, and a scan's repeat meets another web process of the same machine."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest

from bench.faults import oracle
from bench.faults.platform import Attempt, Platform, Sent
from bench.faults.processes import sender
from tests.faults.conftest import Ground
from tests.services import PostgreSQL


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """Return a server of one's own, to be stopped."""
    with PostgreSQL() as running:
        yield running


class Two:
    """Two web processes with one spool, and scans that are delivered to the one or the other."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.ports = [web.port for web in ground.webs(2)]
        self.platform = Platform(sender(), self.ports)

    def scan(self) -> Sent:
        number = len(self.platform.sent)
        sent = Sent(f"light:{number}", f"o{number:027}", int(time.time()))
        self.platform.sent.append(sent)
        return sent

    def deliver(self, *deliveries: tuple[Sent, int]) -> list[Attempt]:
        """Deliver scans, each to the process of that number, at the same moment."""

        async def all_at_once() -> list[Attempt]:
            return await asyncio.gather(
                *(self.platform.deliver(sent, port=self.ports[which]) for sent, which in deliveries)
            )

        return asyncio.run(all_at_once())

    def said(self) -> list[set[str]]:
        """Return what was said to each scan, which none was left without."""
        assert not [each.fault for sent in self.platform.sent for each in sent.attempts if each.fault]
        return [set(sent.replies) for sent in self.platform.sent]

    def assert_one_answer(self) -> None:
        """Assert that each got one answer, and after the import that this is the one on record."""
        assert [len(each) for each in self.said()] == [1] * len(self.platform.sent)
        self.ground.settle_down()
        verdict = oracle.judge(self.platform.sent, self.ground.engine)
        assert not verdict.faults


@pytest.mark.sqlite_only
def test_repeat_at_another_process_is_found_in_the_spool_while_the_file_is_locked(
    prepare: Callable[..., Ground],
) -> None:
    two = Two(prepare())
    file = sqlite3.connect(two.ground.engine.url.database or "", isolation_level=None)
    file.execute("BEGIN IMMEDIATE")
    first, second, third = two.scan(), two.scan(), two.scan()

    two.deliver((first, 0))  # its handler has run when the wait for the lock is over
    two.deliver((second, 0))  # no handler runs any more
    two.deliver((second, 1))  # that one does not know yet, and runs it
    two.deliver((first, 1))
    two.deliver((third, 0), (third, 1), (third, 0), (third, 1))
    file.close()

    two.assert_one_answer()


@pytest.mark.postgresql_only
def test_repeat_at_another_process_reads_what_the_database_had_taken(
    prepare: Callable[..., Ground], server: PostgreSQL
) -> None:
    """Neither process knows of the outage before the repeats come."""
    two = Two(prepare(database=server.url()))
    scans = [two.scan() for _ in range(10)]
    for number, scan in enumerate(scans):
        two.deliver((scan, number % 2))
    server.stop()

    for number, scan in enumerate(scans):
        two.deliver((scan, (number + 1) % 2))
        two.deliver((scan, number % 2))
    server.start()

    two.assert_one_answer()


@pytest.mark.sqlite_only
def test_repeat_reads_what_a_process_said_that_was_killed_since(prepare: Callable[..., Ground]) -> None:
    two = Two(prepare())
    file = sqlite3.connect(two.ground.engine.url.database or "", isolation_level=None)
    file.execute("BEGIN IMMEDIATE")
    scan = two.scan()
    two.deliver((scan, 0))
    two.ground.programs[0].kill(group=True)

    two.deliver((scan, 1))
    file.close()

    two.assert_one_answer()
