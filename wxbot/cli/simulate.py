"""`wxbot simulate`: one event of WeChat's, delivered to any callback URL."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from wxbot.cli.output import json_option

_WHERE = (
    click.option("--account", help="Name in [accounts] whose secrets sign.  [default: default]"),
    click.option("--url", help="Callback URL.  [default: http://127.0.0.1:8000/wechat, or /wechat/ACCOUNT]"),
    json_option,
)
_HOW = (
    click.option(
        "--mode",
        type=click.Choice(["safe", "compatible", "plain"]),
        help="Message encryption.  [default: the account's own]",
    ),
    click.option("--openid", help="Whose event it is.  [default: always the same person]"),
    click.option(
        "--repeat",
        type=click.IntRange(1, 100),
        default=1,
        show_default=True,
        help="Deliveries of this one event.",
    ),
    click.option("--concurrent", is_flag=True, help="Deliver all at the same time."),
)

Command = Callable[..., None]


def _gather(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Give a command options that several have, gathered in one value."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def gathered(**given: Any) -> None:
            from wxbot.cli.deliveries import Wanted

            names = [name for name in Wanted.__dataclass_fields__ if name in given]
            command(Wanted(**{name: given.pop(name) for name in names}), **given)

        complete: Command = gathered
        for option in reversed(options):
            complete = option(complete)
        return complete

    return decorate


_sends = _gather(*_HOW, *_WHERE)


@click.group()
def simulate() -> None:
    """Send one event as WeChat would, and show the answer.

    The account's own secrets are taken from the configuration, so that any server that runs with the same
    ones can be tried. The exit code is 1 if an answer is none that WeChat accepts.
    """


@simulate.command()
@click.argument("scene")
@click.option("--new", is_flag=True, help="By somebody new, who follows with this scan.")
@_sends
def scan(wanted: Any, *, scene: str, new: bool) -> None:
    """Scan the code of SCENE."""
    from wxbot.cli import deliveries

    deliveries.send(wanted, deliveries.scanned(scene, by_somebody_new=new), is_new_person=new)


@simulate.command()
@click.argument("content")
@_sends
def text(wanted: Any, *, content: str) -> None:
    """Write the text CONTENT to the account."""
    from wxbot.cli import deliveries

    deliveries.send(wanted, deliveries.written(content))


@simulate.command()
@_sends
def follow(wanted: Any) -> None:
    """Follow the account without scanning a code."""
    from wxbot.cli import deliveries
    from wxbot.emulator import wire

    deliveries.send(wanted, wire.follow, is_new_person=True)


@simulate.command()
@_sends
def unfollow(wanted: Any) -> None:
    """Stop following the account."""
    from wxbot.cli import deliveries
    from wxbot.emulator import wire

    deliveries.send(wanted, wire.unfollow)


@simulate.command("click")
@click.argument("key")
@_sends
def tap(wanted: Any, *, key: str) -> None:
    """Tap the menu item with KEY."""
    from wxbot.cli import deliveries

    deliveries.send(wanted, deliveries.tapped(key))


@simulate.command()
@_gather(*_WHERE)
def verify(wanted: Any) -> None:
    """Verify the callback URL, as WeChat does when it is entered on its page."""
    from wxbot.cli import deliveries

    deliveries.verify(wanted)
