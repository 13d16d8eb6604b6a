"""HTTP to WeChat's servers: every call ends in time, and what goes wrong is told without what was sent."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from wxbot import clock
from wxbot.wechat.errcodes import UnreachableError

if TYPE_CHECKING:
    from wxbot.wechat.exchange import Exchanges

CONNECT_SECONDS = 2.0
TOTAL_SECONDS = 4.0


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
        self._timeouts = (connect_seconds, total_seconds)
        self._total_seconds = total_seconds

    @cached_property
    def _exchanges(self) -> "Exchanges":
        # Most web processes never call WeChat, and need not load what does.
        from wxbot.wechat.exchange import Exchanges  # noqa: PLC0415

        return Exchanges(self._timeouts)

    def send(
        self,
        method: str,
        url: str,
        *,
        call: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer, whatever its status; `call` names the call in errors.

        Raises UnreachableError when none came in time, with no trace of the address, the query or the body.
        """
        exchange = self._exchanges.new(method, url, params=query, data=body, headers=headers)
        # A thread of its own: the timeouts of a socket cover neither the look-up of a name nor an answer
        # that comes in drops.
        ends_at = clock.monotonic() + self._total_seconds
        thread = threading.Thread(target=exchange.run, args=(ends_at,), name="wechat", daemon=True)
        thread.start()
        thread.join(self._total_seconds)
        content, fault, was_sent = exchange.content, exchange.fault, exchange.was_sent
        if content is None:
            # Not inside an `except`: the library's exception has the address with the token in it.
            raise UnreachableError(
                fault or f"no answer within {self._total_seconds:g} s", call=call, was_sent=was_sent
            )
        return Answer(status=exchange.status, content=content)

    def close(self) -> None:
        """Close the connections that are kept open."""
        if "_exchanges" in vars(self):
            self._exchanges.close()
