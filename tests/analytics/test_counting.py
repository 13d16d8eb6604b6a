"""Everything is counted once: by several workers at a time, killed, late, and while people are forgotten."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select, update

from tests.analytics.worlds import ACCOUNT, DAY, NOW, START, World, digest
from wxbot.analytics import batch, forgetting, marks
from wxbot.analytics.batch import Change, Fact
from wxbot.analytics.counting import Counting
from wxbot.analytics.figures import EVERYTHING, Figures, Of, Period
from wxbot.analytics.marks import Marks
from wxbot.analytics.rebuilding import RebuildError, rebuild
from wxbot.analytics.shapes import Totals
from wxbot.db.figures import facts, people, scenes, state
from wxbot.settings.model import AnalyticsSettings

SETTINGS = AnalyticsSettings()
MONDAY = date(2026, 1, 5)
EVER = Period(first=MONDAY, last=MONDAY + timedelta(days=80))


def counting(engine: Engine, *, batch: int = 200) -> Counting:
    return Counting(engine, SETTINGS, now=lambda: NOW, batch=batch, rest=0)


def totals(engine: Engine, of: Of = EVERYTHING) -> Totals:
    return Figures(engine, SETTINGS, now=lambda: NOW).totals(ACCOUNT, EVER, of)


def crowd(world: World, number: int) -> None:
    """Let so many people follow by a code, and each scan once more."""
    for person in range(number):
        world.happen("subscribe", f"person {person}", START + person, "door")
        world.happen("scan", f"person {person}", START + DAY + person, "door")


def test_workers_at_the_same_time_count_everything_once(engine: Engine, world: World) -> None:
    crowd(world, 30)
    counted: list[int] = []
    workers = [Thread(target=lambda: counted.append(counting(engine, batch=5).count_all())) for _ in range(3)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(counted) == 60
    assert (totals(engine).scans, totals(engine).new) == (60, 30)


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from wxbot.analytics import batch, counting
from wxbot.db.engine import open_engine
from wxbot.settings.model import AnalyticsSettings

write, written = batch.write, []

def write_and_die(connection, change):
    write(connection, change)
    written.append(change)
    if len(written) == 3:
        os.kill(os.getpid(), signal.SIGKILL)

batch.write = write_and_die
now = datetime.fromtimestamp(int(sys.argv[2]), UTC)
engine = open_engine(sys.argv[1])
counting.Counting(engine, AnalyticsSettings(), now=lambda: now, batch=5, rest=0).count_all()
"""


def test_worker_that_was_killed_before_a_commit_leaves_nothing_half(engine: Engine, world: World) -> None:
    crowd(world, 30)
    url = engine.url.render_as_string(hide_password=False)
    killed = subprocess.run([sys.executable, "-c", KILLED, url, str(int(NOW.timestamp()))], check=False)
    assert killed.returncode == -signal.SIGKILL
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(facts)).scalar_one() == 10

    assert counting(engine).count_all() == 50

    assert (totals(engine).scans, totals(engine).new, totals(engine).scanners) == (60, 30, 30)


def test_what_somebody_else_wrote_meanwhile_is_not_counted_again(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(world, 3)
    prepare, others = batch.prepare, [counting(engine)]

    def prepare_and_be_slow(*arguments: Any) -> Change:
        change = prepare(*arguments)
        while others:
            others.pop().count_all()
        return change

    monkeypatch.setattr(batch, "prepare", prepare_and_be_slow)

    counting(engine).count_all()

    assert (totals(engine).scans, totals(engine).new) == (6, 3)


def test_person_who_is_forgotten_while_being_counted_leaves_no_digest(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.happen("subscribe", "Chen", START, "door")
    prepare, forgotten = batch.prepare, list[bytes]()

    def prepare_and_forget(*arguments: Any) -> Change:
        change = prepare(*arguments)
        if not forgotten:
            forgotten.append(world.forget("Chen"))
        return change

    monkeypatch.setattr(batch, "prepare", prepare_and_forget)

    counting(engine).count_all()

    with engine.connect() as connection:
        left = connection.execute(select(people.c.person)).scalars().all()
    assert forgotten[0] not in left
    assert totals(engine).new == 1


def test_forgotten_person_who_comes_back_is_new(engine: Engine, world: World) -> None:
    world.happen("subscribe", "Chen", START, "door")
    counting(engine).count_all()
    world.forget("Chen")
    world.happen("subscribe", "Chen", START + DAY, "door")

    counting(engine).count_all()

    assert (totals(engine).new, totals(engine).scanners) == (2, 2)


def test_what_commits_late_is_found_within_the_hour(engine: Engine, world: World) -> None:
    now = int(NOW.timestamp())
    counting(engine).count_all()
    world.happen("scan", "Ailin", START, "door", recorded_at=now - 3000)
    assert counting(engine).round() == 0

    later = Counting(engine, SETTINGS, now=lambda: NOW + timedelta(hours=1), rest=0)

    assert later.round() == 1


def test_what_comes_out_of_the_spool_is_found_at_once(engine: Engine, world: World) -> None:
    counting(engine).count_all()
    world.happen("scan", "Ailin", START, "door", recorded_at=START)
    with engine.begin() as connection:
        marks.read_again_from(connection, START)

    assert counting(engine).round() == 1


def test_link_is_counted_when_it_is_confirmed(engine: Engine, world: World) -> None:
    world.happen("offered", "Ailin", START)
    world.happen("subscribe", "Bo", START, "door")
    world.happen("link", "Bo", START + 1)
    world.happen("claim", "Chen", START + 1)

    counting(engine, batch=1).count_all()

    counted = totals(engine, Of("all"))
    assert (counted.claims, counted.converted) == (2, 1)
    assert counting(engine).count_all() == 0


@pytest.mark.parametrize(("ahead", "converted"), [(2, 1), (60, 1), (61, 0)])
def test_claim_by_a_clock_that_is_behind_belongs_to_the_follow_it_was_made_with(
    engine: Engine, world: World, ahead: int, converted: int
) -> None:
    world.happen("claim", "Ailin", START)
    world.happen("subscribe", "Ailin", START + ahead, "door")

    counting(engine).count_all()

    counted = totals(engine, Of("scene", "door"))
    assert (counted.claims, counted.converted) == (converted, converted)


def test_what_comes_out_of_the_spool_behind_a_reading_is_found_by_the_next(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting(engine).count_all()
    prepare, days = batch.prepare, [0, 2, 3, 1]

    def come_late() -> None:
        recorded_at = START + days.pop(0) * DAY
        world.happen("scan", "Ailin", recorded_at, "door", recorded_at=recorded_at)
        with engine.begin() as connection:
            marks.read_again_from(connection, recorded_at)

    def prepare_while_more_comes(connection: Connection, fresh: Sequence[Fact], seen: Marks) -> Change:
        if days and fresh[0].at == START + 3 * DAY:
            come_late()
        return prepare(connection, fresh, seen)

    for _ in range(3):
        come_late()
    monkeypatch.setattr(batch, "prepare", prepare_while_more_comes)

    assert [counting(engine, batch=1).round() for _ in range(3)] == [3, 1, 0]
    with engine.connect() as connection:
        left = marks.read(connection)
    assert left is not None and left.again_from is None


def test_claims_of_a_year_that_is_put_in_later_are_found_at_once(engine: Engine, world: World) -> None:
    counting(engine).count_all()
    world.happen("claim", "Ailin", START)
    with engine.begin() as connection:
        connection.execute(update(state).values(claims_until=int(NOW.timestamp())))
        marks.read_again_from(connection, START)

    assert counting(engine).round() == 1


def test_round_that_takes_too_long_is_gone_on_with_in_the_next(engine: Engine, world: World) -> None:
    crowd(world, 10)
    brief = counting(engine, batch=4)

    rounds = [brief.round(seconds=0) for _ in range(8)]

    assert rounds[0] == 4
    assert sum(rounds) == 20


def test_scenes_for_one_use_are_counted_together(engine: Engine, world: World) -> None:
    for number in range(3):
        mac = f"{number:021d}w"
        world.happen("scan", "Ailin", START + number, f"ord:{number}.{mac}")
        world.happen("scan", "Bo", START + number, f"order:{mac}")
    world.happen("scan", "Chen", START, "*")

    counting(engine).count_all()

    assert totals(engine, Of("scene", "ord:*")).scans == 3
    assert totals(engine, Of("scene", "order:*")).scans == 3
    assert totals(engine, Of("scene", "*")).scans == 1


def test_scene_as_long_as_a_code_for_one_use_is_counted_for_itself(engine: Engine, world: World) -> None:
    scene = "store:shanghai-nanjing-road1"
    world.happen("scan", "Ailin", START, scene)

    counting(engine).count_all()

    assert totals(engine, Of("scene", scene)).scans == 1


@pytest.mark.parametrize("scenes_of", [("door", "Door", "door "), ("*", "ord:*"), ("'; DROP TABLE x", "<b>")])
def test_scenes_that_look_alike_are_told_apart(
    engine: Engine, world: World, scenes_of: tuple[str, ...]
) -> None:
    for scene in scenes_of:
        world.happen("scan", "Ailin", START, scene)

    counting(engine).count_all()

    assert [totals(engine, Of("scene", scene)).scans for scene in scenes_of] == [1] * len(scenes_of)
    with engine.connect() as connection:
        told = connection.execute(select(scenes.c.scene).where(scenes.c.kind == "scene")).scalars().all()
    assert sorted(told) == sorted(scenes_of)


def test_scene_with_a_space_at_its_end_is_not_that_of_the_channel(engine: Engine, world: World) -> None:
    world.channel("shop", "door")
    world.give("shop", "door", group="east", promoter=None)
    for scene in ("door", "door "):
        world.happen("scan", "Ailin", START, scene)

    counted = counting(engine).round(seconds=2) + counting(engine).round(seconds=2)

    assert counted == 2
    assert totals(engine, Of("group", "east")).scans == totals(engine, Of("channel", "shop")).scans == 1


def test_nothing_is_counted_while_all_is_made_anew(engine: Engine, world: World) -> None:
    crowd(world, 3)
    asked: list[int] = []

    def meanwhile(*_: int) -> None:
        asked.append(counting(engine).count_all())
        with pytest.raises(RebuildError):
            rebuild(engine, SETTINGS, rest=0)

    counting(engine).count_all()
    world.happen("scan", "Dai", START, "door")
    rebuild(engine, SETTINGS, rest=0, told=meanwhile)

    assert asked == [0]
    assert totals(engine).scans == 6
    assert counting(engine).count_all() == 1


def test_rebuild_that_lost_its_hold_does_not_take_the_place_of_what_was_counted_since(
    engine: Engine, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(world, 3)
    counting(engine).count_all()
    monkeypatch.setattr(marks, "_HELD_SECONDS", 0)  # as if it stood still until the hold had ended

    def meanwhile(*_: int) -> None:
        world.happen("scan", "Dai", START, "door")
        assert counting(engine).count_all() == 1

    with pytest.raises(RebuildError, match="run `wxbot stats rebuild` again"):
        rebuild(engine, SETTINGS, rest=0, told=meanwhile)

    assert totals(engine).scans == 7
    monkeypatch.undo()
    rebuild(engine, SETTINGS, rest=0)
    assert totals(engine).scans == 7


def test_settings_take_effect_when_figures_are_made_anew(engine: Engine, world: World) -> None:
    world.happen("scan", "Ailin", START + 60, "door")
    counting(engine).count_all()
    utc = AnalyticsSettings(timezone="UTC")
    sunday = Period(first=MONDAY - timedelta(days=1), last=MONDAY - timedelta(days=1))
    asked = Figures(engine, utc, now=lambda: NOW)
    assert asked.totals(ACCOUNT, sunday).scans == 0

    rebuild(engine, utc, rest=0)

    assert asked.totals(ACCOUNT, sunday).scans == 1
    assert asked.overview(ACCOUNT, sunday).timezone == "UTC"


def test_forgetting_leads_to_nobody_and_changes_no_count(engine: Engine, world: World) -> None:
    crowd(world, 2)
    counting(engine).count_all()
    before = totals(engine)

    with engine.begin() as connection:
        gone = forgetting.forget(connection, ACCOUNT, digest("person 0"), pseudonym=bytes(16))

    assert gone == 1
    assert totals(engine) == before
