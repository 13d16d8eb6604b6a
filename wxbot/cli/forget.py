"""`wxbot forget`: take one person out of the database."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from wxbot.cli.configuration import account_option
from wxbot.cli.output import Failure, json_option, print_json, print_table, warn
from wxbot.cli.people import asked_for, opened_account, table_by_table

if TYPE_CHECKING:
    from wxbot.people.places import Who
    from wxbot.settings import Settings


@click.command()
@click.argument("openid", required=False)
@account_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def forget(openid: str | None, account: str | None, *, yes: bool, as_json: bool) -> None:
    """Delete all that is stored about one person, for good.

    OPENID may also be the digest that other commands show, or its first eight digits. Without it, it is read
    from the standard input or asked for, so that it is in no history of commands.
    """
    from wxbot.admin.trail import Trail
    from wxbot.people import forgetting

    with opened_account(account) as (configured, name, engine):
        who = asked_for(engine, name, openid)
        with table_by_table("Looking") as told:
            counts = forgetting.count(engine, who, told=told)
        if not counts:
            raise Failure(f"nothing is stored about this person in the account {name}")
        if not yes:
            _ask(name, counts, is_piped=openid in (None, "-"))
        with table_by_table("Forgetting") as told:
            result = forgetting.forget(engine, who, told=told)
        # Not who it was: that would be kept, then, as the only trace of them.
        rows = {"rows": sum(result.removed.values()), "left": sum(result.left.values())}
        Trail(engine).add("follower.forget", "", user=None, account=name, **rows)
    _tell(who, result.removed, as_json=as_json, left=result.left)
    _look_into_spool(configured, who)
    if result.left:
        places = ", ".join(f"{place} ({number})" for place, number in result.left.items())
        raise Failure(f"still named in: {places}; docs/people.md says what to do about it")


def _ask(account: str, counts: Mapping[str, int], *, is_piped: bool) -> None:
    if is_piped and not sys.stdin.isatty():
        raise click.UsageError("with the openid on the standard input, nobody can be asked: add --yes")
    _print_counts(counts)
    click.confirm(f"Forget this person of the account {account} for good?", abort=True)


def _tell(who: "Who", removed: Mapping[str, int], *, as_json: bool, left: Mapping[str, int]) -> None:
    if as_json:
        print_json({"account": who.account, "removed": dict(removed), "left": dict(left)})
        return
    _print_counts(removed)
    if not left:
        click.echo("\nForgotten. What they do from now on is recorded anew.")


def _print_counts(counts: Mapping[str, int]) -> None:
    print_table(("table", "rows"), [(table, str(number)) for table, number in counts.items()])


def _look_into_spool(configured: "Settings", who: "Who") -> None:
    from pathlib import Path

    from wxbot.people.forgetting import spooled

    for file, number in spooled(Path(configured.spool.path), who).items():
        warn(f"{file} holds {number} events of this person, which are not recorded yet")
