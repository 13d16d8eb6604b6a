"""A batch gives every line a code of its own, also beside codes that are there already."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from wxbot.db.models import batch_lines, batches, permanent_numbers
from wxbot.emulator.rules import Rules
from wxbot.qrcodes.batch import Batch, BatchStoppedError, Output
from wxbot.qrcodes.batch_file import BatchFileError, read_plan
from wxbot.qrcodes.numbers import Numbers
from wxbot.wechat.errcodes import UnreachableError

HEADER = "scene,type,permanent,caption\n"
NEXT = ",number,yes,"

Work = Callable[..., dict[str, str]]


@pytest.fixture
def numbers(platform: Any) -> Numbers:
    """The book of numbers, on the platform's clock."""
    return Numbers(platform.engine, now=platform.now)


@pytest.fixture
def work(platform: Any, numbers: Numbers, tmp_path: Path) -> Work:
    """Return what works off some lines and returns their scenes by caption."""

    def work(
        *lines: str, at_once: int = 4, name: str = "tables.csv", expires_in: int = 604_800
    ) -> dict[str, str]:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(HEADER + "\n".join(lines), encoding="utf-8")
        plan = read_plan(file, account="default", expires_in=expires_in)
        output = Output(folder=tmp_path / "tables", images="none")
        minter = platform.another(plan.holder)
        batch = Batch(platform.engine, minter, plan, output, numbers=numbers)
        batch.run(at_once=at_once)
        return {line.caption: code.scene for line, code in batch.codes()}

    return work


def more_calls(platform: Any) -> None:
    """Let it be the next day, and another process."""
    platform.world.rules = Rules()
    platform.restart()


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("named", ["2,number,yes,C", "2,number,no,C", "2,text,no,C", "2,text,yes,C"])
def test_the_next_free_number_goes_around_what_the_file_names(work: Work, named: str, at_once: int) -> None:
    assert len(set(work(f"{NEXT}A", f"{NEXT}B", named, at_once=at_once).values())) == 3


def test_what_the_file_names_is_nobody_elses_while_the_batch_stands_still(
    platform: Any, numbers: Numbers, work: Work
) -> None:
    lines = [f"{NEXT}A", f"{NEXT}B", "2,number,yes,C", "4,number,yes,D"]
    platform.world.rules = Rules(code_calls_a_day=1)
    with pytest.raises(BatchStoppedError, match="1 of 4 codes are done"):
        work(*lines, at_once=1)
    more_calls(platform)

    others = {numbers.take("default", "shop", "shelf").number for _ in range(2)}
    done = work(*lines)

    assert (done["C"], done["D"]) == ("2", "4")
    assert len(set(done.values()) | {str(number) for number in others}) == 6


def test_a_number_that_an_unfinished_batch_took_before_the_line_that_names_it_is_not_used_twice(
    platform: Any, numbers: Numbers, work: Work
) -> None:
    lines = [f"{NEXT}A", f"{NEXT}B", "2,number,yes,C"]
    platform.world.rules = Rules(code_calls_a_day=1)
    with pytest.raises(BatchStoppedError):
        work(*lines, at_once=1)
    holder = next(each.owner for each in numbers.taken("default") if each.owner)
    taken = {each.purpose: each.number for each in numbers.taken("default")}
    numbers.release("default", 2, 0)
    if "line 3 of tables.csv: B" in taken:
        numbers.release("default", taken["line 3 of tables.csv: B"], 0)
    numbers.take("default", holder, "line 3 of tables.csv: B", 2)
    more_calls(platform)

    assert len(set(work(*lines).values())) == 3


def test_a_number_that_rests_is_refused_before_anything_is_minted_or_taken(
    platform: Any, numbers: Numbers, work: Work
) -> None:
    numbers.take("default", "shop", "door", 7)
    numbers.release("default", 7)

    with pytest.raises(BatchFileError, match=r"line 4: the permanent number 7 rests until .* shop \(door\)"):
        work(f"{NEXT}A", "5,number,yes,B", "7,number,yes,C")

    assert (platform.tickets, numbers.taken("default")) == (0, [])


@pytest.mark.parametrize("scene", ["2", 2])
def test_the_next_free_number_goes_around_codes_on_record(
    platform: Any, work: Work, scene: int | str
) -> None:
    platform.minter.mint(scene)

    done = work(*(f"{NEXT}{caption}" for caption in "ABCD"))

    assert sorted(done.values()) == ["1", "3", "4", "5"]


@pytest.mark.parametrize("was_unanswered", [False, True])
def test_a_batch_that_was_stuck_gives_the_number_back_and_goes_on(
    platform: Any, numbers: Numbers, work: Work, was_unanswered: bool
) -> None:
    lines = [f"{NEXT}A", f"{NEXT}B"]
    platform.world.rules = Rules(code_calls_a_day=1)
    with pytest.raises(BatchStoppedError):
        work(*lines, at_once=1)
    more_calls(platform)
    if was_unanswered:
        mint_without_an_answer(platform, "2")
    platform.minter.mint("2", expires_in=None)

    assert work(*lines) == {"A": "1", "B": "3"}
    assert [each.number for each in numbers.taken("default")] == [1, 3]
    assert numbers.history("default", 2) == []


def test_a_batch_of_which_nothing_was_minted_leaves_no_trace_in_the_numbers(
    platform: Any, numbers: Numbers, work: Work
) -> None:
    numbers.take("default", "shop", "door", 7)
    numbers.release("default", 7, quarantine_days=0)
    past = numbers.history("default", 7)
    platform.world.trouble = type(platform.world.trouble)(api_errors=(48001,) * 8)

    with pytest.raises(BatchStoppedError, match="0 of 4 codes are done"):
        work(f"{NEXT}A", "5,number,yes,B", "7,number,yes,C", f"{NEXT}D")
    assert numbers.taken("default") == numbers.history("default", 5) == []
    assert numbers.history("default", 7) == past
    platform.world.trouble = type(platform.world.trouble)()
    work(f"{NEXT}A", "15,number,yes,B", "17,number,yes,C", f"{NEXT}D")

    assert {15, 17} < {each.number for each in numbers.taken("default")}
    assert numbers.take("default", "shop", "shelf", 5).number == 5


def test_what_the_file_names_has_the_batch_as_its_owner(platform: Any, numbers: Numbers, work: Work) -> None:
    platform.world.rules = Rules(code_calls_a_day=1)
    with pytest.raises(BatchStoppedError):
        work("2,number,yes,C", "4,number,yes,D", at_once=1)

    held = numbers.taken("default")
    assert [each.purpose for each in held] == [
        "named on line 2 of tables.csv: C",
        "named on line 3 of tables.csv: D",
    ]
    assert all(each.owner.startswith("batch ") for each in held)
    more_calls(platform)
    # Of another file that asks for the next free number, nothing was taken yet.
    assert work("4,number,yes,D", f"{NEXT}E")["D"] == "4"


def test_a_number_of_a_batch_that_may_have_a_code_stays_taken(platform: Any, numbers: Numbers) -> None:
    numbers.hold("default", "batch 1", dict.fromkeys(range(2, 80), "line"))
    mint_without_an_answer(platform, 4)
    platform.minter.mint(6, expires_in=None)

    numbers.undo("default", "batch 1")

    assert [each.number for each in numbers.taken("default")] == [4, 6]


def mint_without_an_answer(platform: Any, scene: int | str) -> None:
    """Let a permanent code be asked for, and nobody know whether it was made."""

    class Silent:
        def create_qrcode(self, **_: Any) -> Any:
            raise UnreachableError("no answer came", call="qrcode/create", was_sent=True)

    minter = type(platform.minter)(platform.engine, client_for=lambda _: Silent(), now=platform.now)
    with pytest.raises(UnreachableError):
        minter.mint(scene, expires_in=None)


def refuse_calls(platform: Any) -> None:
    """Let WeChat refuse to mint."""
    platform.world.trouble = type(platform.world.trouble)(api_errors=(48001,) * 8)


def test_files_of_other_names_have_numbers_of_their_own(work: Work) -> None:
    first = work(f"{NEXT}A", f"{NEXT}B")

    second = work(f"{NEXT}C", f"{NEXT}D", name="tables2.csv")

    assert len(set(first.values()) | set(second.values())) == 4


def test_file_of_the_same_name_in_another_folder_is_refused(numbers: Numbers, work: Work) -> None:
    work(f"{NEXT}A", f"{NEXT}B", name="shopA/tables.csv")

    with pytest.raises(BatchFileError, match=r"2 permanent numbers were taken for .* in another folder"):
        work(f"{NEXT}C", f"{NEXT}D", name="shopB/tables.csv")

    assert numbers.usage("default").taken == 2


def test_a_file_with_another_lifetime_for_its_temporary_codes_is_refused_by_that_name(work: Work) -> None:
    lines = [f"{NEXT}A", "promo,text,no,B"]
    first = work(*lines)

    with pytest.raises(
        BatchFileError, match=r"had other lines, another --expires-in or was in another folder"
    ):
        work(*lines, expires_in=86_400)

    assert work(*lines) == first


def was_begun_before_files_were_told_apart(platform: Any, *lines: tuple[int, str]) -> None:
    """Let the batch on record be as earlier releases left it: known by its lines alone."""
    wanted = [(line, scene, True, True) for line, scene in lines]
    former = hashlib.sha256(repr(("default", 0, wanted)).encode()).digest()[:16]
    with platform.engine.begin() as connection:
        known = connection.scalars(select(batches.c.id)).one()
        owned = permanent_numbers.c.owner == f"batch {known.hex()}"
        connection.execute(update(batches).values(id=former))
        connection.execute(update(batch_lines).values(batch=former))
        connection.execute(update(permanent_numbers).where(owned).values(owner=f"batch {former.hex()}"))


def begin(work: Work, lines: list[str], *, calls: int) -> None:
    """Work off a file: up to its first line with one call, to its end with many."""
    if calls > 1:
        work(*lines, at_once=1)
        return
    with pytest.raises(BatchStoppedError, match=f"1 of {len(lines)}"):
        work(*lines, at_once=1)


@pytest.mark.parametrize("calls", [1, 9])
def test_batch_that_an_earlier_release_has_begun_keeps_its_numbers(
    platform: Any, numbers: Numbers, work: Work, calls: int
) -> None:
    lines = [f"{NEXT}A", f"{NEXT}B", "9,number,yes,C"]
    platform.world.rules = Rules(code_calls_a_day=calls)
    begin(work, lines, calls=calls)
    was_begun_before_files_were_told_apart(platform, (2, ""), (3, ""), (4, "9"))
    more_calls(platform)

    assert work(*lines) == {"A": "10", "B": "11", "C": "9"}
    assert len({each.owner for each in numbers.taken("default")}) == 1
    with pytest.raises(BatchFileError, match="in another folder"):
        work(*lines, name="elsewhere/tables.csv")
    assert work(f"{NEXT}A", f"{NEXT}B", name="tables2.csv", at_once=1) == {"A": "12", "B": "13"}


def test_lines_that_were_begun_before_are_refused_while_others_of_the_name_have_numbers(
    platform: Any, numbers: Numbers, work: Work
) -> None:
    lines = [f"{NEXT}A", f"{NEXT}B", f"{NEXT}C"]
    refuse_calls(platform)
    with pytest.raises(BatchStoppedError, match="0 of 3"):
        work(*lines)
    platform.world.trouble = type(platform.world.trouble)()
    work(lines[0])

    with pytest.raises(BatchFileError, match="1 permanent numbers were taken for a file of this name"):
        work(*lines)

    assert [each.number for each in numbers.taken("default")] == [1]


@pytest.mark.parametrize("calls", [1, 9])
def test_line_whose_number_was_given_back_gets_another_one(
    platform: Any, numbers: Numbers, work: Work, calls: int
) -> None:
    lines = [f"{NEXT}A", f"{NEXT}B"]
    platform.world.rules = Rules(code_calls_a_day=calls)
    begin(work, lines, calls=calls)
    numbers.release("default", 1, 0)
    numbers.take("default", "channel:spring", "spring", 1)
    more_calls(platform)

    assert work(*lines) == {"A": "3", "B": "2"}
    assert numbers.taken("default")[0].owner == "channel:spring"


def test_line_whose_number_rests_gets_another_one(numbers: Numbers, work: Work) -> None:
    work(f"{NEXT}A", f"{NEXT}B", at_once=1)
    numbers.release("default", 2, 180)

    assert work(f"{NEXT}A", f"{NEXT}B") == {"A": "1", "B": "3"}


def test_line_with_two_numbers_keeps_the_one_that_was_printed(numbers: Numbers, work: Work) -> None:
    printed = work(f"{NEXT}A", f"{NEXT}B", at_once=1)
    owner = numbers.taken("default")[0].owner
    more = [numbers.take("default", owner, f"line {line} of tables.csv: C").number for line in (2, 3)]

    assert (printed, more) == ({"A": "1", "B": "2"}, [3, 4])
    assert work(f"{NEXT}A", f"{NEXT}B", at_once=1) == printed
    numbers.release("default", 1)
    assert work(f"{NEXT}A", f"{NEXT}B", at_once=1) == {"A": "3", "B": "2"}


@pytest.mark.parametrize("has_past", [True, False])
def test_number_that_was_printed_stays_taken_though_no_line_is_done_again(
    platform: Any, numbers: Numbers, work: Work, has_past: bool
) -> None:
    if has_past:
        numbers.take("default", "spring", "posters", 1)
        platform.minter.mint(1, expires_in=None)
        platform.pass_time(60)
        numbers.release("default", 1, 0)
    work("promo,text,no,A", "1,number,yes,B")
    platform.pass_time(604_801)
    refuse_calls(platform)

    with pytest.raises(BatchStoppedError, match="0 of 2"):
        work("promo,text,no,A", "1,number,yes,B", at_once=1)

    assert [each.owner.split()[0] for each in numbers.taken("default")] == ["batch"]


@pytest.mark.parametrize("outcome", ["minted", "unknown"])
def test_number_whose_code_came_since_it_was_taken_stays_taken(
    platform: Any, numbers: Numbers, outcome: str
) -> None:
    for owner in ("spring", "summer"):
        platform.pass_time(60)
        numbers.take("default", owner, "posters", 1)
        if owner == "spring":
            numbers.release("default", 1, 0)
    if outcome == "minted":
        platform.minter.mint(1, expires_in=None)
    else:
        mint_without_an_answer(platform, 1)

    assert numbers.undo("default", "summer", 1) == {1}
