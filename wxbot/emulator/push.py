"""Delivers pushes as WeChat does: signed, sealed, five seconds, three attempts, and the answer judged.

It needs no world: with a `Sender` made from an account's own secrets it pushes to any callback URL.
"""

import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import SKIP_HEADER

from wxbot import clock
from wxbot.emulator import wire
from wxbot.emulator.clock import Clock
from wxbot.emulator.deadline import DeadlineAdapter
from wxbot.emulator.judge import Bubble, Verdict, judge
from wxbot.emulator.rules import Rules, Trouble
from wxbot.emulator.wire import Push, Sender

HEADERS = {
    "User-Agent": "Mozilla/4.0",
    "Accept": "*/*",
    "Pragma": "no-cache",
    "Connection": "close",
}
MAX_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class PushResponse:
    """What came back from the callback, and after how many seconds."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class CutOffError(ConnectionError):
    """The callback was reached, but its answer is too long or breaks off."""


# (url, query, body, headers); an empty body means GET. Raises TimeoutError when no answer came in time,
# CutOffError when only a part of one did, any other OSError when none can come.
Post = Callable[[str, str, bytes, Mapping[str, str]], PushResponse]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One attempt: what was sent, what came back, and what WeChat made of it.

    `status` is None when there was no answer. `started_at` is the platform's time. `is_repeat` marks
    a delivery of a push that had been answered already; its answer is judged but not shown again.
    """

    attempt: int
    started_at: float
    seconds: float
    query: str
    request_body: bytes
    request_xml: str
    status: int | None
    reply_body: bytes
    verdict: Verdict
    is_repeat: bool = False

    @property
    def reply_xml(self) -> str:
        """The answer in clear, as far as it could be read."""
        return self.verdict.reply_xml


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One push with all its attempts so far."""

    push: Push
    exchanges: tuple[Exchange, ...] = ()

    def with_exchange(self, exchange: Exchange) -> "Delivery":
        """Return the delivery with one more attempt."""
        return replace(self, exchanges=(*self.exchanges, exchange))

    @property
    def verdict(self) -> Verdict | None:
        """What the person ended up with: the verdict on the last attempt that was not a repeat."""
        return next((item.verdict for item in reversed(self.exchanges) if not item.is_repeat), None)

    @property
    def bubble(self) -> Bubble | None:
        """What the person sees, if anything."""
        return self.verdict.bubble if self.verdict else None

    def repeats_agree(self) -> bool:
        """Say whether every repeat got the same answer as the delivery that was shown."""
        return all(self.agrees(item) for item in self.exchanges if item.is_repeat)

    def agrees(self, repeat: Exchange) -> bool:
        """Say whether a repeat got the same answer as the delivery that was shown; none is like no other."""
        if self.verdict is None or repeat.verdict.outcome == "failed":
            return False
        return _seen(repeat.verdict) == _seen(self.verdict)


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The result of verifying a callback URL: whether it holds, and the reason when it does not."""

    is_verified: bool
    reason: str
    echostr: str
    status: int | None
    answer: bytes
    seconds: float


def over_http(timeout_seconds: float) -> Post:
    """Return a `post` that goes over the network: no redirects, no proxy, one connection each time."""

    def post(url: str, query: str, body: bytes, headers: Mapping[str, str]) -> PushResponse:
        started = clock.monotonic()
        # WeChat neither asks for compression nor uses a developer's proxy.
        with requests.Session() as session:
            session.trust_env = False
            session.headers.clear()
            adapter = DeadlineAdapter(timeout_seconds)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            method = "POST" if body else "GET"
            request = requests.Request(method, f"{url}?{query}", data=body or None, headers=dict(headers))
            prepared = session.prepare_request(request)
            prepared.headers["Accept-Encoding"] = SKIP_HEADER
            try:
                response = session.send(prepared, timeout=timeout_seconds, stream=True, allow_redirects=False)
                with response:
                    answer = _read(response)
            # For a name that no host can have, requests lets urllib3's own error through.
            except (requests.RequestException, LocationParseError) as error:
                raise _named(error, seconds=clock.monotonic() - started, limit=timeout_seconds) from error
        seconds = clock.monotonic() - started
        if seconds >= timeout_seconds:
            raise TimeoutError("the answer did not end in time")
        return PushResponse(
            status=response.status_code, body=answer, headers=dict(response.headers), seconds=seconds
        )

    return post


def _named(error: Exception, *, seconds: float, limit: float) -> OSError:
    """Return what an error means; a connection that was shut at the deadline ends in any of them."""
    if seconds >= limit or isinstance(error, requests.Timeout):
        return TimeoutError(str(error))
    if isinstance(error, requests.exceptions.SSLError):
        return ssl.SSLError(str(error))
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return CutOffError(str(error))
    return ConnectionError(str(error))


class Pusher:
    """Pushes to callback URLs. One may serve any number of senders and threads."""

    def __init__(
        self,
        *,
        post: Post | None = None,
        rules: Callable[[], Rules] = Rules,
        platform_clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._given_post = post
        self._rules = rules
        self._clock = platform_clock or Clock()
        self._sleep = sleep

    def send(self, push: Push, sender: Sender, *, url: str, repeats: int = 0) -> Delivery:
        """Deliver a push with all its attempts, then the given number of repeats, and return them."""
        delivery = Delivery(push=push)
        for exchange in self.attempts(push, sender, url=url, trouble=Trouble(repeats=repeats)):
            delivery = delivery.with_exchange(exchange)
        return delivery

    def attempts(
        self, push: Push, sender: Sender, *, url: str, trouble: Trouble | None = None
    ) -> Iterator[Exchange]:
        """Yield each attempt as it ends: up to three, each after a failure, then the repeats."""
        rules, trouble = self._rules(), trouble or Trouble()
        request: wire.Request | None = None
        last = Verdict(outcome="failed")
        number, pause = 0, 0.0
        while number < rules.attempts and last.outcome == "failed":
            number += 1
            if pause > 0:
                self._sleep(pause)
            if request is None or rules.fresh_retries:
                request = self._sealed(push, sender)
            exchange = self._attempt(request, push, sender, url=url, trouble=_left(trouble, number))
            exchange = _finished(exchange, push, number=number, rules=rules)
            last = exchange.verdict
            pause = rules.retry_spacing_seconds - min(exchange.seconds, rules.timeout_seconds)
            yield exchange
        for _ in range(trouble.repeats):
            number += 1
            yield self.repeat(push, sender, url=url, attempt=number)

    def repeat(self, push: Push, sender: Sender, *, url: str, attempt: int) -> Exchange:
        """Deliver a push once more although it was answered; the platform's guarantee is at least once."""
        request = self._sealed(push, sender)
        exchange = self._attempt(request, push, sender, url=url, trouble=Trouble())
        return replace(exchange, attempt=attempt, is_repeat=True)

    def verify(self, sender: Sender, *, url: str) -> Verification:
        """Ask a callback URL to prove itself, as the platform does when the URL is saved."""
        echostr = str(10**18 + secrets.randbelow(9 * 10**18))
        query = wire.verification(sender, timestamp=self._clock.seconds(), echostr=echostr)
        bare_url, whole_query = wire.address(url, query)
        started = clock.monotonic()
        try:
            response = self._post(bare_url, whole_query, b"", HEADERS)
        except OSError as error:
            return Verification(
                is_verified=False,
                reason=_unanswered(error),
                echostr=echostr,
                status=None,
                answer=b"",
                seconds=clock.monotonic() - started,
            )
        reason = _verification_fault(response, echostr, self._rules())
        return Verification(
            is_verified=not reason,
            reason=reason,
            echostr=echostr,
            status=response.status,
            answer=response.body,
            seconds=response.seconds,
        )

    @property
    def _post(self) -> Post:
        return self._given_post or over_http(self._rules().timeout_seconds)

    def _sealed(self, push: Push, sender: Sender) -> wire.Request:
        rules = self._rules()
        # The push time: what happened and what is sent about it may be a second apart.
        return wire.sealed(push, sender, timestamp=self._clock.seconds(), sends_openid=rules.sends_openid)

    def _attempt(
        self, request: wire.Request, push: Push, sender: Sender, *, url: str, trouble: Trouble
    ) -> Exchange:
        rules = self._rules()
        bare_url, query = wire.address(url, request.query)
        started_at, started = self._clock.now(), clock.monotonic()
        response: PushResponse | None = None
        try:
            headers = {**HEADERS, "Content-Type": "text/xml"}
            response = self._post(bare_url, query, request.body, headers)
        except OSError as error:
            verdict = Verdict(outcome="failed", reason=_unanswered(error))
            seconds = clock.monotonic() - started
        else:
            seconds = self._travelled(response.seconds, trouble, rules)
            verdict = _judged(response, seconds, push=push, sender=sender, rules=rules)
            if trouble.lost_answers:
                verdict = Verdict(outcome="failed", reason="lost", reply_xml=verdict.reply_xml)
        return Exchange(
            attempt=1,
            started_at=started_at,
            seconds=seconds,
            query=query,
            request_body=request.body,
            request_xml=request.xml,
            status=response.status if response else None,
            reply_body=response.body if response else b"",
            verdict=verdict,
        )

    def _travelled(self, seconds: float, trouble: Trouble, rules: Rules) -> float:
        on_the_way = max(0.0, min(trouble.slow_seconds, rules.timeout_seconds - seconds))
        if on_the_way:
            self._sleep(on_the_way)
        return seconds + trouble.slow_seconds


def _seen(verdict: Verdict) -> tuple[str, Bubble | None]:
    # The notice stands for the push: a repeat with the same broken answer brings no second one.
    return verdict.outcome, None if verdict.outcome == "fault" else verdict.bubble


def _unanswered(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, CutOffError):
        return "cut_off"
    return "timeout" if isinstance(error, TimeoutError) else "refused"


def _judged(response: PushResponse, seconds: float, *, push: Push, sender: Sender, rules: Rules) -> Verdict:
    verdict = judge(response.status, response.body, push=push, sender=sender, rules=rules)
    if seconds > rules.timeout_seconds:
        return Verdict(outcome="failed", reason="timeout", reply_xml=verdict.reply_xml)
    return verdict


def _left(trouble: Trouble, attempt: int) -> Trouble:
    return replace(trouble, lost_answers=1 if attempt <= trouble.lost_answers else 0)


def _finished(exchange: Exchange, push: Push, *, number: int, rules: Rules) -> Exchange:
    verdict = exchange.verdict
    is_over = verdict.outcome == "fault" or (verdict.outcome == "failed" and number >= rules.attempts)
    if is_over and push.event != "unsubscribe":
        verdict = replace(verdict, bubble=Bubble(kind="fault", text=rules.fault_notice))
    return replace(exchange, attempt=number, verdict=verdict)


def _verification_fault(response: PushResponse, echostr: str, rules: Rules) -> str:
    if response.seconds > rules.timeout_seconds:
        return "timeout"
    if response.status != 200:
        return "status"
    return "" if response.body == echostr.encode() else "echostr"


def _read(response: requests.Response) -> bytes:
    answer = b""
    for chunk in response.iter_content(8192):
        answer += chunk
        if len(answer) > MAX_ANSWER_BYTES:
            raise CutOffError("the answer does not end")
    return answer
