"""`wxbot check`: whether this configuration and these handlers can be served."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from wxbot import clock
from wxbot.cli.db import OutOfReach, look
from wxbot.cli.output import json_option, print_json, print_table, warn
from wxbot.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from wxbot.db.fit import Fit
    from wxbot.scenes.registry import Registry
    from wxbot.settings import Settings

_SCENES = ("exact", "pattern", "block")


@dataclass(frozen=True, kw_only=True)
class AccountReport:
    """What a person who sets up an account on WeChat's pages wants to know of it."""

    name: str
    mode: str
    callback_url: str
    scenes: int
    handlers: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was found to be good, and what deserves a second look."""

    accounts: tuple[AccountReport, ...]
    plugins: tuple[str, ...]
    database: str
    revision: str | None
    warnings: tuple[str, ...]


@click.command()
@click.option("--quiet", is_flag=True, help="Print nothing but faults.")
@json_option
def check(*, quiet: bool, as_json: bool) -> None:
    """Check the configuration, the handlers, the database and the spool.

    Prints every fault and ends with code 78, or prints what is good. Nothing is asked of the network but the
    database, and nothing is written to that.
    """
    from wxbot import settings
    from wxbot.mounting import build_registry

    configured = settings.load()
    registry = build_registry(configured)
    report = _report(configured, registry)
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        _print(report)


def _report(configured: "Settings", registry: "Registry") -> Report:
    from wxbot.db.engine import shown

    url = configured.database.url.get_secret_value()
    _require_spool_and_queue(configured)
    revision, warnings = _database(url)
    return Report(
        accounts=tuple(_account(configured, registry, name) for name in configured.accounts),
        plugins=tuple(plugin.name for plugin in registry.plugins),
        database=shown(url),
        revision=revision,
        warnings=(
            *warnings,
            *(f"left out: {' '.join(fault.split())}" for fault in registry.skipped),
            *_warnings(configured),
        ),
    )


def _account(configured: "Settings", registry: "Registry", name: str) -> AccountReport:
    routes = registry.routes(name)
    path = "/wechat" if name == "default" else f"/wechat/{name}"
    return AccountReport(
        name=name,
        mode=configured.accounts[name].mode,
        callback_url=f"{configured.server.public_url or 'https://<this server>'}{path}",
        scenes=sum(route.kind in _SCENES for route in routes),
        handlers=len({route.handler for route in routes}),
    )


def _require_spool_and_queue(configured: "Settings") -> None:
    """Raise ConfigurationError when a bot could not start with them; a Redis need not answer."""
    from wxbot.events.spool import Spool
    from wxbot.jobs.queue import queue_of

    faults: list[str] = []
    for each in (Spool(Path(configured.spool.path)).look, lambda: queue_of(configured)):
        try:
            each()
        except ConfigurationError as error:
            faults += error.faults
    if faults:
        raise ConfigurationError(faults)


def _database(url: str) -> tuple[str | None, list[str]]:
    """Return the database's revision and what deserves a second look; raises ConfigurationError.

    A server that is out of reach is no fault of the configuration, and the bot starts without it.
    """
    from wxbot.db import fit, migrate

    migrate.require_usable(url)
    try:
        revision, faults, found = look(url, _seen) or (None, [], None)
    except OutOfReach as error:
        return None, [f"{error.message}; until it answers, events are kept in the spool"]
    if found is fit.Fit.TOO_NEW:
        raise ConfigurationError((fit.too_new(revision, migrate.head()),))
    if faults:
        raise ConfigurationError(faults)
    return revision, [fit.newer(revision, migrate.head())] if found is fit.Fit.NEWER else []


def _seen(connection: "Connection") -> "tuple[str | None, list[str], Fit]":
    """Return the revision, why the database would forget what it confirmed, and how it fits this program."""
    from wxbot.db.durability import durability_faults
    from wxbot.db.fit import fit_of, revision_at
    from wxbot.db.migrate import head

    # The fit comes last: a table that is not there ends the transaction for PostgreSQL.
    return revision_at(connection), durability_faults(connection), fit_of(connection, head())


def _warnings(configured: "Settings") -> list[str]:
    found = [
        f'[accounts.{name}] mode = "plain": messages are not encrypted; fit for test accounts only'
        for name, account in configured.accounts.items()
        if account.mode == "plain"
    ]
    found += [
        f"[accounts.{name}] token_fallbacks and aes_key_fallbacks are no longer accepted; take them out"
        for name, account in configured.accounts.items()
        if account.fallbacks_until and datetime.fromisoformat(account.fallbacks_until) <= clock.now()
    ]
    public_url = configured.server.public_url
    if not public_url:
        found.append("[server] public_url is not set, so that the callback URLs above are incomplete")
    elif urlsplit(public_url).port not in (None, 80, 443):
        found.append("[server] public_url: WeChat calls port 80 (http) and 443 (https) only")
    return found


def _print(report: Report) -> None:
    from wxbot.db import migrate

    rows = [
        (each.name, each.mode, each.callback_url, str(each.scenes), str(each.handlers))
        for each in report.accounts
    ]
    print_table(("account", "mode", "URL to enter on WeChat's page", "scenes", "handlers"), rows)
    click.echo(f"\nPlugins: {', '.join(report.plugins) or 'none'}")
    at = f"at revision {report.revision}" if report.revision else "will be made at the first start"
    if report.revision is not None and report.revision < migrate.head():
        at += f", will be upgraded to {migrate.head()} at the next start"
    click.echo(f"Database: {report.database}, {at}")
    for warning in report.warnings:
        warn(f"Warning: {warning}")
    click.secho("Everything that can be checked here is in order.", fg="green")
