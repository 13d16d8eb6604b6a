"""The book of promoters."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, select, true, tuple_, update

from wxbot.channels.channel import (
    ChannelRefusedError,
    ChannelTakenError,
    ChannelUnknownError,
    check_name,
)
from wxbot.channels.promoter import Promoter, check
from wxbot.db.business import promoters
from wxbot.db.patience import patiently
from wxbot.db.statements import database_now, insert_first

LARGEST_PAGE = 1000
_ORDER = (promoters.c.account, promoters.c.name)
_CHANGEABLE = frozenset({"title", "target"})


class Promoters:
    """All promoters. Safe to use from any thread and any number of processes; raises ChannelError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(
        self,
        account: str,
        name: str,
        *,
        title: str = "",
        target: int | None = None,
        within: Connection | None = None,
    ) -> Promoter:
        """Make a promoter; raises ChannelRefusedError with every fault, ChannelTakenError."""
        title = title or name
        if faults := check_name(name) or check(title, target):
            raise ChannelRefusedError(faults)
        now = database_now()
        row = {
            "account": account,
            "name": name,
            "title": title,
            "target": target,
            "created_at": now,
            "changed_at": now,
        }

        def work(connection: Connection) -> Promoter:
            if not insert_first(connection, promoters, row):
                raise ChannelTakenError(f"there is a promoter {name!r} already (who may be archived)")
            return _known(connection, account, name)

        return self._write(work, within)

    def change(
        self, account: str, name: str, changes: Mapping[str, Any], *, within: Connection | None = None
    ) -> Promoter:
        """Change title or target, and return the promoter as they are then; raises ChannelUnknownError."""
        if unknown := sorted(set(changes) - _CHANGEABLE):
            raise ChannelRefusedError(dict.fromkeys(unknown, "cannot be changed"))
        given = dict(changes)
        if "title" in given:
            given["title"] = given["title"] or name
        if faults := check(given.get("title", name), given.get("target")):
            raise ChannelRefusedError(faults)
        return self._write(partial(_update, account, name, given, true()), within)

    def archive(self, account: str, name: str, *, within: Connection | None = None) -> Promoter:
        """Let no more channels be given to them; those they have stay theirs. May be repeated."""
        is_there = promoters.c.archived_at.is_(None)
        return self._write(partial(_update, account, name, {"archived_at": database_now()}, is_there), within)

    def restore(self, account: str, name: str, *, within: Connection | None = None) -> Promoter:
        """Bring an archived promoter back. May be repeated."""
        is_away = promoters.c.archived_at.is_not(None)
        return self._write(partial(_update, account, name, {"archived_at": None}, is_away), within)

    def find(self, account: str, name: str) -> Promoter:
        """Return a promoter; raises ChannelUnknownError."""
        with self._engine.connect() as connection:
            return _known(connection, account, name)

    def listed(
        self,
        accounts: Sequence[str],
        *,
        is_archived: bool | None = False,
        after: tuple[str, str] | None = None,
        limit: int = LARGEST_PAGE,
    ) -> list[Promoter]:
        """Return up to `limit` promoters (1000 at most) by account and name, those behind `after`."""
        query = select(promoters).where(promoters.c.account.in_(accounts))
        if after is not None:
            query = query.where(tuple_(*_ORDER) > after)
        if is_archived is not None:
            archived = promoters.c.archived_at
            query = query.where(archived.is_not(None) if is_archived else archived.is_(None))
        query = query.order_by(*_ORDER).limit(max(1, min(limit, LARGEST_PAGE)))
        with self._engine.connect() as connection:
            return [Promoter(**row) for row in connection.execute(query).mappings()]

    def _write(self, work: Callable[[Connection], Promoter], within: Connection | None) -> Promoter:
        return patiently(self._engine, work) if within is None else work(within)


def _update(
    account: str,
    name: str,
    values: Mapping[str, Any],
    condition: ColumnElement[bool],
    connection: Connection,
) -> Promoter:
    _known(connection, account, name)
    mine = promoters.c.account == account, promoters.c.name == name
    connection.execute(
        update(promoters).where(*mine, condition).values({**values, "changed_at": database_now()})
    )
    return _known(connection, account, name)


def _known(connection: Connection, account: str, name: str) -> Promoter:
    query = select(promoters).where(promoters.c.account == account, promoters.c.name == name)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise ChannelUnknownError(f"account {account!r} has no promoter {name[:70]!r}")
    return Promoter(**row)
