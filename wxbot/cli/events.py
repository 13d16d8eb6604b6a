"""`wxbot events`: what was scanned, and what became of it."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wxbot.cli.configuration import load_settings
from wxbot.cli.opened import opened_records
from wxbot.cli.output import json_option, moment, print_json, print_table, printable

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from wxbot.events.listing import Detail, Line
    from wxbot.settings import Settings

# So long after its time a row may come to be seen: clocks differ, and a busy database takes a while.
_LOOK_BACK_SECONDS = 60
_MOST_AT_A_TIME = 1000
_POLL_SECONDS = 1.0


@click.group()
def events() -> None:
    """Look at the recorded events, and run one again."""


@events.command()
@click.option(
    "--lines", type=click.IntRange(0, 1000), default=20, show_default=True, help="How many to begin with."
)
@click.option("--no-follow", is_flag=True, help="End after these, do not wait for new ones.")
@click.option("--account", help="Only those of one account.")
@json_option
def tail(lines: int, account: str | None, *, no_follow: bool, as_json: bool) -> None:
    """Show the latest events, and new ones as they come.

    An event is shown again when its state changes. People are told apart by a digest and never named.
    """
    with _database(account) as engine:
        recent = _recent(engine, account, lines)
        _print(recent[len(recent) - min(lines, len(recent)) :], as_json=as_json)
        if not no_follow:
            for new in _follow(engine, account, recent):
                _print(new, as_json=as_json)


@events.command()
@click.argument("id")
@json_option
def show(id: str, *, as_json: bool) -> None:
    """Show all that is recorded about the event ID, and its jobs.

    ID is what `wxbot events tail` and the log call the event, or as much of its beginning as is unique.
    """
    from wxbot.events.listing import find

    with _database() as engine:
        found = find(engine, id)
    if as_json:
        print_json(asdict(found))
    else:
        _print_detail(found)


@events.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def replay(id: str, *, yes: bool, as_json: bool) -> None:
    """Run the handler of the event ID once more, in a worker.

    What the person was answered stays; a reply of the handler goes out as a message, if WeChat allows one.
    What the handler does outside of its session is done again.
    """
    from wxbot.events import listing

    with _database() as engine:
        line = listing.find(engine, id).line
        if not yes and sys.stdin.isatty():
            click.confirm(
                f"Run the handler of {line.kind} {line.scene or ''} ({line.id}) once more?", abort=True
            )
        job = listing.replay(engine, id).hex()
    if as_json:
        print_json({"event": line.id, "job": job})
    else:
        click.echo(
            f"A worker runs the handler of {line.id} now: job {job}. See `wxbot events show {line.id}`."
        )


@contextmanager
def _database(account: str | None = None) -> Iterator["Engine"]:
    configured = load_settings()
    _require_account(configured, account)
    with opened_records(configured) as engine:
        yield engine


def _require_account(configured: "Settings", account: str | None) -> None:
    known = configured.accounts
    if account is not None and account not in known:
        raise click.BadParameter(
            f"there is no account {account!r}; there are: {', '.join(known)}", param_hint="--account"
        )


def _recent(engine: "Engine", account: str | None, lines: int) -> list["Line"]:
    """Return so many of the newest events, and all that is looked back at."""
    from wxbot.events.listing import latest

    newest = latest(engine, limit=1, account=account)
    if not newest:
        return []
    since = newest[0].recorded_at - _LOOK_BACK_SECONDS
    recent = latest(engine, since=since, limit=_MOST_AT_A_TIME, account=account)
    # Not so many of an account that had few: they may be far apart.
    return recent if len(recent) >= lines else latest(engine, limit=lines, account=account)


def _follow(engine: "Engine", account: str | None, recent: Sequence["Line"]) -> Iterator[list["Line"]]:
    """Yield what is new or has changed, again and again.

    What a handler still works on is asked for by itself, however long ago it began.
    """
    from wxbot.events.listing import as_they_are, latest

    seen = {line.id: line.state for line in recent}
    newest = max((line.recorded_at for line in recent), default=int(time.time()))
    while True:
        since = newest - _LOOK_BACK_SECONDS
        found = latest(engine, since=since, limit=_MOST_AT_A_TIME, account=account)
        here = {line.id for line in found}
        open_ = [id for id, state in seen.items() if state != "done" and id not in here]
        found = as_they_are(engine, open_[-_MOST_AT_A_TIME:]) + found
        yield [line for line in found if seen.get(line.id) != line.state]
        seen = {line.id: line.state for line in found}
        newest = max((line.recorded_at for line in found), default=newest)
        time.sleep(_POLL_SECONDS)


def _print(lines: Sequence["Line"], *, as_json: bool) -> None:
    for line in lines:
        click.echo(json.dumps(asdict(line), ensure_ascii=False) if as_json else _words(line))


def _words(line: "Line") -> str:
    took = "" if line.seconds is None else f"{line.seconds * 1000:.0f} ms"
    outcome = line.outcome or ""
    state = outcome if line.state == "done" else f"{line.state} (at work)"
    what = f"{line.kind} {line.scene}" if line.scene else line.kind
    words = (
        moment(line.recorded_at),
        line.id,
        line.account,
        line.person,
        what,
        state,
        line.handler,
        took,
        line.detail,
    )
    return printable("  ".join(word for word in words if word))


def _print_detail(found: "Detail") -> None:
    line = found.line
    rows = [
        ("event", line.id),
        ("account", line.account),
        ("person", line.person),
        ("kind", line.kind),
        ("scene", line.scene or ""),
        ("happened", moment(found.created_at)),
        ("recorded", moment(line.recorded_at)),
        ("state", line.state),
        ("outcome", line.outcome or ""),
        ("handler", line.handler),
        ("seconds", "" if line.seconds is None else f"{line.seconds:.3f}"),
        ("detail", line.detail),
        ("lease until", moment(found.lease_until)),
        ("messages sent", str(found.messages_sent)),
        ("document kept", "yes" if found.has_body else "no"),
        ("reply", json.dumps(found.reply, ensure_ascii=False)),
    ]
    print_table(("what", "value"), [row for row in rows if row[1]])
    if found.jobs:
        click.echo()
        jobs = [
            (job.id[:16], job.name, job.state, str(job.attempts), moment(job.finished_at), job.detail)
            for job in found.jobs
        ]
        print_table(("job", "name", "state", "attempts", "finished", "detail"), jobs)
