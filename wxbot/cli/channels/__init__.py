"""`wxbot channels`: named places with codes, what they say, and who promotes them."""

import click

from wxbot.cli.channels.codes import code, codes
from wxbot.cli.channels.importing import import_command
from wxbot.cli.channels.promoters import promoters
from wxbot.cli.channels.single import add, archive, change, list_command, restore, show


@click.group()
def channels() -> None:
    """Set up places with codes: replies, tags, promoters."""


for command in (list_command, show, add, change, archive, restore, code, codes, import_command, promoters):
    channels.add_command(command)
