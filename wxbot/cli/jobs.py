"""`wxbot jobs`: what is waiting, what went wrong, and doing it again."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.configuration import load_settings
from wxbot.cli.opened import opened_records
from wxbot.cli.output import Failure, json_option, moment, print_json, print_table

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from wxbot.jobs.ledger import Ledger

_STATES = ("waiting", "running", "kept", "done", "dead", "unknown")
_SHORT = 16
_MOST_AT_A_TIME = 1000


@click.group()
def jobs() -> None:
    """Look at jobs, and do again what was put aside."""


@jobs.command(name="list")
@click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True, help="Only those; may be repeated."
)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many.")
@json_option
def list_command(states: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """List the jobs that were put aside; those that were due last come first.

    These are dead (failed at every attempt), unknown (nobody saw how they ended) or kept (messages that wait
    until the person makes contact).
    """
    from wxbot.jobs.listing import PUT_ASIDE, Wanted, listed

    with _ledger() as ledger:
        rows = listed(ledger.engine, Wanted(states=states or PUT_ASIDE), limit=limit).rows
        counts = ledger.counts()
    if as_json:
        print_json([_fields(row) for row in rows])
        return
    if rows:
        print_table(
            ("job", "name", "account", "state", "attempts", "due", "detail"),
            [_cells(row) for row in rows],
        )
    click.echo(
        ", ".join(f"{state} {counts[state]}" for state in _STATES if state in counts) or "There are no jobs."
    )


@jobs.command()
@click.argument("key")
@json_option
def show(key: str, *, as_json: bool) -> None:
    """Show all that is recorded about the job KEY.

    KEY is what `wxbot jobs list` and the log call it, or as much of its beginning as is unique. The arguments
    are shown as well, and may hold personal data.
    """
    with _ledger() as ledger:
        fields = _fields(_find(ledger, key))
    if as_json:
        print_json(fields)
        return
    shown = [(name.replace("_", " "), _words(name, value)) for name, value in fields.items()]
    print_table(("what", "value"), [row for row in shown if row[1]])


@jobs.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all-dead", is_flag=True, help="Every dead job.")
@json_option
def replay(keys: tuple[str, ...], *, all_dead: bool, as_json: bool) -> None:
    """Do dead jobs, or those of unknown outcome, once more.

    Look first whether a job of unknown outcome has happened: what it does would happen twice. So these must
    be named one by one. Kept messages go out by themselves at the person's next contact.
    """
    if bool(keys) == all_dead:
        raise click.UsageError("name the jobs, or say --all-dead")
    with _ledger() as ledger:
        chosen = list(_all_dead(ledger)) if all_dead else [_find(ledger, key) for key in keys]
        refused = [] if all_dead else [row for row in chosen if not _replay(ledger, row)]
    if refused:
        raise Failure(
            "; ".join(f"job {row['id'].hex()} is {row['state']}, {_advice(row['state'])}" for row in refused)
        )
    if as_json:
        print_json([row["id"].hex() for row in chosen])
    else:
        click.echo(f"Workers do these jobs once more: {len(chosen)}. See `wxbot jobs list`.")


@contextmanager
def _ledger() -> Iterator["Ledger"]:
    from wxbot.jobs.ledger import Ledger

    with opened_records(load_settings()) as engine:
        yield Ledger(engine)


def _find(ledger: "Ledger", key: str) -> "RowMapping":
    from wxbot.jobs.listing import find

    if not re.fullmatch("[0-9a-f]{4,32}", key):
        raise click.BadParameter(
            f"{key!r} is no job; write at least 4 hexadecimal digits of its key", param_hint="KEY"
        )
    rows = find(ledger.engine, key)
    if not rows:
        raise Failure(f"there is no job {key}; see `wxbot jobs list`")
    if len(rows) > 1:
        raise Failure(f"several jobs begin with {key}; write more of the key")
    return rows[0]


def _all_dead(ledger: "Ledger") -> Iterator["RowMapping"]:
    """Replay dead jobs until there is none; yield them. One that dies again meanwhile is left."""
    from wxbot.jobs.listing import Wanted, listed

    page = listed(ledger.engine, Wanted(states=("dead",)), limit=_MOST_AT_A_TIME)
    while True:
        yield from (row for row in page.rows if _replay(ledger, row))
        if page.after is None:
            return
        page = listed(ledger.engine, Wanted(states=("dead",)), after=page.after, limit=_MOST_AT_A_TIME)


def _replay(ledger: "Ledger", row: "RowMapping") -> bool:
    from wxbot.webhooks.deliveries import revive

    return ledger.replay(row["id"], also=revive)


def _advice(state: str) -> str:
    if state == "kept":
        return "it goes out by itself at the person's next contact"
    if state == "done":
        return "there is nothing to do again"
    return "it is done without that"


def _fields(row: "RowMapping") -> dict[str, Any]:
    """Return a job as data; of the listed rows those columns that were asked for."""
    fields: dict[str, Any] = dict(row)
    named = {
        "key": fields.pop("id").hex(),
        "event": _hex(fields.pop("event_key")),
        "person": _hex(fields.pop("person")),
    }
    for internal in ("lease_by", "body"):
        fields.pop(internal, None)
    if "arguments" in fields:
        fields["arguments"] = json.loads(fields["arguments"])
    return {**named, **fields}


def _cells(row: "RowMapping") -> tuple[str, ...]:
    what = row["name"], row["account"], row["state"], str(row["attempts"])
    return (row["id"].hex()[:_SHORT], *what, moment(row["run_at"]), row["detail"] or "")


def _words(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and name.endswith(("_at", "_until")):
        return moment(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
