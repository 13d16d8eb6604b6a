"""`wxbot stats rebuild`: all figures made anew from what is on record."""

import click

from wxbot.cli.configuration import load_settings
from wxbot.cli.opened import opened_records
from wxbot.cli.output import json_option, print_json, progress_bar


@click.command()
@json_option
def rebuild(*, as_json: bool) -> None:
    """Make all figures anew, by the definitions of the settings.

    For another time zone or attribution, or when figures are doubted. Those that are there answer until the
    new ones are whole; what happens meanwhile is counted afterwards. It may be interrupted and begun again.
    """
    from wxbot.analytics.counting import Counting
    from wxbot.analytics.rebuilding import rebuild as make_anew

    configured = load_settings()
    with opened_records(configured) as engine:
        with progress_bar("Making figures anew, by person") as told:
            people = make_anew(engine, configured.analytics, told=told)
        Counting(engine, configured.analytics).count_all()
    if as_json:
        print_json({"people": people})
    else:
        click.echo(f"Figures were made anew from what {people} people did.")
