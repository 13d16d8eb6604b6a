"""Lines of groups and promoters: what a channel's code counts for is added to theirs as well.

A team is a group or a promoter. Whose a channel is may change: then all that its code counted for is taken
from the one and added to the other, so that a team has the figures of the channels that are theirs now.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, func, literal, or_, select, update

from wxbot.analytics import naming
from wxbot.analytics.naming import GROUP, PROMOTER, SCENE, of_channel, scene_digest
from wxbot.analytics.units import unit
from wxbot.analytics.writing import OF_TEAMS, Teams, units_between
from wxbot.db.business import channels
from wxbot.db.figures import counts, scenes
from wxbot.db.statements import add_selected, insert_all

# So many channels at once, and fewer when it is much that they counted for: nobody waits long for the lock.
_CHANNELS = 200
_ROWS = 500
# So many units in one question.
_UNITS = 1000


def teams_of(connection: Connection, ids: Collection[int] | None = None) -> Teams:
    """Return to which lines the counters of these scenes, or of all, are added as well."""
    query = select(scenes.c.id, scenes.c.in_group, scenes.c.in_promoter).where(
        or_(scenes.c.in_group.is_not(None), scenes.c.in_promoter.is_not(None))
    )
    if ids is not None:
        query = query.where(scenes.c.id.in_(ids))
    return {id: tuple(team for team in teams if team is not None) for id, *teams in connection.execute(query)}


def outdated(connection: Connection) -> Sequence[Row[Any]]:
    """Return channels whose counters are with other teams than theirs; not all, if they are many."""
    groups, promoters = scenes.alias("groups"), scenes.alias("promoters")
    query = (
        select(channels.c.account, channels.c.scene, channels.c.group_name, channels.c.promoter)
        .add_columns(scenes.c.in_group, scenes.c.in_promoter)
        .select_from(
            channels.outerjoin(scenes, of_channel())
            .outerjoin(groups, groups.c.id == scenes.c.in_group)
            .outerjoin(promoters, promoters.c.id == scenes.c.in_promoter)
        )
        .where(
            or_(
                channels.c.group_name.is_distinct_from(groups.c.scene),
                channels.c.promoter.is_distinct_from(promoters.c.scene),
            )
        )
        .limit(_CHANNELS)
    )
    return connection.execute(query).all()


def settle(connection: Connection, edition: int, found: Sequence[Row[Any]]) -> None:
    """Bring outdated channels to their teams, at least one of them; the caller has taken its turn."""
    numbers = _numbers(connection, found)
    moved = 0
    for row in found:
        scene = numbers[row.account, SCENE, row.scene]
        teams = [
            numbers[row.account, kind, name] if name is not None else None
            for kind, name in ((GROUP, row.group_name), (PROMOTER, row.promoter))
        ]
        for before, after in zip((row.in_group, row.in_promoter), teams, strict=True):
            if before != after:
                moved += _move(connection, (edition, row.account, scene), {before: -1, after: 1})
        mine = update(scenes).where(scenes.c.id == scene)
        connection.execute(mine.values(in_group=teams[0], in_promoter=teams[1]))
        if moved > _ROWS:
            return


def _numbers(connection: Connection, found: Sequence[Row[Any]]) -> dict[tuple[str, str, str], int]:
    """Return the numbers of channels' scenes and of their teams; those that have none get one."""
    wanted = {
        (row.account, kind, text)
        for row in found
        for kind, text in ((SCENE, row.scene), (GROUP, row.group_name), (PROMOTER, row.promoter))
        if text is not None
    }
    digests = {scene_digest(*each): each for each in sorted(wanted)}
    numbers, new = naming.number_scenes(connection, digests)
    insert_all(connection, scenes, new)
    return {each: numbers[digest] for digest, each in digests.items()}


def _move(connection: Connection, of: tuple[int, str, int], signs: Mapping[int | None, int]) -> int:
    """Add what a scene counted for to lines, or take it away; returns how many rows that were."""
    rows = 0
    for table in OF_TEAMS:
        for some in _units(connection, table, of):
            for team, sign in signs.items():
                if team is not None:
                    rows += _add(connection, table, (*of, some), team, sign)
    return rows


def _units(connection: Connection, table: Table, of: tuple[int, str, int]) -> Iterator[list[int]]:
    """Yield all units in which anything was counted: a scene's rows are found by them alone."""
    edition, account, _ = of
    mine = counts.c.edition == edition, counts.c.account == account, counts.c.unit < unit(1, 0)
    first, last = connection.execute(
        select(func.min(counts.c.unit), func.max(counts.c.unit)).where(*mine)
    ).one()
    units = [] if first is None else units_between(table, first, last)
    for start in range(0, len(units), _UNITS):
        yield units[start : start + _UNITS]


def _add(
    connection: Connection, table: Table, of: tuple[int, str, int, list[int]], team: int, sign: int
) -> int:
    edition, account, scene, units = of
    source = table.alias("source")
    # Asked of the table: the columns of an alias do not tell their defaults.
    numbers = {column.name for column in table.c if column.server_default is not None}
    values = [
        literal(team).label("scene")
        if name == "scene"
        else (column * sign if name in numbers else column).label(name)
        for name, column in source.c.items()
    ]
    query = select(*values).where(
        source.c.edition == edition,
        source.c.account == account,
        source.c.unit.in_(units),
        source.c.scene == scene,
    )
    return add_selected(connection, table, query)
