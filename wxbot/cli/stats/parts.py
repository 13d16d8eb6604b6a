"""What the commands about figures share: of which days, how they are read, and how they are printed."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.configuration import account_option, choose_account, load_settings
from wxbot.cli.opened import opened_records
from wxbot.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from wxbot.analytics.figures import Figures, Of, Period
    from wxbot.analytics.shapes import Day, Totals
    from wxbot.spreadsheet import Cell

KINDS = ("account", "channel", "group", "promoter", "scene", "none")
NAMED = ("channel", "group", "promoter", "scene")
DAY_FIGURES = ("scans", "new", "refollows", "unfollows", "lost", "net", "claims")
PERIOD_FIGURES = (*DAY_FIGURES, "gone", "staying", "converted")
_LONGEST_DAYS = 1100
_BARS = "▁▂▃▄▅▆▇█"
_WIDEST = 60


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a command was asked: whose figures, of which days, and in which form."""

    account: str | None
    days: int
    since: datetime | None
    until: datetime | None
    as_json: bool
    as_csv: bool


@dataclass(frozen=True, kw_only=True)
class Read:
    """The figures of an account, and the period that is meant."""

    figures: "Figures"
    engine: "Engine"
    account: str
    period: "Period"


def common(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the account, the period and the form, gathered in its first argument."""

    @wraps(command)
    def gathered(*, account: str | None, as_json: bool, as_csv: bool, **given: Any) -> None:
        if as_json and as_csv:
            raise click.UsageError("--json and --csv: give one of the two")
        times = {name: given.pop(name) for name in ("days", "since", "until")}
        command(Asked(account=account, as_json=as_json, as_csv=as_csv, **times), **given)

    decorated: Callable[..., None] = gathered
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


@contextmanager
def opened(asked: Asked) -> Iterator[Read]:
    """Open the figures that were asked for; nothing is counted, and nothing changed."""
    from wxbot.analytics.figures import Figures

    configured = load_settings()
    account = choose_account(configured.accounts, asked.account)
    with opened_records(configured) as engine:
        figures = Figures(engine, configured.analytics)
        period = _period(asked, figures.today())
        yield Read(figures=figures, engine=engine, account=account, period=period)


def of_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--of` and a NAME."""
    for option in reversed(_OF):
        command = option(command)
    return command


def read_of(kind: str | None, name: str | None) -> "Of":
    """Return what figures are about; raises UsageError for a kind that needs a name, and the reverse."""
    from wxbot.analytics.figures import Of

    kind = kind or ("channel" if name else "account")
    if (kind in NAMED) != bool(name):
        needs = "needs" if kind in NAMED else "takes no"
        raise click.UsageError(f"--of {kind} {needs} NAME")
    return Of(kind, name or "")  # type: ignore[arg-type]


def print_csv(headings: Sequence[str], rows: "Sequence[Sequence[Cell]]") -> None:
    """Print a table as CSV, with a mark by which spreadsheets know that it is UTF-8."""
    from wxbot.spreadsheet import as_csv

    for piece in as_csv(headings, rows):
        click.echo(piece, nl=False)


def print_data(value: object) -> None:
    """Print figures as JSON, in the words of the API."""
    from wxbot.analytics.plain import plain

    print_json(plain(value))


def print_days(days: "Sequence[Day]") -> None:
    """Print days as CSV."""
    rows = [(day.date, *(getattr(day.totals, name) for name in DAY_FIGURES)) for day in days]
    print_csv(("date", *DAY_FIGURES), rows)


def print_totals(totals: "Totals", before: "Totals", days: "Sequence[Day]") -> None:
    """Print what was counted, beside the period before, and how it went from day to day."""
    rows = []
    for name in ("scans", "scanners", *PERIOD_FIGURES[1:]):
        now, then = getattr(totals, name), getattr(before, name)
        line = sparkline([getattr(day.totals, name) for day in days]) if name in DAY_FIGURES else ""
        rows.append((name, _number(now), _number(then), change(now, then), line))
    share = (_share(totals.conversion), _share(before.conversion))
    rows.append(("conversion", *share, "", ""))
    print_table(("", "period", "before", "change", "by day"), rows)


def heading(read: Read, what: str) -> None:
    """Print what the figures are of, for people."""
    first, last, before = read.period.first, read.period.last, read.period.before()
    click.secho(f"{what}, {first} to {last}; before: {before.first} to {before.last}", bold=True)


def change(now: int | None, then: int | None) -> str:
    """Return by how much something grew, as in +12%; nothing where that has no meaning."""
    if not then or now is None or then < 0:
        return ""
    return f"{(now - then) / then:+.0%}"


def sparkline(values: Sequence[int]) -> str:
    """Return values as bars of a line, at most sixty wide: neighbours are added up then."""
    step = -(-len(values) // _WIDEST) or 1
    sums = [sum(values[start : start + step]) for start in range(0, len(values), step)]
    if _is_narrow():
        return " ".join(map(str, sums))
    least, most = min(sums, default=0), max(sums, default=0)
    span = (most - min(least, 0)) or 1
    return "".join(_BARS[min(7, (each - min(least, 0)) * 8 // span)] for each in sums)


def _is_narrow() -> bool:
    """Say whether the output cannot take the characters of bars."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        _BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _period(asked: Asked, today: date) -> "Period":
    from wxbot.analytics.shapes import EARLIEST, LATEST, Period

    if any(each and not EARLIEST <= each.date() <= LATEST for each in (asked.since, asked.until)):
        raise click.UsageError(f"--since and --until are days from {EARLIEST} to {LATEST}")
    last = asked.until.date() if asked.until else today
    if asked.since is None:
        return Period.days(asked.days, last)
    first = asked.since.date()
    if not first <= last or (last - first).days >= _LONGEST_DAYS:
        raise click.UsageError(f"--since and --until are 1 to {_LONGEST_DAYS} days, the first one first")
    return Period(first=first, last=last)


_OF: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--of",
        "kind",
        type=click.Choice(KINDS),
        help="What NAME is; `none`: who follows without a code. A channel unless given.",
    ),
    click.argument("name", required=False),
)
_DATE = click.DateTime(formats=["%Y-%m-%d"])
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--days",
        type=click.IntRange(1, _LONGEST_DAYS),
        default=30,
        show_default=True,
        help="So many days until today, or until --until.",
    ),
    click.option("--since", type=_DATE, help="The first day, as in 2026-11-01, instead of --days."),
    click.option("--until", type=_DATE, help="The last day; today unless given."),
    account_option,
    json_option,
    click.option("--csv", "as_csv", is_flag=True, help="Print CSV that a spreadsheet opens."),
)
