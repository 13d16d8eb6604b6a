"""`wxbot stats`: which code brought whom, in tables, and as JSON or CSV for programs."""

import click

from wxbot.cli.stats.board import compare
from wxbot.cli.stats.checks import gap, suspects
from wxbot.cli.stats.overview import overview
from wxbot.cli.stats.rebuild import rebuild
from wxbot.cli.stats.single import retention, show


class _Stats(click.Group):
    """A group whose first command need not be named: `wxbot stats --days 7`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = [overview.name or "", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Stats)
def stats() -> None:
    """See which code brought whom, and who stayed.

    Without a command: the overview, which takes its options here as well.
    """


for command in (overview, show, compare, retention, suspects, gap, rebuild):
    stats.add_command(command)
