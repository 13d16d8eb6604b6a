"""`wxbot followers`: who follows, and what is stored about one person."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.configuration import account_option
from wxbot.cli.output import Failure, json_option, moment, print_json, print_table, write_private
from wxbot.cli.people import asked_for, opened_account, table_by_table

if TYPE_CHECKING:
    from wxbot.people.profiles import Profile

_STATES = ("new", "returning", "existing", "left")


@click.group()
def followers() -> None:
    """See who follows, and what is stored about a person."""


@followers.command(name="list")
@account_option
@click.option("--state", type=click.Choice(_STATES), help="Only people who stand so.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@json_option
def list_followers(account: str | None, state: str | None, *, limit: int, as_json: bool) -> None:
    """List the people who followed or left last, and count all.

    People are told apart by a digest and never named.
    """
    from wxbot.followers import State
    from wxbot.people import profiles

    with opened_account(account) as (_, name, engine):
        found = profiles.latest(engine, name, state=State(state) if state else None, limit=limit)
        counts = profiles.counts(engine, name)
    if as_json:
        print_json({"counts": counts, "people": [_data(each) for each in found]})
        return
    headings = ("person", "state", "followed", "left", "came back", "first scene", "last scene")
    print_table(headings, [_cells(each) for each in found])
    click.echo(", ".join(f"{number} {state}" for state, number in counts.items()))


@followers.command()
@click.argument("person", required=False)
@account_option
@json_option
def show(person: str | None, account: str | None, *, as_json: bool) -> None:
    """Show what is known of a person: where they stand, where they came from, tags and channels.

    PERSON is the digest that other commands show, its first eight digits, or an openid. Without it, it is
    read from the standard input or asked for.
    """
    from wxbot.people import profiles

    with opened_account(account) as (_, name, engine):
        found = profiles.profile(engine, asked_for(engine, name, person))
    if found is None:
        raise Failure(f"no event of this person is on record in the account {name}")
    if as_json:
        print_json(_data(found))
        return
    rows = [(key.replace("_", " "), _words(key, value)) for key, value in _data(found).items()]
    print_table(("what", "value"), [row for row in rows if row[1]])


@followers.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True))
@click.argument("person", required=False)
@account_option
def export(file: Path, person: str | None, account: str | None) -> None:
    """Write all that is stored about a person into FILE, as JSON with a list for each table.

    FILE is readable by its owner alone; - is the standard output. PERSON is as in `wxbot followers show`.
    """
    from wxbot.people import forgetting

    with opened_account(account) as (_, name, engine):
        who = asked_for(engine, name, person)
        with table_by_table("Reading") as told:
            found = forgetting.export(engine, who, told=told)
    if not found:
        raise Failure(f"nothing is stored about this person in the account {name}")
    data = {"account": who.account, "person": who.person.hex(), "tables": found}
    text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    if str(file) == "-":
        sys.stdout.write(text)
        return
    write_private(file, text)
    click.echo(f"{sum(map(len, found.values()))} rows of {len(found)} tables: {file}", err=True)


def _data(found: "Profile") -> dict[str, Any]:
    known = asdict(found.follower)
    del known["openid"]
    stands = {"state": found.follower.state, "refollows": found.follower.refollows}
    return {
        "person": found.person,
        **stands,
        **known,
        "tags": list(found.tags),
        "channels": list(found.channels),
    }


def _cells(found: "Profile") -> tuple[str, ...]:
    known = found.follower
    times = moment(known.followed_at), moment(known.unfollowed_at)
    scenes = known.first_scene or "", known.last_scene or ""
    return (found.person[:8], known.state, *times, str(known.refollows), *scenes)


def _words(key: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if key.endswith("_at"):
        return moment(value)
    return "" if value is None else str(value)
