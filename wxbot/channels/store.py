"""The book of channels: made, changed, archived, found. None is ever deleted, since prints outlive them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, not_, or_, select, tuple_, update

from wxbot.channels.channel import (
    DETAILS,
    Channel,
    ChannelRefusedError,
    ChannelTakenError,
    ChannelUnknownError,
    Details,
    State,
    check,
    check_name,
    from_row,
    row_of,
)
from wxbot.db.business import channels, promoters
from wxbot.db.patience import patiently
from wxbot.db.sqlite import begin_write
from wxbot.db.statements import database_now, insert_first
from wxbot.errors import WxbotError

LARGEST_PAGE = 1000
_NOTHING = Details()
_PLAIN_NUMBER = re.compile("[1-9][0-9]{0,9}")
_ORDER = (channels.c.account, channels.c.name)


class Taken(Protocol):
    """A permanent number that was taken."""

    @property
    def number(self) -> int:
        """The number."""
        ...

    @property
    def owner(self) -> str:
        """Who has it."""
        ...


class NumberBook(Protocol):
    """The permanent numbers of the accounts (wxbot/qrcodes/numbers.py)."""

    def take(self, account: str, owner: str, purpose: str, number: int | None = None) -> Taken:
        """Take this one, or the next free one; raises WxbotError when it is not to be had."""
        ...

    def taken(self, account: str) -> Sequence[Taken]:
        """Return who has which."""
        ...

    def undo(self, account: str, owner: str, number: int) -> object:
        """Let one be as it was before this owner took it."""
        ...

    def refusal(self, connection: Connection, account: str, number: int) -> str:
        """Return why nobody may have this one for now, since it rests; empty if it does not."""
        ...


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A channel to be made. `scene` empty: the name; `takes_number`: the next free permanent number."""

    name: str
    scene: str = ""
    takes_number: bool = False
    details: Details = _NOTHING


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which channels are listed; None does not restrict.

    `text` is looked for in name, title, scene and owner, written large or small. `standing` is a state
    and the time at which it is asked for, and goes before `is_archived`.
    """

    group: str | None = None
    promoter: str | None = None
    is_archived: bool | None = False
    text: str | None = None
    standing: tuple[State, int] | None = None


ALL = Filter(is_archived=None)


class Channels:
    """All channels. Safe to use from any thread and any number of processes.

    `check_scene` raises WxbotError for a scene that no code can have. `changed` is called after each change
    that was committed here; who changes something `within` a transaction of their own calls it afterwards.
    A name and a scene belong to one channel for ever: what is printed goes on being scanned. Every method
    that changes something raises ChannelError.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        check_scene: Callable[[str], object],
        numbers: NumberBook,
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self._engine = engine
        self._check_scene = check_scene
        self._numbers = numbers
        self.changed = changed

    def create(self, account: str, wanted: Wanted, *, within: Connection | None = None) -> Channel:
        """Make a channel; raises ChannelRefusedError with every fault, ChannelTakenError.

        What takes a number comes from `prepared`.
        """
        assert not wanted.takes_number, "prepared() takes the number"
        details = replace(wanted.details, title=wanted.details.title or wanted.name)
        now = database_now()
        row: dict[str, object] = {"account": account, "name": wanted.name}
        row["scene"] = wanted.scene or wanted.name
        row |= {**row_of(details), "created_at": now, "changed_at": now}

        def work(connection: Connection) -> Channel:
            self._check(connection, account, wanted)
            if not insert_first(connection, channels, row):
                raise ChannelTakenError("the name or the scene was given to another channel just now")
            return _known(connection, account, wanted.name)

        return self._write(work, within)

    @contextmanager
    def prepared(self, account: str, wanted: Wanted) -> Iterator[Wanted]:
        """Lend what `create` is to make, with the number that it takes; given back if that raises.

        What was taken by a process that was lost before it made the channel is used, not taken once more. A
        scene that is a permanent number is taken too, if it is free: nobody else shall get it.
        """
        with self._engine.connect() as connection:
            self._check(connection, account, wanted)
        number = self._number(account, wanted)
        prepared = wanted
        if wanted.takes_number:
            prepared = replace(wanted, takes_number=False, scene=str(number))
        try:
            yield prepared
        except BaseException:
            owner = None if number is None else self.find_scene(account, str(number))
            # Nothing was printed with it yet, unless somebody else was faster to make the same channel.
            if number is not None and (owner is None or owner.name != wanted.name):
                self._numbers.undo(account, _owner(wanted), number)
            raise

    def _number(self, account: str, wanted: Wanted) -> int | None:
        """Take the number that a channel is to have, if it is to have one and it can be taken."""
        owner, purpose = _owner(wanted), wanted.details.title or wanted.name
        if wanted.takes_number:
            left = (each.number for each in self._numbers.taken(account) if each.owner == owner)
            return next(left, None) or self._numbers.take(account, owner, purpose).number
        scene = wanted.scene or wanted.name
        if not _PLAIN_NUMBER.fullmatch(scene):
            return None
        try:
            return self._numbers.take(account, owner, purpose, int(scene)).number
        except WxbotError:  # somebody else's, or minted before
            return None

    def faults(self, account: str, wanted: Wanted) -> dict[str, str]:
        """Return what is wrong with a channel to be made, by field, also that it is there already."""
        try:
            with self._engine.connect() as connection:
                self._check(connection, account, wanted)
        except ChannelRefusedError as error:
            return dict(error.faults)
        except ChannelTakenError as error:
            return {"name": str(error)}
        return {}

    def change(
        self, account: str, name: str, changes: Mapping[str, Any], *, within: Connection | None = None
    ) -> Channel:
        """Change some of the details, by their names, and return the channel as it is then.

        Raises ChannelUnknownError, ChannelRefusedError. A title that is empty becomes the name.
        """

        def work(connection: Connection) -> Channel:
            begin_write(connection)  # for SQLite, to which FOR UPDATE says nothing
            known = _known(connection, account, name, for_update=True)
            after = _changed(connection, known, changes)
            values = row_of(after) | {"changed_at": database_now()}
            connection.execute(update(channels).where(*_this(account, name)).values(values))
            return _known(connection, account, name)

        return self._write(work, within)

    def check_change(self, known: Channel, changes: Mapping[str, Any]) -> None:
        """Raise what `change` would, and change nothing."""
        with self._engine.connect() as connection:
            _changed(connection, known, changes)

    def archive(self, account: str, name: str, *, within: Connection | None = None) -> Channel:
        """Let a channel answer and tag no more; its scene stays its own. May be repeated."""
        return self._write(partial(_set_archived, account=account, name=name, at=database_now()), within)

    def restore(self, account: str, name: str, *, within: Connection | None = None) -> Channel:
        """Bring an archived channel back. May be repeated."""
        return self._write(partial(_set_archived, account=account, name=name, at=None), within)

    def find(self, account: str, name: str) -> Channel:
        """Return a channel; raises ChannelUnknownError."""
        with self._engine.connect() as connection:
            return _known(connection, account, name)

    def find_scene(self, account: str, scene: str) -> Channel | None:
        """Return the channel of a scene, also one that is archived."""
        return self._find(account, channels.c.scene == scene)

    def listed(
        self,
        accounts: Sequence[str],
        wanted: Filter = ALL,
        *,
        after: tuple[str, str] | None = None,
        limit: int = LARGEST_PAGE,
    ) -> list[Channel]:
        """Return up to `limit` channels (1000 at most) by account and name, those behind `after`."""
        query = _listing(accounts, wanted).order_by(*_ORDER).limit(max(1, min(limit, LARGEST_PAGE)))
        if after is not None:
            query = query.where(tuple_(*_ORDER) > after)
        with self._engine.connect() as connection:
            return [from_row(row) for row in connection.execute(query).mappings()]

    def groups(self, account: str, *, limit: int = LARGEST_PAGE) -> list[str]:
        """Return the groups that channels of an account belong to, archived ones as well."""
        table = channels.c
        mine = table.account == account, table.group_name.is_not(None)
        query = select(table.group_name).where(*mine).distinct().order_by(table.group_name).limit(limit)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def _find(self, account: str, condition: ColumnElement[bool]) -> Channel | None:
        with self._engine.connect() as connection:
            query = select(channels).where(channels.c.account == account, condition)
            row = connection.execute(query).mappings().first()
        return None if row is None else from_row(row)

    def _check(self, connection: Connection, account: str, wanted: Wanted) -> None:
        """Raise what keeps a channel from being made."""
        if faults := self._faults(connection, account, wanted):
            raise ChannelRefusedError(faults)
        scene = "" if wanted.takes_number else wanted.scene or wanted.name
        if taken := _taken(connection, account, wanted.name, scene):
            raise taken

    def _faults(self, connection: Connection, account: str, wanted: Wanted) -> dict[str, str]:
        details = replace(wanted.details, title=wanted.details.title or wanted.name)
        faults = check_name(wanted.name) or check(details)
        if wanted.takes_number and wanted.scene:
            faults["scene"] = "is given, and a number is to be taken: one of the two"
        elif not wanted.takes_number and "name" not in faults:
            faults |= self._scene_faults(connection, account, wanted.scene or wanted.name)
        return faults | _promoter_faults(connection, account, details.promoter)

    def _scene_faults(self, connection: Connection, account: str, scene: str) -> dict[str, str]:
        try:
            self._check_scene(scene)
        except WxbotError as error:
            return {"scene": str(error)}
        if not _PLAIN_NUMBER.fullmatch(scene):
            return {}
        rests = self._numbers.refusal(connection, account, int(scene))
        return {"scene": rests} if rests else {}

    def _write(self, work: Callable[[Connection], Channel], within: Connection | None) -> Channel:
        if within is not None:
            return work(within)
        result = patiently(self._engine, work)
        self.changed()
        return result


def _owner(wanted: Wanted) -> str:
    """Return the name under which a channel has its number."""
    return f"channel:{wanted.name}"


def _listing(accounts: Sequence[str], wanted: Filter) -> Select[Any]:
    conditions: Sequence[tuple[ColumnElement[bool], bool]] = [
        (channels.c.group_name == wanted.group, wanted.group is not None),
        (channels.c.promoter == wanted.promoter, wanted.promoter is not None),
        (channels.c.archived_at.is_not(None), wanted.is_archived is True),
        (channels.c.archived_at.is_(None), wanted.is_archived is False),
    ]
    if wanted.standing is not None:
        conditions = [*conditions[:2], (_stands(*wanted.standing), True)]
    asked = [condition for condition, is_asked in conditions if is_asked]
    if wanted.text:
        named = (channels.c.name, channels.c.title, channels.c.scene, channels.c.owner)
        asked.append(or_(*(column.icontains(wanted.text, autoescape=True) for column in named)))
    return select(channels).where(channels.c.account.in_(accounts), *asked)


def _stands(state: State, at: int) -> ColumnElement[bool]:
    """Return the condition for a state, as `Channel.state` says it of one."""
    table = channels.c
    is_archived = and_(table.archived_at.is_not(None), table.archived_at <= at)
    begins_later = and_(table.starts_at.is_not(None), table.starts_at > at)
    has_ended = and_(table.ends_at.is_not(None), table.ends_at <= at)
    return {
        State.ARCHIVED: is_archived,
        State.NOT_BEGUN: and_(not_(is_archived), begins_later),
        State.OVER: and_(not_(is_archived), not_(begins_later), has_ended),
        State.LIVE: and_(not_(is_archived), not_(begins_later), not_(has_ended)),
    }[state]


def _known(connection: Connection, account: str, name: str, *, for_update: bool = False) -> Channel:
    query = select(channels).where(*_this(account, name))
    row = connection.execute(query.with_for_update() if for_update else query).mappings().first()
    if row is None:
        raise ChannelUnknownError(f"account {account!r} has no channel {name[:70]!r}")
    return from_row(row)


def _changed(connection: Connection, known: Channel, changes: Mapping[str, Any]) -> Channel:
    """Return a channel as it is to be; raises ChannelRefusedError."""
    if unknown := sorted(set(changes) - DETAILS):
        raise ChannelRefusedError(dict.fromkeys(unknown, "cannot be changed"))
    after = replace(known, **changes)
    after = replace(after, title=after.title or known.name)
    faults = check(after)
    if after.promoter != known.promoter:
        faults |= _promoter_faults(connection, known.account, after.promoter)
    if faults:
        raise ChannelRefusedError(faults)
    return after


def _this(account: str, name: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return channels.c.account == account, channels.c.name == name


def _promoter_faults(connection: Connection, account: str, name: str | None) -> dict[str, str]:
    if name is None:
        return {}
    query = select(promoters.c.archived_at).where(promoters.c.account == account, promoters.c.name == name)
    row = connection.execute(query).first()
    if row is None:
        return {"promoter": f"there is no promoter {name[:70]!r}: make one first; a name is wanted, no title"}
    if row.archived_at is not None:
        return {"promoter": f"the promoter {name!r} is archived: restore them first, or name another one"}
    return {}


def _taken(connection: Connection, account: str, name: str, scene: str) -> ChannelTakenError | None:
    """Return why a name or a scene cannot be given to a new channel, if it cannot."""
    either = or_(channels.c.name == name, channels.c.scene == scene)
    rows = connection.execute(
        select(channels.c.name, channels.c.archived_at).where(channels.c.account == account, either)
    ).all()
    if not rows:
        return None
    row = next((each for each in rows if each.name == name), rows[0])
    state = "an archived channel" if row.archived_at is not None else "a channel"
    if row.name == name:
        return ChannelTakenError(
            f"there is {state} {name!r} already: choose another name, or change that one"
        )
    return ChannelTakenError(
        f"the scene {scene!r} belongs to {state}, {row.name!r}, whose prints may still be scanned: "
        "choose another one"
    )


def _set_archived(
    connection: Connection, *, account: str, name: str, at: ColumnElement[int] | None
) -> Channel:
    _known(connection, account, name)
    is_other = channels.c.archived_at.is_not(None) if at is None else channels.c.archived_at.is_(None)
    change = update(channels).where(*_this(account, name), is_other)
    connection.execute(change.values(archived_at=at, changed_at=database_now()))
    return _known(connection, account, name)
