"""`wxbot stats`: the figures of a year in tables, as JSON and as CSV."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.services import fresh_database_url
from tests.stats.conftest import LAST
from wxbot.analytics.figures import Figures, Of, Period
from wxbot.analytics.plain import plain
from wxbot.analytics.shapes import Gap, GapDay
from wxbot.cli import cli
from wxbot.cli.stats.parts import change, sparkline

CONFIG = """
secret_key = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"
[database]
url = "{url}"
[accounts.default]
appid = "wx0123456789abcdef"
secret = "4f1b2b0b822cd15d6c15b0f00a08aa11"
token = "K8mQ2vR7xW4nB9tY"
mode = "plain"
"""
DAYS = ("--since", "2026-10-21", "--until", LAST.isoformat())
PERIOD = Period.days(30, LAST)


@pytest.fixture
def run(tmp_path: Path, counted: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what runs a command about the year."""
    (tmp_path / "config.toml").write_text(CONFIG.format(url=f"sqlite:///{counted}"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(cli, ["stats", *arguments])
        assert done.exit_code == code, done.output
        return done

    return run


def table(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_overview_tells_what_was_counted(run: Any, figures: Figures) -> None:
    expected = figures.overview("default", PERIOD)

    told = run(*DAYS)
    as_json = json.loads(run(*DAYS, "--json").stdout)
    as_csv = table(run("overview", *DAYS, "--csv").stdout)

    lines = {line.split()[0]: line.split() for line in told.stdout.splitlines() if line.strip()}
    assert lines["new"][1:3] == [f"{expected.totals.new:,}", f"{expected.before.new:,}"]
    assert set("▁▂▃▄▅▆▇█") & set(lines["new"][-1]) and len(lines["new"][-1]) == 30
    assert "2026-10-21 to 2026-11-19" in told.stdout and "Asia/Shanghai, first touch" in told.stdout
    assert as_json == plain(expected)
    assert as_json["totals"]["net"] == expected.totals.new - expected.totals.lost
    assert [row["date"] for row in as_csv] == [day.date.isoformat() for day in expected.days]
    assert sum(int(row["new"]) for row in as_csv) == expected.totals.new > 0


@pytest.mark.parametrize("by", ["channel", "group", "promoter", "scene"])
def test_board_lists_the_best_first(run: Any, figures: Figures, by: Any) -> None:
    expected = figures.leaderboard("default", PERIOD, by=by, order="scans", limit=5)

    told = run(*DAYS, "--by", by, "--order", "scans", "--limit", "5")
    as_json = json.loads(run(*DAYS, "--by", by, "--order", "scans", "--limit", "5", "--json").stdout)
    as_csv = table(run(*DAYS, "--by", by, "--order", "scans", "--limit", "5", "--csv").stdout)

    names = [line.of.name for line in expected.lines]
    assert len(names) == 5
    assert [line.split()[0] for line in told.stdout.splitlines()[2:7]] == names
    assert as_json == plain(expected)
    assert [(row["name"], int(row["scans"])) for row in as_csv] == [
        (line.of.name, line.totals.scans) for line in expected.lines
    ]


def test_one_channel_is_told_with_its_retention_and_hours(run: Any, figures: Figures) -> None:
    name = figures.leaderboard("default", PERIOD, limit=1).lines[0].of.name
    expected = figures.channel("default", name, PERIOD)

    told = run("show", name, *DAYS).stdout

    assert f"Channel {name}" in told and "after 7 days" in told and "Sun" in told
    assert json.loads(run("show", name, *DAYS, "--json").stdout) == plain(expected)
    assert len(table(run("show", name, *DAYS, "--csv").stdout)) == 30
    assert "Group 门店" in run("show", "门店", "--of", "group", *DAYS).stdout
    assert "Without a code" in run("show", "--of", "none", *DAYS).stdout


def test_several_are_shown_side_by_side(run: Any, figures: Figures) -> None:
    names = [line.of.name for line in figures.leaderboard("default", PERIOD, limit=2).lines]
    expected = figures.compare("default", PERIOD, [Of("channel", name) for name in names])

    told = run("compare", *names, *DAYS).stdout
    rows = table(run("compare", *names, *DAYS, "--csv").stdout)

    assert all(name in told for name in names)
    assert json.loads(run("compare", *names, *DAYS, "--json").stdout) == plain(expected)
    assert [(int(row["new"]), int(row["new_before"])) for row in rows] == [
        (line.totals.new, line.before.new) for line in expected.lines
    ]


def test_retention_is_told_by_cohorts(run: Any, figures: Figures) -> None:
    expected = figures.retention("default", PERIOD)

    told = run("retention", *DAYS).stdout
    rows = table(run("retention", *DAYS, "--csv").stdout)

    assert f"{expected.left} have left" in told
    assert sum(int(row["new"]) for row in rows) == sum(each.new for each in expected.cohorts) > 0
    assert json.loads(run("retention", *DAYS, "--json").stdout) == plain(expected)


def test_median_is_told_as_what_half_of_them_stayed_at_least(run: Any) -> None:
    assert "half of them stayed at least" in run("retention", *DAYS).stdout


def test_comparison_names_what_is_not_there(run: Any) -> None:
    assert "no-such-channel" in run("compare", "shop-0001", "no-such-channel", code=1).stderr


def test_suspects_name_the_promoter_who_buys(run: Any, figures: Figures) -> None:
    expected = figures.suspects("default", PERIOD)

    told = run("suspects", *DAYS).stdout
    rows = table(run("suspects", *DAYS, "--csv").stdout)

    assert "promoter-004" in told and "left within ten minutes" in told
    assert {row["promoter"] for row in rows} == {"promoter-004"}
    assert len(rows) == len(expected)
    assert json.loads(run("suspects", *DAYS, "--json").stdout) == plain(expected)
    assert "None" in run("suspects", "--since", "2020-01-01", "--until", "2020-01-02").stdout


@pytest.mark.parametrize(
    ("days_match", "said"),
    [
        (True, "WeChat counted 3 more follows, 2 more follows by codes, 1 more unfollows than wxbot"),
        (False, "they do not match"),
    ],
)
def test_gap_says_what_was_missed(
    run: Any, monkeypatch: pytest.MonkeyPatch, days_match: bool, said: str
) -> None:
    ours = {"follows": 4, "scanned": 3, "unfollows": 2}
    day = GapDay(date=LAST, follows_wechat=7, scanned_wechat=5, unfollows_wechat=3, **ours)
    monkeypatch.setattr(Figures, "gap", lambda *_: Gap(days=(day,), days_match=days_match))

    told = run("gap", *DAYS).stdout

    assert said in told
    assert ("WeChat counted 3" in told) is days_match
    assert json.loads(run("gap", *DAYS, "--json").stdout)["days_match"] is days_match


def test_gap_says_when_wechat_has_told_nothing(run: Any) -> None:
    assert "WeChat has not told" in run("gap", *DAYS).stdout
    assert json.loads(run("gap", *DAYS, "--json").stdout)["days"] == []
    assert table(run("gap", *DAYS, "--csv").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--days", "0"], 2),
        (["--since", "2026-11-02", "--until", "2026-11-01"], 2),
        (["--since", "yesterday"], 2),
        (["compare", "--of", "promoter", "no-such"], 1),
        (["--json", "--csv"], 2),
        (["--by", "city"], 2),
        (["fly"], 2),
        (["show", "--of", "channel"], 2),
        (["show", "shop-0001", "--of", "none"], 2),
        (["show", "no-such-channel"], 1),
        (["retention", "no-such", "--of", "promoter"], 1),
        (["--account", "other"], 2),
    ],
)
def test_what_cannot_be_told_has_an_exit_code(run: Any, arguments: list[str], code: int) -> None:
    assert "Traceback" not in run(*arguments, code=code).output


@pytest.mark.parametrize(
    "dates",
    [
        ["--since", "0001-01-01", "--until", "0001-01-02"],
        ["--since", "2009-12-31"],
        ["--until", "2009-12-31"],
        ["--until", "2201-01-01"],
        ["--since", "2200-12-31", "--until", "2201-01-01"],
    ],
)
def test_days_of_which_nothing_is_told_are_refused_with_those_that_are(run: Any, dates: list[str]) -> None:
    assert "are days from 2010-01-01 to 2200-12-31" in run(*dates, code=2).stderr


@pytest.mark.parametrize(
    "dates", [["--until", "2010-01-01", "--days", "1100"], ["--since", "2200-12-31", "--until", "2200-12-31"]]
)
def test_first_and_last_days_of_all_can_be_asked_for(run: Any, dates: list[str]) -> None:
    assert json.loads(run(*dates, "--json").stdout)["totals"]["scans"] == 0


def test_empty_database_has_figures_of_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.format(url=fresh_database_url(tmp_path)))
    monkeypatch.chdir(tmp_path)

    done = CliRunner().invoke(cli, ["stats"])

    assert done.exit_code == 0
    assert "Nothing has been counted yet" in done.stderr


def test_sparkline_and_change_say_how_it_went() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([-3, 0, 5])[0] == "▁"
    assert len(sparkline(list(range(365)))) <= 60
    assert [change(12, 10), change(5, 0), change(None, 3), change(0, 4)] == ["+20%", "", "", "-100%"]


def test_figures_made_anew_are_the_same(
    tmp_path: Path, counted: Path, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{shutil.copy(counted, tmp_path / 'again.db')}"
    (tmp_path / "config.toml").write_text(CONFIG.format(url=url))
    monkeypatch.chdir(tmp_path)

    done = CliRunner().invoke(cli, ["stats", "rebuild", "--json"])

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["people"] > 1000
    after = CliRunner().invoke(cli, ["stats", "show", "--of", "account", *DAYS, "--json"])
    assert json.loads(after.stdout) == plain(figures.about("default", Of(), PERIOD))
