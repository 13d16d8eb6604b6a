"""The targets of the fuzzer on their corpus, and on what is made of it at random: no exception gets out."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostile.fuzz import CORPUS, TARGETS, Whole
from tests.hostile.mutating import Damage

IS_LONG = bool(os.environ.get("WXBOT_LONG"))
EXAMPLES = 100_000 if IS_LONG else 60
SENT = 20_000 if IS_LONG else 150

seeds = st.sampled_from(CORPUS)
damaged = st.builds(lambda seed, number: Damage(number).of(seed), seeds, st.integers(0, 2**32))
anything = st.one_of(st.binary(max_size=300), damaged)


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Callable[[bytes], None]]:
    target = Whole(tmp_path)
    yield target
    target.wx.close()


@pytest.mark.parametrize("name", TARGETS)
def test_target_stands_its_corpus_and_whatever_is_made_of_it(name: str) -> None:
    target = TARGETS[name]
    for seed in CORPUS:
        target(seed)

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(anything)
    def throw(data: bytes) -> None:
        target(data)

    throw()


def test_whole_way_gives_an_answer_or_the_refusal(whole: Callable[[bytes], None]) -> None:
    damage = Damage(3)

    for number in range(SENT):
        seed = CORPUS[number % len(CORPUS)]
        whole(seed if number < len(CORPUS) else damage.of(seed))
