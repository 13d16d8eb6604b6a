"""Every call of the API as it came and as it ended, for tests that count what was done."""

from collections import deque
from dataclasses import dataclass
from typing import Any

KEPT_CALLS = 50_000


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call. `errcode` is what WeChat decided, 0 for success and None when it never got to see the call.

    `fault` is the trouble that befell it: of "lost" only the answer was, whatever `errcode` says was done.
    `body` is the JSON that was sent, None for none, for what is none, and for calls that carry credentials.
    """

    number: int
    at: float
    path: str
    query: dict[str, str | None]
    body: Any
    errcode: int | None
    fault: str = ""


class Ledger:
    """The newest calls, oldest first. Access tokens and secrets are not kept."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT_CALLS)

    def enter(self, call: Call) -> None:
        """Note a call."""
        self._calls.append(call)

    def calls(self, path: str = "", *, since: int = 0) -> list[Call]:
        """Return the calls of a path, or all, that came after the one with the number `since`."""
        return [call for call in self._calls if call.number > since and path in ("", call.path)]
