"""A code is minted once, kept, and renewed before it ends."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import insert, select

from wxbot.db.models import mintings, permanent_numbers
from wxbot.qrcodes.kinds import SceneRefusedError
from wxbot.qrcodes.mint import Code
from wxbot.qrcodes.numbers import Numbers
from wxbot.wechat.errcodes import ApiError, NotAllowedError, UnreachableError

DAY = 86_400
KINDS = [
    (100, 604_800, "QR_SCENE"),
    ("abcd", 604_800, "QR_STR_SCENE"),
    (111, None, "QR_LIMIT_SCENE"),
    ("haha", None, "QR_LIMIT_STR_SCENE"),
]


@pytest.mark.parametrize(("scene", "expires_in", "kind"), KINDS)
def test_minting_chooses_the_kind(platform: Any, scene: int | str, expires_in: int | None, kind: str) -> None:
    code = platform.minter.mint(scene, expires_in=expires_in)

    minted = platform.world.codes.find(code.ticket)
    assert (minted.kind, minted.scene, minted.url) == (kind, str(scene), code.url)
    assert minted.expire_seconds == (expires_in or 0)
    assert code.is_permanent is (expires_in is None)


@pytest.mark.parametrize(("scene", "expires_in", "kind"), KINDS)
def test_a_code_on_record_is_used_again(
    platform: Any, scene: int | str, expires_in: int | None, kind: str
) -> None:
    first = platform.minter.mint(scene, expires_in=expires_in)

    again = platform.another().mint(scene, expires_in=expires_in)

    assert again == first
    assert platform.tickets == 1, kind


def test_a_code_is_renewed_before_it_ends(platform: Any) -> None:
    first = platform.minter.mint("door", expires_in=10 * DAY)
    platform.pass_time(4 * DAY)
    assert platform.minter.mint("door", expires_in=10 * DAY) == first
    platform.pass_time(2 * DAY)

    before = platform.now().timestamp()
    renewed = platform.minter.mint("door", expires_in=10 * DAY)
    after = platform.now().timestamp()

    assert renewed.ticket != first.ticket
    assert before - 2 <= renewed.expires_at - 10 * DAY <= after + 2
    assert platform.minter.find("door") == renewed


def test_the_margin_of_a_renewal_can_be_chosen(platform: Any) -> None:
    first = platform.minter.mint("door", expires_in=DAY)
    platform.pass_time(DAY - 100)

    kept = platform.minter.mint("door", expires_in=DAY, renew_before=60)
    renewed = platform.minter.mint("door", expires_in=DAY, renew_before=200)

    assert kept == first
    assert renewed != first


def test_no_code_outlives_what_wechat_granted(platform: Any) -> None:
    code = platform.minter.mint("door", expires_in=60)

    minted = platform.world.codes.find(code.ticket)
    assert code.expires_at <= minted.created_at + minted.expire_seconds


def test_a_permanent_and_a_temporary_code_of_one_scene_are_kept_apart(platform: Any) -> None:
    lasting = platform.minter.mint("door", expires_in=None)
    temporary = platform.minter.mint("door")

    assert lasting.url != temporary.url
    assert platform.minter.find("door") == lasting
    assert platform.minter.find("door", is_permanent=False) == temporary


@pytest.mark.parametrize(
    ("scene", "expires_in", "words"),
    [
        (0, 60, "between 1 and 4294967295"),
        (4_294_967_296, 60, "between 1 and 4294967295"),
        (100_001, None, "between 1 and 100000"),
        (True, 60, "whole number or a text"),
        ("", 60, "is empty"),
        ("a" * 65, 60, "65 characters"),
        ("订单1", 60, "Keep Chinese"),
        ("🎉", None, "caption"),
        ("a b", 60, "ASCII letters"),
        ("a\n", 60, "ASCII letters"),
        ("qrscene_1", 60, "'qrscene_'"),
        ("last_trade_no_9", 60, "'last_trade_no_'"),
        ("door", 59, "between 60 seconds and 2592000"),
        ("door", 2_592_001, "between 60 seconds and 2592000"),
        ("door", 0, "between 60 seconds and 2592000"),
    ],
)
def test_what_wechat_would_mangle_is_refused_before_it_is_sent(
    platform: Any, scene: int | str, expires_in: int | None, words: str
) -> None:
    with pytest.raises(SceneRefusedError, match=words):
        platform.minter.mint(scene, expires_in=expires_in)

    assert platform.tickets == 0
    assert platform.outcomes() == []


@pytest.mark.parametrize("expires_in", [604_800, None])
def test_a_number_and_a_text_of_the_same_digits_are_not_both_minted(
    platform: Any, expires_in: int | None
) -> None:
    platform.minter.mint(123)

    with pytest.raises(SceneRefusedError, match="look the same"):
        platform.minter.mint("123", expires_in=expires_in)

    assert platform.tickets == 1


def test_number_is_not_used_up_by_what_is_refused(platform: Any) -> None:
    numbers = Numbers(platform.engine, now=platform.now)
    platform.minter.mint("77")
    with pytest.raises(SceneRefusedError, match="look the same"):
        platform.minter.mint(77, expires_in=None)
    platform.world.trouble = type(platform.world.trouble)(api_errors=(48001,))
    with pytest.raises(NotAllowedError):
        platform.minter.mint(78, expires_in=None)

    assert numbers.taken("default") == []
    platform.minter.mint(78, expires_in=None)
    assert [each.number for each in numbers.taken("default")] == [78]


def refuse(platform: Any, number: int, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Ask for a permanent code, which is refused after `meanwhile` has happened."""

    class Refusing:
        def create_qrcode(self, **_: Any) -> Any:
            meanwhile()
            raise NotAllowedError(48001, call="qrcode/create", advice="not allowed")

    minter = type(platform.minter)(platform.engine, client_for=lambda _: Refusing(), now=platform.now)
    with pytest.raises(NotAllowedError):
        minter.mint(number, expires_in=None)


def test_number_that_was_refused_has_no_history_and_is_as_fresh_as_before(platform: Any) -> None:
    numbers = Numbers(platform.engine, now=platform.now)

    for _ in range(3):
        refuse(platform, 1)

    assert numbers.history("default", 1) == []
    assert [numbers.take("default", "shop", "shelf").number for _ in range(2)] == [1, 2]


def test_number_that_has_rested_is_what_it_was_after_a_refusal(platform: Any) -> None:
    numbers = Numbers(platform.engine, now=platform.now)
    for owner in ("museum", "shop"):
        numbers.take("default", owner, "door", 7)
        platform.pass_time(10)
        numbers.release("default", 7, quarantine_days=0)
    before = numbers.history("default", 7)

    refuse(platform, 7)

    assert (numbers.taken("default"), numbers.history("default", 7)) == ([], before)
    with platform.engine.connect() as connection:
        row = connection.execute(select(permanent_numbers)).one()
    had = ("quarantined", "shop", "door", before[0].taken_at)
    assert (row.state, row.owner, row.purpose, row.taken_at) == had
    assert numbers.take("default", "museum", "hall", 7).owner == "museum"


def test_number_whose_code_another_process_has_made_meanwhile_stays_taken(platform: Any) -> None:
    def hang() -> None:
        platform.pass_time(61)
        platform.minter.mint(9, expires_in=None)

    refuse(platform, 9, hang)

    assert [each.number for each in Numbers(platform.engine).taken("default")] == [9]


def test_number_that_gets_an_owner_while_it_is_asked_for_stays_the_owners(platform: Any) -> None:
    numbers = Numbers(platform.engine, now=platform.now)

    refuse(platform, 4, lambda: numbers.hold("default", "batch 1", {2: "line 2", 4: "line 3"}))
    refuse(platform, 5, lambda: numbers.take("default", "channel:door", "door", 5))

    held = [(each.number, each.owner) for each in numbers.taken("default")]
    assert held == [(2, "batch 1"), (4, "batch 1"), (5, "channel:door")]


def test_number_that_has_a_code_but_no_owner_is_not_taken_by_name(platform: Any) -> None:
    numbers = Numbers(platform.engine, now=platform.now)
    platform.minter.mint(4, expires_in=None)

    numbers.hold("default", "batch 1", {4: "line 2"})
    with pytest.raises(SceneRefusedError, match="the permanent number 4 is taken by nobody named"):
        numbers.take("default", "shop", "door", 4)

    assert [each.owner for each in numbers.taken("default")] == [""]


def test_number_stays_whose_it_is_when_its_minting_is_refused(platform: Any) -> None:
    numbers = Numbers(platform.engine, now=platform.now)
    taken = numbers.take("default", "shop", "door", 78)
    platform.world.trouble = type(platform.world.trouble)(api_errors=(48001,))

    with pytest.raises(NotAllowedError):
        platform.minter.mint(78, expires_in=None)

    assert numbers.taken("default") == [taken]


@pytest.mark.parametrize(("was_sent", "kept"), [(True, [78]), (False, [])])
def test_number_whose_code_may_exist_stays_taken(platform: Any, *, was_sent: bool, kept: list[int]) -> None:
    class Silent:
        def create_qrcode(self, **_: Any) -> Any:
            raise UnreachableError("no answer came", call="qrcode/create", was_sent=was_sent)

    minter = type(platform.minter)(platform.engine, client_for=lambda _: Silent(), now=platform.now)
    with pytest.raises(ApiError):
        minter.mint(78, expires_in=None)

    assert [each.number for each in Numbers(platform.engine).taken("default")] == kept


def test_threads_that_want_the_same_code_make_one_call(platform: Any) -> None:
    minters = [platform.another() for _ in range(8)]

    def mint(number: int) -> Code:
        code: Code = minters[number].mint("door", expires_in=None)
        return code

    with ThreadPoolExecutor(8) as threads:
        codes = set(threads.map(mint, range(8)))

    assert len(codes) == 1
    assert platform.tickets == 1
    assert platform.outcomes() == ["minted"]


def test_threads_that_renew_the_same_code_make_one_call(platform: Any) -> None:
    old = platform.minter.mint("door")

    with ThreadPoolExecutor(4) as threads:
        renewed = set(threads.map(lambda _: platform.another().mint("door", renew_before=10**9), range(4)))

    assert old not in renewed
    assert platform.tickets == 1 + len(renewed) <= 5


def test_a_call_that_wechat_refuses_is_noted_and_can_be_made_again(platform: Any) -> None:
    platform.world.trouble = type(platform.world.trouble)(api_errors=(48001,))
    with pytest.raises(NotAllowedError):
        platform.minter.mint("door")

    platform.minter.mint("door")

    assert platform.outcomes() == ["minted", "refused"]


def test_a_call_without_an_answer_has_an_unknown_outcome(platform: Any) -> None:
    class Silent:
        def create_qrcode(self, **_: Any) -> Any:
            raise UnreachableError("no answer came", call="qrcode/create", was_sent=True)

    minter = type(platform.minter)(platform.engine, client_for=lambda _: Silent(), now=platform.now)
    with pytest.raises(ApiError):
        minter.mint("door", expires_in=None)

    assert platform.outcomes() == ["unknown"]


def test_the_claim_of_a_process_that_was_killed_is_given_up_after_a_minute(platform: Any) -> None:
    dead = {
        "id": b"0" * 16,
        "account": "default",
        "scene": "door",
        "is_permanent": True,
        "started_at": int(platform.now().timestamp()),
        "outcome": "asked",
        "detail": "",
    }
    with platform.engine.begin() as connection:
        connection.execute(insert(mintings).values(**dead))
    platform.pass_time(61)

    platform.minter.mint("door", expires_in=None)

    assert platform.outcomes() == ["minted", "unknown"]


def test_a_holder_gives_up_its_own_claims_at_once(platform: Any) -> None:
    rows = [
        {"id": bytes([number]) * 16, "scene": f"door{number}", "detail": holder}
        for number, holder in enumerate(["batch one", "batch two", ""])
    ]
    common = {"account": "default", "is_permanent": False, "outcome": "asked"}
    with platform.engine.begin() as connection:
        for row in rows:
            at = int(platform.now().timestamp())
            connection.execute(insert(mintings).values(**row, **common, started_at=at))

    given_up = platform.another(holder="batch one").abandon()

    assert given_up == 1
    assert platform.outcomes() == ["asked", "asked", "unknown"]
