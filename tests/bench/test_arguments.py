"""The benchmark's command lines: what a part would ignore, or could not keep, is refused before it starts."""

import shlex

import pytest

from bench import growth
from bench.__main__ import PARTS, arguments_of, main
from bench.speed.parts import Chosen


@pytest.fixture(autouse=True)
def signals_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("--connections 64 --publish", "--publish wants the whole of a part"),
        ("--only textbook --publish", "--publish wants the whole of a part"),
        ("disk --connections 4", "--connections means nothing to disk: name the parts, of answers"),
        ("growth --only textbook", "--only means nothing to growth: name the parts, of answers, disk"),
        ("growth --seconds 1", "--seconds means nothing to growth"),
        ("growth --connections 4", "--connections means nothing to growth"),
        ("steps --seconds 1", "--seconds means nothing to steps"),
        ("steps --only textbook", "--only means nothing to steps"),
        ("--full --seconds 1", "--seconds means nothing to growth"),
        ("answers --largest", "--largest means nothing to answers"),
        ("--rounds 0", "argument --rounds: at least one"),
        ("--seconds 0", "argument --seconds: more than none"),
        ("--seconds nan", "argument --seconds: more than none"),
        ("--connections 0", "argument --connections: at least one"),
        ("steppes", "there is no part 'steppes': one of answers, disk, growth, steps"),
        ("--only nobody", "there is no candidate 'nobody': see --list"),
    ],
)
def test_what_means_nothing_is_refused(line: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        arguments_of(shlex.split(line))

    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("", ["answers"]),
        ("--publish --rounds 3 --seconds 0.1", ["answers"]),
        ("--connections 1 --connections 64 --only textbook", ["answers"]),
        ("disk --only textbook --seconds 2", ["disk"]),
        ("growth --largest --rounds 2 --publish", ["growth"]),
        ("steps disk steps --rounds 2", ["steps", "disk"]),
        ("--full --publish", list(PARTS)),
    ],
)
def test_what_means_something_is_taken(line: str, names: list[str]) -> None:
    assert arguments_of(shlex.split(line)).part == names


def test_who_is_named_twice_takes_part_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Chosen] = []
    monkeypatch.setitem(PARTS, "answers", given.append)

    assert main(["--only", "textbook", "--only", "textbook", "--connections", "4", "--connections", "4"]) == 0

    (chosen,) = given
    assert [each.name for each in chosen.candidates()] == ["textbook"]
    assert chosen.plan((16,)).connections == (4,)


def test_growth_takes_as_many_rounds_as_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def measure(*, rounds: int, **_: object) -> None:
        asked.append(rounds)
        raise KeyboardInterrupt

    monkeypatch.setattr(growth, "measure", measure)

    assert main(["growth", "--rounds", "2"]) == 130
    assert asked == [2]
