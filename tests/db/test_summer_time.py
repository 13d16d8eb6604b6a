"""The hour that a server in a zone with summer time has twice: its clock must not jump for us."""

import time

import pytest
from sqlalchemy import select

from tests import services
from wxbot.db.engine import open_engine
from wxbot.db.statements import database_now

HALF_AN_HOUR = 1800


def zone_whose_summer_ends(in_seconds: int) -> str:
    """Return a zone, as TZ names them, whose clocks are an hour ahead of Greenwich for so long."""
    end = time.gmtime(time.time() + in_seconds + 3600)  # as its clocks show it
    start = (end.tm_yday + 182) % 365
    return f"WINTER0SUMMER-1,{start},{end.tm_yday - 1}/{end.tm_hour}:{end.tm_min:02}:{end.tm_sec:02}"


@pytest.mark.mariadb_only
def test_the_clock_is_right_in_the_hour_that_comes_twice(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as zone:
        zone.setenv("TZ", zone_whose_summer_ends(HALF_AN_HOUR))
        server = services.SERVERS[store]()
    with server:
        engine = open_engine(server.url())
        with engine.connect() as connection:
            seconds = connection.execute(select(database_now())).scalar_one()
        engine.dispose()

    assert abs(seconds - time.time()) < HALF_AN_HOUR
