"""The worker of a bot, wired together: its jobs, its sweeps, and what is done from time to time."""

import logging

from wxbot.admin.trail import Trail
from wxbot.analytics import wechat_days
from wxbot.analytics.counting import Counting
from wxbot.api.idempotency import forget_answered
from wxbot.bot import Bot
from wxbot.callback import callers
from wxbot.channels.tagging import Tagging
from wxbot.clock import DAY_SECONDS
from wxbot.db.planning import look_at_tables
from wxbot.events.retention import forget_old
from wxbot.events.takeover import take_over_lost
from wxbot.events.works import EventJobs
from wxbot.jobs.retention import forget_finished
from wxbot.jobs.worker import Schedule, Worker
from wxbot.wechat.errcodes import ApiError

_HOUR_SECONDS = 3600
# How soon a list that could not be had is asked for again; one that is there lasts for a day.
_TRY_SECONDS = 600

log = logging.getLogger(__name__)


def build_worker(bot: Bot) -> Worker:
    """Return what does the jobs of a bot: those of its plugins and our own, sweeps and periodic work."""
    bot.channels.view.start()
    jobs = EventJobs(
        engine=bot.engine,
        records=bot.records,
        dispatcher=bot.dispatcher,
        tools=bot.tools,
        give_up_seconds=bot.settings.handlers.give_up_seconds,
        others=Tagging(bot.engine, bot.clients.__getitem__).work(),
    )

    def take_over() -> None:
        bot.queue.dispatch(take_over_lost(bot.engine))

    return Worker(
        ledger=bot.ledger,
        find=lambda name: bot.hooks.find(name) or jobs.find(name),
        queue=bot.queue,
        sweeps=[bot.outage.bring_in, take_over],
        schedules=_schedules(bot),
        threads=bot.settings.jobs.threads,
    )


def _schedules(bot: Bot) -> list[Schedule]:
    privacy = bot.settings.privacy
    counting = Counting(bot.engine, bot.settings.analytics)

    def refresh_tokens() -> None:
        for client in bot.clients.values():
            try:
                client.refresh_token()
            except ApiError as error:
                log.warning("account %s: %s", client.account.name, error)

    def forget() -> None:
        bot.claims.forget_old(privacy.claims_days)
        bot.hooks.deliveries.forget_old(privacy.webhooks_days)
        Trail(bot.engine).forget_old(privacy.audit_days)
        forget_finished(bot.engine, privacy.jobs_days)
        forget_old(bot.engine, events_days=privacy.events_days, malformed_days=privacy.malformed_days)

    return [
        Schedule(name="clock", every_seconds=60, function=bot.ledger.mend_clock),
        Schedule(name="tokens", every_seconds=60, function=refresh_tokens),
        Schedule(name="figures", every_seconds=60, function=counting.round),
        Schedule(name="callers", every_seconds=_TRY_SECONDS, function=lambda: _ask_for_callers(bot)),
        Schedule(name="wechat_days", every_seconds=DAY_SECONDS, function=lambda: _compare(bot)),
        Schedule(name="claims", every_seconds=60, function=bot.claims.expire),
        Schedule(name="repeats", every_seconds=_HOUR_SECONDS, function=lambda: forget_answered(bot.engine)),
        Schedule(name="left", every_seconds=_HOUR_SECONDS, function=bot.leaving.sweep),
        Schedule(name="planning", every_seconds=DAY_SECONDS, function=lambda: look_at_tables(bot.engine)),
        Schedule(name="retention", every_seconds=DAY_SECONDS, function=forget),
    ]


def _compare(bot: Bot) -> None:
    """Fetch what WeChat counted itself."""
    for name, client in bot.clients.items():
        if bot.settings.analytics.compare_with_wechat and client.account.secret:
            wechat_days.fetch(bot.engine, name, client.user_summary)


def _ask_for_callers(bot: Bot) -> None:
    """Keep the lists of WeChat's addresses fresh, if they are looked at."""
    for name, client in bot.clients.items():
        if bot.settings.callback.check_address and client.account.secret:
            callers.fetch(bot.engine, name, client.callback_ips)
