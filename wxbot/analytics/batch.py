"""One batch of facts: what they change in all counters, worked out first and then written at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, bindparam, select, update

from wxbot.analytics import naming, teams
from wxbot.analytics.marks import Marks
from wxbot.analytics.naming import Names, Person
from wxbot.analytics.tally import Kind, Scenes, Step, Tally, add, of_days, of_history, of_scan
from wxbot.analytics.writing import Teams, rows_of
from wxbot.db.figures import facts, people, scenes, visits
from wxbot.db.statements import add_all, insert_all

Rows = list[tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened, under the key that it is counted by once; `scene` is None without a code.

    `at` is in seconds since 1970. A follow with a scene is a scan, too.
    """

    key: bytes
    account: str
    person: bytes
    kind: Kind
    at: int
    scene: str | None = None

    @property
    def is_scan(self) -> bool:
        """Say whether a code was scanned; a follow without one comes from elsewhere, or lost it."""
        return self.kind == Kind.SCAN or (self.kind == Kind.FOLLOW and self.scene is not None)


@dataclass(frozen=True)
class Change:
    """What is to be written for a batch: rows to insert, rows to add up, and earlier first scans.

    The values of a row stand in the order of its table's columns.
    """

    inserted: dict[Table, Rows]
    added: dict[Table, Rows]
    first_scans: list[dict[str, int]]


def prepare(connection: Connection, batch: Sequence[Fact], marks: Marks) -> Change:
    """Work out what facts change that are not counted yet; reads only.

    It is right as long as nobody else writes: see `marks.take`.
    """
    by_person: dict[Person, list[Fact]] = defaultdict(list)
    for fact in batch:
        by_person[fact.account, fact.person].append(fact)
    names = naming.find(connection, list(by_person), ((fact.account, fact.scene) for fact in batch))
    known = {names.people[person] for person in by_person if not names.is_new(names.people[person])}
    before = _Before(
        histories=_histories(connection, _with_moves(names, by_person, known)),
        visits=_visits(connection, marks.edition, known),
    )
    work = _Work(names, before, marks)
    for (account, digest), fresh in by_person.items():
        _Person(names.people[account, digest], names.ends(account), work.tallies[account], work).count(
            account, fresh
        )
    marked = {scene for tally in work.tallies.values() for _, scene, _, _ in tally}
    return work.change(teams.teams_of(connection, marked))


def write(connection: Connection, change: Change) -> None:
    """Write a change, in the transaction in which the caller took its turn."""
    for table, rows in change.inserted.items():
        insert_all(connection, table, rows)
    for table, rows in change.added.items():
        add_all(connection, table, rows)
    if change.first_scans:
        lower = update(people).where(people.c.id == bindparam("of")).values(first_scan_at=bindparam("then"))
        connection.execute(lower, change.first_scans)


@dataclass(frozen=True)
class _Before:
    """What was known before: people's histories, and on which days they scanned which scene."""

    histories: dict[int, list[Step]]
    visits: dict[int, dict[int, set[int]]]


@dataclass(frozen=True)
class _Work:
    """A change in the making."""

    names: Names
    before: _Before
    marks: Marks
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(dict))
    facts: Rows = field(default_factory=list)
    visits: Rows = field(default_factory=list)
    first_scans: dict[int, int] = field(default_factory=dict)

    def change(self, of_teams: Teams) -> Change:
        """Return the change, once everybody's facts are in."""
        of_new: Rows = []
        of_known = dict(self.first_scans)
        for id, account, digest in self.names.new_people:
            of_new.append((id, account, digest, of_known.pop(id, None)))
        added: dict[Table, Rows] = {}
        for account, tally in self.tallies.items():
            for table, rows in rows_of(tally, of_teams, account=account, edition=self.marks.edition).items():
                added.setdefault(table, []).extend(rows)
        return Change(
            inserted={people: of_new, scenes: self.names.new_scenes, facts: self.facts, visits: self.visits},
            added=added,
            first_scans=[{"of": who, "then": at} for who, at in of_known.items()],
        )


@dataclass(frozen=True)
class _Person:
    """One person whose new facts are worked in."""

    who: int
    ends: Scenes
    tally: Tally
    work: _Work

    def count(self, account: str, fresh: Sequence[Fact]) -> None:
        """Count their new facts."""
        names, rules = self.work.names, self.work.marks.rules
        steps: list[Step] = []
        scans: list[tuple[int, int]] = []
        for fact in fresh:
            scene = names.scene(account, fact.scene)
            self.work.facts.append((self.who, int(fact.kind), fact.at, fact.key, scene))
            if fact.kind != Kind.SCAN:
                steps.append(Step(fact.at, fact.kind, fact.key, scene))
            if fact.is_scan:
                scans.append((rules.calendar.day(fact.at), scene))
                add(self.tally, of_scan(fact.at, scene, self.ends, rules))
        self._count_days(scans)
        self._count_history(steps, [fact.at for fact in fresh if fact.kind == Kind.SCAN])

    def _count_days(self, scans: Iterable[tuple[int, int]]) -> None:
        """Count on which days they were seen: by each scene, and by any."""
        known = self.work.before.visits.get(self.who, {})
        added: dict[int, set[int]] = defaultdict(set)
        for day, scene in scans:
            if day not in known.get(scene, ()):
                added[scene].add(day)
        if not added:
            return
        for scene, days in added.items():
            self._grow(known.get(scene, set()), days, scene)
            self.work.visits.extend((self.work.marks.edition, self.who, scene, day) for day in sorted(days))
        self._grow(set[int]().union(*known.values()), set[int]().union(*added.values()), self.ends.all)

    def _grow(self, known: set[int], added: set[int], scene: int) -> None:
        add(self.tally, of_days(known | added, scene))
        if known:
            add(self.tally, of_days(known, scene), -1)

    def _count_history(self, steps: Sequence[Step], scanned_at: Sequence[int]) -> None:
        """Take away what their history counted for, and count what it counts for now."""
        was = self.work.names.first_scans.get(self.who)
        first = min([*scanned_at, *([] if was is None else [was])], default=None)
        if first is not None and first != was:
            self.work.first_scans[self.who] = first
        if steps or first != was:
            history, rules = self.work.before.histories.get(self.who, []), self.work.marks.rules
            add(self.tally, of_history([*history, *steps], first, self.ends, rules))
            add(self.tally, of_history(history, was, self.ends, rules), -1)


def _with_moves(names: Names, by_person: dict[Person, list[Fact]], known: Collection[int]) -> list[int]:
    """Return those whose history is needed: they did more than scan, or scanned earlier than was known."""
    found = []
    for person, fresh in by_person.items():
        who = names.people[person]
        first = names.first_scans.get(who)
        is_earlier = any(fact.kind != Kind.SCAN or first is None or fact.at < first for fact in fresh)
        if who in known and is_earlier:
            found.append(who)
    return found


def _histories(connection: Connection, wanted: Collection[int]) -> dict[int, list[Step]]:
    found: dict[int, list[Step]] = defaultdict(list)
    columns = facts.c.who, facts.c.at, facts.c.kind, facts.c.key, facts.c.scene
    query = select(*columns).where(facts.c.who.in_(wanted), facts.c.kind < Kind.SCAN)
    for who, at, kind, key, scene in connection.execute(query) if wanted else ():
        found[who].append(Step(at, kind, key, scene))
    return found


def _visits(connection: Connection, edition: int, wanted: Collection[int]) -> dict[int, dict[int, set[int]]]:
    found: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    query = select(visits.c.who, visits.c.scene, visits.c.day).where(
        visits.c.edition == edition, visits.c.who.in_(wanted)
    )
    for who, scene, day in connection.execute(query) if wanted else ():
        found[who][scene].add(day)
    return found
