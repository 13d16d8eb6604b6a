"""Writes a year into a database, its events in the order in which they were recorded."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random

from sqlalchemy import Connection, Table, select

from wxbot.channels.channel import Details, row_of
from wxbot.db import business, models
from wxbot.db.bulk import insert_many
from wxbot.year.arrivals import arrivals
from wxbot.year.codes import BINDING, CLAIM, STEP
from wxbot.year.events import EVENT, JOB, RECORD_BYTES, Events, job_of, records, reply_of
from wxbot.year.fakes import fakes
from wxbot.year.lives import Moment, life_of
from wxbot.year.ordering import Ordering
from wxbot.year.people import FOLLOWER, OF_CHANNEL, Person
from wxbot.year.places import Agent, Place, agents_of, places_of
from wxbot.year.plan import DAY_SECONDS, Plan

_BATCH = 5000
_TELL_EVERY = 1000
# What ended longer ago is forgotten, unless the settings say otherwise.
_JOBS_SECONDS = 30 * DAY_SECONDS
_ARCHIVED_AFTER_SECONDS = 30 * DAY_SECONDS
# A promoter's target, as a part of the people that they may expect.
_TARGETS = (0.7, 1.9)

Tell = Callable[[int, int], object]


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What was written."""

    events: int
    people: int
    channels: int
    promoters: int


def has_year(connection: Connection, plan: Plan) -> bool:
    """Say whether a year was written for the account; of another size, or with another end, it counts too."""
    place = places_of(plan, agents_of(plan))[0]
    channels = business.channels.c
    mine = channels.account == plan.account, channels.name == place.name, channels.scene == place.scene
    return connection.execute(select(channels.name).where(*mine)).first() is not None


def fill(
    connection: Connection,
    plan: Plan,
    *,
    tell: Tell = lambda _done, _total: None,
    save: Callable[[], object] = lambda: None,
) -> Filled:
    """Write a year for an account that has none, in the caller's transaction.

    `tell` is told how much of how much is done. `save` is called after every few thousand rows and may
    commit, where half a year is better than a transaction of that size.
    """
    agents = agents_of(plan)
    places = places_of(plan, agents)
    with tempfile.TemporaryFile() as file, _Sink(connection, save=save) as sink:
        ordering = Ordering(file, size=RECORD_BYTES)
        _add_places(sink, plan, agents, places)
        people = 0
        for random, number, moments in _lives(plan, places, agents):
            people += 1
            _add_person(sink, Person(plan, number, moments))
            for record in records(moments, number, random):
                ordering.add(record)
            if people % _TELL_EVERY == 0:
                tell(people, max(people, plan.people) + plan.events)
        events = Events(plan, places)
        for done, record in enumerate(ordering.ordered(), start=1):
            _add_event(sink, events.row(record), jobs_since=plan.until - _JOBS_SECONDS)
            if done % _TELL_EVERY == 0:
                tell(people + done, people + ordering.count)
    tell(people + ordering.count, people + ordering.count)
    return Filled(events=ordering.count, people=people, channels=len(places), promoters=len(agents))


class _Sink:
    """Collects rows and writes them in batches; the rest of them at its end, if that is a good one."""

    def __init__(self, connection: Connection, *, save: Callable[[], object]) -> None:
        self._connection = connection
        self._save = save
        self._waiting: dict[tuple[Table, Sequence[str]], list[Sequence[object]]] = {}

    def add(self, table: Table, columns: Sequence[str], *rows: Sequence[object]) -> None:
        """Take rows."""
        waiting = self._waiting.setdefault((table, columns), [])
        waiting.extend(rows)
        if len(waiting) >= _BATCH:
            self._write(table, columns)

    def __enter__(self) -> "_Sink":
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        if failure is None:
            for table, columns in self._waiting:
                self._write(table, columns)

    def _write(self, table: Table, columns: Sequence[str]) -> None:
        waiting = self._waiting[table, columns]
        insert_many(self._connection, table, columns, waiting)
        waiting.clear()
        self._save()


def _lives(
    plan: Plan, places: Sequence[Place], agents: Sequence[Agent]
) -> Iterator[tuple[Random, int, Sequence[Moment]]]:
    """Yield everybody's number and life, with the source of chance for what remains to be told of them."""
    people = (
        (random, arrival.number, life_of(random, arrival, plan.until))
        for random, arrival in arrivals(plan, places)
    )
    random = plan.random("records of fakes")
    bought = ((random, number, life) for number, life in fakes(plan, places, agents))
    return (each for each in chain(people, bought) if each[2])


def _add_person(sink: _Sink, person: Person) -> None:
    sink.add(models.followers, FOLLOWER, person.follower())
    sink.add(business.channel_people, OF_CHANNEL, *person.of_channels())
    for code in person.codes():
        sink.add(business.claims, CLAIM, code.claim())
        sink.add(business.claim_steps, STEP, *code.steps())
        if binding := code.binding():
            sink.add(business.bindings, BINDING, binding)


def _add_event(sink: _Sink, row: tuple[object, ...], *, jobs_since: int) -> None:
    sink.add(models.events, EVENT, row)
    if (job := job_of(row)) and job[-1] >= jobs_since:  # type: ignore[operator]
        sink.add(models.jobs, JOB, job)


def _add_places(sink: _Sink, plan: Plan, agents: Sequence[Agent], places: Sequence[Place]) -> None:
    random = plan.random("targets")
    pull = sum(place.pull for place in places)
    for agent in agents:
        expected = plan.people * sum(place.pull for place in places if place.promoter == agent.number) / pull
        target = max(10, round(expected * random.uniform(*_TARGETS), -1))
        times = dict.fromkeys(("created_at", "changed_at"), plan.since)
        row = {"account": plan.account, "name": agent.name, "title": agent.title, "target": int(target)}
        _add(sink, business.promoters, row | times)
    for place in places:
        _add(sink, business.channels, _channel(plan, place, agents))


def _channel(plan: Plan, place: Place, agents: Sequence[Agent]) -> dict[str, object]:
    details = Details(
        title=place.title,
        owner=None,
        promoter=None if place.promoter is None else agents[place.promoter].name,
        group=place.style.group,
        reply=reply_of(place, is_new=False),
        reply_new=reply_of(place, is_new=True),
        starts_at=place.opens_at,
        ends_at=place.closes_at,
    )
    archived_at = None if place.closes_at is None else place.closes_at + _ARCHIVED_AFTER_SECONDS
    return {
        "account": plan.account,
        "name": place.name,
        "scene": place.scene,
        "created_at": place.made_at,
        "changed_at": place.made_at,
        "archived_at": archived_at if archived_at is not None and archived_at < plan.until else None,
        **row_of(details),
    }


def _add(sink: _Sink, table: Table, row: dict[str, object]) -> None:
    sink.add(table, tuple(row), list(row.values()))
