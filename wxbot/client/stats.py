"""Figures: which code brought whom, and who stayed."""

from collections.abc import Iterator
from datetime import date

from wxbot.api.models.stats import (
    BoardPage,
    By,
    OfKind,
    Order,
    ShownGap,
    ShownHours,
    ShownLine,
    ShownRetention,
    ShownStats,
    ShownSuspect,
    SuspectList,
)
from wxbot.client.resources import Resource, read_as

_PAGE = 200


class Stats(Resource[ShownStats]):
    """Figures of so many `days`, of which `last` counts: today unless given.

    `of` is account, channel, group, promoter, scene or none (without a code), `name` which one.
    """

    path = "/stats"
    model = ShownStats

    def find(
        self, of: OfKind = "account", name: str = "", *, days: int = 30, last: date | None = None
    ) -> ShownStats:
        """Return what was counted, beside the period before, and of each day."""
        return read_as(ShownStats, self._ask("", days, last, of=of, name=name))

    def retention(
        self, of: OfKind = "account", name: str = "", *, days: int = 30, last: date | None = None
    ) -> ShownRetention:
        """Return who stays of those who were new."""
        return read_as(ShownRetention, self._ask("/retention", days, last, of=of, name=name))

    def hours(
        self, of: OfKind = "account", name: str = "", *, days: int = 30, last: date | None = None
    ) -> ShownHours:
        """Return scans by weekday and hour."""
        return read_as(ShownHours, self._ask("/hours", days, last, of=of, name=name))

    def board(
        self,
        by: By = "channel",
        *,
        order: Order = "new",
        days: int = 30,
        last: date | None = None,
    ) -> Iterator[ShownLine]:
        """Yield channels, groups, promoters or scenes, those with the most first."""
        after = None
        while True:
            asked = self._ask("/board", days, last, by=by, order=order, limit=_PAGE, after=after)
            page = read_as(BoardPage, asked)
            yield from page.items
            after = page.next
            if after is None:
                return

    def suspects(self, *, days: int = 30, last: date | None = None) -> list[ShownSuspect]:
        """Return channels whose followers look bought."""
        return read_as(SuspectList, self._ask("/suspects", days, last)).items

    def gap(self, *, days: int = 30, last: date | None = None) -> ShownGap:
        """Return WeChat's own counts beside the bot's."""
        return read_as(ShownGap, self._ask("/gap", days, last))

    def _ask(self, path: str, days: int, last: date | None, **query: object) -> object:
        asked = {"account": self._account, "days": days, "last": last and last.isoformat(), **query}
        return self._calls.call("GET", f"{self.path}{path}", query=asked)
