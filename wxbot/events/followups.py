"""What the end of an event causes: messages that did not fit into its answer, and the observers' turn."""

import logging
from collections.abc import Callable

from sqlalchemy import Connection

from wxbot import followers
from wxbot.events.rows import kind_of
from wxbot.events.windows import window_of
from wxbot.followers import Follower
from wxbot.jobs.kept import wake_kept
from wxbot.jobs.outbox import Job, derived_id
from wxbot.outcome import Outcome
from wxbot.wechat import replies
from wxbot.wechat.events import Event
from wxbot.wechat.replies import Acknowledgement, Reply, Transfer

log = logging.getLogger(__name__)

# The names of our own jobs, as they stand in the ledger.
MESSAGE = "wxbot.message"
OBSERVE = "wxbot.observe"
TAKE_OVER = "wxbot.take_over"
REPLAY = "wxbot.replay"


def caused_by(
    event: Event,
    outcome: Outcome,
    *,
    is_late: bool,
    is_observed: bool,
    closing: Callable[[Event], Reply | Acknowledgement],
) -> list[Job]:
    """Return the jobs to write together with the end of an event.

    A late result goes out as messages, and so does what a list holds beyond its first reply. `closing` says
    what is read when no handler has said anything.
    """
    jobs = []
    told = (outcome.reply, *outcome.more) if is_late else outcome.more
    if is_late and isinstance(outcome.reply, Transfer):
        # WeChat takes it as the answer only, and that left at the deadline.
        log.warning("handler %s was too late to hand the person over to customer service", outcome.handler)
        told = outcome.more or (closing(event),)
    sendable = [each for each in told if not isinstance(each, Acknowledgement | Transfer)]
    if sendable and window_of(kind_of(event)) is not None:
        arguments: dict[str, object] = {"replies": [replies.to_data(each) for each in sendable]}
        jobs.append(_job(event, MESSAGE, arguments=arguments))
    if is_observed:
        jobs.append(_job(event, OBSERVE, body=event.body))
    return jobs


def wake(connection: Connection, event: Event, known: Follower | None) -> list[bytes]:
    """Let messages that are kept for a person go out in the window that this event opens."""
    window = window_of(kind_of(event))
    if known is None or not known.kept_messages or window is None:
        return []
    who = followers.person(event.account, event.openid)
    return wake_kept(connection, event.account, who, event.digest, window.seconds)


def _job(
    event: Event, name: str, *, arguments: dict[str, object] | None = None, body: bytes | None = None
) -> Job:
    return Job(
        id=derived_id(event.digest, name.encode()),
        account=event.account,
        name=name,
        arguments=arguments or {},
        body=body,
        event_key=event.digest,
        person=followers.whom(event),
    )
