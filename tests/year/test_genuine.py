"""The rows are those that wxbot itself would have written, had all this happened."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import RowMapping, select

from tests.year.conftest import Year
from wxbot import followers
from wxbot.channels.people import COUNTED
from wxbot.db.business import channel_people, channels
from wxbot.db.models import events, jobs
from wxbot.db.models import followers as follower_rows
from wxbot.followers import Follower
from wxbot.jobs.outbox import derived_id
from wxbot.wechat.events import Click, Event, Follow, Scan, TextMessage, Unfollow
from wxbot.wechat.parse import parse_event
from wxbot.year.fakes import fakes
from wxbot.year.places import agents_of, places_of


@pytest.fixture(scope="module")
def openids(year: Year) -> dict[bytes, str]:
    """Return everybody's openid by their digest."""
    agents = agents_of(year.plan)
    bought = [number for number, _ in fakes(year.plan, places_of(year.plan, agents), agents)]
    names = [year.plan.openid(number) for number in (*range(year.plan.people), *bought)]
    return {followers.person(year.plan.account, openid): openid for openid in names}


def event_of(row: RowMapping, openid: str) -> Event:
    """Return the event of a row, as far as a follower is concerned."""
    common: dict[str, Any] = {"account": row["account"], "to_user": "gh_1", "openid": openid}
    common |= {"created_at": datetime.fromtimestamp(row["created_at"], UTC), "msg_type": "event"}
    common |= {"digest": row["key"], "body": b""}
    if row["scene"]:
        return Scan(**common, scene=row["scene"], when="follow" if row["kind"] == "subscribe" else "scan")
    if row["kind"] == "click":
        return Click(**common, event_key="HELP")
    if row["kind"] == "text":
        return TextMessage(**common, content="?")
    return {"subscribe": Follow, "unsubscribe": Unfollow}[row["kind"]](**common)


def test_followers_are_what_their_events_make_of_them(year: Year, openids: dict[bytes, str]) -> None:
    known: dict[bytes, Follower] = {}
    for row in year.all(select(events).order_by(events.c.created_at)):
        known[row["person"]] = followers.after(
            event_of(row, openids[row["person"]]), known.get(row["person"])
        )

    found = {row["person"]: row for row in year.rows(follower_rows)}
    assert set(found) == set(known)
    wrong = [
        (row, known[person])
        for person, row in found.items()
        if any(row[name] != value for name, value in vars(known[person]).items())
    ]
    assert not wrong


def test_people_of_channels_are_those_who_scanned_them(year: Year) -> None:
    names = {row["scene"]: row["name"] for row in year.rows(channels)}
    seen: set[bytes] = set()
    counted: dict[tuple[str, bytes], list[Any]] = {}
    for row in year.all(select(events).order_by(events.c.created_at)):
        if row["scene"] in names:
            at, key = row["created_at"], (names[row["scene"]], row["person"])
            is_new = row["kind"] == "subscribe" and row["person"] not in seen
            first = counted.setdefault(key, [at, at, 0, is_new])
            first[1:3] = [at, first[2] + 1]
        seen.add(row["person"])

    columns = ("first_at", "last_at", "scans", "is_new")
    assert counted == {
        (row["channel"], row["person"]): [row[name] for name in columns] for row in year.rows(channel_people)
    }


@pytest.mark.parametrize("kind", ["subscribe", "unsubscribe", "scan", "click"])
def test_repeat_of_a_made_up_event_would_be_known(year: Year, openids: dict[bytes, str], kind: str) -> None:
    row = year.all(select(events).where(events.c.kind == kind).limit(1))[0]
    keys = {
        "subscribe": f"qrscene_{row['scene']}" if row["scene"] else "",
        "scan": row["scene"],
        "click": "HELP",
    }
    document = (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{openids[row['person']]}</FromUserName>"
        f"<CreateTime>{row['created_at']}</CreateTime><MsgType>event</MsgType>"
        f"<Event>{kind.upper() if kind in ('scan', 'click') else kind}</Event>"
        f"<EventKey>{keys.get(kind, '')}</EventKey></xml>"
    )

    assert parse_event(document.encode(), account=row["account"]).digest == row["key"]


def test_scans_of_the_last_days_are_noted_as_counted(year: Year) -> None:
    ours = {row["scene"] for row in year.rows(channels)}
    lately = year.plan.until - 30 * 86_400
    scans = [row for row in year.rows(events) if row["scene"] in ours and row["recorded_at"] >= lately]

    noted = {row["id"]: row for row in year.rows(jobs)}
    assert set(noted) == {derived_id(row["key"], b"channel") for row in scans}
    assert {(row["name"], row["state"]) for row in noted.values()} == {(COUNTED, "done")}
