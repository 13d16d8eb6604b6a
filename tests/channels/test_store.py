"""Channels are made, changed, archived and found; what cannot be is refused with every fault."""

import threading
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.event import listen

from wxbot import Article, Image, Music, News, Text
from wxbot.channels.channel import (
    Channel,
    ChannelRefusedError,
    ChannelTakenError,
    ChannelUnknownError,
    Details,
)
from wxbot.channels.parts import ChannelParts
from wxbot.channels.store import Filter, Wanted
from wxbot.db.models import qrcodes
from wxbot.qrcodes.numbers import Numbers

FULL = Details(
    title="一号店",
    owner="李店长",
    promoter="li",
    group="华东",
    reply=Text("欢迎"),
    reply_new=News(
        [Article("新朋友", "说明", "https://cdn.example.com/1.png", "https://shop.example.com/1")]
    ),
    tag="一号店",
    starts_at=1_800_000_000,
    ends_at=1_900_000_000,
)


def create(parts: ChannelParts, name: str, *, scene: str = "", **details: Any) -> Channel:
    return parts.book.create("default", Wanted(name=name, scene=scene, details=Details(**details)))


def test_channel_keeps_what_it_was_made_of(parts: ChannelParts) -> None:
    parts.promoters.create("default", "li")

    made = parts.book.create("default", Wanted(name="shop-1", details=FULL))

    assert {name: getattr(made, name) for name in vars(FULL)} == vars(FULL)
    assert (made.account, made.name, made.scene, made.archived_at) == ("default", "shop-1", "shop-1", None)
    assert made.created_at == made.changed_at > 1_700_000_000
    assert parts.book.find("default", "shop-1") == parts.book.find_scene("default", "shop-1") == made


def test_title_and_scene_default_to_the_name(parts: ChannelParts) -> None:
    made = create(parts, "shop-1")

    assert (made.title, made.scene, made.reply, made.reply_new) == ("shop-1", "shop-1", None, None)


def test_scene_may_be_another_text_or_a_number(parts: ChannelParts) -> None:
    assert create(parts, "shop-1", scene="ch:1").scene == "ch:1"
    assert create(parts, "shop-2", scene="100000").scene == "100000"


def test_channel_may_take_a_permanent_number(parts: ChannelParts, numbers: Numbers) -> None:
    wanted = Wanted(name="shop-1", takes_number=True, details=Details(title="一号店"))

    with parts.book.prepared("default", wanted) as prepared:
        made = parts.book.create("default", prepared)

    assert made.scene == "1"
    assert [(each.number, each.owner, each.purpose) for each in numbers.taken("default")] == [
        (1, "channel:shop-1", "一号店")
    ]


def test_channel_takes_no_number_whose_code_could_not_be_minted(parts: ChannelParts, engine: Engine) -> None:
    text = {"account": "default", "scene": "1", "is_permanent": True, "is_integer": False}
    with engine.begin() as connection:
        connection.execute(insert(qrcodes).values(**text, ticket="t", url="u", created_at=1))

    with parts.book.prepared("default", Wanted(name="shop-1", takes_number=True)) as prepared:
        assert parts.book.create("default", prepared).scene == "2"


def test_channel_of_the_longest_name_may_take_a_number_too(parts: ChannelParts, numbers: Numbers) -> None:
    name = "n" * 64

    with parts.book.prepared("default", Wanted(name=name, takes_number=True)) as prepared:
        parts.book.create("default", prepared)

    assert numbers.release("default", 1).owner == f"channel:{name}"
    assert [each.owner for each in numbers.history("default", 1)] == [f"channel:{name}"]


def test_number_is_given_back_when_the_channel_is_not_made(parts: ChannelParts, numbers: Numbers) -> None:
    with (
        pytest.raises(ChannelTakenError),
        parts.book.prepared("default", Wanted(name="shop-2", takes_number=True)) as wanted,
    ):
        create(parts, "shop-1", scene=wanted.scene)
        parts.book.create("default", wanted)

    assert numbers.usage("default").taken == 0
    with pytest.raises(ChannelTakenError), parts.book.prepared("default", Wanted(name="shop-1")) as wanted:
        parts.book.create("default", wanted)


def test_number_that_is_named_is_taken_if_it_is_free(parts: ChannelParts, numbers: Numbers) -> None:
    numbers.take("default", "somebody", "their own", 2)

    for name, scene in (("shop-1", "1"), ("shop-2", "2"), ("shop-3", "4294967296")):
        with parts.book.prepared("default", Wanted(name=name, scene=scene)) as wanted:
            parts.book.create("default", wanted)
    with parts.book.prepared("default", Wanted(name="shop-4", takes_number=True)) as wanted:
        assert parts.book.create("default", wanted).scene == "3"

    owners = {each.number: each.owner for each in numbers.taken("default")}
    assert owners == {1: "channel:shop-1", 2: "somebody", 3: "channel:shop-4"}


def test_scene_that_is_a_resting_number_is_refused(parts: ChannelParts, numbers: Numbers) -> None:
    numbers.take("default", "shop", "door", 7)
    numbers.release("default", 7)
    wanted = Wanted(name="spring", scene="7")

    with pytest.raises(ChannelRefusedError) as refused, parts.book.prepared("default", wanted):
        pass
    with pytest.raises(ChannelRefusedError):
        parts.book.create("default", wanted)

    assert list(refused.value.faults) == ["scene"]
    assert "7 rests until" in refused.value.faults["scene"]
    assert parts.book.faults("default", wanted) == refused.value.faults
    assert parts.book.faults("other", wanted) == {}


def test_number_that_is_the_scene_of_a_channel_is_passed_over(parts: ChannelParts, numbers: Numbers) -> None:
    create(parts, "spring", scene="1")

    assert numbers.take("default", "shop", "shelf").number == 2
    assert numbers.take("other", "shop", "shelf").number == 1


def test_number_of_a_channel_that_was_not_made_leaves_no_history(
    parts: ChannelParts, numbers: Numbers
) -> None:
    for wanted in (Wanted(name="shop-1", takes_number=True), Wanted(name="shop-1", scene="1")):
        with pytest.raises(KeyError), parts.book.prepared("default", wanted):
            raise KeyError

    assert numbers.history("default", 1) == []
    assert numbers.take("default", "shop", "shelf").number == 1


def test_number_with_a_code_of_an_earlier_owner_is_given_back(
    parts: ChannelParts, numbers: Numbers, engine: Engine
) -> None:
    code = {"account": "default", "scene": "1", "is_integer": True, "is_permanent": True}
    with engine.begin() as connection:
        connection.execute(insert(qrcodes).values(**code, ticket="t", url="u", created_at=1))
    numbers.take("default", "spring", "posters", 1)
    numbers.release("default", 1, 0)

    with pytest.raises(KeyError), parts.book.prepared("default", Wanted(name="shop-1", scene="1")):
        raise KeyError

    assert numbers.taken("default") == []
    assert numbers.take("default", "channel:shop-2", "", 1).owner == "channel:shop-2"


def test_number_of_a_process_that_was_lost_is_used(parts: ChannelParts, numbers: Numbers) -> None:
    numbers.take("default", "channel:shop-1", "")

    with parts.book.prepared("default", Wanted(name="shop-1", takes_number=True)) as wanted:
        parts.book.create("default", wanted)

    assert [each.number for each in numbers.taken("default")] == [1]


def test_number_of_whoever_was_faster_stays_theirs(parts: ChannelParts, numbers: Numbers) -> None:
    wanted = Wanted(name="shop-1", takes_number=True)

    with (
        pytest.raises(ChannelTakenError),
        parts.book.prepared("default", wanted) as slow,
    ):
        with parts.book.prepared("default", wanted) as fast:
            parts.book.create("default", fast)
        parts.book.create("default", slow)

    assert [each.number for each in numbers.taken("default")] == [1]
    assert parts.book.find("default", "shop-1").scene == "1"


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        ("qrscene_1", "no scene may begin with"),
        ("20261201", "the scene 20261201 is a number above 100000, of which WeChat makes no permanent code"),
        ("4294967295", "number above 100000"),
        ("last_trade_no_1", "no scene may begin with"),
        ("一号店", "the scene holds '一号店'"),
        ("x" * 65, "has 65 characters"),
        ("a b", "the scene holds ' '"),
    ],
)
def test_scene_that_no_code_carries_is_refused(parts: ChannelParts, scene: str, reason: str) -> None:
    with pytest.raises(ChannelRefusedError) as refused:
        create(parts, "shop-1", scene=scene)

    assert list(refused.value.faults) == ["scene"]
    assert reason in refused.value.faults["scene"]


@pytest.mark.parametrize("name", ["", "shop 1", "店", "a/b", "x" * 65, "a.b", "a\n"])
def test_name_that_no_url_carries_is_refused(parts: ChannelParts, name: str) -> None:
    with pytest.raises(ChannelRefusedError) as refused:
        create(parts, name)

    assert list(refused.value.faults) == ["name"]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("title", " ", "is blank"),
        ("title", "x" * 65, "has 65 characters"),
        ("title", "a\0b", "cannot be printed"),
        ("title", "a\nb", "cannot be printed"),
        ("title", "\ud800", "cannot be printed"),
        ("owner", "x" * 65, "has 65 characters"),
        ("owner", " x", "begins or ends with a space"),
        ("group", "", "is blank"),
        ("tag", "字" * 31, "has 31 characters, and at most 30"),
        ("promoter", "nobody", "there is no promoter"),
        ("reply", Music("m"), "Music is not for channels"),
        ("reply", Text("字" * 683), "has 2049 bytes"),
        ("reply_new", News([Article("x", "字" * 683)]), "has 2049 bytes"),
        ("starts_at", -1, "is not a time"),
        ("ends_at", 10**12, "is not a time"),
        ("ends_at", 253_402_300_799, "is not a time between 1970 and 30 December 9999"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isidentifier() else "",
)
def test_detail_that_cannot_be_is_refused(
    parts: ChannelParts, field: str, value: object, reason: str
) -> None:
    with pytest.raises(ChannelRefusedError) as refused:
        create(parts, "shop-1", **{field: value})

    assert list(refused.value.faults) == [field]
    assert reason in refused.value.faults[field]
    create(parts, "shop-1")
    with pytest.raises(ChannelRefusedError, match=field):
        parts.book.change("default", "shop-1", {field: value})


def test_all_faults_are_told_at_once(parts: ChannelParts) -> None:
    with pytest.raises(ChannelRefusedError) as refused:
        create(parts, "shop-1", scene="一", title=" ", tag=" ", starts_at=10, ends_at=10, promoter="nobody")

    assert sorted(refused.value.faults) == ["ends_at", "promoter", "scene", "tag", "title"]


def test_longest_tag_and_texts_are_kept(parts: ChannelParts) -> None:
    made = create(parts, "shop-1", tag="𠮷" * 30, title="🏪" * 64, reply=Text("字" * 682 + "ab"))

    assert parts.book.find("default", "shop-1") == made


def test_name_and_scene_belong_to_one_channel_even_when_it_is_archived(parts: ChannelParts) -> None:
    create(parts, "shop-1", scene="s")
    parts.book.archive("default", "shop-1")

    with pytest.raises(ChannelTakenError, match="there is an archived channel 'shop-1' already"):
        create(parts, "shop-1", scene="t")
    with pytest.raises(ChannelTakenError, match="scene 's' belongs to an archived channel, 'shop-1'"):
        create(parts, "shop-2", scene="s")
    assert parts.book.create("second", Wanted(name="shop-1", scene="s")).account == "second"


def test_one_of_many_gets_the_scene(parts: ChannelParts) -> None:
    made: list[str] = []
    start = threading.Barrier(6)

    def race(number: int) -> None:
        start.wait()
        with suppress(ChannelTakenError):
            made.append(create(parts, f"shop-{number}", scene="s").name)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert [each.name for each in parts.book.listed(["default"])] == made


def test_changes_of_one_moment_keep_each_other(parts: ChannelParts, engine: Engine) -> None:
    create(parts, "shop-1")
    other = threading.Thread(target=parts.book.change, args=("default", "shop-1", {"owner": "李店长"}))

    def come_between(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith("SELECT") and other.ident is None:
            other.start()
            other.join(0.5)  # it is done by now, or waits for us

    listen(engine, "after_cursor_execute", come_between)
    parts.book.change("default", "shop-1", {"tag": "一号店"})
    other.join()

    found = parts.book.find("default", "shop-1")
    assert (found.owner, found.tag) == ("李店长", "一号店")


def test_changes_leave_the_rest_as_it_is(parts: ChannelParts) -> None:
    parts.promoters.create("default", "li")
    made = parts.book.create("default", Wanted(name="shop-1", details=FULL))

    changed = parts.book.change("default", "shop-1", {"tag": None, "reply": Image("m"), "title": ""})

    assert (changed.tag, changed.reply, changed.title) == (None, Image("m"), "shop-1")
    assert (changed.owner, changed.reply_new, changed.created_at) == (
        made.owner,
        made.reply_new,
        made.created_at,
    )
    assert parts.book.find("default", "shop-1") == changed


@pytest.mark.parametrize("field", ["name", "scene", "account", "archived_at", "nonsense"])
def test_scene_and_name_cannot_be_changed(parts: ChannelParts, field: str) -> None:
    create(parts, "shop-1")

    with pytest.raises(ChannelRefusedError, match=f"{field}: cannot be changed"):
        parts.book.change("default", "shop-1", {field: "x"})


def test_end_is_compared_with_the_start_there_is(parts: ChannelParts) -> None:
    create(parts, "shop-1", starts_at=1000)

    with pytest.raises(ChannelRefusedError, match="ends_at: is not after the start"):
        parts.book.change("default", "shop-1", {"ends_at": 999})


def test_what_is_not_there_is_told(parts: ChannelParts) -> None:
    create(parts, "shop-1")

    for attempt in (parts.book.find, parts.book.archive, parts.book.restore):
        with pytest.raises(ChannelUnknownError):
            attempt("second", "shop-1")
    with pytest.raises(ChannelUnknownError):
        parts.book.change("default", "shop-2", {"title": "x"})
    assert parts.book.find_scene("default", "nobody's") is None


def test_archived_once_and_restored_once(parts: ChannelParts) -> None:
    create(parts, "shop-1")

    first = parts.book.archive("default", "shop-1")
    again = parts.book.archive("default", "shop-1")

    assert first.archived_at is not None and again.archived_at == first.archived_at
    assert parts.book.restore("default", "shop-1").archived_at is None


def test_list_is_filtered_and_paged(parts: ChannelParts) -> None:
    parts.promoters.create("default", "li")
    for number in range(6):
        create(
            parts, f"shop-{number}", group="东" if number % 2 else "西", promoter="li" if number < 2 else None
        )
    parts.book.archive("default", "shop-5")

    def names(**wanted: Any) -> list[str]:
        return [each.name[-1] for each in parts.book.listed(["default"], Filter(**wanted))]

    assert names() == ["0", "1", "2", "3", "4"]
    assert (names(group="东"), names(promoter="li")) == (["1", "3"], ["0", "1"])
    assert (names(is_archived=True), len(names(is_archived=None))) == (["5"], 6)
    assert [each.name for each in parts.book.listed(["default"], after=("default", "shop-1"), limit=2)] == [
        "shop-2",
        "shop-3",
    ]
    assert parts.book.listed(["second"]) == []
