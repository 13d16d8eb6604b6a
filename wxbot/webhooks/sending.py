"""One request to the site: to the address that was checked, in bounded time, and what came of it in words."""

import io
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from wxbot import clock
from wxbot.webhooks.addresses import (
    AddressRefusedError,
    Place,
    Resolve,
    Rules,
    addresses_of,
    look_up,
    read_url,
)

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 3.0
MOST_ANSWER_BYTES = 64 * 1024
_MOST_ADDRESSES = 3
GONE = 410
# Answers that say when to come back.
_BUSY = frozenset({429, 503})

# Connects to an address and a port within so many seconds; raises OSError.
Connect = Callable[[tuple[str, int], float], socket.socket]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of one attempt; `status` is None without an answer, `detail` our own words."""

    status: int | None
    detail: str
    seconds: float
    retry_after_seconds: int | None = None

    @property
    def is_delivered(self) -> bool:
        """Say whether the site has taken it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Say whether the site wants nothing more, ever."""
        return self.status == GONE


class Sender:
    """Sends, for any number of threads: no proxy, no redirects, no cookies, nothing from the environment.

    `resolve`, `connect` and `context` are for tests.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        resolve: Resolve = look_up,
        connect: Connect = socket.create_connection,
        context: ssl.SSLContext | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.rules = rules
        self._resolve = resolve
        self._connect = connect
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._given = context

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """What secures connections; few processes send, so that few read the list of certificates."""
        if self._given is not None:
            return self._given
        from requests.utils import DEFAULT_CA_BUNDLE_PATH  # noqa: PLC0415

        return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post a body; never raises what the network, or who answers, can do."""
        began = clock.monotonic()
        status, detail, wait = self._outcome(url, body, headers)
        seconds = round(clock.monotonic() - began, 3)
        return Answer(status=status, detail=detail, seconds=seconds, retry_after_seconds=wait)

    def _outcome(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int | None, str, int | None]:
        try:
            place = read_url(url, self.rules)
            addresses = addresses_of(place, self.rules, self._resolve)
        except AddressRefusedError as error:
            return None, str(error), None
        except OSError as error:
            return None, f"the name of the host cannot be looked up{_in_time(error)}", None
        try:
            line = self._reach(place, addresses)
        except OSError as error:
            return None, _words_for_connecting(error, self._connect_seconds), None
        with line:
            try:
                return _exchange(_Line(line, self._answer_seconds), place, body, headers)
            except (OSError, HTTPException, ValueError) as error:
                return None, _words_for_asking(error, self._answer_seconds), None

    def _reach(self, place: Place, addresses: list[str]) -> socket.socket:
        """Connect to the first address that answers; all of them were checked."""
        ends_at = clock.monotonic() + self._connect_seconds
        fault: OSError = TimeoutError()
        for address in addresses[:_MOST_ADDRESSES]:
            left = ends_at - clock.monotonic()
            if left <= 0:
                break
            try:
                line = self._connect((address, place.port), left)
            except OSError as error:
                fault = error
                continue
            return self._secured(line, place, ends_at) if place.is_secure else line
        raise fault

    def _secured(self, line: socket.socket, place: Place, ends_at: float) -> socket.socket:
        try:
            line.settimeout(max(0.1, ends_at - clock.monotonic()))
            # The name of the URL, not the address: that is what the certificate is for.
            return self._context.wrap_socket(line, server_hostname=place.host)
        except BaseException:
            line.close()
            raise


class _Line:
    """A socket as http.client uses it, that ends in time and reads no more than is allowed."""

    def __init__(self, line: socket.socket, seconds: float) -> None:
        self._line = line
        self._seconds = seconds

    def sendall(self, data: bytes) -> None:
        """Send, within the time that is left."""
        self._line.settimeout(self._seconds)
        self._line.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what the answer is read from."""
        return io.BufferedReader(_Reader(self._line, clock.monotonic() + self._seconds))

    def close(self) -> None:
        """Leave the socket to whoever opened it."""


class _Reader(io.RawIOBase):
    """What comes over a line until a moment: its own timeout would begin anew with every byte."""

    def __init__(self, line: socket.socket, ends_at: float) -> None:
        self._line = line
        self._ends_at = ends_at
        self._room = MOST_ANSWER_BYTES

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there; raises TimeoutError at the end of the time, ValueError beyond the bytes."""
        left = self._ends_at - clock.monotonic()
        if left <= 0:
            raise TimeoutError
        if self._room <= 0:
            raise ValueError("too long")
        self._line.settimeout(left)
        count = self._line.recv_into(memoryview(buffer)[: self._room])
        self._room -= count
        return count


def _exchange(
    line: _Line, place: Place, body: bytes, headers: Mapping[str, str]
) -> tuple[int | None, str, int | None]:
    connection = HTTPConnection(place.host, place.port)
    connection.sock = line
    sent = {"Host": place.authority, "Connection": "close", **headers}
    connection.request("POST", place.target, body=body, headers=sent)
    with connection.getresponse() as answered:
        _read_on(answered)
        wait = _seconds_to_wait(answered.getheader("Retry-After")) if answered.status in _BUSY else None
        return answered.status, _words_for_status(answered.status), wait


def _read_on(answered: HTTPResponse) -> None:
    """Let the site say what it has to say; the status is the answer, whatever becomes of the rest."""
    with suppress(OSError, HTTPException, ValueError):
        answered.read(MOST_ANSWER_BYTES)


def _seconds_to_wait(text: str | None) -> int | None:
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdecimal():
        return int(text.strip()[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of eleven digits is no number for C
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int((moment - datetime.now(UTC)).total_seconds()))


def _words_for_status(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"answered {status}; redirects are not followed: change the URL"
    return f"answered {status}"


def _in_time(error: OSError) -> str:
    return " in time" if isinstance(error, TimeoutError) else ""


def _words_for_connecting(error: OSError, seconds: float) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"[:255]
    if isinstance(error, TimeoutError):
        return f"no connection within {seconds:g} s"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    return "the host cannot be reached"


def _words_for_asking(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, ValueError):
        return f"the head of the answer is longer than {MOST_ANSWER_BYTES >> 10} KB"
    if isinstance(error, HTTPException) and not isinstance(error, ConnectionError):
        return "the answer is not HTTP"
    return "the connection broke before an answer"
