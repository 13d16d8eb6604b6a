"""What the commands about people share: how a person is named, and how progress is shown."""

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from wxbot.cli.configuration import choose_account, load_settings
from wxbot.cli.opened import opened_records
from wxbot.cli.output import progress_bar

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from wxbot.people.places import Who
    from wxbot.settings import Settings


@contextmanager
def opened_account(account: str | None) -> Iterator[tuple["Settings", str, "Engine"]]:
    """Lend the settings, the account that is meant, and its database."""
    configured = load_settings()
    name = choose_account(configured.accounts, account)
    with opened_records(configured) as engine:
        yield configured, name, engine


def asked_for(engine: "Engine", account: str, given: str | None) -> "Who":
    """Return the person that is named in the command, on the standard input, or at a hidden prompt."""
    from wxbot.people.forgetting import find_who

    if given is None and sys.stdin.isatty():
        given = click.prompt("openid, or digest of the person", hide_input=True)
    elif given in (None, "-"):
        given = sys.stdin.readline()
    return find_who(engine, account, given or "")


@contextmanager
def table_by_table(what: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal how many of the tables have been read; elsewhere, nothing."""
    from wxbot.people.places import PLACES

    with progress_bar(what) as told:
        done = itertools.count(1)
        yield lambda table: told(next(done), len(PLACES))
