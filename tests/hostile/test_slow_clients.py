"""Two thousand clients that never get done stand before nginx as shipped, and scans are answered as ever."""

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select

from bench.faults import figures, oracle
from bench.faults.platform import Manners, Platform, scenes, until
from bench.faults.processes import Setup, Web, sender
from tests import services
from tests.deploy.nginx import Nginx
from tests.hostile.conftest import ROOT
from tests.hostile.slow import KINDS, SlowClients
from wxbot.db import migrate, models

pytestmark = pytest.mark.alone

CLIENTS = 2000 if figures.IS_LONG else 200
SECONDS = 60 if figures.IS_LONG else 5
RATE = 50 if figures.IS_LONG else 10
P99_SECONDS = 0.1


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """Return gunicorn as shipped."""
    url = services.fresh_database_url(tmp_path)
    migrate.upgrade(url)
    setup = Setup(folder=tmp_path, database=url, environment={"PYTHONPATH": str(ROOT)})
    setup.write()
    web = Web(setup)
    web.start()
    try:
        web.wait_until_ready()
        yield web
    finally:
        web.stop()


@pytest.fixture
def nginx(web: Web) -> Iterator[Nginx]:
    """Return nginx as shipped before it; both of its servers are the same one."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each client is a file here, and one in nginx, which inherits the limit.
    resource.setrlimit(resource.RLIMIT_NOFILE, (usual[1], usual[1]))
    with Nginx([web.port, web.port]) as nginx:
        yield nginx
    resource.setrlimit(resource.RLIMIT_NOFILE, usual)


async def attack(nginx: Nginx, platform: Platform) -> SlowClients:
    """Push scans while all slow clients are there; return them as they were at the end."""
    async with asyncio.timeout(150), SlowClients(nginx.plain_port, CLIENTS) as slow:
        await platform.run(until(SECONDS, scenes("marked:{}")), rate=RATE)
    return slow


def test_scans_are_answered_while_slow_clients_hold_connections(web: Web, nginx: Nginx) -> None:
    platform = Platform(sender(), [nginx.plain_port], Manners(attempts=1, address="127.0.0.2"))

    slow = asyncio.run(attack(nginx, platform))

    engine = create_engine(web.setup.database)
    with engine.connect() as connection:
        events = connection.execute(select(func.count()).select_from(models.events)).scalar_one()
    engine.dispose()
    seconds = [one.attempts[0].seconds for one in platform.sent]
    p99 = oracle.percentile(seconds, 0.99)
    told = {"p99_s": round(p99, 4), "worst_s": round(max(seconds), 4), "scans": len(seconds)}
    held = {kind: slow.held[kind] for kind in KINDS}
    figures.keep("slow-connections", {"clients": CLIENTS, "held": held, "begun": dict(slow.begun)} | told)
    assert oracle.faults_of(platform.sent) == {} and all(one.is_answered for one in platform.sent)
    # Nothing of a slow client has become an event, and nobody was counted twice.
    assert events == len(platform.sent)
    assert min(held.values()) >= CLIENTS // len(KINDS)
    assert not figures.IS_LONG or p99 < P99_SECONDS, told
