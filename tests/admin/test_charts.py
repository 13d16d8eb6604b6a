"""Charts say the same in their picture, to a screen reader and in their table; names in them stay text."""

import re
from xml.etree import ElementTree

import pytest

from wxbot.admin.charts import Series, heat_map, line_chart, share_bar, sparkline
from wxbot.admin.scales import Scale, percent, short, spread
from wxbot.admin.visit import Words
from wxbot.admin.words import WORDS
from wxbot.web.language import words_in

T = Words(words_in(WORDS, "en"))
HOSTILE = "\"><script>alert(1)</script><img src=x onerror='y'>&"


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{markup}</div>")


def cells(root: ElementTree.Element) -> list[str]:
    return ["".join(cell.itertext()) for cell in root.iter("td")]


def test_a_chart_holds_a_table_of_its_values() -> None:
    series = [Series("scans", [3, None, 1200]), Series("lost", [0, 1, -5])]

    root = parsed(line_chart("Week", ["Mon", "Tue", "Wed"], series, t=T))

    assert cells(root) == ["3", "0", "–", "1", "1,200", "-5"]
    (picture,) = root.iter("svg")
    assert (
        picture.get("aria-label")
        == "Week. scans: lowest 3, highest 1,200, latest 1,200; lost: lowest -5, highest 1, latest -5"
    )
    assert "inline" not in ElementTree.tostring(root, encoding="unicode") and not list(
        root.findall(".//*[@style]")
    )


def test_a_chart_without_values_says_so() -> None:
    root = parsed(line_chart("Week", ["Mon"], [Series("scans", [None])], t=T))

    assert "No data for this time" in "".join(root.itertext())


def test_names_in_charts_stay_text() -> None:
    kinds = set()
    for name in ("harmless", HOSTILE):
        series = [Series(name, [1, 2]), Series("b", [1, 2])]
        charts = [
            line_chart(name, [name, "y"], series, t=T),
            heat_map(name, [name], [name], [[1]]),
            sparkline([1, 2], name),
            share_bar(0.5, name),
        ]
        kinds.add(
            "".join(
                re.sub(r"[^<>]*", "", "".join(f"<{e.tag}>" for e in parsed(each).iter())) for each in charts
            )
        )
        assert HOSTILE not in "".join(charts)
    assert len(kinds) == 1


def test_heat_goes_from_nothing_to_the_largest() -> None:
    root = parsed(heat_map("Hours", ["Mon"], ["0", "1", "2", "3"], [[0, 1, 100, None]]))

    assert [cell.get("class") for cell in root.findall(".//tbody//td")] == ["h0", "h1", "h8", "unknown"]


def test_a_share_stays_within_its_bar() -> None:
    widths = [parsed(share_bar(share, "used")).findall(".//rect")[1].get("width") for share in (-1, 0.256, 7)]

    assert widths == ["0.0%", "25.6%", "100.0%"]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], (0, 1)),
        ([0, 0], (0, 1)),
        ([1], (0, 1)),
        ([3, 7], (0, 2, 4, 6, 8)),
        ([-5, 1200], (-500, 0, 500, 1000, 1500)),
        ([0.02, 0.31], (0, 0.1, 0.2, 0.3, 0.4)),
        ([10**9], (0, 5 * 10**8, 10**9)),
    ],
)
def test_scales_have_round_ticks(values: list[float], ticks: tuple[float, ...]) -> None:
    scale = Scale.of(values)

    assert scale.ticks == ticks
    assert all(0 <= scale.place(value) <= 1 for value in values)


def test_numbers_are_written_for_people() -> None:
    assert [short(each) for each in (0, 1234567, 0.5, 12.345)] == ["0", "1,234,567", "0.5", "12.35"]
    assert [percent(each) for each in (0, 0.5, 0.1234)] == ["0%", "50%", "12.3%"]


def test_labels_are_spread_from_first_to_last() -> None:
    assert spread(["a", "b"], 6) == ["a", "b"]
    assert spread([str(day) for day in range(1, 32)], 6) == ["1", "7", "13", "19", "25", "31"]
