"""The story of one callback: open, recall, dispatch, settle, seal."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy.exc import SQLAlchemyError

from wxbot.callback.callers import Callers
from wxbot.errors import ForbiddenError, MalformedError
from wxbot.events.outage import Outage
from wxbot.events.records import Delivery, Records
from wxbot.events.run import UnrecordedError
from wxbot.events.runs import Runs
from wxbot.events.spool import SpoolError
from wxbot.outcome import Outcome, Status
from wxbot.scenes.dispatch import Texts
from wxbot.web.browser import Address
from wxbot.wechat.envelope import (
    ACKNOWLEDGEMENT,
    Credentials,
    Opened,
    open_envelope,
    seal,
    signature_digest,
    verify_url,
)
from wxbot.wechat.parse import parse_event
from wxbot.wechat.render import render
from wxbot.wechat.replies import Acknowledgement, Reply

# WeChat repeats for a quarter of a minute. What took longer than this was held back, and dated anew: time and
# nonce of a signature may trade places.
_LONGEST_WAY = timedelta(minutes=30)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Everything that answering a callback needs; made once by the app.

    `kept_days` is how long events stay on record, 0: for ever. One that is older would not be known again.
    `callers`: from where callbacks may come; None: from anywhere.
    """

    accounts: Mapping[str, Credentials]
    records: Records
    runs: Runs
    outage: Outage
    texts: Texts
    window_seconds: int
    now: Callable[[], datetime]
    kept_days: int = 0
    callers: Callers | None = None

    def verify(self, account: str, query: bytes, *, caller: Address | None = None) -> str:
        """Return the echostr that proves to WeChat that this URL is ours.

        Raises ForbiddenError, and UnrecordedError when the signature could not be noted.
        """
        credentials = self._credentials(account)
        echostr = verify_url(query, credentials, now=self.now(), window_seconds=self.window_seconds)
        self._check_caller(account, caller)
        if credentials.mode != "safe":
            # Its signature would sign any body as well; from now on it belongs to this verification.
            key = sha256(b"verification\0" + echostr.encode()).digest()[:16]
            self._write(
                lambda: self.records.bind_signature(account, signed_by=signature_digest(query), key=key)
            )
        return echostr

    def answer(
        self, account: str, query: bytes, body: bytes, *, arrived: float, caller: Address | None = None
    ) -> str:
        """Return the body of the answer to one callback that arrived at `arrived` (monotonic seconds).

        Raises ForbiddenError for what cannot be verified, MalformedError for what is no XML in plain mode,
        UnrecordedError when the answer could not be written down: then none may be given.
        """
        credentials = self._credentials(account)
        opened = open_envelope(query, body, credentials, now=self.now(), window_seconds=self.window_seconds)
        self._check_caller(account, caller)
        try:
            event = parse_event(opened.body, account=account)
        except MalformedError as malformed:
            return self._acknowledge_malformed(account, opened, malformed)
        age = self.now() - event.created_at
        if self.kept_days and age > timedelta(days=self.kept_days, hours=-1):
            raise ForbiddenError("old-event")
        # Who signs in plain mode may write any time into the document: there it would show nothing.
        is_stale = opened.credentials.mode != "plain" and age > _LONGEST_WAY
        delivery = Delivery(event=event, signed_by=opened.signed_by, is_stale=is_stale)
        reply = self._reply(delivery, arrived)
        if isinstance(reply, Acknowledgement):
            return ACKNOWLEDGEMENT
        xml = render(reply, event, now=self.now())
        return seal(xml, opened.credentials, nonce=opened.nonce, now=self.now())

    def _reply(self, delivery: Delivery, arrived: float) -> Reply | Acknowledgement:
        try:
            return self.runs.answer(delivery, arrived=arrived)
        except (ForbiddenError, UnrecordedError):
            raise
        except Exception:
            log.exception("an event of account %s could not be dispatched", delivery.event.account)
            return self._catch(delivery)

    def _catch(self, delivery: Delivery) -> Reply | Acknowledgement:
        """The last net, for faults of our own: the event is kept, and the person is answered all the same."""
        reply = self.texts.closing(delivery.event)
        try:
            return self.outage.keep(delivery, Outcome(status=Status.FAILED, reply=reply, detail="fault"))
        except SpoolError as error:
            raise UnrecordedError(str(error)) from error

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except SQLAlchemyError as error:
            raise UnrecordedError(type(error).__name__) from error

    def _credentials(self, account: str) -> Credentials:
        if account not in self.accounts:
            raise ForbiddenError("account")
        return self.accounts[account]

    def _check_caller(self, account: str, caller: Address | None) -> None:
        # After the signature: a list of addresses is no proof, and must not stand in for one.
        if self.callers is not None:
            self.callers.check(account, caller)

    def _acknowledge_malformed(self, account: str, opened: Opened, malformed: MalformedError) -> str:
        """Authentic, and yet ambiguous or no XML: no handler may guess; a repeat would be no better.

        In plain mode nothing says whose document it is: what is no XML does not count as WeChat's there.
        """
        if not malformed.ambiguous and opened.credentials.mode == "plain":
            raise malformed
        reason = "encrypted, but the account's mode is plain" if _is_encrypted(opened) else malformed.reason
        log.error("a callback of account %s was malformed (%s); its body is kept", account, reason)
        try:
            self.outage.keep_malformed(account, body=opened.body, reason=reason, signed_by=opened.signed_by)
        except SpoolError as error:
            raise UnrecordedError(str(error)) from error
        return ACKNOWLEDGEMENT


def _is_encrypted(opened: Opened) -> bool:
    return b"<Encrypt>" in opened.body and b"<MsgType>" not in opened.body
