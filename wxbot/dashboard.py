"""The dashboard of a bot: its areas, each with the parts that it needs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from flask import Blueprint

from wxbot import clock
from wxbot.admin import auditing, overview, own, staff
from wxbot.admin.area import Area
from wxbot.admin.dashboard import Dashboard
from wxbot.admin.figure_areas import figure_areas
from wxbot.admin.figure_parts import FigureParts
from wxbot.admin.gate import Gate
from wxbot.admin.guesses import Guesses
from wxbot.admin.operations import Operated, operations
from wxbot.admin.sessions import Sessions
from wxbot.admin.trail import Trail
from wxbot.admin.users import Users
from wxbot.bot import Bot, connections_of
from wxbot.doctor.examination import Patient
from wxbot.events import listing
from wxbot.jobs import listing as job_listing
from wxbot.mounting import secret_keys
from wxbot.streams import Streams


def gate_of(bot: Bot, *, now: Callable[[], datetime] = clock.now) -> Gate:
    """Return what lets users into the dashboard, and into what else they may see."""
    configured = bot.settings.admin
    return Gate(
        users=Users(bot.engine, now=now),
        sessions=Sessions(
            bot.engine,
            idle_seconds=configured.idle_minutes * 60,
            longest_seconds=configured.login_hours * 3600,
            now=now,
        ),
        guesses=Guesses(bot.engine, now=now),
        proxies=bot.settings.server.proxies,
    )


def dashboard_blueprint(
    bot: Bot, gate: Gate, streams: Streams, *, now: Callable[[], datetime] = clock.now
) -> Blueprint:
    """Return `/admin/`; `streams` are those of the process."""
    trail = Trail(bot.engine, now=now)
    areas = [*_areas(bot, gate, trail, now=now), *_operations(bot, streams)]
    return Dashboard(gate, trail, areas, accounts=list(bot.settings.accounts)).blueprint


def _areas(bot: Bot, gate: Gate, trail: Trail, *, now: Callable[[], datetime]) -> Sequence[Area]:
    """Return the areas; a new one is one line here."""
    figures = _figures(bot, now)
    return [
        _overview(bot, figures),
        *figure_areas(figures, bot.engine, spool=Path(bot.settings.spool.path)),
        auditing.views(trail, gate.users),
        staff.views(gate.users),
        own.views(gate),
    ]


def _figures(bot: Bot, now: Callable[[], datetime]) -> FigureParts:
    return FigureParts(
        figures=bot.figures,
        channels=bot.channels,
        minter=bot.minter,
        living=bot.living,
        public_url=bot.settings.server.public_url,
        now=now,
    )


def _overview(bot: Bot, figures: FigureParts) -> Area:
    has_several = len(bot.settings.accounts) > 1

    def jobs(account: str) -> Mapping[str, int]:
        return job_listing.counts(bot.engine, accounts=(account,) if has_several else None)

    return overview.views(
        overview.Parts(
            figures=figures,
            channels=bot.channels.view.of,
            numbers=bot.numbers.usage,
            jobs=jobs,
            events=lambda account: listing.latest(bot.engine, limit=overview.LATEST, account=account),
        )
    )


def _operations(bot: Bot, streams: Streams) -> Sequence[Area]:
    return operations(
        Operated(
            engine=bot.engine,
            ledger=bot.ledger,
            claims=bot.claims,
            hooks=bot.hooks,
            numbers=bot.numbers,
            registry=bot.registry,
            channels=bot.channels.view,
            patient=Patient(
                settings=bot.settings,
                skipped=lambda: bot.registry.skipped,
                clients=lambda _engine: bot.clients,
                keys=secret_keys(bot.settings),
                connections=connections_of(bot.settings),
            ),
            streams=streams,
        )
    )
