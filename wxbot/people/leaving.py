"""What becomes of a person's data when they unfollow, as `[privacy] on_unfollow` says.

The same when their account at WeChat is gone, of which a service of WeChat's tells: step 1 is then the job's.

1. The event is settled: the follower's row loses the openid (wxbot/followers.py).
2. A job tells `Leaving`: the row is locked, and nothing is done unless the person is still gone. Whoever
   comes back waits for that lock, so that what they do then is never undone.
3. Once an hour `sweep`: what was still being written when they left, and with `erase`, a day later, what
   had to stay that long to tell late events from new ones.
"""

import secrets
from collections.abc import Iterable, Sequence
from functools import partial

from sqlalchemy import Connection, Engine, RowMapping, delete, select, update

from wxbot import followers
from wxbot.analytics import forgetting as figures
from wxbot.bindings.bindings import Bindings, Cause
from wxbot.bindings.claims import Claims
from wxbot.db.business import bindings as binding_rows
from wxbot.db.business import claims as claim_rows
from wxbot.db.models import events
from wxbot.db.models import followers as follower_rows
from wxbot.db.patience import patiently
from wxbot.db.session import UnitOfWork
from wxbot.db.statements import database_now
from wxbot.followers import Follower
from wxbot.people import erasing
from wxbot.people.places import Who, of_account
from wxbot.settings.model import PrivacySettings
from wxbot.wechat.events import Event, PrivacyRequest, Unfollow

# An event that was spooled, or delivered late, must not make a stranger of somebody who has left.
REMEMBERED_SECONDS = 86_400
_BATCH = 200
_CANCELLATION = "user_authorization_cancellation"


class Leaving:
    """Listens for people who leave, and sees to what is left of them."""

    def __init__(
        self, engine: Engine, privacy: PrivacySettings, *, claims: Claims, bindings: Bindings
    ) -> None:
        self._engine = engine
        self._claims = claims
        self._bindings = bindings
        self._is_erasing = privacy.on_unfollow == "erase"

    def wants(self, event: Event) -> bool:
        """Listen for people who leave, and for those whose account is gone."""
        return isinstance(event, Unfollow) or bool(_cancelled(event))

    def hear(self, event: Event, follower: Follower | None, unit: UnitOfWork) -> None:
        """Take a person's data away, unless they are back by now."""
        if openid := _cancelled(event):
            self._cancel(unit.session().connection(), event, openid)
        elif follower is not None and follower.openid is None:
            self._leave(unit.session().connection(), of_account(event.account, event.openid))

    def sweep(self) -> int:
        """Do what could not be done when people left; return how many people that was. For once an hour."""
        count = 0
        for who in patiently(self._engine, _late_comers):
            count += patiently(self._engine, partial(self._leave, who=who))
        patiently(self._engine, erasing.erase_documents_of_left)
        while self._is_erasing and (gone := patiently(self._engine, _long_gone)):
            erased = self._erase(gone)
            count += erased
            if not erased:
                break
        return count

    def _cancel(self, connection: Connection, event: Event, openid: str) -> None:
        """Let somebody leave whose account is gone, whether they followed or not."""
        farewell = Unfollow(
            account=event.account,
            to_user=event.to_user,
            openid=openid,
            created_at=event.created_at,
            msg_type=event.msg_type,
            digest=event.digest,
            body=b"",
        )
        followers.note(connection, farewell, None)
        self._leave(connection, of_account(event.account, openid))

    def _leave(self, connection: Connection, who: Who) -> bool:
        """Take a person's data away in the caller's transaction; False, and nothing done: they are back."""
        mine = follower_rows.c.account == who.account, follower_rows.c.person == who.person
        values: dict[str, object] = {"openid": None, "kept_messages": 0}
        if self._is_erasing:
            values |= dict.fromkeys(("followed_at", "first_scene", "last_scene", "last_scanned_at"))
            values |= {"follows": 0, "first_seen_at": follower_rows.c.unfollowed_at}
        is_gone = follower_rows.c.unfollowed_at.is_not(None)
        if connection.execute(update(follower_rows).where(*mine, is_gone).values(values)).rowcount != 1:
            return False
        if who.openid is not None:
            self._bindings.unlink(who.account, openid=who.openid, by=Cause.UNFOLLOW, within=connection)
            self._claims.forget_person(who.account, who.openid, within=connection)
        erasing.erase_documents(connection, who)
        if self._is_erasing:
            erasing.erase_ended(connection, who, pseudonym=secrets.token_bytes(16))
        return True

    def _erase(self, gone: Iterable[RowMapping]) -> int:
        """Take people who left a day ago out of the records of events, and forget that they were here."""
        left = {row["person"]: row for row in gone}
        pseudonyms = _unlink_events(self._engine, left)

        return sum(
            patiently(self._engine, partial(self._forget, row=row, pseudonym=pseudonyms[person]))
            for person, row in left.items()
        )

    def _forget(self, connection: Connection, row: RowMapping, pseudonym: bytes) -> int:
        who = Who(account=row["account"], person=row["person"])
        if not self._leave(connection, who):
            return 0
        figures.forget(connection, who.account, who.person, pseudonym=pseudonym)
        mine = erasing.key_of(follower_rows, row)
        is_same = follower_rows.c.unfollowed_at == row["unfollowed_at"]
        return connection.execute(delete(follower_rows).where(mine, is_same)).rowcount


def _cancelled(event: Event) -> str:
    """Return the openid of the person whose account is gone, empty if the event does not tell of one."""
    if isinstance(event, PrivacyRequest) and event.kind == _CANCELLATION:
        return event.subject_openid
    return ""


def _late_comers(connection: Connection) -> list[Who]:
    """Return people who have left, and were bound or claimed something while that was being noted."""
    found = set()
    for table, lasts in (
        (binding_rows, binding_rows.c.ended_at.is_(None)),
        (claim_rows, claim_rows.c.openid.is_not(None)),
    ):
        is_theirs = follower_rows.c.account == table.c.account, follower_rows.c.person == table.c.person
        query = select(table.c.account, table.c.openid).join(follower_rows, (is_theirs[0]) & (is_theirs[1]))
        left = connection.execute(query.where(lasts, follower_rows.c.unfollowed_at.is_not(None)))
        found |= {(row.account, row.openid) for row in left if row.openid is not None}
    return [of_account(account, openid) for account, openid in sorted(found)]


def _long_gone(connection: Connection) -> list[RowMapping]:
    left_at = follower_rows.c.unfollowed_at
    columns = follower_rows.c.account, follower_rows.c.person, left_at
    old = select(*columns).where(left_at < database_now() - REMEMBERED_SECONDS).limit(_BATCH)
    return list(connection.execute(old).mappings())


def _unlink_events(engine: Engine, left: dict[bytes, RowMapping]) -> dict[bytes, bytes]:
    """Give each person another name in all their events, and return it; one reading of the table.

    It leads to nobody.
    """
    columns = events.c.key, events.c.person, events.c.created_at
    with engine.connect() as connection:
        found = connection.execute(select(*columns).where(events.c.person.in_(left))).mappings().all()
    pseudonyms = {person: secrets.token_bytes(16) for person in left}

    def write(connection: Connection, batch: Sequence[RowMapping]) -> None:
        for row in batch:
            mine = update(events).where(events.c.key == row["key"])
            connection.execute(mine.values(person=pseudonyms[row["person"]]))

    # What came after they left belongs to the time after they came back.
    old = [row for row in found if row["created_at"] <= left[row["person"]]["unfollowed_at"]]
    for start in range(0, len(old), _BATCH):
        patiently(engine, partial(write, batch=old[start : start + _BATCH]))
    return pseudonyms
