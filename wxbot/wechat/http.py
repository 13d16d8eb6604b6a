"""HTTP to WeChat's servers: every call ends in time, and what goes wrong is told without what was sent."""

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from ssl import SSLCertVerificationError

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from wxbot import clock
from wxbot.wechat.errcodes import UnreachableError

CONNECT_SECONDS = 2.0
TOTAL_SECONDS = 4.0
MAX_ANSWER_BYTES = 4 << 20
_CONNECTIONS = 32
_PRIVATE = re.compile(r"\b(access_token|secret|openid|next_openid)=[^&\s\"']*")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered."""

    status: int
    content: bytes


class Http:
    """Calls over HTTP, for any number of threads: no proxy, no redirects, no cookies, no repetition."""

    def __init__(
        self, *, connect_seconds: float = CONNECT_SECONDS, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._connect_seconds = connect_seconds
        self._total_seconds = total_seconds
        self._session = requests.Session()
        # Neither a proxy nor another list of trusted certificates from the environment.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=0))
        _hide_queries_in_logs()

    def send(
        self,
        method: str,
        url: str,
        *,
        call: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Return the answer, whatever its status; `call` names the call in errors.

        Raises UnreachableError when none came in time, with no trace of the address, the query or the body.
        """
        exchange = _Exchange(self._session, ends_at=clock.monotonic() + self._total_seconds)
        timeouts = (self._connect_seconds, self._total_seconds)
        # A thread of its own: the timeouts of a socket cover neither the look-up of a name nor an answer
        # that comes in drops.
        thread = threading.Thread(
            target=exchange.run,
            args=(requests.Request(method, url, params=query, data=body), timeouts),
            name="wechat",
            daemon=True,
        )
        thread.start()
        thread.join(self._total_seconds)
        answer, fault, was_sent = exchange.answer, exchange.fault, exchange.was_sent
        if answer is None:
            # Not inside an `except`: the library's exception has the address with the token in it.
            raise UnreachableError(
                fault or f"no answer within {self._total_seconds:g} s", call=call, was_sent=was_sent
            )
        return answer

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()


class _Exchange:
    """One call on its way; what became of it is written down by the thread that runs it."""

    def __init__(self, session: requests.Session, *, ends_at: float) -> None:
        self._session = session
        self._ends_at = ends_at
        self.answer: Answer | None = None
        self.fault = ""
        self.was_sent = True

    def run(self, request: requests.Request, timeouts: tuple[float, float]) -> None:
        """Send the request and read the answer; never raises what the network can do."""
        try:
            prepared = self._session.prepare_request(request)
            with self._session.send(
                prepared, timeout=timeouts, stream=True, allow_redirects=False
            ) as answered:
                content = self._read(answered)
            if content is not None:
                self.answer = Answer(status=answered.status_code, content=content)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            self.was_sent = _may_have_been_sent(error)
            self.fault = _words_for(error)

    def _read(self, answered: requests.Response) -> bytes | None:
        content = b""
        for part in answered.iter_content(1 << 16):
            content += part
            if len(content) > MAX_ANSWER_BYTES:
                self.fault = "the answer is too long"
                return None
            if clock.monotonic() > self._ends_at:
                return None
        return content


def _root(error: BaseException) -> object:
    """Return the reason below the wrappings of requests and urllib3."""
    inner = error.args[0] if error.args else None
    return inner.reason if isinstance(inner, MaxRetryError) else inner


def _is_untrusted(error: BaseException) -> bool:
    root = _root(error)
    inner = root.args[0] if isinstance(root, BaseException) and root.args else root
    return isinstance(inner, SSLCertVerificationError)


def _may_have_been_sent(error: BaseException) -> bool:
    before = isinstance(error, requests.ConnectTimeout) or isinstance(_root(error), NewConnectionError)
    return not before and not _is_untrusted(error)


def _words_for(error: BaseException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted" if _is_untrusted(error) else "TLS failed"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(_root(error), NewConnectionError):
        return "the server cannot be reached"
    return "the connection broke"


class _QueryFilter(logging.Filter):
    """Takes secrets out of the addresses that urllib3 logs for debugging."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without the values of private parameters."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                _PRIVATE.sub(r"\1=...", each) if isinstance(each, str) else each for each in record.args
            )
        return True


_QUERY_FILTER = _QueryFilter()


def _hide_queries_in_logs() -> None:
    # Adding the same filter again changes nothing.
    logging.getLogger("urllib3.connectionpool").addFilter(_QUERY_FILTER)
