"""Lists of the codes on record, a page at a time, the newest first."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, select, tuple_

from wxbot.db.models import qrcodes
from wxbot.qrcodes.mint import Code, code_of

LARGEST_PAGE = 1000
_ORDER = (qrcodes.c.created_at, qrcodes.c.account, qrcodes.c.scene, qrcodes.c.is_permanent)


@dataclass(frozen=True)
class Position:
    """Where a page ends: the code after which the next page begins. It stays right while codes are added."""

    created_at: int
    account: str
    scene: str
    is_permanent: bool


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some codes, and where to go on; `after` is None on the last page."""

    codes: tuple[Code, ...]
    after: Position | None


def list_codes(
    engine: Engine,
    *,
    accounts: Collection[str] | None = None,
    is_permanent: bool | None = None,
    after: Position | None = None,
    limit: int = 100,
) -> Page:
    """Return up to `limit` codes (1000 at most) of some accounts or all, the newest first."""
    limit = max(1, min(limit, LARGEST_PAGE))
    query = select(qrcodes).order_by(*(column.desc() for column in _ORDER)).limit(limit + 1)
    if accounts is not None:
        query = query.where(qrcodes.c.account.in_(accounts))
    if is_permanent is not None:
        query = query.where(qrcodes.c.is_permanent == is_permanent)
    if after is not None:
        place = (after.created_at, after.account, after.scene, after.is_permanent)
        query = query.where(tuple_(*_ORDER) < place)
    with engine.connect() as connection:
        found = [code_of(row) for row in connection.execute(query).mappings()]
    codes = tuple(found[:limit])
    return Page(codes=codes, after=_position(codes[-1]) if len(found) > limit else None)


def _position(code: Code) -> Position:
    return Position(
        created_at=code.created_at, account=code.account, scene=code.scene, is_permanent=code.is_permanent
    )
