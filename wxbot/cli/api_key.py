"""`wxbot api-key`: who may use the HTTP API."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from wxbot.cli.configuration import load_settings
from wxbot.cli.output import Failure, json_option, print_json, print_table

if TYPE_CHECKING:
    from wxbot.api.keys import Keys


@click.group(name="api-key")
def api_key() -> None:
    """Say who may use the HTTP API."""


@api_key.command()
@click.argument("name")
@json_option
def create(name: str, *, as_json: bool) -> None:
    """Make a key and print it; it is never shown again.

    NAME says whose it is, as in `wxbot api-key create shop`.
    """
    with _keys() as keys:
        made = keys.create(name)
    if as_json:
        print_json({"id": made.id, "name": made.name, "key": made.text})
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
    rows = [
        (key.id, key.name, _moment(key.created_at), _moment(key.last_used_at), _moment(key.revoked_at))
        for key in found
    ]
    headings = ("id", "name", "created_at", "last_used_at", "revoked_at")
    if as_json:
        print_json([dict(zip(headings, (cell or None for cell in row), strict=True)) for row in rows])
    elif rows:
        print_table(("id", "name", "created", "last used", "revoked"), rows)
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
    from sqlalchemy.exc import SQLAlchemyError

    from wxbot.api.keys import Keys
    from wxbot.db import migrate
    from wxbot.db.engine import open_engine

    url = load_settings().database.url
    engine = open_engine(url, connections=1)
    try:
        migrate.upgrade(url)
        yield Keys(engine)
    except (SQLAlchemyError, OSError) as error:
        raise Failure(f"the database {url} cannot be used: {str(error).splitlines()[0]}") from None
    finally:
        engine.dispose()


def _moment(seconds: int | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
