"""Forgetting one person: every table is looked into, those that come later as well."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    Integer,
    LargeBinary,
    Table,
    func,
    insert,
    select,
)

from wxbot.analytics import forgetting as figures
from wxbot.analytics.counting import Counting
from wxbot.analytics.figures import Figures, Period
from wxbot.bindings.claim import Offer
from wxbot.bindings.claims import Claims
from wxbot.db.business import claims as claim_rows
from wxbot.db.figures import people as figure_people
from wxbot.db.models import events, followers, jobs, metadata
from wxbot.errors import WxbotError
from wxbot.followers import person
from wxbot.people import forgetting
from wxbot.people.places import PLACES, of_account
from wxbot.settings.model import AnalyticsSettings

CHEN = "oChen0123456789abcdef0123456"
BO = "oBo0123456789abcdef012345678"
NOW = datetime(2026, 4, 1, 4, tzinfo=UTC)
TODAY = Period(first=NOW.date(), last=NOW.date())
PSEUDONYM = bytes(range(16))
Find = Callable[[Engine, str | bytes], list[str]]
# Tables with somebody in them: found anew, so that one that is added later is not forgotten.
OF_PEOPLE = [
    table
    for table in metadata.sorted_tables
    if any("person" in column.name or "openid" in column.name for column in table.c)
]
TEXTS = {place.table.name: place.texts for place in PLACES}
TOLD = [table for table in metadata.sorted_tables if table in OF_PEOPLE or table.name in TEXTS]


def filled(table: Table, openid: str, number: int) -> dict[str, object]:
    """Return a row in which everything that can name a person does."""
    row = {column.name: value_for(column, number) for column in table.c}
    text = json.dumps({"who": openid, "digest": person("default", openid).hex()})
    for name in TEXTS.get(table.name, ()):
        row[name] = text.encode() if isinstance(table.c[name].type, LargeBinary) else text
    known = {"openid": openid, "person": person("default", openid), "account": "default", "state": "done"}
    return row | {name: value for name, value in known.items() if name in table.c}


def value_for(column: Column[Any], number: int) -> object:
    """Return any value that the column takes."""
    if isinstance(column.type, LargeBinary):
        return bytes([number]) * (column.type.length or 4)
    if isinstance(column.type, Boolean):
        return True
    return number if isinstance(column.type, BigInteger | Integer | Float) else f"{number}"


@pytest.fixture
def full(engine: Engine) -> Engine:
    """Fill every table that may know people with a row about Chen and one about Bo."""
    with engine.begin() as connection:
        for table in TOLD:
            for number, openid in enumerate((CHEN, BO), start=1):
                connection.execute(insert(table).values(filled(table, openid, number)))
    return engine


def test_nothing_leads_to_a_person_who_was_forgotten(full: Engine, find: Find) -> None:
    who = of_account("default", CHEN)
    before = find(full, BO)

    result = forgetting.forget(full, who)

    assert result.left == {}
    assert [find(full, each) for each in (CHEN, who.person, who.person.hex())] == [[], [], []]
    assert find(full, BO) == before


@pytest.mark.parametrize("table", TOLD, ids=lambda table: table.name)
def test_table_with_people_is_told_of_in_the_export(full: Engine, table: Table) -> None:
    who = of_account("default", CHEN)

    told = forgetting.export(full, who)

    assert len(told[table.name]) == 1
    assert CHEN in json.dumps(told)
    assert BO not in json.dumps(told)


def test_counts_are_what_forgetting_removes(full: Engine) -> None:
    who = of_account("default", CHEN)
    counted = forgetting.count(full, who)

    result = forgetting.forget(full, who)

    assert result.removed == counted
    assert set(counted) == {place.table.name for place in PLACES}
    assert forgetting.count(full, who) == {}


def test_events_stay_countable_but_lead_to_nobody(full: Engine) -> None:
    forgetting.forget(full, of_account("default", CHEN))

    with full.connect() as connection:
        people = connection.execute(select(func.count(events.c.person.distinct()))).scalar_one()
        keys = set(connection.execute(select(events.c.key)).scalars())
    assert (people, len(keys)) == (2, 2)


def test_person_whose_latest_event_is_counted_meanwhile_stays_one(engine: Engine) -> None:
    note(engine, "subscribe", 1)
    count = Counting(engine, AnalyticsSettings(), now=lambda: NOW, rest=0).count_all
    count()
    note(engine, "unsubscribe", 2)

    forgetting.forget(
        engine, of_account("default", CHEN), told=lambda table: table == "figure_people" and count()
    )

    totals = Figures(engine, AnalyticsSettings(), now=lambda: NOW).totals("default", TODAY)
    with engine.connect() as connection:
        people = connection.execute(select(func.count()).select_from(figure_people)).scalar_one()
    assert (totals.new, totals.gone, people) == (1, 1, 1)


def test_nothing_fails_when_somebody_counts_for_the_pseudonym_first(engine: Engine) -> None:
    who = of_account("default", CHEN)
    with engine.begin() as connection:
        for number, named in enumerate((who.person, PSEUDONYM)):
            row = filled(figure_people, CHEN, 1) | {"id": number, "person": named}
            connection.execute(insert(figure_people).values(row))

    with engine.begin() as connection:
        swapped = figures.forget(connection, "default", who.person, pseudonym=PSEUDONYM)

    assert swapped == 1
    with engine.connect() as connection:
        left = set(connection.execute(select(figure_people.c.person)).scalars())
    assert len(left - {PSEUDONYM, who.person}) == 1


def note(engine: Engine, kind: str, number: int) -> None:
    """Record that Chen follows or unfollows."""
    at = int(NOW.timestamp()) - 60 + number
    row: dict[str, Any] = filled(events, CHEN, number) | {"kind": kind, "scene": None, "reply": "{}"}
    with engine.begin() as connection:
        connection.execute(insert(events).values(row | {"created_at": at, "recorded_at": at}))


def test_what_still_names_somebody_is_told(engine: Engine) -> None:
    with engine.begin() as connection:
        row = filled(metadata.tables["channels"], BO, 1) | {"title": f"invited by {CHEN}"}
        connection.execute(insert(metadata.tables["channels"]).values(row))

    result = forgetting.forget(engine, of_account("default", CHEN))

    assert result.left == {"channels.title": 1}


def test_claimed_order_stays_claimed_when_its_person_is_forgotten(engine: Engine) -> None:
    claims = Claims(engine)
    claim = claims.make(Offer(account="default", purpose="order", subject="42"))
    claims.claim("default", claim.scene, CHEN)

    forgetting.forget(engine, of_account("default", CHEN))

    again = claims.claim("default", claim.scene, BO)
    assert again.outcome == "used"
    with engine.connect() as connection:
        row = connection.execute(select(claim_rows)).mappings().one()
    assert (row["person"], row["openid"], row["state"]) == (None, None, "claimed")


def test_person_of_another_account_is_somebody_else(engine: Engine, find: Find) -> None:
    with engine.begin() as connection:
        for number, account in enumerate(("default", "second")):
            row = filled(followers, CHEN, 1) | {"account": account, "person": person(account, CHEN)}
            connection.execute(insert(followers).values(row))
            connection.execute(insert(jobs).values(filled(jobs, CHEN, number) | {"account": account}))

    forgetting.forget(engine, of_account("default", CHEN))

    assert sorted(find(engine, CHEN)) == ["followers.openid", "jobs.arguments", "jobs.body", "jobs.detail"]


@pytest.fixture
def bystanders(engine: Engine) -> Iterator[Engine]:
    """Let a hundred people follow."""
    with engine.begin() as connection:
        for number in range(100):
            row = filled(followers, f"o{number}", 1) | {"openid": f"o{number}"}
            connection.execute(insert(followers).values(row))
    yield engine


def test_person_is_found_by_the_beginning_of_the_digest(bystanders: Engine) -> None:
    digest = person("default", "o42")

    found = forgetting.find_who(bystanders, "default", f" {digest.hex()[:8]}\n")

    assert (found.person, found.openid) == (digest, "o42")


def test_who_is_known_by_events_alone_is_found_as_well(bystanders: Engine) -> None:
    with bystanders.begin() as connection:
        connection.execute(insert(events).values(filled(events, CHEN, 1)))
    digest = person("default", CHEN)

    assert forgetting.find_who(bystanders, "default", digest.hex()[:16]).person == digest


@pytest.mark.parametrize("given", ["", "o 42", "x" * 65, "00000000", "o42\x00"])
def test_who_is_nobody_is_refused_without_repeating_it(bystanders: Engine, given: str) -> None:
    with pytest.raises(WxbotError) as refused:
        forgetting.find_who(bystanders, "default", given)

    assert "o 42" not in str(refused.value)


def test_run_that_is_under_way_is_waited_for_and_told(engine: Engine) -> None:
    row: dict[str, Any] = filled(events, CHEN, 1) | {"state": "running", "reply": "{}", "detail": None}
    with engine.begin() as connection:
        connection.execute(insert(events).values(row))

    result = forgetting.forget(engine, of_account("default", CHEN), wait_seconds=0.6)

    assert result.left == {"events.body": 1}
