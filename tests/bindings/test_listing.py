"""Long lists of bindings: a page is read along the index of time, and not out of the whole table."""

from typing import Any

import pytest
from sqlalchemy import Engine, event, update

from wxbot.bindings.bindings import Bindings, Cause, Wanted
from wxbot.db.business import bindings as table
from wxbot.db.paging import Place
from wxbot.followers import person


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(has_ended=False),
        Wanted(has_ended=True),
        Wanted(has_ended=False, after=Place(7, b"k" * 16)),
    ],
    ids=["all", "lasting", "ended", "further on"],
)
def test_page_is_read_along_the_index_of_time(engine: Engine, wanted: Wanted) -> None:
    asked: list[tuple[str, Any]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    Bindings(engine).listed(["first", "second"], wanted, limit=20)
    event.remove(engine, "before_cursor_execute", note)

    queries = [each for each in asked if each[0].startswith("SELECT")]
    assert queries
    with engine.connect() as connection:
        for query, parameters in queries:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters).all()
            # Only what is of one second is sorted, which each version of SQLite names differently.
            sorting = ("LAST TERM OF ORDER BY", "RIGHT PART OF ORDER BY")
            steps = [row.detail for row in plan if not row.detail.endswith(sorting)]
            assert len(steps) == 1 and "ix_bindings_bound_at" in steps[0], steps


def test_pages_of_what_ended_and_what_lasts_hold_everything_once(engine: Engine) -> None:
    bindings = Bindings(engine)
    for number in range(9):
        bindings.bind(("first", "second")[number % 2], f"user-{number}", f"o-{number}")
        if number % 3 == 0:
            bindings.unlink(("first", "second")[number % 2], openid=f"o-{number}", by=Cause.SITE)
    with engine.begin() as connection:
        connection.execute(update(table).values(bound_at=5))  # all in one second

    def users(accounts: list[str], **about: Any) -> list[str]:
        found: list[str] = []
        after: Place | None = None
        while True:
            page = bindings.listed(accounts, Wanted(after=after, **about), limit=2)
            found += [each.site_user for each in page.bindings]
            after = page.after
            if after is None:
                assert len(found) == len(set(found))
                return sorted(found)

    both = ["first", "second"]
    assert users(both, has_ended=True) == ["user-0", "user-3", "user-6"]
    assert users(both, has_ended=False) == ["user-1", "user-2", "user-4", "user-5", "user-7", "user-8"]
    assert users(["second"], has_ended=None) == ["user-1", "user-3", "user-5", "user-7"]
    assert users(both, person=person("second", "o-5")) == users(both, site_user="user-5") == ["user-5"]
    assert users(["first"], site_user="user-5") == []
