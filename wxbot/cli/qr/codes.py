"""`wxbot qr mint`, `show`, `list` and `renew`: single codes."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from wxbot.cli.output import Failure, moment, print_json, print_table
from wxbot.cli.qr.parts import (
    Asked,
    common,
    opened,
    print_code,
    save,
    save_option,
    scene_value,
    type_option,
)

_WEEK_SECONDS = 604_800
# More than any code has left.
_ALWAYS = 10**9

_expires_option: Callable[[Any], Any] = click.option(
    "--expires-in",
    type=int,
    default=_WEEK_SECONDS,
    show_default=True,
    help="Lifetime in seconds, at most 30 days.",
)


@click.command()
@click.argument("scene")
@type_option
@click.option("--permanent", is_flag=True, help="A code that never expires; there are 100000 of each type.")
@_expires_option
@save_option
@common
def mint(
    asked: Asked,
    *,
    scene: str,
    kind: str | None,
    permanent: bool,
    expires_in: int,
    file: Path | None,
) -> None:
    """Mint the code of SCENE, or show the one that is still good.

    The same command gives the same code while half of the lifetime that is asked for is left.
    """
    with opened(asked.account) as parts:
        value = scene_value(scene, kind)
        code = parts.minter().mint(value, account=parts.account, expires_in=None if permanent else expires_in)
    print_code(code, as_json=asked.as_json)
    if file is not None:
        save(code, file)
        click.echo(f"Written: {file}", err=True)


@click.command()
@click.argument("scene")
@save_option
@common
def show(asked: Asked, *, scene: str, file: Path | None) -> None:
    """Show the code of SCENE that is on record; nothing is minted."""
    with opened(asked.account) as parts:
        code = parts.minter().find(scene, account=parts.account)
    if code is None:
        raise Failure(f"there is no code of {scene!r} yet; make one with: wxbot qr mint {scene}")
    print_code(code, as_json=asked.as_json)
    if file is not None:
        save(code, file)
        click.echo(f"Written: {file}", err=True)


@click.command(name="list")
@click.option("--permanent/--temporary", default=None, help="Only those.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many.")
@common
def list_command(asked: Asked, *, permanent: bool | None, limit: int) -> None:
    """List the codes on record, the newest first."""
    from wxbot.qrcodes.listing import list_codes

    with opened(asked.account) as parts:
        page = list_codes(parts.engine, accounts=[parts.account], is_permanent=permanent, limit=limit)
    if asked.as_json:
        print_json([asdict(code) for code in page.codes])
        return
    if not page.codes:
        click.echo("There are no codes yet. Make one with: wxbot qr mint SCENE")
        return
    rows = [
        (code.scene, code.kind_words, moment(code.expires_at) or "for ever", code.url) for code in page.codes
    ]
    print_table(("scene", "kind", "valid until", "url"), rows)
    if page.after is not None:
        click.echo(f"There are more than these {limit}; --limit shows up to 1000.", err=True)


@click.command()
@click.argument("scene")
@_expires_option
@common
def renew(asked: Asked, *, scene: str, expires_in: int) -> None:
    """Replace the temporary code of SCENE by a new one.

    The old one goes on working until it expires.
    """
    with opened(asked.account) as parts:
        minter = parts.minter()
        known = minter.find(scene, account=parts.account, is_permanent=False)
        if known is None:
            raise Failure(f"there is no temporary code of {scene!r}; make one with: wxbot qr mint {scene}")
        value = int(scene) if known.is_integer else scene
        code = minter.mint(value, account=parts.account, expires_in=expires_in, renew_before=_ALWAYS)
    print_code(code, as_json=asked.as_json)
