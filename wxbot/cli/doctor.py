"""`wxbot doctor`: whether everything that a bot needs is there and as it should be."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wxbot.cli.configuration import load_settings
from wxbot.cli.output import json_option, print_json, printable, progress
from wxbot.doctor.finding import Finding, State, worst

if TYPE_CHECKING:
    from wxbot.doctor.examination import Patient
    from wxbot.settings import Settings

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}


@click.command()
@click.option("--offline", is_flag=True, help="Ask nothing of WeChat.")
@json_option
def doctor(*, offline: bool, as_json: bool) -> None:
    """Examine a deployment: settings, database, workers, clock, and the accounts at WeChat.

    Nothing is changed, except that an access token may be fetched. Ends with code 1 if something must be
    mended before the bot works.
    """
    from wxbot.doctor.examination import examine

    configured = load_settings()
    with progress("Examining"):
        found = examine(_patient(configured), offline=offline)
    state = worst(found)
    if as_json:
        print_json({"state": state, "findings": [asdict(each) for each in found]})
    else:
        _print(found, state)
    if state is State.FAIL:
        click.get_current_context().exit(1)


def _patient(configured: "Settings") -> "Patient":
    from wxbot.bot import build_clients, connections_of
    from wxbot.doctor.examination import Patient
    from wxbot.mounting import build_registry, secret_keys

    return Patient(
        settings=configured,
        skipped=lambda: build_registry(configured).skipped,
        clients=lambda engine: build_clients(configured, engine),
        keys=secret_keys(configured),
        connections=connections_of(configured),
    )


def _print(found: Sequence[Finding], state: State) -> None:
    width = max(len(each.check) for each in found)
    for each in found:
        click.echo(
            f"{click.style(f'{each.state:4}', fg=_COLOURS[each.state])}  {each.check:{width}}  ", nl=False
        )
        click.echo(printable(each.text))
        for advice in filter(None, (each.advice, each.advice_zh)):
            click.echo(f"{'':{width + 8}}→ {printable(advice)}")
    said = {
        State.OK: "All is well. 一切正常。",
        State.WARN: "The bot works; look at what is marked `warn`. 可以运行，请留意标有 warn 的项目。",
        State.FAIL: "What is marked `fail` must be mended. 标有 fail 的项目必须先解决。",
    }
    click.echo()
    click.secho(said[state], fg=_COLOURS[state])
