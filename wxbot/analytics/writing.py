"""How a tally gets into the tables: each mark is added to its day and the blocks around it, and to teams."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Table

from wxbot.analytics.tally import Tally
from wxbot.analytics.units import LEVELS, SIZES, days, first_day, unit, units_of, weekday
from wxbot.db.figures import bursts, counts, hours, returns, stays

_LARGEST = 2
_COLUMNS = {name: place for place, name in enumerate(column.name for column in counts.c)}
_KEY = 4  # edition, account, unit, scene
_TABLES = {"counts": counts, "hours": hours, "returns": returns, "stays": stays, "bursts": bursts}
# What groups and promoters have as well: all but bursts, which are looked for at single codes.
OF_TEAMS = (counts, hours, returns, stays)
Rows = list[tuple[object, ...]]
# The numbers of lines to which a scene's counters are added as well.
Teams = Mapping[int, Sequence[int]]


def rows_of(tally: Tally, teams: Teams, *, account: str, edition: int) -> dict[Table, Rows]:
    """Return the rows that a tally adds to the counters of an edition, in the order of their keys."""
    cells: dict[str, dict[tuple[int, int, str | int], int]] = {name: {} for name in _TABLES}
    for (name, scene, day, place), number in tally.items():
        if number:
            found = cells[name]
            lines = (scene, *teams.get(scene, ())) if _TABLES[name] in OF_TEAMS else (scene,)
            for of in _units(name, day, place):
                for line in lines:
                    cell = (of, line, place)
                    found[cell] = found.get(cell, 0) + number
    rows: dict[Table, Rows] = {}
    for name, table in _TABLES.items():
        make = _wide if name in ("counts", "hours") else _long
        rows[table] = make(table, cells[name], edition, account)
    return rows


def units_between(table: Table, first: int, last: int) -> list[int]:
    """Return all units of a table in which something of these days may be counted."""
    found = days(first, last)
    for level in LEVELS[1:]:
        starts = range(first - first % SIZES[level], last + 1, SIZES[level])
        # The scans of each weekday in a block.
        places = range(7 if table is hours and level == _LARGEST else 1)
        found += [unit(level, start) + place for start in starts for place in places]
    return found


def _units(table: str, day: int, place: str | int) -> Sequence[int]:
    """Return the units in which a mark of a day counts."""
    if table == "bursts":
        return (day,)
    if table == "hours":
        return (day, unit(_LARGEST, day) + weekday(day))
    if table == "returns":
        # Somebody who was seen before in the same block is not one more in it.
        return [of for of in units_of(day) if int(place) < first_day(of)]
    return units_of(day)


def _long(_table: Table, cells: dict[tuple[int, int, str | int], int], edition: int, account: str) -> Rows:
    """Return a row for each cell."""
    return [(edition, account, *cell, number) for cell, number in sorted(cells.items()) if number]


def _wide(table: Table, cells: dict[tuple[int, int, str | int], int], edition: int, account: str) -> Rows:
    """Return a row for each unit and scene, with a column for each place."""
    rows: dict[tuple[int, int], list[object]] = {}
    empty = [0] * (len(table.c) - _KEY)
    for (of, scene, place), number in cells.items():
        if number:
            row = rows.get((of, scene))
            if row is None:
                row = rows[of, scene] = [edition, account, of, scene, *empty]
            row[_COLUMNS[place] if isinstance(place, str) else _KEY + place] = number
    return [tuple(row) for _, row in sorted(rows.items())]
