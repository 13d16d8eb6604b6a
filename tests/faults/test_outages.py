"""The database is gone for a while: everybody is answered, nothing is lost, and all of it is done once."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from bench.faults import figures, oracle, points
from bench.faults.platform import Platform, scenes, until
from bench.faults.processes import sender
from tests.faults.conftest import Ground
from tests.services import PostgreSQL

LONG = figures.IS_LONG
GONE_SECONDS = 600 if LONG else 5
RATE = 50.0
# So many that a bot which lets each wait for the lock runs out of threads, in the short form too.
LOCKED_RATE = 50.0 if LONG else 100.0
BEFORE = AFTER = 1.0
# Working off what was imported: three jobs for each scan, as fast as this machine goes.
AFTERWARDS_SECONDS = 900 if LONG else 60
# A server ends with the thread that started it.
_hands = ThreadPoolExecutor(1)


@dataclass
class Outage:
    """What was sent, and how long the import took after the database was back."""

    platform: Platform
    began_at: float = 0.0  # monotonic
    import_seconds: float = 0.0

    def faults_within(self) -> dict[str, int]:
        """Count the deliveries without a reply, without those that the outage cut through.

        A handler that writes has claimed its row when it starts. If the database goes then, nobody knows what
        the row says: the answer is 503, and the repeat finds out.
        """
        return oracle.faults_of(
            one
            for one in self.platform.sent
            if one.kind != "write" or one.attempts[0].started_at > self.began_at
        )


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """Return a server of one's own, to be stopped."""
    with PostgreSQL() as running:
        yield running


async def live_through(
    ground: Ground, *, go: Callable[[], None], come_back: Callable[[], None], gone: float, rate: float
) -> Outage:
    """Scan before, during and after the outage."""
    web = ground.web()
    ground.worker()
    outage = Outage(Platform(sender(), [web.port]))
    supply = until(BEFORE + gone + AFTER, scenes("light:{}", "write:{}"))
    scanning = asyncio.create_task(outage.platform.run(supply, rate=rate))
    await asyncio.sleep(BEFORE)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(_hands, go)
    outage.began_at = time.monotonic()
    await asyncio.sleep(gone)
    await loop.run_in_executor(_hands, come_back)
    back = time.monotonic()
    while ground.spooled() or not scanning.done():
        if ground.spooled():
            outage.import_seconds = time.monotonic() - back
        await asyncio.sleep(0.05)
    await scanning
    return outage


def judged(name: str, ground: Ground, outage: Outage) -> oracle.Verdict:
    verdict = oracle.judge(outage.platform.sent, ground.engine)
    seconds = [each.seconds for one in outage.platform.sent for each in one.attempts]
    more = {"import_s": round(outage.import_seconds, 2), "slowest_answer_s": round(max(seconds), 2)}
    figures.keep(name, more | dict(verdict.counts))
    return verdict


@pytest.mark.timeout(GONE_SECONDS + AFTERWARDS_SECONDS + 120)
def test_nothing_is_lost_while_the_server_is_down(prepare: Callable[..., Ground], server: PostgreSQL) -> None:
    ground = prepare(database=server.url())

    outage = asyncio.run(
        live_through(ground, go=server.stop, come_back=server.start, gone=GONE_SECONDS, rate=RATE)
    )

    begun = time.monotonic()
    ground.settle_down(seconds=AFTERWARDS_SECONDS)
    verdict = judged("outage-postgresql", ground, outage)
    print(f"all handlers were done {time.monotonic() - begun:.0f} s later")
    sent = outage.platform.sent
    assert len(sent) >= 0.95 * RATE * GONE_SECONDS
    assert not verdict.faults
    assert outage.import_seconds < 60
    assert oracle.effects(ground.engine) == {one.scene: 1 for one in sent if one.kind == "write"}


@pytest.mark.beside
@pytest.mark.parametrize(("broken", "fault"), [("no-spool", "lost"), ("import-twice", "rows_doubled")])
def test_a_bot_with_a_broken_spool_is_found_out(
    prepare: Callable[..., Ground], broken: str, fault: str
) -> None:
    ground = prepare(broken=f"points,{broken}")
    file = ground.setup.folder / points.OUTAGE

    outage = asyncio.run(live_through(ground, go=file.touch, come_back=file.unlink, gone=1, rate=40))

    ground.stop()
    assert fault in judged(f"outage-{broken}", ground, outage).faults


@pytest.mark.sqlite_only
@pytest.mark.timeout(GONE_SECONDS + AFTERWARDS_SECONDS + 120)
def test_nothing_is_lost_while_somebody_else_locks_the_file(prepare: Callable[..., Ground]) -> None:
    ground = prepare()
    file = sqlite3.connect(ground.engine.url.database or "", isolation_level=None, check_same_thread=False)

    outage = asyncio.run(
        live_through(
            ground,
            go=lambda: file.execute("BEGIN IMMEDIATE") and None,
            come_back=lambda: file.execute("ROLLBACK") and None,
            gone=GONE_SECONDS,
            rate=LOCKED_RATE,
        )
    )

    file.close()
    ground.settle_down(seconds=AFTERWARDS_SECONDS)
    verdict = judged("outage-sqlite-locked", ground, outage)
    sent = outage.platform.sent
    assert not verdict.faults and not outage.faults_within()
    assert oracle.effects(ground.engine) == {one.scene: 1 for one in sent if one.kind == "write"}
