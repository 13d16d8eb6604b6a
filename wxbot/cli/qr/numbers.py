"""`wxbot qr numbers` and `wxbot qr release`: the permanent numbers of an account."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wxbot.cli.output import Failure, moment, print_json, print_table, warn
from wxbot.cli.qr.parts import Asked, Parts, common, opened, print_code

if TYPE_CHECKING:
    from wxbot.qrcodes.mint import Code


@click.command()
@click.option(
    "--take", "owner", metavar="OWNER", help="Take the next free number for OWNER and mint its code."
)
@click.option("--purpose", default="", help="What the number taken is for.")
@click.option("--history", "number", type=int, metavar="NUMBER", help="What NUMBER meant before.")
@common
def numbers(
    asked: Asked,
    *,
    owner: str | None,
    purpose: str,
    number: int | None,
) -> None:
    """Show how many permanent numbers are left and who has which, or take one."""
    from wxbot.qrcodes.numbers import Numbers

    with opened(asked.account) as parts:
        book = Numbers(parts.engine)
        if owner is not None:
            print_code(_take(parts, owner, purpose), as_json=asked.as_json)
            return
        usage = book.usage(parts.account)
        found = book.taken(parts.account) if number is None else book.history(parts.account, number)
    if asked.as_json:
        meter = {**asdict(usage), "free": usage.free, "warning": usage.warning}
        print_json({**meter, "numbers": [asdict(each) for each in found]})
        return
    click.echo(f"{usage.taken} numbers are taken, {usage.quarantined} rest, {usage.free} are free.")
    if usage.warning:
        warn(usage.warning)
    rows = [
        (str(each.number), each.owner, each.purpose, moment(each.taken_at), moment(each.released_at))
        for each in found
    ]
    if rows:
        print_table(("number", "owner", "purpose", "taken", "given back"), rows)


@click.command()
@click.argument("number", type=int)
@click.option(
    "--quarantine-days",
    type=click.IntRange(0, 3650),
    default=180,
    show_default=True,
    help="How long it rests before it is given to somebody else.",
)
@common
def release(asked: Asked, *, number: int, quarantine_days: int) -> None:
    """Give a permanent NUMBER back.

    WeChat cannot delete its code: what is printed goes on being scanned, so the number rests first. That of
    a channel stays its own, also when the channel is archived.
    """
    from wxbot.qrcodes.numbers import Numbers

    with opened(asked.account) as parts:
        _check_free_of_channels(parts, number)
        meant = Numbers(parts.engine).release(parts.account, number, quarantine_days)
    if asked.as_json:
        print_json(asdict(meant))
        return
    click.echo(
        f"The number {number} rests for {quarantine_days} days; it belonged to {meant.owner or 'nobody'}."
    )


def _take(parts: Parts, owner: str, purpose: str) -> "Code":
    """Take the next free number and mint its code; given back if WeChat has certainly made none."""
    from wxbot.qrcodes.numbers import Numbers

    minter, book = parts.minter(), Numbers(parts.engine)
    number = book.take(parts.account, owner, purpose).number
    try:
        return minter.mint(number, account=parts.account, expires_in=None)
    except BaseException:
        if book.undo(parts.account, owner, number):
            warn(
                f"WeChat may have made the code of the number {number}, so it stays taken; "
                f"ask for it again with: wxbot qr mint {number} --permanent"
            )
        raise


def _check_free_of_channels(parts: Parts, number: int) -> None:
    """Refuse a number that is a channel's scene, which cannot be changed: its code could not be minted."""
    from wxbot.channels.store import Channels
    from wxbot.qrcodes.kinds import check_scene
    from wxbot.qrcodes.numbers import Numbers

    book = Channels(parts.engine, check_scene=check_scene, numbers=Numbers(parts.engine))
    if channel := book.find_scene(parts.account, str(number)):
        raise Failure(
            f"the number {number} is the scene of the channel {channel.name!r}, which keeps it for ever: "
            "its code could not be minted any more"
        )
