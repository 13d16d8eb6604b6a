"""Which days a page is about, and how a figure compares with the days before."""

from datetime import date

import pytest

from wxbot.admin.changes import against, change
from wxbot.admin.channel import told_seconds
from wxbot.admin.channel_words import WORDS as CHANNEL_WORDS
from wxbot.admin.figure_words import DEFINITIONS, FIGURES, WORDS
from wxbot.admin.periods import LONGEST_DAYS, asked_for
from wxbot.admin.visit import Words
from wxbot.analytics.shapes import Totals
from wxbot.web.language import words_in

TODAY = date(2026, 5, 20)
T = Words(words_in(WORDS, "en"))


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, "2026-04-21", "2026-05-20"),
        ({"days": "1"}, "2026-05-20", "2026-05-20"),
        ({"days": "7"}, "2026-05-14", "2026-05-20"),
        ({"days": "8"}, "2026-04-21", "2026-05-20"),
        ({"first": "2026-01-01", "last": "2026-01-31"}, "2026-01-01", "2026-01-31"),
    ],
)
def test_query_names_the_period(query: dict[str, str], first: str, last: str) -> None:
    asked = asked_for(query, TODAY)

    assert (asked.period.first, asked.period.last) == (date.fromisoformat(first), date.fromisoformat(last))
    assert not asked.is_wrong
    assert asked_for(asked.query, TODAY) == asked


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-02-02", "2026-02-01"),
        ("2026-02-30", "2026-03-01"),
        ("0001-01-01", "0001-01-05"),
        ("2009-12-31", "2010-01-05"),
        ("2200-12-31", "2201-01-01"),
        ("yesterday", "2026-01-01"),
        ("", "2026-01-01"),
        ("2020-01-01", "2026-01-01"),
    ],
)
def test_dates_that_cannot_be_become_the_usual_period(first: str, last: str) -> None:
    asked = asked_for({"first": first, "last": last}, TODAY)

    assert asked.is_wrong
    assert asked.period.length == 30 < LONGEST_DAYS


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"days": "1"}, "against all of yesterday"),
        ({"first": "2026-01-01", "last": "2026-01-01"}, "against the day before"),
        ({"first": "2026-01-01", "last": "2026-01-02"}, "against 2 days before"),
        ({"days": "7"}, "against 7 days before"),
    ],
)
def test_period_is_compared_with_as_many_days_before(query: dict[str, str], said: str) -> None:
    assert against(asked_for(query, TODAY), T) == said


@pytest.mark.parametrize(
    ("key", "now", "before", "text", "tone"),
    [
        ("new", Totals(new=12), Totals(new=10), "+20.0%", "up"),
        ("new", Totals(new=8), Totals(new=10), "−20.0%", "down"),
        ("lost", Totals(lost=12), Totals(lost=10), "+20.0%", "down"),
        ("lost", Totals(lost=8), Totals(lost=10), "−20.0%", "up"),
        ("new", Totals(), Totals(), "the same", ""),
        ("new", Totals(new=3), Totals(), "0 before", "up"),
        ("net", Totals(new=1), Totals(lost=4), "+5", "up"),
        ("scans", Totals(scans=90_000), Totals(scans=3), "×30,000", "up"),
    ],
)
def test_change_says_how_much_and_whether_it_is_good(
    key: str, now: Totals, before: Totals, text: str, tone: str
) -> None:
    found = change(key, now, before, T)

    assert (found.text, found.tone) == (text, tone)


def test_one_of_a_kind_is_told_as_one_in_english() -> None:
    t = Words(words_in(CHANNEL_WORDS, "en"))

    told = [told_seconds(seconds, t) for seconds in (1, 60, 3600, 86_400, 129_600)]

    assert told == ["1 s", "1 min", "1 h", "1 d", "1.5 d"]
    assert (t.day_n.format(1), t.after_days.format(1)) == ("Day 1", "Day 1")


def test_every_figure_has_its_meaning() -> None:
    assert {f"{key}_is" for key in FIGURES} <= set(DEFINITIONS)
