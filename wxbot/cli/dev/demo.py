"""`wxbot dev --demo`: a made-up year in the development database, so that no page is empty."""

import click

from wxbot import clock, settings
from wxbot.analytics import marks
from wxbot.analytics.counting import Counting
from wxbot.cli.dev.setup import DATABASE, Setup
from wxbot.cli.output import progress, progress_bar
from wxbot.db import migrate
from wxbot.db.engine import open_engine
from wxbot.year.filling import fill, has_year
from wxbot.year.plan import Plan

EVENTS = 12_000
# Nobody else uses the database meanwhile.
_BATCH = 2000


def fill_once(setup: Setup) -> None:
    """Write a year that ends now, unless there is one; before the bot starts, as it takes the write lock.

    All of it or nothing: whoever interrupts it finds the database as it was, or has the rest counted later.
    """
    configured = settings.load(str(setup.config), env=setup.environment)
    url = configured.database.url.get_secret_value()
    migrate.upgrade(url)
    plan = Plan(events=EVENTS, until=int(clock.now().timestamp()))
    engine = open_engine(url, connections=1)
    try:
        with engine.begin() as connection:
            if has_year(connection, plan):
                click.echo(f"Demo year  演示  is there already; delete {DATABASE} for a new one")
                return
            with progress_bar("Making up a year 正在生成演示数据") as tell:
                filled = fill(connection, plan, tell=tell)
            # What was counted before has to be read again: all of this is older.
            marks.read_again_from(connection, plan.since)
        with progress("Counting it 正在统计"):
            Counting(engine, configured.analytics, batch=_BATCH, rest=0).count_all()
    finally:
        engine.dispose()
    click.echo(
        f"Demo year  演示  {filled.events} events of {filled.people} people at {filled.channels} channels, "
        f"{filled.promoters} promoters; all made up, into {DATABASE}"
    )
