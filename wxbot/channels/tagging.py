"""Puts WeChat's tags on people, as jobs: tags are made when they are missing, within WeChat's limits."""

import logging
import random
import threading
from collections.abc import Callable

from sqlalchemy import Connection, Engine, delete, select

from wxbot import clock
from wxbot.db.business import follower_tags, wechat_tags
from wxbot.db.models import followers
from wxbot.db.session import UnitOfWork
from wxbot.db.statements import database_now, put
from wxbot.jobs.work import Claimed, Drop, Later, Work
from wxbot.wechat.api import ApiClient
from wxbot.wechat.errcodes import ApiError, BlockedError, NotAllowedError, QuotaError

TAG = "wxbot.channel_tag"

_LAST_OF_WECHATS = 2  # its own tags have the numbers 0 to 2
_NO_SUCH_TAG = 45159
_NAME_TAKEN = 45157
_BEING_TAGGED = 45169
# Not a follower, of another account, on the blacklist, an account that is limited, 20 tags already.
_OF_THE_PERSON = frozenset({40003, 43004, 43019, 45059, 49003, 50002, 50005})
# The account has 100 tags; WeChat's own tag; a name that is not accepted, or too long.
_OF_THE_ACCOUNT = frozenset({45056, 45058, 45157, 45158})
# An operator has to do something: tried now and then, and asked of WeChat once for all people in between.
_OBSTACLE_SECONDS = 600.0

log = logging.getLogger(__name__)


class Tagging:
    """Does the jobs called TAG. Tagging somebody twice is the same as once."""

    def __init__(
        self,
        engine: Engine,
        client_for: Callable[[str], ApiClient],
        *,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._engine = engine
        self._client_for = client_for
        self._now = now
        self._lock = threading.Lock()
        self._obstacles: dict[tuple[str, str], tuple[float, str]] = {}

    def work(self) -> dict[str, Work]:
        """Return how these jobs are done, by their name."""
        return {TAG: Work(call=self.tag)}

    def tag(self, claimed: Claimed, unit: UnitOfWork) -> None:
        """Put a tag on one person; note that they have it, together with the end of the job."""
        tag, openid = str(claimed.arguments["tag"]), self._openid(claimed)
        if openid is None:
            raise Drop("the person has left")
        self._check_obstacle(claimed.account, tag)
        try:
            self._put(claimed.account, tag, openid)
        except ApiError as error:
            self._after_refusal(error, claimed.account, tag)
        row = {"account": claimed.account, "person": claimed.person, "tag": tag, "tagged_at": database_now()}
        put(unit.session().connection(), follower_tags, row)

    def _put(self, account: str, tag: str, openid: str) -> None:
        client = self._client_for(account)
        try:
            client.tag_followers(self._number_of(client, tag), [openid])
        except ApiError as error:
            if error.errcode != _NO_SUCH_TAG:
                raise
            log.warning("the tag %r of account %s is gone at WeChat's; it is made again", tag, account)
            self._forget(account, tag)
            client.tag_followers(self._number_of(client, tag), [openid])

    def _number_of(self, client: ApiClient, tag: str) -> int:
        """Return the number under which WeChat knows a tag, which is made if there is none."""
        account = client.account.name
        mine = wechat_tags.c.account == account, wechat_tags.c.name == tag
        with self._engine.connect() as connection:
            known = connection.scalar(select(wechat_tags.c.number).where(*mine))
        if known is not None:
            return int(known)
        number = _find(client, tag)
        if number is None:
            number = _create(client, tag)
        row = {"account": account, "name": tag, "number": number, "fetched_at": database_now()}
        self._write(lambda connection: put(connection, wechat_tags, row))
        return number

    def _forget(self, account: str, tag: str) -> None:
        """Forget a tag's number, and who has it: with the tag, everybody has lost it."""

        def work(connection: Connection) -> None:
            connection.execute(
                delete(wechat_tags).where(wechat_tags.c.account == account, wechat_tags.c.name == tag)
            )
            theirs = follower_tags.c.account == account, follower_tags.c.tag == tag
            connection.execute(delete(follower_tags).where(*theirs))

        self._write(work)

    def _write(self, work: Callable[[Connection], object]) -> None:
        with self._engine.begin() as connection:
            work(connection)

    def _after_refusal(self, error: ApiError, account: str, tag: str) -> None:
        """Say what becomes of a job whose tag WeChat did not take; raises in any case."""
        if error.errcode in _OF_THE_PERSON:
            raise Drop(error.advice) from error
        if error.errcode == _BEING_TAGGED:
            raise Later(random.uniform(1, 5), error.advice) from error
        if error.errcode in _OF_THE_ACCOUNT or isinstance(error, NotAllowedError | QuotaError | BlockedError):
            log.error("the tag %r of account %s cannot be put: %s", tag, account, error)
            with self._lock:
                self._obstacles[account, tag] = self._now() + _OBSTACLE_SECONDS, error.advice
            raise Later(_OBSTACLE_SECONDS, error.advice) from error
        raise error

    def _check_obstacle(self, account: str, tag: str) -> None:
        with self._lock:
            until, advice = self._obstacles.get((account, tag), (0.0, ""))
        if self._now() < until:
            raise Later(until - self._now() + random.uniform(0, 60), advice)

    def _openid(self, claimed: Claimed) -> str | None:
        mine = followers.c.account == claimed.account, followers.c.person == claimed.person
        with self._engine.connect() as connection:
            return connection.scalar(select(followers.c.openid).where(*mine))


def _find(client: ApiClient, tag: str) -> int | None:
    numbers = [each.tag_id for each in client.tags() if each.name == tag]
    if numbers and numbers[0] <= _LAST_OF_WECHATS:
        raise ApiError(45058, call="tags/get", advice=f"{tag!r} is a tag of WeChat's own: use another name")
    return numbers[0] if numbers else None


def _create(client: ApiClient, tag: str) -> int:
    try:
        return client.create_tag(tag).tag_id
    except ApiError as error:
        if error.errcode != _NAME_TAKEN:
            raise
        # Somebody else has made it since we looked; if not, the name is not accepted.
        number = _find(client, tag)
        if number is None:
            raise
        return number
