"""What requests and urllib3 do for http.py: one call, within bounds, and in words what went wrong."""

import logging
import re
from http.cookiejar import DefaultCookiePolicy
from ssl import SSLCertVerificationError
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from wxbot import clock

MAX_ANSWER_BYTES = 4 << 20
_CONNECTIONS = 32
_PRIVATE = re.compile(r"\b(access_token|secret|openid|next_openid|code|ticket)=[^&\s\"']*")


class Exchanges:
    """Calls over connections that are kept open; `timeouts` are those to connect and to wait, in seconds."""

    def __init__(self, timeouts: tuple[float, float]) -> None:
        self._timeouts = timeouts
        self._session = requests.Session()
        # Neither a proxy nor another list of trusted certificates from the environment.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=0))
        _hide_queries_in_logs()

    def new(self, method: str, url: str, **parts: Any) -> "Exchange":
        """Return a call that is not on its way yet; `parts` are those of a request of requests."""
        return Exchange(self._session, requests.Request(method, url, **parts), self._timeouts)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class Exchange:
    """One call on its way; what became of it is written down by the thread that runs it.

    Without an answer that was read to its end `content` is None, and `fault` says why.
    """

    def __init__(
        self, session: requests.Session, request: requests.Request, timeouts: tuple[float, float]
    ) -> None:
        self._session = session
        self._request = request
        self._timeouts = timeouts
        self.status = 0
        self.content: bytes | None = None
        self.fault = ""
        self.was_sent = True

    def run(self, ends_at: float) -> None:
        """Send the request and read the answer; never raises what the network can do."""
        try:
            prepared = self._session.prepare_request(self._request)
            with self._session.send(
                prepared, timeout=self._timeouts, stream=True, allow_redirects=False
            ) as answered:
                self.status = answered.status_code
                self.content = self._read(answered, ends_at)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            self.was_sent = _may_have_been_sent(error)
            self.fault = _words_for(error)

    def _read(self, answered: requests.Response, ends_at: float) -> bytes | None:
        content = b""
        for part in answered.iter_content(1 << 16):
            content += part
            if len(content) > MAX_ANSWER_BYTES:
                self.fault = "the answer is too long"
                return None
            if clock.monotonic() > ends_at:
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
    """Takes secrets out of the addresses that urllib3 logs, for debugging or where it warns of an answer."""

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
    for name in ("urllib3.connectionpool", "urllib3.connection"):
        logging.getLogger(name).addFilter(_QUERY_FILTER)
