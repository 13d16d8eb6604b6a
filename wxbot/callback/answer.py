"""The story of one callback: open, recall, dispatch, settle, seal."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy.exc import SQLAlchemyError

from wxbot.errors import ForbiddenError, MalformedError
from wxbot.events.records import Delivery, Records
from wxbot.events.runs import Runs, UnrecordedError
from wxbot.wechat.envelope import (
    ACKNOWLEDGEMENT,
    Credentials,
    Opened,
    open_envelope,
    seal,
    signature_digest,
    verify_url,
)
from wxbot.wechat.events import always_visible
from wxbot.wechat.parse import parse_event
from wxbot.wechat.render import render
from wxbot.wechat.replies import ACK, Acknowledgement, Reply

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Everything that answering a callback needs; made once by the app."""

    accounts: Mapping[str, Credentials]
    records: Records
    runs: Runs
    fallback: Reply
    window_seconds: int
    now: Callable[[], datetime]

    def verify(self, account: str, query: bytes) -> str:
        """Return the echostr that proves to WeChat that this URL is ours.

        Raises ForbiddenError, and UnrecordedError when the signature could not be noted.
        """
        credentials = self._credentials(account)
        echostr = verify_url(query, credentials, now=self.now(), window_seconds=self.window_seconds)
        if credentials.mode != "safe":
            # Its signature would sign any body as well; from now on it belongs to this verification.
            key = sha256(b"verification\0" + echostr.encode()).digest()[:16]
            self._write(
                lambda: self.records.bind_signature(account, signed_by=signature_digest(query), key=key)
            )
        return echostr

    def answer(self, account: str, query: bytes, body: bytes, *, arrived: float) -> str:
        """Return the body of the answer to one callback that arrived at `arrived` (monotonic seconds).

        Raises ForbiddenError for what cannot be verified, MalformedError for what is no XML of WeChat's,
        UnrecordedError when the answer could not be written down: then none may be given.
        """
        credentials = self._credentials(account)
        opened = open_envelope(query, body, credentials, now=self.now(), window_seconds=self.window_seconds)
        try:
            event = parse_event(opened.body, account=account)
        except MalformedError as malformed:
            return self._acknowledge_malformed(account, opened, malformed)
        delivery = Delivery(event=event, signed_by=opened.signed_by)
        reply = self._reply(delivery, arrived)
        if isinstance(reply, Acknowledgement):
            return ACKNOWLEDGEMENT
        xml = render(reply, event, now=self.now())
        return seal(xml, credentials, nonce=opened.nonce, now=self.now())

    def _reply(self, delivery: Delivery, arrived: float) -> Reply | Acknowledgement:
        try:
            return self.runs.answer(delivery, arrived=arrived)
        except (ForbiddenError, UnrecordedError):
            raise
        except Exception:
            # The last net, for faults of our own: the person is answered all the same.
            log.exception("an event of account %s could not be dispatched", delivery.event.account)
            return self.fallback if always_visible(delivery.event) else ACK

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except SQLAlchemyError as error:
            raise UnrecordedError(type(error).__name__) from error

    def _credentials(self, account: str) -> Credentials:
        if account not in self.accounts:
            raise ForbiddenError("account")
        return self.accounts[account]

    def _acknowledge_malformed(self, account: str, opened: Opened, malformed: MalformedError) -> str:
        """Signed, well-formed and yet ambiguous: no handler may guess; a repeat would be no better."""
        if not malformed.ambiguous:
            raise malformed
        reason = "encrypted, but the account's mode is plain" if _is_encrypted(opened) else malformed.reason
        log.error("a callback of account %s was malformed (%s); its body is kept", account, reason)
        self._write(
            lambda: self.records.note_malformed(
                account, body=opened.body, reason=reason, signed_by=opened.signed_by
            )
        )
        return ACKNOWLEDGEMENT


def _is_encrypted(opened: Opened) -> bool:
    return b"<Encrypt>" in opened.body and b"<MsgType>" not in opened.body
