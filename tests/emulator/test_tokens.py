"""Access tokens: the classic and the stable kind, their overlap, their limits and their ends."""

import pytest

from wxbot.emulator.refusals import Refusal
from wxbot.emulator.tokens import AccessTokens, DailyCalls

NOON = 1668926536.0


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens()


def refusal(tokens: AccessTokens, text: str | None, now: float) -> int:
    with pytest.raises(Refusal) as refused:
        tokens.check(text, now)
    return refused.value.errcode


def test_each_classic_call_makes_a_new_token(tokens: AccessTokens) -> None:
    first, seconds = tokens.issue_classic(NOON)
    second, _ = tokens.issue_classic(NOON)

    assert first != second
    assert seconds == 7200
    assert len(first) <= 512


def test_replaced_classic_token_is_good_for_five_minutes(tokens: AccessTokens) -> None:
    first, _ = tokens.issue_classic(NOON)
    tokens.issue_classic(NOON + 100)

    tokens.check(first, NOON + 399)
    assert refusal(tokens, first, NOON + 400) == 40001


def test_token_expires_after_two_hours(tokens: AccessTokens) -> None:
    text, _ = tokens.issue_classic(NOON)

    tokens.check(text, NOON + 7199)
    assert refusal(tokens, text, NOON + 7200) == 42001


def test_stable_token_stays_the_same_until_five_minutes_before_its_end(tokens: AccessTokens) -> None:
    first, _ = tokens.issue_stable(NOON)

    assert tokens.issue_stable(NOON + 6900) == (first, 300)
    second, seconds = tokens.issue_stable(NOON + 6901)
    assert (second == first, seconds) == (False, 7200)
    tokens.check(first, NOON + 7199)


def test_forced_refresh_ends_the_old_token_at_once(tokens: AccessTokens) -> None:
    first, _ = tokens.issue_stable(NOON)

    second, _ = tokens.issue_stable(NOON + 60, is_forced=True)

    assert first != second
    assert refusal(tokens, first, NOON + 60) == 40001


def test_forced_refresh_within_thirty_seconds_changes_nothing(tokens: AccessTokens) -> None:
    first, _ = tokens.issue_stable(NOON, is_forced=True)

    assert tokens.issue_stable(NOON + 29, is_forced=True)[0] == first
    assert tokens.issue_stable(NOON + 30, is_forced=True)[0] != first


def test_forced_refreshes_are_twenty_a_day(tokens: AccessTokens) -> None:
    for count in range(20):
        tokens.issue_stable(NOON + 30 * count, is_forced=True)

    with pytest.raises(Refusal, match="45009"):
        tokens.issue_stable(NOON + 3000, is_forced=True)
    tokens.issue_stable(NOON + 86400, is_forced=True)


def test_kinds_do_not_end_each_other(tokens: AccessTokens) -> None:
    stable, _ = tokens.issue_stable(NOON)
    classic, _ = tokens.issue_classic(NOON)

    tokens.issue_classic(NOON)
    tokens.issue_stable(NOON + 60, is_forced=True)

    tokens.check(classic, NOON + 299)
    assert refusal(tokens, stable, NOON + 60) == 40001


def test_missing_and_unknown_tokens_have_their_own_codes(tokens: AccessTokens) -> None:
    assert refusal(tokens, None, NOON) == 41001
    assert refusal(tokens, "", NOON) == 41001
    assert refusal(tokens, "made-up", NOON) == 40001
    with pytest.raises(Refusal, match="40014"):
        tokens.check("made-up", NOON, unknown_errcode=40014)


def test_all_tokens_can_be_made_to_expire(tokens: AccessTokens) -> None:
    classic, stable = tokens.issue_classic(NOON)[0], tokens.issue_stable(NOON)[0]

    tokens.expire_all(NOON + 1)

    assert refusal(tokens, classic, NOON + 1) == 42001
    assert refusal(tokens, stable, NOON + 1) == 42001
    assert tokens.issue_stable(NOON + 1)[0] != stable


def test_quota_begins_anew_at_midnight_in_china() -> None:
    calls, before_midnight = DailyCalls(), 1668959999.0  # 23:59:59 in China

    calls.count("token", limit=1, now=before_midnight)

    with pytest.raises(Refusal, match="45009"):
        calls.count("token", limit=1, now=before_midnight)
    calls.count("qrcode/create", limit=1, now=before_midnight)
    calls.count("token", limit=1, now=before_midnight + 1)
