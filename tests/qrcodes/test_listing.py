"""Pages of codes: every code once, the newest first."""

from typing import Any

import pytest

from wxbot.qrcodes.listing import Page, list_codes
from wxbot.qrcodes.mint import WEEK_SECONDS


def scenes(page: Page) -> list[str]:
    return [code.scene for code in page.codes]


@pytest.fixture
def five_codes(platform: Any) -> Any:
    """Return the platform with five codes, two of them of one second, the third permanent."""
    platform.minter.mint("a")
    platform.pass_time(10)
    platform.minter.mint("b")
    platform.minter.mint("c", expires_in=None)
    platform.pass_time(10)
    platform.minter.mint("d")
    platform.pass_time(10)
    platform.minter.mint(5)
    return platform


def test_newest_code_comes_first(five_codes: Any) -> None:
    page = list_codes(five_codes.engine)

    assert scenes(page) in (["5", "d", "c", "b", "a"], ["5", "d", "b", "c", "a"])
    assert page.after is None


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages_hold_every_code_once(five_codes: Any, limit: int) -> None:
    seen: list[str] = []
    page = list_codes(five_codes.engine, limit=limit)
    while page.after:
        seen += scenes(page)
        page = list_codes(five_codes.engine, limit=limit, after=page.after)

    assert seen + scenes(page) == scenes(list_codes(five_codes.engine))


def test_page_goes_on_where_it_was_when_codes_are_added(five_codes: Any) -> None:
    first = list_codes(five_codes.engine, limit=2)
    five_codes.pass_time(10)
    five_codes.minter.mint("new")

    second = list_codes(five_codes.engine, limit=3, after=first.after)

    assert scenes(second)[-1] == "a" and len(second.codes) == 3


def test_code_that_is_renewed_meanwhile_stays_where_it_was(five_codes: Any) -> None:
    known = scenes(list_codes(five_codes.engine))
    first = list_codes(five_codes.engine, limit=2)
    five_codes.pass_time(10)
    before = five_codes.minter.find("a")
    renewed = five_codes.minter.mint("a", renew_before=WEEK_SECONDS)

    second = list_codes(five_codes.engine, limit=3, after=first.after)

    assert scenes(first) + scenes(second) == known
    assert second.codes[-1] == renewed and renewed.ticket != before.ticket


def test_permanent_codes_can_be_listed_alone(five_codes: Any) -> None:
    assert scenes(list_codes(five_codes.engine, is_permanent=True)) == ["c"]


def test_codes_of_another_account_are_not_listed(five_codes: Any) -> None:
    assert scenes(list_codes(five_codes.engine, accounts=["other"])) == []
    assert len(list_codes(five_codes.engine, accounts=["default"]).codes) == 5
