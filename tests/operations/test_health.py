"""`/readyz` part by part, and what `/metrics` looks up."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert

from tests.services import fresh_database_url
from wxbot import clock
from wxbot.db import migrate, models
from wxbot.db.business import webhook_deliveries, webhooks
from wxbot.db.engine import open_engine
from wxbot.events.spool import Spool
from wxbot.events.spooled import Spooled
from wxbot.health.readiness import State, Watched, findings, overall
from wxbot.health.readings import readings
from wxbot.testing import Wx


@pytest.fixture
def wx(tmp_path: Path, wx_database_url: str) -> Iterator[Wx]:
    """Return a bot without handlers, on the database that the test runs on."""
    wx = Wx(tmp_path, packages=[], database_url=wx_database_url)
    yield wx
    wx.close()


@pytest.fixture
def ready(wx: Wx) -> Callable[[], tuple[int, dict[str, Any]]]:
    """Return a function that asks whether the bot is ready."""

    def ask() -> tuple[int, dict[str, Any]]:
        with wx.app.test_client() as client:
            answer = client.get("/readyz")
        assert answer.json is not None
        return answer.status_code, answer.json

    return ask


@pytest.fixture
def watched(wx: Wx, tmp_path: Path) -> Watched:
    """Return the parts of the bot, with a spool of its own and no handler that hangs."""
    spool = Spool(tmp_path / "own spool")
    return Watched(engine=wx.bot.engine, spool=spool, skipped=(), stuck=lambda: 0, now=clock.now)


@pytest.fixture
def broken_engine(tmp_path: Path) -> Iterator[Any]:
    """Return an engine on a database that nobody can open."""
    (tmp_path / "folder.db").mkdir()
    engine = open_engine(f"sqlite:///{tmp_path}/folder.db", connections=1)
    yield engine
    engine.dispose()


def write(wx: Wx, table: Any, **values: object) -> None:
    with wx.bot.engine.begin() as connection:
        connection.execute(insert(table).values(values))


def heartbeat(wx: Wx, *, seconds_ago: int = 0) -> None:
    seen = int(time.time()) - seconds_ago
    process = {"kind": "worker", "host": "here", "pid": 7, "started_at": seen}
    write(wx, models.heartbeats, id=os.urandom(16), seen_at=seen, **process)


def token(wx: Wx, *, age: int, blocked_for: int = 0) -> None:
    now = int(wx.world.clock.now())
    numbers = dict.fromkeys(("lease_until", "renewed_at", "forced_at", "forces", "failures"), 0)
    times = {"fetched_at": now - age, "expires_at": now + 7200 - age, "blocked_until": now + blocked_for}
    write(wx, models.access_tokens, account="default", **numbers, **times)


def test_bot_with_a_worker_is_ready(wx: Wx, ready: Callable[..., Any]) -> None:
    heartbeat(wx, seconds_ago=3)

    status, told = ready()

    assert (status, told["status"]) == (200, "ready")
    assert {part: check["state"] for part, check in told["checks"].items()} == dict.fromkeys(
        ("database", "worker", "spool", "plugins", "handlers"), "ready"
    )


@pytest.mark.parametrize(
    ("seconds_ago", "detail"), [(None, "never seen; start `wxbot worker`"), (60, "last seen 6")]
)
def test_bot_without_a_worker_is_degraded(
    wx: Wx, ready: Callable[..., Any], seconds_ago: int | None, detail: str
) -> None:
    if seconds_ago is not None:
        heartbeat(wx, seconds_ago=seconds_ago)

    status, told = ready()

    assert (status, told["status"], told["checks"]["worker"]["state"]) == (200, "degraded", "degraded")
    assert told["checks"]["worker"]["detail"].startswith(detail)


@pytest.mark.parametrize(("blocked_for", "state"), [(0, "ready"), (90, "degraded")])
def test_access_token_tells_its_age_or_that_there_is_none(
    wx: Wx, ready: Callable[..., Any], blocked_for: int, state: str
) -> None:
    token(wx, age=100, blocked_for=blocked_for)

    check = ready()[1]["checks"]["access token default"]

    assert check["state"] == state
    assert ("s old" in check["detail"]) is not bool(blocked_for)


def test_left_out_plugins_and_hanging_handlers_degrade(watched: Watched) -> None:
    hurt = replace(watched, skipped=("handlers/broken.py:3: not today",), stuck=lambda: 4)

    found = {each.part: each for each in findings(hurt)}

    assert found["plugins"].state is found["handlers"].state is State.DEGRADED
    assert found["handlers"].detail == "4 do not return"
    assert "broken.py" not in found["plugins"].detail  # anybody may ask


def test_waiting_spool_degrades(watched: Watched) -> None:
    watched.spool.check()
    watched.spool.append(Spooled(account="default", body=b"<xml/>", arrived_at=1))

    found = {each.part: each for each in findings(watched)}

    assert found["spool"].state is State.DEGRADED and "wait for import" in found["spool"].detail


def test_lost_database_degrades_as_long_as_the_spool_takes_events(
    watched: Watched, broken_engine: Any, tmp_path: Path
) -> None:
    (tmp_path / "no folder").write_text("")
    without = replace(watched, engine=broken_engine)

    spooling = overall(findings(without))
    neither = overall(findings(replace(without, spool=Spool(tmp_path / "no folder"))))

    assert (spooling, neither) == (State.DEGRADED, State.UNAVAILABLE)


def test_full_disk_is_told_although_what_is_there_can_be_read(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Spool(tmp_path / "full")
    full.check()
    migrate.upgrade(url := f"sqlite:///{tmp_path}/full.db")
    engine = open_engine(url, connections=2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=2**30, free=4096))
    reserved = Spool(tmp_path / "reserved", reserve_bytes=4096)

    neither = findings(replace(watched, engine=engine, spool=full))
    spooling = findings(replace(watched, engine=engine, spool=reserved))
    engine.dispose()

    details = {each.part: (each.state, each.detail) for each in neither}
    assert details["database"] == details["spool"] == (State.UNAVAILABLE, "the disk is full")
    assert overall(neither) is State.UNAVAILABLE
    assert overall(spooling) is State.DEGRADED


def test_database_of_another_revision_cannot_answer(wx: Wx, ready: Callable[..., Any]) -> None:
    with wx.bot.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")

    status, told = ready()

    assert (status, told["status"]) == (503, "unavailable")
    assert "wxbot db upgrade" in told["checks"]["database"]["detail"]
    with wx.bot.engine.begin() as connection:  # the next test may get the same database
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{migrate.head()}'")


@pytest.mark.parametrize("revision", [None, "0001"])
def test_database_without_the_tables_cannot_answer(
    watched: Watched, tmp_path: Path, revision: str | None
) -> None:
    url = fresh_database_url(tmp_path, name=f"{revision}.db", migrated=False)
    if revision is not None:
        migrate.upgrade(url, revision=revision)
    engine = open_engine(url, connections=2)

    found = findings(replace(watched, engine=engine))
    engine.dispose()

    assert overall(found) is State.UNAVAILABLE
    assert (found[0].part, found[0].detail) == ("database", "needs `wxbot db upgrade`")


def test_metrics_tell_jobs_numbers_worker_and_token(wx: Wx) -> None:
    heartbeat(wx, seconds_ago=5)
    token(wx, age=100)
    now = int(time.time())
    for state in ("dead", "dead", "kept", "done"):
        job = {"account": "default", "name": "x.y", "arguments": "{}", "attempts": 1, "run_at": now}
        write(wx, models.jobs, id=os.urandom(16), state=state, created_at=now, **job)
    wx.bot.numbers.take("default", "shop", "door")
    hook = {"url": "https://shop.example.com/", "kinds": "[]", "secret": b"sealed", "created_at": now}
    write(wx, webhooks, id="wh_1", description="", made_by="", **hook)
    sent = {"webhook": "wh_1", "account": "default", "kind": "follow", "body": "{}", "attempts": 1}
    for state in ("dead", "dead", "delivered"):
        write(wx, webhook_deliveries, id=os.urandom(16), state=state, created_at=now, **sent)

    with wx.app.test_client() as client:
        answer = client.get("/metrics")

    assert answer.content_type.startswith("text/plain")
    told = answer.text.splitlines()
    for line in (
        "wxbot_database_up 1.0",
        'wxbot_jobs{state="dead"} 2.0',
        'wxbot_jobs{state="waiting"} 0.0',
        "wxbot_kept_messages 1.0",
        'wxbot_permanent_numbers_used{account="default"} 1.0',
        "wxbot_spool_bytes 0.0",
        'wxbot_webhook_deliveries{state="dead",webhook="wh_1"} 2.0',
        'wxbot_webhook_deliveries{state="waiting",webhook="wh_1"} 0.0',
    ):
        assert line in told
    assert [line for line in told if line.startswith("wxbot_worker_age_seconds ")]
    assert [line for line in told if line.startswith('wxbot_access_token_age_seconds{account="default"} 10')]


def test_metrics_without_a_database_tell_that(watched: Watched, broken_engine: Any) -> None:
    without = replace(watched, engine=broken_engine)

    told = {reading.name: reading.value for reading in readings(without, ["default"])}

    assert told == {"wxbot_database_up": 0, "wxbot_spool_files": 0, "wxbot_spool_bytes": 0}
