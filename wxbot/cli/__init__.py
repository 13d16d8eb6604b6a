"""The command line: one module for each group of commands.

Commands import what they need when they run. At the top of their modules that would make `wxbot --help`
load a web server and a database layer before it can print a line.
"""

import gc
from typing import Any

import click

from wxbot.cli.admin import admin
from wxbot.cli.api_key import api_key
from wxbot.cli.channels import channels
from wxbot.cli.check import check
from wxbot.cli.db import db
from wxbot.cli.dev import dev
from wxbot.cli.doctor import doctor
from wxbot.cli.emulator import emulator
from wxbot.cli.events import events
from wxbot.cli.followers import followers
from wxbot.cli.forget import forget
from wxbot.cli.jobs import jobs
from wxbot.cli.menu import menu
from wxbot.cli.new import new
from wxbot.cli.output import Failure
from wxbot.cli.qr import qr
from wxbot.cli.routes import explain, routes
from wxbot.cli.serve import serve
from wxbot.cli.simulate import simulate
from wxbot.cli.stats import stats
from wxbot.cli.webhooks import webhooks
from wxbot.cli.worker import worker
from wxbot.errors import ConfigurationError, WxbotError

BAD_CONFIGURATION = 78
INTERRUPTED = 130
# Nearly all that a command makes are modules, which stay. Python would look through them for garbage again
# and again while it loads them, for about a sixth of the time.
_NEW_OBJECTS_BEFORE_A_LOOK = 50_000


class Commands(click.Group):
    """The commands in the order of a newcomer's use, with exit codes that say what kind of failure it was."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they were added."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command: 78 for faults in the configuration or the handlers, 130 when it was interrupted."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            for fault in error.faults:
                click.echo(f"wxbot: {' '.join(fault.split())}", err=True)
            return ctx.exit(BAD_CONFIGURATION)
        except WxbotError as error:
            raise Failure(str(error)) from None
        except KeyboardInterrupt:
            return ctx.exit(INTERRUPTED)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 78 the configuration or the handlers have faults.",
)
@click.version_option(package_name="wxbot", prog_name="wxbot")
def cli() -> None:
    """Answer the scanned codes of a WeChat Official Account.

    To begin, run `wxbot dev` and open the phone page it names. The configuration is config.toml in the
    working directory, or what WXBOT_CONFIG names.
    """


for command in (
    *(dev, new, serve, worker, emulator, simulate, routes, explain, check, doctor),
    *(qr, channels, stats, menu, events, followers, forget, jobs, webhooks, admin, api_key, db),
):
    cli.add_command(command)


def main() -> None:
    """Run the command line of this process."""
    gc.set_threshold(_NEW_OBJECTS_BEFORE_A_LOOK)
    cli(prog_name="wxbot")
