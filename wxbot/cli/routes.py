"""`wxbot routes` and `wxbot explain`: who answers what, and why."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

import click

from wxbot.cli.configuration import choose_account, load_settings
from wxbot.cli.output import json_option, print_json, print_table, warn

if TYPE_CHECKING:
    from wxbot.scenes.registry import Registry

_ALL_ACCOUNTS = "Name in [accounts]; needed if there are several and none is called default."


@click.command()
@click.option("--account", help=_ALL_ACCOUNTS)
@json_option
def routes(account: str | None, *, as_json: bool) -> None:
    """List what the handlers answer, the most specific first."""
    registry = _registry()
    found = registry.routes(choose_account(registry.accounts, account))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    rows = [(each.kind, each.rule, each.when or "", each.handler, each.location) for each in found]
    print_table(("kind", "rule", "when", "handler", "where"), rows)
    if not found:
        click.echo(
            "No handler answers for this account: put a module with a Plugin into the package `handlers`."
        )


@click.command()
@click.argument("scene")
@click.option("--account", help=_ALL_ACCOUNTS)
@click.option(
    "--when",
    type=click.Choice(["follow", "scan"]),
    default="scan",
    show_default=True,
    help="By whom: people who follow with this scan, or people who followed already.",
)
@json_option
def explain(scene: str, account: str | None, *, when: Literal["follow", "scan"], as_json: bool) -> None:
    """Say which handler answers SCENE, and why the others do not.

    Write `wxbot explain -- SCENE` for a scene that begins with a hyphen.
    """
    registry = _registry()
    name = choose_account(registry.accounts, account)
    explanation = registry.explain(scene, account=name, when=when)
    rules = [each for each in explanation.candidates if each.rule != "(fallback)"]
    is_matched = any(each.matches for each in rules)
    suggestion = "" if is_matched else _suggestion(registry, name, scene, when=when)
    if as_json:
        print_json({**asdict(explanation), "is_matched": is_matched, "suggestion": suggestion})
        return
    who = {"follow": "followed by somebody new", "scan": "scanned by a follower"}[when]
    answers = explanation.winner or "nobody: the text from [replies]"
    click.echo(f"Scene {scene!r}, {who}, is answered by {answers}.\n")
    rows = [
        ("yes" if each.matches else "no", each.rule, each.handler, each.location, each.reason)
        for each in explanation.candidates
    ]
    if rows:
        print_table(("takes it", "rule", "handler", "where", "why"), rows)
    if suggestion:
        click.echo(f"\n{suggestion}")


def _registry() -> "Registry":
    from wxbot.app import build_registry

    registry = build_registry(load_settings())
    for fault in registry.skipped:
        warn(f"left out: {' '.join(fault.split())}")
    return registry


def _suggestion(registry: "Registry", account: str, scene: str, *, when: Literal["follow", "scan"]) -> str:
    """Return what the log would say about such a scan, without the advice to run this command."""
    from wxbot import clock
    from wxbot.wechat.events import Scan

    scan = Scan(
        account=account,
        to_user="",
        openid="",
        created_at=clock.now(),
        msg_type="event",
        digest=b"",
        body=b"",
        scene=scene,
        when=when,
    )
    lines = registry.suggestion(scan).splitlines()
    return "\n".join(line for line in lines if not line.startswith("(wxbot explain")).rstrip()
