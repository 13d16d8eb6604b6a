"""`wxbot qr`: mint codes, look at them, print them."""

import click

from wxbot.cli.qr.codes import list_command, mint, renew, show
from wxbot.cli.qr.living import living
from wxbot.cli.qr.many import batch, sheet
from wxbot.cli.qr.numbers import numbers, release


@click.group()
def qr() -> None:
    """Mint QR codes, keep them alive, print them."""


for command in (mint, show, list_command, renew, living, numbers, release, batch, sheet):
    qr.add_command(command)
