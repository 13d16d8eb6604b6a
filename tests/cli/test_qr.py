"""`wxbot qr` mints at the emulator, keeps what it minted, and prints it."""

import csv
import json
import re
import sqlite3
import zipfile
from contextlib import closing
from typing import Any

import pytest

from wxbot.cli.output import moment
from wxbot.emulator.rules import Trouble
from wxbot.emulator.world import World

QUICKLY = ("--images", "none", "--per-minute", "60000")


def scenes(project: Any) -> dict[str, str]:
    """Return the scenes in the list of the batch tables.csv, by their captions."""
    with (project.folder / "tables" / "codes.csv").open(encoding="utf-8-sig") as written:
        return {row["caption"]: row["scene"] for row in csv.DictReader(written)}


def answer(project: Any, *arguments: str) -> Any:
    """Run a command to its good end and return its JSON."""
    done = project.run("qr", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_code_is_minted_shown_renewed_and_listed(project: Any, world: World) -> None:
    minted = answer(project, "mint", "shop:12")
    shown = answer(project, "show", "shop:12", "--save", "shop.png")
    renewed = answer(project, "renew", "shop:12")
    listed = answer(project, "list")

    assert shown == minted
    assert renewed["ticket"] != minted["ticket"]
    assert listed == [renewed]
    assert (project.folder / "shop.png").read_bytes().startswith(b"\x89PNG")
    assert len(world.codes.minted) == 2


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("100",), "QR_SCENE"),
        (("abcd",), "QR_STR_SCENE"),
        (("111", "--permanent"), "QR_LIMIT_SCENE"),
        (("haha", "--permanent"), "QR_LIMIT_STR_SCENE"),
        (("100", "--type", "text"), "QR_STR_SCENE"),
    ],
)
def test_options_choose_the_kind(project: Any, world: World, arguments: tuple[str, ...], kind: str) -> None:
    answer(project, "mint", *arguments)

    assert [code.kind for code in world.codes.minted.values()] == [kind]


def test_code_is_told_with_the_time_of_its_first_minting(project: Any, world: World) -> None:
    minted = answer(project, "mint", "shop:12")

    told = project.run("qr", "renew", "shop:12").stdout

    [first] = re.findall(r"^first minted +(.+)$", told, re.MULTILINE)
    assert first == moment(minted["created_at"])
    assert minted["ticket"] not in told


def test_a_scene_that_cannot_be_is_explained_on_one_line(project: Any, world: World) -> None:
    done = project.run("qr", "mint", "订单")

    assert done.returncode == 1
    assert done.stderr.startswith("wxbot: the scene holds '订单'")
    assert done.stderr.count("\n") == 1
    assert not world.codes.minted


def test_numbers_are_taken_metered_and_given_back(project: Any, world: World) -> None:
    taken = answer(project, "numbers", "--take", "shop", "--purpose", "front door")
    released = answer(project, "release", taken["scene"], "--quarantine-days", "30")
    meter = answer(project, "numbers", "--history", taken["scene"])

    assert (taken["scene"], taken["is_permanent"]) == ("1", True)
    assert released["purpose"] == "front door"
    assert (meter["taken"], meter["quarantined"], meter["free"]) == (0, 1, 99_999)
    assert [each["owner"] for each in meter["numbers"]] == ["shop"]


@pytest.mark.parametrize(
    ("file", "fault"),
    [("missing/x.png", "there is no folder 'missing'"), ("x.gif", "must end with .png or .svg")],
)
def test_nothing_is_minted_that_could_not_be_saved(project: Any, world: World, file: str, fault: str) -> None:
    project.run("channels", "add", "shop-1")

    minted = project.run("qr", "mint", "shop:12", "--save", file)
    channel = project.run("channels", "code", "shop-1", "--permanent", "--save", file)

    for done in (minted, channel):
        assert done.returncode == 2 and fault in done.stderr
    assert not world.codes.minted


def test_code_is_shown_when_its_picture_cannot_be_written(project: Any, world: World) -> None:
    project.run("channels", "add", "shop-1")
    name = f"{'x' * 300}.png"  # longer than any file's name

    minted = project.run("qr", "mint", "shop:12", "--save", name)
    channel = project.run("channels", "code", "shop-1", "--permanent", "--save", name)

    for done in (minted, channel):
        assert done.returncode == 1 and "http://weixin.qq.com/q/" in done.stdout
        assert f"{name} cannot be written: " in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("fault", "taken"), [("40164", 0), ("45029", 0), ("lost", 1)])
def test_number_is_kept_only_when_its_code_may_exist(
    project: Any, world: World, fault: str, taken: int
) -> None:
    world.trouble = Trouble(api_faults=(f"qrcode/create={fault}",))

    done = project.run("qr", "numbers", "--take", "shop")

    assert done.returncode == 1
    assert ("wxbot qr mint 1 --permanent" in done.stderr) is bool(taken)
    world.trouble = Trouble()
    assert answer(project, "numbers")["taken"] == taken


def test_number_whose_code_was_refused_is_as_fresh_as_before(project: Any, world: World) -> None:
    world.trouble = Trouble(api_faults=("qrcode/create=48001",))
    for _ in range(2):
        assert project.run("qr", "numbers", "--take", "bob").returncode == 1
    world.trouble = Trouble()

    assert answer(project, "numbers", "--take", "shop")["scene"] == "1"
    assert answer(project, "numbers", "--history", "1")["numbers"] == []


def test_number_of_a_channel_is_not_given_back(project: Any, world: World) -> None:
    project.run("channels", "add", "shop-1", "--number")

    done = project.run("qr", "release", "1")

    assert done.returncode == 1
    assert "the number 1 is the scene of the channel 'shop-1'" in done.stderr
    assert answer(project, "numbers")["taken"] == 1


def test_a_living_code_is_named_listed_and_removed(project: Any, world: World) -> None:
    (made,) = answer(project, "living", "door", "shop:12")

    assert (made["path"], made["scene"]) == ("/q/door.png", "shop:12")
    assert answer(project, "living") == [made]
    assert answer(project, "living", "door", "--remove") == []
    assert not world.codes.minted


def test_a_batch_becomes_codes_images_a_sheet_and_a_zip(project: Any, world: World) -> None:
    project.write(
        "shops.csv", "scene,type,permanent,caption\nshop:1,,,一号店\n7,,yes,\n7000,text,,\n,number,yes,x\n"
    )

    done = answer(project, "batch", "shops.csv", "--per-minute", "60000")
    page = project.run("qr", "sheet", "shops/codes.csv", "sheet.html", "--title", "店铺")
    packed = project.run("qr", "sheet", "shops/codes.csv", "codes.zip")

    with (project.folder / "shops" / "codes.csv").open(encoding="utf-8-sig") as written:
        rows = list(csv.DictReader(written))
    assert done["codes"] == 4
    assert [row["scene"] for row in rows[:3]] == ["shop:1", "7", "7000"]
    assert rows[3]["scene"] in ("1", "8")
    assert {code.url for code in world.codes.minted.values()} == {row["url"] for row in rows}
    assert all((project.folder / "shops" / row["image"]).exists() for row in rows)
    assert (page.returncode, packed.returncode) == (0, 0)
    assert "一号店" in (project.folder / "sheet.html").read_text()
    assert len(zipfile.ZipFile(project.folder / "codes.zip").namelist()) == 5


def test_a_caption_is_no_formula_in_the_list_and_itself_on_the_sheet(project: Any, world: World) -> None:
    project.write("shops.csv", "scene,caption\nshop:1,=1+1\nshop:2,'quoted'\n")

    answer(project, "batch", "shops.csv", "--per-minute", "60000", "--images", "none")
    project.run("qr", "sheet", "shops/codes.csv", "sheet.html")

    with (project.folder / "shops" / "codes.csv").open(encoding="utf-8-sig") as written:
        assert [row["caption"] for row in csv.DictReader(written)] == ["'=1+1", "'quoted'"]
    page = (project.folder / "sheet.html").read_text()
    assert "<figcaption>=1+1<" in page and "<figcaption>&#x27;quoted&#x27;<" in page


def test_a_file_with_bad_lines_mints_nothing_and_names_them_all(project: Any, world: World) -> None:
    project.write("bad.csv", "scene,permanent\nok,\n订单,\nok,\n100001,yes\nb,maybe\nc,yes,more\n")

    done = project.run("qr", "batch", "bad.csv")

    assert done.returncode == 1
    for line in (3, 4, 5, 6, 7):
        assert f"bad.csv: line {line}: " in done.stderr
    assert "line 2: " not in done.stderr
    assert not world.codes.minted


def test_an_unknown_column_is_named(project: Any, world: World) -> None:
    project.write("bad.csv", "szene,caption\na,b\n")

    assert "no column `scene`" in project.run("qr", "batch", "bad.csv").stderr
    assert not world.codes.minted


def test_a_batch_stops_at_the_daily_quota_and_goes_on_later(project: Any, world: World) -> None:
    project.write("shops.csv", "scene\n" + "".join(f"shop:{number}\n" for number in range(30)))
    world.rules = type(world.rules)(code_calls_a_day=10)
    stopped = project.run("qr", "batch", "shops.csv", "--images", "none", "--per-minute", "60000")
    world.rules = type(world.rules)()

    answer(project, "batch", "shops.csv", "--images", "none", "--per-minute", "60000")

    assert stopped.returncode == 1
    assert "10 of 30 codes are done" in stopped.stderr
    assert len(world.codes.minted) == 30


def test_a_file_that_was_saved_again_takes_no_new_numbers(project: Any, world: World) -> None:
    project.write("tables.csv", "scene,type,permanent,caption\n,number,yes,桌 1\n,number,yes,桌 2\n")
    answer(project, "batch", "tables.csv", *QUICKLY)
    before = scenes(project)

    project.write("tables.csv", "scene,type,permanent,caption\r\n,number,yes,一号桌\r\n,number,yes,桌 2\r\n")
    answer(project, "batch", "tables.csv", *QUICKLY)

    assert scenes(project) == {"一号桌": before["桌 1"], "桌 2": before["桌 2"]}
    assert answer(project, "numbers")["taken"] == 2


def test_a_file_that_has_other_lines_now_takes_no_numbers(project: Any, world: World) -> None:
    project.write("tables.csv", "scene,type,permanent,caption\n,number,yes,a\n")
    answer(project, "batch", "tables.csv", *QUICKLY)
    project.write("tables.csv", "scene,type,permanent,caption\n,number,yes,a\n,number,yes,b\n")

    refused = project.run("qr", "batch", "tables.csv", *QUICKLY)

    assert refused.returncode == 1
    assert "1 permanent numbers were taken for a file of this name that had other lines" in refused.stderr
    assert answer(project, "numbers")["taken"] == 1


def test_a_code_that_expired_while_a_batch_stood_still_is_made_again(project: Any, world: World) -> None:
    project.write("shops.csv", "scene\nshop:1\nshop:2\n")
    world.rules = type(world.rules)(code_calls_a_day=1)
    project.run("qr", "batch", "shops.csv", "--expires-in", "60", *QUICKLY)
    world.rules = type(world.rules)()
    with closing(sqlite3.connect(project.folder / "var" / "wxbot.db")) as database, database:
        database.execute("UPDATE qrcodes SET expires_at = 1")

    answer(project, "batch", "shops.csv", "--expires-in", "60", *QUICKLY)

    with (project.folder / "shops" / "codes.csv").open(encoding="utf-8-sig") as written:
        assert [int(row["expires_at"]) > 1 for row in csv.DictReader(written)] == [True, True]


def test_the_file_itself_is_not_replaced_by_the_list(project: Any, world: World) -> None:
    project.write("codes.csv", "scene\nshop:1\n")
    project.write("tables", "scene\nshop:1\n")

    replaced = project.run("qr", "batch", "codes.csv", "--out", ".")
    unnamed = project.run("qr", "batch", "tables")

    assert replaced.returncode == 1 and "would be replaced by the list of codes" in replaced.stderr
    assert unnamed.returncode == 2 and "name a folder with --out" in unnamed.stderr
    assert (project.folder / "codes.csv").read_text() == "scene\nshop:1\n" and not world.codes.minted


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("scene,url,caption,expires_at\n店铺,u,c,\n".encode("gbk"), "the file is not UTF-8"),
        (b"scene,url,caption,expires_at\na,u,c,1.79E+09\n", "line 2: expires_at is '1.79E+09'"),
        (b'scene,url,caption,expires_at\na,"u,c,\n', "line 1: unexpected end of data"),
    ],
    ids=["encoding", "rounded", "quote"],
)
def test_a_list_that_a_spreadsheet_has_changed_is_refused_in_words(
    project: Any, content: bytes, said: str
) -> None:
    (project.folder / "codes.csv").write_bytes(content)

    refused = project.run("qr", "sheet", "codes.csv", "sheet.html")

    assert refused.returncode == 1 and said in refused.stderr and "Traceback" not in refused.stderr
    assert not list(project.folder.glob("sheet.html*"))
