"""The areas with which a bot is run: events, jobs, claims, webhooks, numbers, routes, health."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine

from wxbot.admin import claims, events, health, jobs, numbers, routes, webhooks
from wxbot.admin.area import Area
from wxbot.bindings.claims import Claims
from wxbot.channels.view import ChannelView
from wxbot.doctor.asking import Asking
from wxbot.doctor.examination import Patient, ask_wechat, examine_running
from wxbot.jobs.ledger import Ledger
from wxbot.qrcodes.numbers import Numbers
from wxbot.scenes.registry import Registry
from wxbot.streams import Streams
from wxbot.webhooks.deliveries import revive
from wxbot.webhooks.parts import Hooks

_MOST_HANDLERS = 200


@dataclass(frozen=True, kw_only=True)
class Operated:
    """The parts of a bot that these pages show and change."""

    engine: Engine
    ledger: Ledger
    claims: Claims
    hooks: Hooks
    numbers: Numbers
    registry: Registry
    channels: ChannelView
    patient: Patient
    streams: Streams


def operations(bot: Operated) -> Sequence[Area]:
    """Return the areas."""
    engine, registry, patient = bot.engine, bot.registry, bot.patient

    def handlers(account: str) -> list[str]:
        return sorted({each.handler for each in registry.routes(account)})[:_MOST_HANDLERS]

    return [
        events.views(events.Parts(engine=engine, streams=bot.streams, handlers=handlers)),
        jobs.views(jobs.Parts(engine=engine, replay=partial(bot.ledger.replay, also=revive))),
        claims.views(bot.claims),
        webhooks.views(bot.hooks),
        numbers.views(numbers.Parts(numbers=bot.numbers, channel_of=bot.channels.look_up)),
        routes.views(
            routes.Parts(registry=registry, channels=bot.channels.of, channel_of=bot.channels.look_up)
        ),
        health.views(
            health.Parts(
                examine=lambda: examine_running(patient, engine),
                proxies=patient.settings.server.proxies,
                wechat=Asking(lambda: ask_wechat(patient, engine)),
            )
        ),
    ]
