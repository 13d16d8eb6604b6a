"""`wxbot check`: whether this configuration and these handlers can be served."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from wxbot.cli.db import revision_of
from wxbot.cli.output import json_option, print_json, print_table, warn
from wxbot.errors import ConfigurationError

if TYPE_CHECKING:
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
    """Check the configuration, the handlers and the database.

    Prints every fault and ends with code 78, or prints what is good. Nothing is asked of the network,
    nothing is written to the database.
    """
    from wxbot import settings
    from wxbot.app import build_registry

    configured = settings.load()
    registry = build_registry(configured)
    report = _report(configured, registry)
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        _print(report)


def _report(configured: "Settings", registry: "Registry") -> Report:
    return Report(
        accounts=tuple(_account(configured, registry, name) for name in configured.accounts),
        plugins=tuple(plugin.name for plugin in registry.plugins),
        database=configured.database.url,
        revision=_usable_revision(configured.database.url),
        warnings=(
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


def _usable_revision(url: str) -> str | None:
    from wxbot.db import migrate

    migrate.require_usable(url)
    revision = revision_of(url)
    if revision is not None and revision > migrate.head():
        raise ConfigurationError(
            f"[database] url: the database is at revision {revision}, which a newer wxbot has made; this one "
            f"knows {migrate.head()}. Install the newer one, or bring back a copy from before the upgrade"
        )
    return revision


def _warnings(configured: "Settings") -> list[str]:
    found = [
        f'[accounts.{name}] mode = "plain": messages are not encrypted; fit for test accounts only'
        for name, account in configured.accounts.items()
        if account.mode == "plain"
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
    if report.revision not in (None, migrate.head()):
        at += f", will be upgraded to {migrate.head()} at the next start"
    click.echo(f"Database: {report.database}, {at}")
    for warning in report.warnings:
        warn(f"Warning: {warning}")
    click.secho("Everything that can be checked here is in order.", fg="green")
