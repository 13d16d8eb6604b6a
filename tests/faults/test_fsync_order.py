"""On SQLite no reply leaves a process before its record is on disk; strace has watched."""

import asyncio
import shutil
from collections.abc import Callable

import pytest

from bench.faults import figures, strace
from bench.faults.platform import Platform, scenes
from bench.faults.processes import sender
from bench.faults.strace import Order
from tests.faults.conftest import Ground

SCANS, RATE = (10_000, 40.0) if figures.IS_LONG else (100, 60.0)

pytestmark = [pytest.mark.sqlite_only, pytest.mark.timeout(600 if figures.IS_LONG else 240)]


def watched(ground: Ground, scans: int) -> Order:
    if shutil.which("strace") is None:
        pytest.skip("needs strace: install the package strace")
    log = ground.setup.folder / "strace.log"
    web = ground.web(wrap=lambda program: strace.command(log, program))
    # The mode is plain, so that the mark can be read in what is sent.
    platform = Platform(sender("plain"), [web.port])
    asyncio.run(platform.run(scenes("marked:{}", "marked-write:{}", limit=scans), rate=RATE))
    ground.stop(20)  # strace has a log to end
    with log.open("rb") as lines:
        order = Order().read(lines)
    log.unlink()
    return order


def test_no_reply_leaves_before_its_record_is_on_disk(prepare: Callable[..., Ground]) -> None:
    order = watched(prepare(mode="plain"), SCANS)

    figures.keep("fsync-order", {"replies": order.replies, "syncs": order.syncs, "early": len(order.early)})
    assert order.replies >= SCANS * 0.99
    assert not order.early


@pytest.mark.beside
@pytest.mark.parametrize("broken", ["synchronous-normal", "synchronous-off"])
def test_a_database_that_syncs_too_late_is_found_out(prepare: Callable[..., Ground], broken: str) -> None:
    order = watched(prepare(mode="plain", broken=broken), 60)

    assert len(order.early) > order.replies / 2 > 20
