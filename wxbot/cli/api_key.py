"""`wxbot api-key`: who may use the HTTP API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from wxbot.cli.configuration import load_settings
from wxbot.cli.opened import migrated_records
from wxbot.cli.output import Failure, json_option, print_json, print_table, timestamp

if TYPE_CHECKING:
    from wxbot.api.keys import ApiKey, Keys


@click.group(name="api-key")
def api_key() -> None:
    """Say who may use the HTTP API."""


@api_key.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    help="What it may do, as in claims:write; may be repeated.  [default: everything]",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="ACCOUNT",
    help="An account that it may see; may be repeated.  [default: all]",
)
@json_option
def create(name: str, *, scopes: tuple[str, ...], accounts: tuple[str, ...], as_json: bool) -> None:
    """Make a key and print it; it is never shown again.

    NAME says whose it is, as in `wxbot api-key create shop`.
    """
    from wxbot.api.keys import KeyScopeError

    known = load_settings().accounts
    if unknown := [each for each in accounts if each not in known]:
        raise Failure(f"there is no account {unknown[0]!r}; there are: {', '.join(known)}")
    with _keys() as keys:
        try:
            made = keys.create(name, scopes=scopes or None, accounts=accounts or None)
        except KeyScopeError as error:
            raise click.UsageError(str(error)) from None
    if as_json:
        limits = {"scopes": list(scopes) or None, "accounts": list(accounts) or None}
        print_json({"id": made.id, "name": made.name, "key": made.text, **limits})
        return
    click.echo(made.text)
    click.echo(
        f"This is the key of {made.name}. Keep it now: it is not shown again. It is sent as\n"
        f"Authorization: Bearer KEY, and ended with: wxbot api-key revoke {made.id}",
        err=True,
    )


@api_key.command(name="list")
@json_option
def list_keys(*, as_json: bool) -> None:
    """List the keys, revoked ones as well, without their secrets."""
    with _keys() as keys:
        found = keys.all()
    if as_json:
        print_json([_as_data(key) for key in found])
    elif found:
        print_table(
            ("id", "name", "may", "accounts", "created", "last used", "revoked"),
            [_as_line(key) for key in found],
        )
    else:
        click.echo("There are no API keys. Make one with: wxbot api-key create NAME")


@api_key.command()
@click.argument("id")
@json_option
def revoke(*, id: str, as_json: bool) -> None:
    """Refuse the key with this ID from now on."""
    with _keys() as keys:
        if not keys.revoke(id):
            raise Failure(f"there is no key {id!r} that works; wxbot api-key list shows all")
    if as_json:
        print_json({"id": id})
    else:
        click.echo(f"The key {id} is refused from now on.")


@contextmanager
def _keys() -> Iterator["Keys"]:
    """Open the keys in the configured database, which is made or migrated as a server would."""
    from wxbot.api.keys import Keys

    with migrated_records(load_settings()) as engine:
        yield Keys(engine)


def _as_data(key: "ApiKey") -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "accounts": key.accounts,
        "created_at": timestamp(key.created_at),
        "last_used_at": timestamp(key.last_used_at) or None,
        "revoked_at": timestamp(key.revoked_at) or None,
    }


def _as_line(key: "ApiKey") -> tuple[str, ...]:
    may = "everything" if key.scopes is None else " ".join(key.scopes)
    accounts = "all" if key.accounts is None else " ".join(key.accounts)
    times = (timestamp(each) for each in (key.created_at, key.last_used_at, key.revoked_at))
    return (key.id, key.name, may, accounts, *times)
