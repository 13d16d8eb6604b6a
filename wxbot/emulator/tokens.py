"""Access tokens of the emulated account: the classic and the stable kind, which are kept apart."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wxbot.emulator.refusals import Refusal

LIFETIME_SECONDS = 7200
OVERLAP_SECONDS = 300
FORCED_REFRESHES_A_DAY = 20
FORCED_REFRESH_PAUSE_SECONDS = 30
CHINA_OFFSET_SECONDS = 8 * 3600


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """One issued token; `is_latest` decides which error it gives when its time is over."""

    text: str
    expires_at: float
    is_latest: bool = True


class AccessTokens:
    """The tokens of one account and the rules by which one replaces another."""

    def __init__(self) -> None:
        self._issued: dict[str, AccessToken] = {}
        self._classic = ""
        self._stable = ""
        self._forced_at: list[float] = []

    def issue_classic(self, now: float) -> tuple[str, int]:
        """Issue a new token and its lifetime; the one before stays good for five minutes only."""
        self._retire(self._classic, now + OVERLAP_SECONDS, now=now)
        self._classic = self._new(now)
        return self._classic, LIFETIME_SECONDS

    def issue_stable(self, now: float, *, is_forced: bool = False) -> tuple[str, int]:
        """Return the stable token and its remaining seconds, a new one near its end or when forced.

        Refusal 45009 after twenty forced refreshes in a day; one within thirty seconds of another changes
        nothing.
        """
        current = self._issued.get(self._stable)
        if is_forced and self._may_force(now):
            self._retire(self._stable, now, now=now)
            current = None
        if current is None or current.expires_at - now < OVERLAP_SECONDS:
            self._retire(self._stable, now + OVERLAP_SECONDS, now=now)
            self._stable = self._new(now)
            current = self._issued[self._stable]
        return current.text, int(current.expires_at - now)

    def check(self, text: str | None, now: float, *, unknown_errcode: int = 40001) -> None:
        """Pass a good token; Refusal 41001 for none, 42001 for an expired one, 40001 for a replaced one."""
        if not text:
            raise Refusal(41001)
        token = self._issued.get(text)
        if token is None:
            raise Refusal(unknown_errcode)
        if now >= token.expires_at:
            raise Refusal(42001 if token.is_latest else 40001)

    def expire_all(self, now: float) -> None:
        """Let every token end now, as if two hours had passed: the next call gets 42001."""
        for text, token in self._issued.items():
            self._issued[text] = replace(token, expires_at=min(token.expires_at, now))

    def _new(self, now: float) -> str:
        text = f"{90 + len(self._issued)}_{secrets.token_urlsafe(100)}"
        self._issued[text] = AccessToken(text=text, expires_at=now + LIFETIME_SECONDS)
        return text

    def _retire(self, text: str, ends_at: float, *, now: float) -> None:
        token = self._issued.get(text)
        if token is not None and now < token.expires_at:
            end = min(token.expires_at, ends_at)
            self._issued[text] = replace(token, expires_at=end, is_latest=False)

    def _may_force(self, now: float) -> bool:
        self._forced_at = [at for at in self._forced_at if day_of(at) == day_of(now)]
        if self._forced_at and now - self._forced_at[-1] < FORCED_REFRESH_PAUSE_SECONDS:
            return False
        if len(self._forced_at) >= FORCED_REFRESHES_A_DAY:
            raise Refusal(45009)
        self._forced_at.append(now)
        return True


class DailyCalls:
    """How often each API was called on the current day in China, where the quotas begin anew at midnight."""

    errcode = 45009

    def __init__(self) -> None:
        self._period = 0
        self._counts: dict[str, int] = {}

    def count(self, api: str, *, limit: int, now: float) -> None:
        """Count one call; Refusal when the quota of the day is used."""
        used = self.used(api, now)
        if used >= limit:
            raise Refusal(self.errcode)
        self._counts[api] = used + 1

    def used(self, api: str, now: float) -> int:
        """Return how many calls of an API were counted so far."""
        if self._period_of(now) != self._period:
            self._period, self._counts = self._period_of(now), {}
        return self._counts.get(api, 0)

    def clear(self) -> None:
        """Begin anew before the time."""
        self._counts = {}

    def _period_of(self, now: float) -> int:
        return day_of(now)


class MinuteCalls(DailyCalls):
    """How often each API was called in the current minute."""

    errcode = 45011

    def _period_of(self, now: float) -> int:
        return int(now) // 60


class MonthCalls(DailyCalls):
    """How often each API was called in the current month in China."""

    errcode = 48006

    def _period_of(self, now: float) -> int:
        moment = datetime.fromtimestamp(now + CHINA_OFFSET_SECONDS, UTC)
        return 12 * moment.year + moment.month


def day_of(now: float) -> int:
    """Return the number of the day in China at a time in seconds since 1970."""
    return int(now + CHINA_OFFSET_SECONDS) // 86400
