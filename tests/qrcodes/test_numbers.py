"""Permanent numbers have owners, rest after they were given back, and remember what they meant."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from wxbot.db.models import permanent_numbers, qrcodes
from wxbot.qrcodes.meter import Meter
from wxbot.qrcodes.numbers import NumberRefusedError, Numbers

DAY = 86_400


@pytest.fixture
def numbers(platform: Any) -> Numbers:
    """The book of numbers, on the platform's clock."""
    return Numbers(platform.engine, now=platform.now)


def fill(platform: Any, wanted: range) -> None:
    """Let somebody have all these numbers."""
    common = {"account": "default", "state": "taken", "owner": "shop", "purpose": "shelf", "taken_at": 1}
    with platform.engine.begin() as connection:
        connection.execute(insert(permanent_numbers), [common | {"number": number} for number in wanted])


def give_codes(platform: Any, *wanted: int, is_number: bool = False) -> None:
    """Let there be codes of these digits that are no permanent numbers."""
    common = {"account": "default", "is_permanent": not is_number, "is_integer": is_number, "url": "u"}
    rows = [common | {"scene": str(each), "ticket": "t", "created_at": 1} for each in wanted]
    with platform.engine.begin() as connection:
        connection.execute(insert(qrcodes), rows)


def test_everybody_gets_another_number(numbers: Numbers) -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: numbers.take("default", "shop", "shelf").number, range(40)))

    assert sorted(taken) == list(range(1, 41))


def test_accounts_have_numbers_of_their_own(numbers: Numbers) -> None:
    assert numbers.take("default", "shop", "a").number == numbers.take("other", "shop", "b").number


def test_a_named_number_is_taken_once(numbers: Numbers) -> None:
    numbers.take("default", "shop", "front door", 7)

    with pytest.raises(NumberRefusedError, match=r"taken by shop \(front door\)"):
        numbers.take("default", "museum", "hall", 7)


def test_owner_whose_name_is_too_long_is_refused(numbers: Numbers) -> None:
    with pytest.raises(NumberRefusedError, match="has 129 characters, and at most 128 are kept"):
        numbers.take("default", "x" * 129, "shelf")

    assert numbers.take("default", "x" * 128, "shelf").number == 1


@pytest.mark.parametrize("number", [0, -1, 100_001])
def test_numbers_that_do_not_exist_are_refused(numbers: Numbers, number: int) -> None:
    with pytest.raises(NumberRefusedError, match="between 1 and 100000"):
        numbers.take("default", "shop", "shelf", number)


def test_a_number_that_was_given_back_rests_first(platform: Any, numbers: Numbers) -> None:
    numbers.take("default", "shop", "front door", 7)
    numbers.release("default", 7, quarantine_days=30)

    platform.pass_time(29 * DAY)
    with pytest.raises(NumberRefusedError, match=r"rests until .* belonged to shop \(front door\)"):
        numbers.take("default", "museum", "hall", 7)
    with pytest.raises(NumberRefusedError, match="rests until"):
        platform.minter.mint(7, expires_in=None)
    platform.pass_time(2 * DAY)
    again = numbers.take("default", "museum", "hall", 7)

    assert (again.owner, again.purpose) == ("museum", "hall")


def test_a_number_remembers_what_it_meant(platform: Any, numbers: Numbers) -> None:
    for owner in ("shop", "museum"):
        numbers.take("default", owner, f"door of the {owner}", 7)
        platform.pass_time(DAY)
        numbers.release("default", 7, quarantine_days=1)
        platform.pass_time(2 * DAY)

    past = numbers.history("default", 7)

    assert [each.purpose for each in past] == ["door of the museum", "door of the shop"]
    assert all(each.released_at - each.taken_at >= DAY for each in past if each.released_at)


def test_only_a_taken_number_can_be_given_back(numbers: Numbers) -> None:
    numbers.take("default", "shop", "front door", 7)
    numbers.release("default", 7)

    for number in (7, 8):
        with pytest.raises(NumberRefusedError, match="is not taken"):
            numbers.release("default", number)


def test_minting_takes_the_number(platform: Any, numbers: Numbers) -> None:
    platform.minter.mint(1, expires_in=None)

    assert numbers.take("default", "shop", "shelf").number == 2
    assert numbers.usage("default").taken == 2


def test_numbers_are_reused_when_no_fresh_one_is_left(platform: Any, numbers: Numbers) -> None:
    fill(platform, range(1, 100_001))
    for number in (500, 400):
        numbers.release("default", number, quarantine_days=1)
        platform.pass_time(10)
    with pytest.raises(NumberRefusedError, match="release some"):
        numbers.take("default", "museum", "hall")
    platform.pass_time(2 * DAY)

    taken = [numbers.take("default", "museum", "hall").number for _ in range(2)]

    assert taken == [500, 400]


def test_gaps_are_filled_before_anything_is_reused(platform: Any, numbers: Numbers) -> None:
    fill(platform, range(3, 500))
    fill(platform, range(502, 100_001))

    taken = sorted(numbers.take("default", "museum", "hall").number for _ in range(4))

    assert taken == [1, 2, 500, 501]


@pytest.mark.parametrize("is_number", [False, True])
def test_digits_that_are_another_code_are_passed_over(
    platform: Any, numbers: Numbers, *, is_number: bool
) -> None:
    give_codes(platform, 1, *range(3, 600), is_number=is_number)

    taken = [numbers.take("default", "shop", "shelf").number for _ in range(3)]

    assert taken == [2, 600, 601]
    assert numbers.take("other", "shop", "shelf").number == 1


def test_digits_that_are_another_code_are_passed_over_below_and_between_and_when_numbers_are_reused(
    platform: Any, numbers: Numbers
) -> None:
    fill(platform, range(4, 500))
    fill(platform, range(504, 600))
    fill(platform, range(601, 99_990))
    give_codes(platform, 1, 3, 400, 500, 502, 600, *range(99_990, 100_001))

    taken = [numbers.take("default", "museum", "hall").number for _ in range(3)]
    with pytest.raises(NumberRefusedError, match="release some"):
        numbers.take("default", "museum", "hall")
    for number in (400, 450):
        numbers.release("default", number, quarantine_days=0)
        platform.pass_time(10)

    assert taken == [2, 501, 503]
    assert numbers.take("default", "museum", "hall").number == 450


def test_number_with_a_permanent_code_of_its_own_is_reused(platform: Any, numbers: Numbers) -> None:
    fill(platform, range(2, 100_001))
    code = platform.minter.mint(1, expires_in=None)
    numbers.release("default", 1, quarantine_days=0)

    assert numbers.take("default", "museum", "hall").number == 1
    assert platform.minter.mint(1, expires_in=None) == code


@pytest.mark.parametrize(("share", "percent"), [(80_000, "80%"), (95_000, "95%")])
def test_the_meter_warns_when_it_gets_tight(
    platform: Any, numbers: Numbers, caplog: pytest.LogCaptureFixture, share: int, percent: str
) -> None:
    fill(platform, range(1, share - 1))

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            numbers.take("default", "shop", "shelf")

    usage = numbers.usage("default")
    assert (usage.taken, usage.free) == (share + 1, 100_000 - share - 1)
    assert percent in usage.warning
    assert [record.message[:3] for record in caplog.records] == [percent]


@pytest.mark.parametrize(("share", "percent"), [(80_000, "80%"), (95_000, "95%")])
@pytest.mark.parametrize("way", ["take", "hold", "mint"])
def test_the_meter_warns_whatever_crosses_a_share(
    platform: Any, numbers: Numbers, caplog: pytest.LogCaptureFixture, share: int, percent: str, way: str
) -> None:
    fill(platform, range(1, share))
    ways: dict[str, Callable[[], object]] = {
        "take": lambda: numbers.take("default", "shop", "shelf"),
        "hold": lambda: numbers.hold("default", "shop", dict.fromkeys(range(share - 9, share + 90), "shelf")),
        "mint": lambda: platform.minter.mint(share, expires_in=None),
    }

    with caplog.at_level(logging.WARNING):
        ways[way]()
        numbers.take("default", "shop", "shelf")

    assert [record.message[:3] for record in caplog.records] == [percent]


def test_a_meter_that_cannot_count_costs_nobody_a_code(
    platform: Any, numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(Meter, "usage", fail)

    assert platform.minter.mint(7, expires_in=None).scene == "7"
    assert numbers.take("default", "shop", "shelf").number == 8


def test_the_meter_warns_once_when_others_have_crossed_the_share(
    platform: Any, numbers: Numbers, caplog: pytest.LogCaptureFixture
) -> None:
    fill(platform, range(1, 79_998))

    with caplog.at_level(logging.WARNING):
        numbers.take("default", "shop", "shelf")
        fill(platform, range(79_999, 80_009))
        for _ in range(2):
            numbers.take("default", "shop", "shelf")

    assert [record.message[:3] for record in caplog.records] == ["80%"]


def test_the_meter_is_silent_while_there_is_plenty(numbers: Numbers) -> None:
    numbers.take("default", "shop", "shelf")

    assert numbers.usage("default").warning == ""
