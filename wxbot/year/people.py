"""The rows of a person: what is on record about them when the year is over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from wxbot import followers
from wxbot.year.codes import Code
from wxbot.year.lives import CODES, FOLLOWS, Kind, Moment
from wxbot.year.plan import Plan

FOLLOWER = (
    *("account", "person", "openid", "first_seen_at", "followed_at", "unfollowed_at", "follows"),
    *("first_scene", "last_scene", "last_scanned_at"),
)
OF_CHANNEL = ("account", "channel", "person", "first_at", "last_at", "scans", "is_new")
# The same code scanned again within that time changes nothing about a follower.
_SAME_SCAN_SECONDS = 60

Row = tuple[object, ...]


@dataclass(frozen=True)
class Person:
    """Somebody with what happened to them, in order; the first of it is that they came."""

    plan: Plan
    number: int
    moments: Sequence[Moment]

    @cached_property
    def openid(self) -> str:
        """Their openid."""
        return self.plan.openid(self.number)

    @cached_property
    def digest(self) -> bytes:
        """What stands for them everywhere else."""
        return followers.person(self.plan.account, self.openid)

    def follower(self) -> Row:
        """Return the row of the follower."""
        seen = [each for each in self.moments if each.kind is not Kind.UNCLAIMED]
        follows = [each.at for each in seen if each.kind in FOLLOWS]
        left_at = seen[-1].at if seen[-1].kind is Kind.UNFOLLOW else None
        scans = self._scans()
        return (
            *(self.plan.account, self.digest, None if left_at else self.openid, seen[0].at),
            *(follows[-1] if follows else None, left_at, len(follows)),
            *((scans[0][1], scans[-1][1], scans[-1][0]) if scans else (None, None, None)),
        )

    def of_channels(self) -> Iterator[Row]:
        """Yield a row for each channel that they scanned."""
        first = self.moments[0]
        scans: dict[str, list[int]] = {}
        for each in self.moments:
            if each.place is not None:
                scans.setdefault(each.place.name, []).append(each.at)
        came = first.place.name if first.place and first.kind is Kind.FOLLOW_SCAN else None
        for channel, times in scans.items():
            yield (
                *(self.plan.account, channel, self.digest, times[0], times[-1], len(times)),
                channel == came,
            )

    def codes(self) -> Iterator[Code]:
        """Yield the codes that were shown to them."""
        for each in self.moments:
            if each.kind in CODES:
                yield Code(self.plan, self.number, self.openid, each, self._leaves_after(each.at))

    def _leaves_after(self, at: int) -> int | None:
        gone = (each.at for each in self.moments if each.kind is Kind.UNFOLLOW and each.at > at)
        return next(gone, None)

    def _scans(self) -> list[tuple[int, str]]:
        """Return when they scanned what, without what follows the same scan within a minute."""
        found: list[tuple[int, str]] = []
        claimed = {code.moment.at: code.scene for code in self.codes() if code.is_claimed}
        for each in self.moments:
            scene = each.place.scene if each.place else claimed.get(each.at)
            if scene and not (
                found and scene == found[-1][1] and each.at < found[-1][0] + _SAME_SCAN_SECONDS
            ):
                found.append((each.at, scene))
        return found
