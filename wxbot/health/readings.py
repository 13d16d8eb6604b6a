"""What /metrics looks up when it is asked, beside what was counted."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from wxbot.doctor.vitals import Vitals, read_vitals
from wxbot.health.readiness import Watched
from wxbot.metrics import Reading
from wxbot.qrcodes.numbers import Numbers
from wxbot.webhooks.deliveries import undelivered


def readings(watched: Watched, accounts: Collection[str]) -> list[Reading]:
    """Return the readings; those of a database that does not answer are missing."""
    found = _of_spool(watched)
    try:
        vitals = read_vitals(watched.engine)
        numbers = Numbers(watched.engine, now=watched.now)
        used = {account: numbers.usage(account) for account in accounts}
        with watched.engine.connect() as connection:
            untold = undelivered(connection)
    except SQLAlchemyError:
        return [*found, _up(0)]
    for account, usage in used.items():
        help = "Permanent numbers that are taken or rest, of 100,000."
        value = usage.taken + usage.quarantined
        found.append(Reading("wxbot_permanent_numbers_used", help, value, (("account", account),)))
    for (webhook, state), count in untold.items():
        help = "Messages of a webhook that did not arrive, by state."
        labels = ("webhook", webhook), ("state", state)
        found.append(Reading("wxbot_webhook_deliveries", help, count, labels))
    return [*found, _up(1), *_of_vitals(vitals, watched.now())]


def _up(value: int) -> Reading:
    return Reading("wxbot_database_up", "Whether the database answers.", value)


def _of_spool(watched: Watched) -> list[Reading]:
    try:
        files, size = watched.spool.size()
    except OSError:
        return []
    return [
        Reading("wxbot_spool_files", "Files of events that wait for the database.", files),
        Reading("wxbot_spool_bytes", "Size of these files.", size),
    ]


def _of_vitals(vitals: Vitals, now: datetime) -> list[Reading]:
    found = [
        Reading("wxbot_jobs", "Jobs that are not done, by state.", count, (("state", state),))
        for state, count in vitals.jobs.items()
    ]
    help = "Messages that came too late and wait for the person's next contact."
    found.append(Reading("wxbot_kept_messages", help, vitals.jobs["kept"]))
    if vitals.worker_age is not None:
        help = "Time since the last sign of life of any worker."
        found.append(Reading("wxbot_worker_age_seconds", help, vitals.worker_age))
    for account, token in vitals.tokens.items():
        if token.fetched_at:
            age = max(int(now.timestamp()) - token.fetched_at, 0)
            help = "Age of the account's access token."
            found.append(Reading("wxbot_access_token_age_seconds", help, age, (("account", account),)))
    return found
