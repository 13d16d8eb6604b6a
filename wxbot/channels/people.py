"""Who came through which channel: counted after the answer, by the job that hears of a scan."""

from sqlalchemy import Connection, and_, case, select, update

from wxbot import followers
from wxbot.channels.answers import ChannelAnswers
from wxbot.channels.channel import Channel, from_row
from wxbot.channels.tagging import TAG
from wxbot.clock import DAY_SECONDS
from wxbot.db.business import channel_people, channels, follower_tags
from wxbot.db.session import UnitOfWork
from wxbot.db.statements import database_now, insert_first
from wxbot.followers import Follower
from wxbot.jobs.outbox import Job, derived_id, enqueue, note_done
from wxbot.wechat.events import Event, Scan

# Whoever was tagged less long ago is not tagged again; later they are, as somebody may have taken it away.
RETAG_SECONDS = DAY_SECONDS
# A tag that could not be put for so long is given up.
_TAG_WITHIN_SECONDS = 7 * DAY_SECONDS
# The note that a scan was counted.
COUNTED = "wxbot.channel_counted"


class ChannelListener:
    """Counts the people of each channel, and has them tagged."""

    def __init__(self, answers: ChannelAnswers) -> None:
        self._answers = answers

    def wants(self, event: Event) -> bool:
        """Say whether the event is a scan of a live channel; reads memory only."""
        return self._answers.channel_of(event) is not None

    def hear(self, event: Event, follower: Follower | None, unit: UnitOfWork) -> None:
        """Count a scan, once however often it is told; nothing for other events.

        The channel is looked up: this process may not know yet of one that has just been made.
        """
        if not isinstance(event, Scan):
            return
        connection = unit.session().connection()
        channel = _channel_of(connection, event)
        if channel is None:
            return
        job = _job(event, channel)
        if _wants_tag(connection, job, channel, follower):
            ids = enqueue(connection, [job])
            unit.caused += ids
            is_first = bool(ids)
        else:
            is_first = note_done(connection, job, name=COUNTED)
        if is_first:
            _count(connection, event, channel, is_new=_is_new(event, follower))


def _channel_of(connection: Connection, scan: Scan) -> Channel | None:
    mine = channels.c.account == scan.account, channels.c.scene == scan.scene
    row = connection.execute(select(channels).where(*mine)).mappings().first()
    channel = None if row is None else from_row(row)
    is_live = channel is not None and channel.is_live(int(scan.created_at.timestamp()))
    return channel if is_live else None


def _job(scan: Scan, channel: Channel) -> Job:
    """Return the job of this scan; that there is one tells that it was counted."""
    return Job(
        id=derived_id(scan.digest, b"channel"),
        account=scan.account,
        name=TAG,
        arguments={"tag": channel.tag},
        event_key=scan.digest,
        person=followers.person(scan.account, scan.openid),
        within_seconds=_TAG_WITHIN_SECONDS,
    )


def _wants_tag(connection: Connection, job: Job, channel: Channel, follower: Follower | None) -> bool:
    """Say whether the person is to be tagged: they follow, and did not get the tag since, a short while ago.

    An unfollow takes away all tags.
    """
    if channel.tag is None or follower is None or follower.openid is None:
        return False
    table = follower_tags.c
    is_recent = and_(
        table.tagged_at > database_now() - RETAG_SECONDS, table.tagged_at > (follower.followed_at or 0)
    )
    mine = table.account == job.account, table.person == job.person, table.tag == channel.tag
    return connection.execute(select(table.tag).where(*mine, is_recent)).first() is None


def _is_new(scan: Scan, follower: Follower | None) -> bool:
    """Say whether the person was first seen when they followed with this scan.

    Somebody who has left meanwhile, and of whom nothing is kept, was seen for the first time as well.
    """
    if scan.when != "follow":
        return False
    return follower is None or follower.first_seen_at >= int(scan.created_at.timestamp())


def _count(connection: Connection, scan: Scan, channel: Channel, *, is_new: bool) -> None:
    at, table = int(scan.created_at.timestamp()), channel_people.c
    key = {
        "account": scan.account,
        "channel": channel.name,
        "person": followers.person(scan.account, scan.openid),
    }
    again = (
        update(channel_people)
        .where(*(table[name] == value for name, value in key.items()))
        .values(
            scans=table.scans + 1,
            first_at=case((table.first_at > at, at), else_=table.first_at),
            last_at=case((table.last_at < at, at), else_=table.last_at),
            **({"is_new": True} if is_new else {}),
        )
    )
    if connection.execute(again).rowcount:
        return
    first = {**key, "first_at": at, "last_at": at, "scans": 1, "is_new": is_new}
    if not insert_first(connection, channel_people, first):
        connection.execute(again)
