"""Undoing that permanent numbers were taken, when no code of them was made: they are as they were before."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, select, update

from wxbot.db.models import mintings, number_history, permanent_numbers, qrcodes


def undo(
    connection: Connection,
    account: str,
    numbers: Collection[int],
    *which: ColumnElement[bool],
    is_unused: bool = False,
) -> set[int]:
    """Let those of the numbers that are taken, and are `which`, be as before; no history is made of it.

    Those that WeChat has made a code of, or may have, stay taken, and are returned. Where the numbers are
    `is_unused`, given out to nobody, a code from before they were given back last does not count.
    """
    table = permanent_numbers.c
    mine = table.account == account, table.number.in_(numbers), table.state == "taken", *which
    # This changes nothing, but who writes down a call for one of them holds its row, or waits for it.
    connection.execute(update(permanent_numbers).where(*mine).values(state="taken"))
    rows = connection.execute(select(table.number, table.taken_at).where(*mine))
    taken_at = {row.number: row.taken_at for row in rows}
    pasts = _pasts(connection, account, taken_at)
    since = {number: past.released_at for number, past in pasts.items()} if is_unused else {}
    kept = _coded(connection, account, taken_at, since=since)
    kept |= _maybe_with_codes(connection, account, taken_at)
    undone = taken_at.keys() - kept
    gone = delete(permanent_numbers).where(table.account == account)
    connection.execute(gone.where(table.number.in_(undone - pasts.keys())))
    for number in undone & pasts.keys():
        past = pasts[number]
        values = {"owner": past.owner, "purpose": past.purpose, "taken_at": past.taken_at}
        values |= {"state": "quarantined", "free_at": taken_at[number]}
        this = table.account == account, table.number == number
        connection.execute(update(permanent_numbers).where(*this).values(values))
    return kept


def with_codes(connection: Connection, account: str, numbers: Collection[int]) -> set[int]:
    """Return those of the numbers that have a permanent code on record."""
    return _coded(connection, account, numbers, since={})


def _coded(
    connection: Connection, account: str, numbers: Collection[int], *, since: Mapping[int, int]
) -> set[int]:
    """Return those that have a permanent code on record, which of some counts only `since` a time."""
    table = qrcodes.c
    mine = table.account == account, table.scene.in_([str(each) for each in numbers])
    query = select(table.scene, table.created_at).where(*mine, table.is_integer, table.is_permanent)
    codes = {int(code.scene): code.created_at for code in connection.execute(query)}
    return {number for number, created_at in codes.items() if created_at >= since.get(number, 0)}


def _maybe_with_codes(connection: Connection, account: str, taken_at: dict[int, int]) -> set[int]:
    """Return those whose code is asked for now, or was without an answer since they were taken.

    Not those whose digits are a text's code: nobody can get one of the number then.
    """
    digits = [str(each) for each in taken_at]
    texts = select(qrcodes.c.scene).where(
        qrcodes.c.account == account, qrcodes.c.scene.in_(digits), ~qrcodes.c.is_integer
    )
    table = mintings.c
    mine = table.account == account, table.scene.in_(digits), table.is_permanent, table.scene.not_in(texts)
    query = select(table.scene, table.outcome, table.started_at)
    calls = connection.execute(query.where(*mine, table.outcome.in_(("asked", "unknown")))).all()
    return {
        int(call.scene)
        for call in calls
        if call.outcome == "asked" or call.started_at >= taken_at[int(call.scene)]
    }


def _pasts(connection: Connection, account: str, numbers: Collection[int]) -> dict[int, Row[Any]]:
    """Return what each of the numbers that meant something before meant last."""
    table = number_history.c
    mine = table.account == account, table.number.in_(numbers)
    known = select(number_history).where(*mine).order_by(table.released_at, table.taken_at)
    return {row.number: row for row in connection.execute(known)}
