"""`/api/v1/stats`: which code brought whom, and who stayed. Nothing in it leads to a person."""

from typing import Any

from wxbot.analytics import marks
from wxbot.analytics.figures import Figures, Of, Period
from wxbot.analytics.plain import plain
from wxbot.analytics.shapes import EARLIEST, LATEST
from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.stats import (
    BoardPage,
    BoardQuery,
    PeriodQuery,
    ShownGap,
    ShownHours,
    ShownRetention,
    ShownStats,
    StatsQuery,
    SuspectList,
)
from wxbot.api.paging import bad_cursor, place
from wxbot.api.problems import documented
from wxbot.clock import moment_or_none
from wxbot.web.cursors import cursor

# Behind this nobody reads on; and a cursor may hold any number.
_FARTHEST = 100_000
_NAMED = ("channel", "group", "promoter", "scene")


def stats_api(figures: Figures, guard: Guard) -> GuardedApi:
    """Return the routes of figures."""
    api = guarded_api("stats", guard, title="Stats")
    _add_totals(api, figures, guard)
    _add_figures(api, figures)
    _add_lists(api, figures)
    return api


def _add_totals(api: GuardedApi, figures: Figures, guard: Guard) -> None:
    @api.get("/stats", scope="stats:read", responses={200: ShownStats, **documented(404)})
    def totals(query: StatsQuery) -> dict[str, Any]:
        """Count.

        Of the whole account, or of a channel, group, promoter or scene; nothing was counted for a name that
        there is not.
        """
        account, period, of = caller().account(query.account), _period(figures, query), _of(query)
        with guard.engine.connect() as connection:
            seen = marks.read(connection)
        return {
            "account": account,
            "of": plain(of),
            "period": plain(period),
            "totals": plain(figures.totals(account, period, of)),
            "before": plain(figures.totals(account, period.before(), of)),
            "days": plain(figures.series(account, period, of)),
            "counted_until": moment_or_none(seen.events_until or None) if seen else None,
            "timezone": seen.rules.calendar.timezone if seen else None,
            "attribution": seen.rules.attribution if seen else None,
        }


def _add_figures(api: GuardedApi, figures: Figures) -> None:

    @api.get("/stats/retention", scope="stats:read", responses={200: ShownRetention, **documented(404)})
    def retention(query: StatsQuery) -> Any:
        """Tell who stays of those who were new."""
        account = caller().account(query.account)
        return plain(figures.retention(account, _period(figures, query), _of(query)))

    @api.get("/stats/hours", scope="stats:read", responses={200: ShownHours, **documented(404)})
    def hours(query: StatsQuery) -> Any:
        """Count scans by weekday and hour."""
        return plain(figures.hours(caller().account(query.account), _period(figures, query), _of(query)))


def _add_lists(api: GuardedApi, figures: Figures) -> None:
    @api.get("/stats/board", scope="stats:read", responses={200: BoardPage, **documented(404)})
    def board(query: BoardQuery) -> dict[str, Any]:
        """List channels, groups, promoters or scenes in the order of a figure.

        Those for which something was counted in the period.
        """
        account, period = caller().account(query.account), _period(figures, query)
        offset = _offset(query.after)
        found = figures.leaderboard(
            account, period, by=query.by, order=query.order, limit=query.limit, offset=offset
        )
        behind = offset + len(found.lines)
        return {
            "items": plain(found.lines),
            "total": found.total,
            "next": cursor(behind) if found.lines and behind < min(found.total, _FARTHEST) else None,
        }

    @api.get("/stats/suspects", scope="stats:read", responses={200: SuspectList, **documented(404)})
    def suspects(query: PeriodQuery) -> dict[str, Any]:
        """List channels whose followers look bought."""
        return {"items": plain(figures.suspects(caller().account(query.account), _period(figures, query)))}

    @api.get("/stats/gap", scope="stats:read", responses={200: ShownGap, **documented(404)})
    def gap(query: PeriodQuery) -> Any:
        """Compare with what WeChat counts itself.

        What it has more was missed.
        """
        return plain(figures.gap(caller().account(query.account), _period(figures, query)))


def _period(figures: Figures, query: PeriodQuery) -> Period:
    return Period.days(query.days, min(max(query.last or figures.today(), EARLIEST), LATEST))


def _of(query: StatsQuery) -> Of:
    return Of(query.of, query.name) if query.of in _NAMED else Of(query.of)


def _offset(after: str | None) -> int:
    at = place(after, int)
    if at is None:
        return 0
    if not 0 <= at[0] <= _FARTHEST:
        raise bad_cursor()
    return int(at[0])
