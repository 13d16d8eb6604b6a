"""One year of some thousand events, written once, and what its tests look up in it."""

from collections.abc import Iterator, Sequence
from datetime import date

import pytest
from sqlalchemy import Connection, RowMapping, Select, select

from tests.services import fresh_database_url, on_store
from wxbot.db.engine import open_engine
from wxbot.year.filling import fill
from wxbot.year.plan import Plan
from wxbot.year.seasons import midnight

PLAN = Plan(events=12_000, until=midnight(date(2026, 11, 20)))


class Year:
    """A year that was written, and its database."""

    def __init__(self, plan: Plan, connection: Connection) -> None:
        self.plan = plan
        self._connection = connection

    def all(self, query: Select[tuple[object, ...]]) -> Sequence[RowMapping]:
        """Return the rows of a query."""
        return self._connection.execute(query).mappings().all()

    def rows(self, table: object) -> Sequence[RowMapping]:
        """Return all rows of a table, by its key."""
        return self.all(select(table).order_by(*table.primary_key.columns))  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """Return a year of about 12,000 events."""
    with on_store("sqlite"):
        engine = open_engine(fresh_database_url(tmp_path_factory.mktemp("year")))
    with engine.begin() as connection:
        fill(connection, PLAN)
        yield Year(PLAN, connection)
    engine.dispose()
