"""The table finds every hole that is made on purpose, and none in the product as it is."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from tests.hostile import documents, speakers
from tests.hostile.case import Case, End
from tests.hostile.judging import Judge
from tests.hostile.mutants import MUTANTS

# Threads that ask now and then, whoever calls.
BESIDES = ("channels", "webhooks")
CASES: dict[str, list[Case]] = {}
for each in (*speakers.cases(), *documents.cases()):
    CASES.setdefault(each.threat, []).append(each)


@pytest.mark.parametrize("name", MUTANTS)
def test_hole_is_found(judge_of: Callable[[str], Judge], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    mutant = MUTANTS[name]
    mutant.patch(monkeypatch)

    faults = judge_of(mutant.mode).faults(CASES[mutant.threat], until=bool)

    assert faults


def test_product_has_none_of_the_holes(judge_of: Callable[[str], Judge]) -> None:
    judges = {mode: judge_of(mode) for mode in ("safe", "plain")}

    for mode, judge in judges.items():
        for threat in {mutant.threat for mutant in MUTANTS.values() if mutant.mode == mode}:
            assert judge.faults(CASES[threat]) == []


@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
def test_stranger_is_refused_before_the_database_is_asked(
    judge_of: Callable[[str], Judge], mode: str
) -> None:
    judge = judge_of(mode)
    strangers = [
        case
        for threat in ("A1", "A2", "A5", "A7", "A10", "B2")
        for case in CASES[threat]
        if mode in case.modes and case.end in (End.REFUSED, End.TOO_LARGE)
    ]
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.current_thread().name not in BESIDES:
            asked.append(statement)

    event.listen(judge.engine, "before_cursor_execute", note)

    answers = {case.title: judge.forger.target.send(case.build(judge.forger)).status for case in strangers}

    assert len(answers) > 100 and set(answers.values()) == {403, 413}
    assert asked == []
