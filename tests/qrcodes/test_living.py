"""A living code is never shown with an expired ticket, and outlives an outage of WeChat's."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.event import listen, remove

from wxbot.qrcodes.kinds import SceneRefusedError
from wxbot.qrcodes.living import LivingCodes, NameTakenError, NotShownError, UnknownNameError
from wxbot.qrcodes.mint import Minter
from wxbot.wechat.errcodes import UnreachableError

HOUR = 3600


class Switchable:
    """A client whose WeChat can be taken away."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.is_down = False
        self.calls = 0

    def create_qrcode(self, **asked: Any) -> Any:
        """Mint, or fail as a network does."""
        self.calls += 1
        if self.is_down:
            raise UnreachableError("no connection", call="qrcode/create", was_sent=False)
        return self.client.create_qrcode(**asked)


@pytest.fixture
def wechat(platform: Any) -> Switchable:
    """The client behind the living codes."""
    return Switchable(platform.client)


@pytest.fixture
def living(platform: Any, wechat: Switchable) -> LivingCodes:
    """The book of living codes, with a name `door` whose codes live for an hour."""
    minter = Minter(platform.engine, client_for=lambda _: wechat, now=platform.now)
    book = LivingCodes(platform.engine, minter, now=platform.now)
    book.put("door", "shop:12", HOUR)
    return book


def is_scannable(platform: Any, ticket: str) -> bool:
    """Say whether the platform would still take a scan of this ticket."""
    minted = platform.world.codes.find(ticket)
    return not minted.is_expired(platform.world.clock.now())


def test_name_that_somebody_else_takes_at_the_same_moment_is_taken(
    platform: Any, living: LivingCodes
) -> None:
    asked: list[str] = []

    def be_faster(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith("INSERT INTO living_codes"):
            asked.append(sql)
            if len(asked) == 1:
                living.put("shop", "shop:1")

    listen(platform.engine, "before_cursor_execute", be_faster)
    with pytest.raises(NameTakenError, match="shows another scene, 'shop:1'"):
        living.put_first("shop", "shop:2")
    remove(platform.engine, "before_cursor_execute", be_faster)

    assert len(asked) == 2
    assert living.put_first("shop", "shop:1") == living.find("shop")


def test_a_name_shows_one_code_while_it_lives(living: LivingCodes, wechat: Switchable) -> None:
    shown = {living.show("door") for _ in range(5)}

    assert len(shown) == 1
    assert wechat.calls == 1


def test_no_expired_ticket_is_ever_shown(platform: Any, living: LivingCodes) -> None:
    steps = random.Random(3)
    for _ in range(60):
        platform.pass_time(
            steps.choice([0, 1, 60, HOUR / 2 - 1, HOUR / 2, HOUR - 1, HOUR, HOUR + 1, 40 * HOUR])
        )

        assert is_scannable(platform, living.show("door").ticket)


def test_a_code_is_renewed_while_half_of_its_life_is_left(platform: Any, living: LivingCodes) -> None:
    first = living.show("door")
    platform.pass_time(HOUR * 0.45)
    assert living.show("door") == first
    platform.pass_time(HOUR * 0.1)

    assert living.show("door").ticket != first.ticket


def test_an_outage_is_survived_as_long_as_the_ticket_lives(
    platform: Any, living: LivingCodes, wechat: Switchable
) -> None:
    first = living.show("door")
    wechat.is_down = True
    platform.pass_time(HOUR * 0.9)

    assert [living.show("door") for _ in range(20)] == [first] * 20
    # One look whether WeChat is back, not one for each visitor.
    assert wechat.calls == 2


def test_after_the_outage_has_outlived_the_ticket_nothing_expired_is_shown(
    platform: Any, living: LivingCodes, wechat: Switchable
) -> None:
    living.show("door")
    wechat.is_down = True
    platform.pass_time(HOUR + 1)

    for _ in range(3):
        with pytest.raises(NotShownError):
            living.show("door")


def test_many_visitors_at_the_moment_of_renewal_make_one_call(
    platform: Any, living: LivingCodes, wechat: Switchable
) -> None:
    living.show("door")
    platform.pass_time(HOUR * 0.6)

    with ThreadPoolExecutor(8) as threads:
        shown = list(threads.map(lambda _: living.show("door"), range(24)))

    assert wechat.calls == 2
    assert all(is_scannable(platform, code.ticket) for code in shown)


def test_a_name_can_be_given_another_scene(living: LivingCodes) -> None:
    living.show("door")
    living.put("door", 12, HOUR)

    shown = living.show("door")

    assert (shown.scene, shown.is_integer) == ("12", True)


def test_names_that_nobody_gave_are_unknown(living: LivingCodes) -> None:
    living.remove("door")

    for call in (living.show, living.find, living.remove):
        with pytest.raises(UnknownNameError):
            call("door")
    assert living.names() == []


@pytest.mark.parametrize(
    ("name", "scene", "lifetime"),
    [
        *((name, "a", HOUR) for name in ("", "a/b", "店", "a.png", "a" * 65)),
        *(("door", scene, HOUR) for scene in ("店", 0)),
        *(("door", "a", lifetime) for lifetime in (59, 2_592_001)),
    ],
)
def test_what_could_not_be_shown_is_refused_at_once(
    living: LivingCodes, name: str, scene: int | str, lifetime: int
) -> None:
    with pytest.raises(SceneRefusedError):
        living.put(name, scene, lifetime)
