"""`wxbot routes` and `wxbot explain`: who answers what, and why."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from wxbot.cli.configuration import account_option, choose_account, load_settings
from wxbot.cli.output import json_option, print_json, print_table, warn

if TYPE_CHECKING:
    from wxbot.channels.channel import Channel
    from wxbot.channels.view import ChannelView
    from wxbot.scenes.registry import Registry
    from wxbot.settings import Settings

_Answer = TypeVar("_Answer")


@click.command()
@account_option
@json_option
def routes(account: str | None, *, as_json: bool) -> None:
    """List what the handlers answer, the most specific first; then observers and jobs."""
    from wxbot.channels.explaining import all_routes

    configured = load_settings()
    registry = _registry(configured)
    name = choose_account(registry.accounts, account)
    found = all_routes(registry, name, _of_channels(configured, partial(_listed, name)) or [])
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
@account_option
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
    from wxbot.channels.explaining import try_scene

    configured = load_settings()
    registry = _registry(configured)
    name = choose_account(registry.accounts, account)
    channel = _of_channels(configured, lambda view: view.look_up(name, scene))
    tried = try_scene(registry, name, scene, when=when, channel=channel)
    explanation, is_matched, suggestion = tried.explanation, tried.is_matched, tried.suggestion
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


def _registry(configured: "Settings") -> "Registry":
    from wxbot.mounting import build_registry

    registry = build_registry(configured)
    for fault in registry.skipped:
        warn(f"left out: {' '.join(fault.split())}")
    return registry


def _listed(account: str, view: "ChannelView") -> "list[Channel]":
    view.refresh()
    return view.of(account)


def _of_channels(configured: "Settings", ask: "Callable[[ChannelView], _Answer]") -> "_Answer | None":
    """Return what the channels that there are now answer; None, and a warning, without a database."""
    from sqlalchemy.exc import SQLAlchemyError

    from wxbot.channels.view import ChannelView
    from wxbot.db.engine import is_missing, open_engine
    from wxbot.db.faults import in_words

    url = configured.database.url.get_secret_value()
    engine = open_engine(url, connections=1)
    try:
        return None if is_missing(url) else ask(ChannelView(engine))
    except SQLAlchemyError as error:
        warn(f"without channels: {in_words(error, url)}")
        return None
    finally:
        engine.dispose()
