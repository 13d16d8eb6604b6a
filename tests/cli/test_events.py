"""`wxbot events`: the records as an operator sees them, without naming anybody."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, insert, select

from wxbot.cli import cli
from wxbot.db import migrate, models
from wxbot.db.engine import open_engine
from wxbot.db.paging import LOOKED_AT
from wxbot.jobs.outbox import Job, enqueue

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
OTHER = bytes.fromhex("00112233ffffffffffffffffffffffff")
AILIN = b"ailin's digest.."


@pytest.fixture
def engine(configured: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Return the configured database, empty, with the project as the working directory."""
    monkeypatch.chdir(configured.folder)
    url = f"sqlite:///{configured.folder / 'var' / 'wxbot.db'}"
    migrate.upgrade(url)
    engine = open_engine(url, connections=2)
    yield engine
    engine.dispose()


@pytest.fixture
def record(engine: Engine) -> Callable[..., None]:
    """Return a function that writes the record of a scan."""

    def write(key: bytes = KEY, **values: object) -> None:
        row = {
            "key": key,
            "account": "default",
            "person": AILIN,
            "kind": "scan",
            "scene": "vip",
            "created_at": 1_700_000_000,
            "recorded_at": 1_700_000_001,
            "state": "done",
            "run": b"r" * 16,
            "outcome": "handled",
            "handler": "shop.vip",
            "seconds": 0.012,
            "reply": '{"type": "text", "content": "你好"}',
        }
        with engine.begin() as connection:
            connection.execute(insert(models.events).values(row | values))

    return write


def events(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["events", *arguments])


def jobs_of(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(models.jobs)).all())


def test_tail_shows_the_latest_events_oldest_first(record: Callable[..., None]) -> None:
    for number in range(5):
        record(bytes([number]) * 16, scene=f"scene {number}", recorded_at=1_700_000_000 + number)

    result = events("tail", "--no-follow", "--lines", "2")

    lines = result.stdout.splitlines()
    assert [re.findall(r"scene \d", line) for line in lines] == [["scene 3"], ["scene 4"]]
    assert "0404040404040404" in lines[1] and "shop.vip" in lines[1] and "12 ms" in lines[1]


def test_tail_for_programs_is_a_line_of_json_an_event(record: Callable[..., None]) -> None:
    record()
    record(OTHER, state="late", outcome="late", seconds=None)

    lines = [json.loads(line) for line in events("tail", "--no-follow", "--json").stdout.splitlines()]

    assert {line["id"]: line["state"] for line in lines} == {
        "0011223344556677": "done",
        "00112233ffffffff": "late",
    }
    assert lines[0]["person"] == AILIN.hex()[:8]


def test_tail_of_one_account_leaves_out_the_others(configured: Any, record: Callable[..., None]) -> None:
    record()
    record(OTHER, account="shop")

    shown, unknown = (
        events("tail", "--no-follow", "--account", "default"),
        events("tail", "--account", "nobody"),
    )

    assert len(shown.stdout.splitlines()) == 1
    assert unknown.exit_code == 2 and "there is no account 'nobody'" in unknown.stderr


def test_tail_of_one_account_finds_it_behind_a_busier_one(
    configured: Any, record: Callable[..., None], engine: Engine
) -> None:
    for number in range(3):
        record(bytes([number]) * 16, scene=f"scene {number}", recorded_at=1_700_000_000 + number)
    with engine.connect() as connection:
        row = dict(connection.execute(select(models.events)).mappings().first() or {})
    others = [
        row | {"key": b"o" + number.to_bytes(15), "account": "shop", "recorded_at": 1_700_001_000 + number}
        for number in range(2 * LOOKED_AT + 1)
    ]
    with engine.begin() as connection:
        connection.execute(insert(models.events), others)

    found = events("tail", "--no-follow", "--account", "default", "--lines", "2").stdout
    tail = configured.start("events", "tail", "--account", "default", "--lines", "1")
    tail.wait_for("scene 2")
    record(OTHER, scene="later", recorded_at=1_700_020_000)
    tail.wait_for("later")

    assert re.findall(r"scene \d", found) == ["scene 1", "scene 2"]
    assert re.findall(r"scene \d|later", tail.output) == ["scene 2", "later"]


def test_tail_keeps_what_somebody_sent_on_its_line(record: Callable[..., None]) -> None:
    record(scene="vip\n2026 forged \x1b[2K")

    assert len(events("tail", "--no-follow").stdout.splitlines()) == 1
    assert "\x1b" not in events("tail", "--no-follow").stdout


def test_tail_follows_new_events_and_changes(
    configured: Any, record: Callable[..., None], engine: Engine
) -> None:
    record(state="running", outcome=None, seconds=None, handler=None)
    tail = configured.start("events", "tail", "--json")
    tail.wait_for('"state": "running"')

    with engine.begin() as connection:
        connection.execute(models.events.update().values(state="done", outcome="handled"))
    record(OTHER, scene="later", recorded_at=1_700_000_030)

    tail.wait_for('"state": "done"')
    tail.wait_for('"scene": "later"')
    assert len(tail.output.splitlines()) == 3


def test_tail_shows_the_end_of_what_took_long_while_others_came(
    configured: Any, record: Callable[..., None], engine: Engine
) -> None:
    record(state="late", outcome="late", seconds=None)
    tail = configured.start("events", "tail", "--json")
    tail.wait_for('"state": "late"')
    for number in range(1, 4):
        record(bytes([number]) * 16, scene=f"scene {number}", recorded_at=1_700_000_001 + 30 * number)
        tail.wait_for(f'"scene": "scene {number}"')

    with engine.begin() as connection:
        slow = models.events.update().where(models.events.c.key == KEY)
        connection.execute(slow.values(state="done", outcome="handled"))

    tail.wait_for('"id": "0011223344556677".*"state": "done"')
    assert len(tail.output.splitlines()) == 5


def test_show_tells_all_about_an_event_and_its_jobs(record: Callable[..., None], engine: Engine) -> None:
    record(body=b"<xml>what ailin wrote</xml>")
    with engine.begin() as connection:
        enqueue(connection, [Job(account="default", name="shop.notify", event_key=KEY)])

    shown, told = events("show", "00112233"), json.loads(events("show", KEY.hex(), "--json").stdout)

    assert "shop.vip" in shown.stdout and "你好" in shown.stdout and "shop.notify" in shown.stdout
    assert told["line"]["id"] == "0011223344556677" and told["has_body"]
    assert [(job["name"], job["state"]) for job in told["jobs"]] == [("shop.notify", "waiting")]
    assert "what ailin wrote" not in shown.stdout + str(told)


@pytest.mark.parametrize(
    ("id", "reason"),
    [
        ("00112233", "all begin with 00112233; give more digits"),
        ("ffffffff", "there is no event ffffffff"),
        ("vip", "'vip' is no id of an event"),
        ("001", "is no id of an event"),
        ("0" * 33, "is no id of an event"),
        ("%", "is no id of an event"),
    ],
)
def test_id_that_is_not_that_of_one_event_fails(record: Callable[..., None], id: str, reason: str) -> None:
    record()
    record(OTHER)

    for command in (["show", id], ["replay", "--yes", id]):
        result = events(*command)

        assert result.exit_code == 1 and reason in " ".join(result.stderr.split())


def test_replay_gives_the_document_to_a_worker(record: Callable[..., None], engine: Engine) -> None:
    record(body=b"<xml/>")

    told = json.loads(events("replay", "0011", "--yes", "--json").stdout)

    (job,) = jobs_of(engine)
    assert (job.name, job.account, job.state) == ("wxbot.replay", "default", "waiting")
    assert (job.event_key, job.body, job.person, job.arguments) == (KEY, b"<xml/>", AILIN, "{}")
    assert told == {"event": "0011223344556677", "job": job.id.hex()}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"body": None}, "is no longer kept"),
        ({"body": b"<xml/>", "state": "running"}, "still being worked on"),
        ({"body": b"<xml/>", "state": "late"}, "still being worked on"),
        ({"body": b"<xml/>", "kind": "malformed"}, "a malformed callback"),
    ],
)
def test_what_cannot_be_run_again_is_not(
    record: Callable[..., None], engine: Engine, values: dict[str, object], reason: str
) -> None:
    record(**values)

    result = events("replay", "--yes", KEY.hex())

    assert result.exit_code == 1 and reason in " ".join(result.stderr.split())
    assert jobs_of(engine) == []


def test_database_that_was_never_used_is_told(configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(configured.folder)

    result = events("tail", "--no-follow")

    assert result.exit_code in (1, 78) and "wxbot db upgrade" in result.stderr
    assert "Traceback" not in result.output and Path("config.toml").exists()
