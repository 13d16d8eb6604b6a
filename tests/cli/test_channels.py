"""`wxbot channels`: ten shops from a file, their codes, and what is told about them."""

import csv
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, update

from wxbot.analytics.counting import Counting
from wxbot.cli import cli
from wxbot.db.business import channels
from wxbot.db.engine import open_engine
from wxbot.db.models import events
from wxbot.emulator.world import World
from wxbot.qrcodes.numbers import Numbers
from wxbot.settings.model import AnalyticsSettings

SHOPS = """name,title,group,promoter,tag,reply,reply_new,starts,ends
""" + "".join(
    f"shop-{number},{number} 号店,华东,li,{number} 号店,欢迎再来,欢迎关注,2026-01-01,2099-01-01T09:00\n"
    for number in range(1, 11)
)


def run(project: Any, *arguments: str) -> Result:
    """Run a command in this process, which is many times as fast, and in the project's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        return CliRunner().invoke(cli, arguments)


def answer(project: Any, *arguments: str) -> Any:
    """Run a command to its good end and return its JSON."""
    done = run(project, "channels", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def in_china() -> Iterator[None]:
    """Let the clocks of this machine be those of China."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_china")
def test_end_that_has_no_date_here_is_shown_as_the_last_that_has_one(configured: Any) -> None:
    answer(configured, "add", "shop-1")
    engine = open_engine(f"sqlite:///{configured.folder}/var/wxbot.db")
    with engine.begin() as connection:
        connection.execute(update(channels).values(ends_at=253_402_300_799))
    engine.dispose()

    shown = run(configured, "channels", "show", "shop-1")

    assert shown.exit_code == 0
    assert "9999-12-31 07:59:59" in shown.stdout


def test_channel_is_added_changed_archived_restored_and_listed(configured: Any) -> None:
    answer(configured, "promoters", "add", "li")
    options = (
        "--title",
        "一号店",
        "--reply",
        "欢迎",
        "--reply-new",
        "你好",
        "--tag",
        "店",
        "--promoter",
        "li",
    )
    added = answer(configured, "add", "shop-1", *options, "--owner", "王", "--ends", "2099-01-01T00:00Z")
    changed = answer(configured, "change", "shop-1", "--reply-new", "", "--tag", "", "--group", "东")
    archived = answer(configured, "archive", "shop-1")
    listed = answer(configured, "list"), answer(configured, "list", "--archived")
    restored = answer(configured, "restore", "shop-1")

    assert (added["scene"], added["owner"], added["ends_at"]) == ("shop-1", "王", 4_070_908_800)
    assert added["reply_new"] == {"type": "text", "content": "你好"}
    assert (changed["reply_new"], changed["tag"], changed["group"], changed["title"]) == (
        None,
        None,
        "东",
        "一号店",
    )
    assert archived["archived_at"] and restored["archived_at"] is None
    assert (listed[0], [each["name"] for each in listed[1]]) == ([], ["shop-1"])


def test_reply_may_come_from_a_file(configured: Any) -> None:
    news = {"type": "news", "articles": [{"title": "新品", "url": "https://shop.example.com"}]}
    configured.write("news.json", json.dumps(news))
    configured.write("music.json", '{"type": "music", "thumb_media_id": "m"}')

    added = answer(configured, "add", "shop-1", "--reply-file", "news.json")
    refused = run(configured, "channels", "add", "shop-2", "--reply-file", "music.json")
    both = run(configured, "channels", "add", "shop-2", "--reply-file", "news.json", "--reply", "x")

    assert added["reply"]["articles"][0]["title"] == "新品"
    assert (refused.exit_code, both.exit_code) == (1, 2)
    assert "a channel replies with a text, an image or news" in refused.stderr


def test_all_faults_of_a_channel_are_told(configured: Any) -> None:
    done = run(configured, "channels", "add", "店", "--tag", "字" * 31)
    wrong = run(configured, "channels", "add", "shop", "--tag", "字" * 31, "--promoter", "nobody")
    date = run(configured, "channels", "add", "shop", "--starts", "tomorrow")

    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "name: '店' cannot be a name" in done.stderr
    assert "tag: has 31 characters" in wrong.stderr and "promoter: there is no promoter" in wrong.stderr
    assert date.exit_code == 2 and "'tomorrow' is not a date" in date.stderr


def test_ten_shops_come_from_a_file(configured: Any) -> None:
    configured.write("shops.csv", SHOPS)
    without = run(configured, "channels", "import", "shops.csv")
    answer(configured, "promoters", "add", "li", "--title", "李推广", "--target", "100")

    made = answer(configured, "import", "shops.csv")

    assert without.exit_code == 1 and "line 11: promoter: there is no promoter 'li'" in without.stderr
    assert len(made) == 10 and made[9]["title"] == "10 号店"
    listed = run(configured, "channels", "list", "--group", "华东").stdout
    assert listed.count("\n") == 11 and "live" in listed
    (li,) = answer(configured, "promoters", "list")
    assert (li["channels"], li["target"], li["reached"]) == (10, 100, 0.0)


def test_file_with_faults_makes_nothing_and_names_them_all(configured: Any) -> None:
    answer(configured, "add", "there")
    configured.write(
        "bad.csv",
        "name,scene,number,tag,starts\n"
        "good,,,,\n店,,,,\nthere,,,,\nlong,,,"
        + "字" * 31
        + ",\ngood,,,,\nother,good,,,\nwhen,,,,soon\nnumber,,maybe,,\nmore,,,,,,\n",
    )

    done = run(configured, "channels", "import", "bad.csv")
    column = configured.write("column.csv", "name,colour\n")

    assert done.exit_code == 1
    for line in range(3, 11):
        assert f"bad.csv: line {line}: " in done.stderr
    assert "line 2: " not in done.stderr
    assert [each["name"] for each in answer(configured, "list")] == ["there"]
    assert "no column 'colour'" in run(configured, "channels", "import", column.name).stderr


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("name,title\nshop-1,东门店\nshop-2,x\n".encode("gbk"), "line 2: the file is not UTF-8; save it as"),
        (b'name,title\nshop-1,x\nshop-2,"y\n', "line 3: unexpected end of data"),
        (b'name,"title\n', "line 1: unexpected end of data"),
    ],
)
def test_file_that_is_no_csv_of_utf8_is_a_fault_with_its_line(
    configured: Any, content: bytes, fault: str
) -> None:
    (configured.folder / "shops.csv").write_bytes(content)

    done = run(configured, "channels", "import", "shops.csv")

    assert done.exit_code == 1 and f"shops.csv: {fault}" in done.stderr
    assert "nothing was made" in done.stderr and answer(configured, "list") == []


def test_number_that_a_later_line_names_is_not_taken_by_an_earlier_one(configured: Any) -> None:
    configured.write("shops.csv", "name,scene,number\na,,yes\nb,1,\n")

    made = answer(configured, "import", "shops.csv")

    assert [(each["name"], each["scene"]) for each in made] == [("a", "2"), ("b", "1")]


def test_import_may_change_what_is_there(configured: Any) -> None:
    answer(configured, "add", "shop-1", "--tag", "旧", "--reply", "你好")
    configured.write("shops.csv", "name,tag,title,number\nshop-1,新,,\nshop-2,,二号店,yes\n")
    configured.write("scene.csv", "name,scene\nshop-1,other\n")

    first, second = answer(configured, "import", "shops.csv", "--update")
    again = run(configured, "channels", "import", "shops.csv", "--update")
    scene = run(configured, "channels", "import", "scene.csv", "--update")

    assert (first["tag"], first["reply"]["content"], second["scene"]) == ("新", "你好", "1")
    assert again.stdout == "0 channels were made, 2 changed.\n"
    assert "that of 'shop-1' is 'shop-1', and cannot be changed" in scene.stderr


def test_codes_are_minted_shown_and_drawn(project: Any, world: World) -> None:
    answer(project, "add", "shop-1", "--title", "一号店")
    answer(project, "add", "shop-2", "--number")

    living = answer(project, "code", "shop-1")
    permanent = answer(project, "code", "shop-2", "--permanent", "--save", "shop.svg")
    drawn = answer(project, "codes", "out", "--images", "svg")
    again = answer(project, "codes", "out", "--images", "svg")
    page = run(project, "qr", "sheet", "out/codes.csv", "sheet.html")

    assert (living["image"], living["scene"]) == ("https://bot.example.com/q/shop-1.png", "shop-1")
    assert (permanent["scene"], permanent["is_integer"], permanent["is_permanent"]) == ("1", True, True)
    assert permanent["image"] is None and (project.folder / "shop.svg").read_text().startswith("<svg")
    assert drawn == again == {"codes": 2, "file": "out/codes.csv"}
    with (project.folder / "out" / "codes.csv").open(encoding="utf-8-sig") as written:
        rows = list(csv.DictReader(written))
    assert [(row["scene"], row["caption"], row["image"]) for row in rows] == [
        ("shop-1", "一号店", "shop-1.svg"),
        ("1", "shop-2", "shop-2.svg"),
    ]
    assert page.exit_code == 0 and "一号店" in (project.folder / "sheet.html").read_text()
    kinds = sorted(code.kind for code in world.codes.minted.values())
    assert kinds == ["QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE", "QR_STR_SCENE"]


def test_list_of_codes_that_cannot_be_written_is_told(project: Any, world: World) -> None:
    answer(project, "add", "shop-1")
    (project.folder / "out" / "codes.csv").mkdir(parents=True)

    done = run(project, "channels", "codes", "out", "--images", "none")

    assert done.exit_code == 1 and done.stderr == "wxbot: out/codes.csv cannot be written: Is a directory\n"
    assert [path.name for path in (project.folder / "out").iterdir()] == ["codes.csv"]


def test_one_channel_without_a_code_does_not_keep_the_others_from_theirs(project: Any, world: World) -> None:
    answer(project, "add", "shop-1")
    answer(project, "add", "shop-2", "--scene", "7")
    answer(project, "add", "shop-3")
    engine = open_engine(f"sqlite:///{project.folder}/var/wxbot.db")
    Numbers(engine).release("default", 7)
    engine.dispose()

    done = run(project, "channels", "codes", "out")

    assert done.exit_code == 1 and done.stdout == "2 codes: out/codes.csv\n"
    assert "shop-2: the permanent number 7 rests until" in done.stderr
    assert "1 of 3 channels have no code" in done.stderr
    with (project.folder / "out" / "codes.csv").open(encoding="utf-8-sig") as written:
        assert [row["channel"] for row in csv.DictReader(written)] == ["shop-1", "shop-3"]


def test_address_that_shows_another_scene_is_not_taken_away(project: Any, world: World) -> None:
    run(project, "qr", "living", "shop-1", "elsewhere")
    answer(project, "add", "shop-1")

    taken = run(project, "channels", "code", "shop-1")
    other = answer(project, "code", "shop-1", "--as", "window")

    assert taken.exit_code == 1 and "choose another name, with --as" in taken.stderr
    assert other["image"].endswith("/q/window.png")


def test_progress_of_a_promoter_is_shown(configured: Any) -> None:
    answer(configured, "promoters", "add", "li", "--target", "4")
    answer(configured, "add", "shop-1", "--promoter", "li")
    engine = open_engine(f"sqlite:///{configured.folder}/var/wxbot.db")
    with engine.begin() as connection:
        row = {"account": "default", "scene": "shop-1", "state": "done", "run": b"r" * 16, "reply": "{}"}
        for number in range(3):
            at = 1_700_000_000 + number * 86_400
            row |= {"person": bytes([number] * 16), "created_at": at, "recorded_at": at}
            for kind in ("subscribe" if number else "scan", "scan"):
                at += 60
                row |= {"key": f"{at:016}".encode(), "kind": kind, "created_at": at}
                connection.execute(insert(events).values(row))
    Counting(engine, AnalyticsSettings(), rest=0).count_all()
    engine.dispose()

    shown = answer(configured, "promoters", "show", "li")
    later = answer(configured, "promoters", "show", "li", "--since", "2023-11-17")
    changed = answer(configured, "promoters", "change", "li", "--target", "0", "--title", "李")

    assert shown["figures"] == {"scanners": 3, "new": 2, "gone": 0, "scans": 6}
    assert shown["of_channels"] == {"shop-1": shown["figures"]}
    assert (shown["reached"], later["figures"]["new"]) == (0.5, 1)
    assert (changed["target"], changed["reached"], changed["title"]) == (None, None, "李")
    assert "50%" not in run(configured, "channels", "promoters", "list").stdout
    assert answer(configured, "promoters", "archive", "li")["archived_at"]
    assert answer(configured, "promoters", "restore", "li")["archived_at"] is None
    assert "shop-1" in run(configured, "channels", "show", "shop-1").stdout


def test_routes_and_explain_know_channels(configured: Any) -> None:
    answer(configured, "add", "window", "--reply", "橱窗")
    answer(configured, "add", "vip", "--reply", "贵宾")
    answer(configured, "add", "soon", "--reply", "快了", "--starts", "2098-01-01")
    answer(configured, "add", "closed", "--reply", "再见")
    answer(configured, "archive", "closed")

    routes = json.loads(configured.run("routes", "--json").stdout)
    by_channel = json.loads(configured.run("explain", "window", "--json").stdout)
    by_handler = json.loads(configured.run("explain", "vip", "--json").stdout)
    by_nobody = configured.run("explain", "soon").stdout
    by_archived = configured.run("explain", "closed").stdout

    kinds = [each["kind"] for each in routes]
    assert kinds == ["exact", "pattern", "channel", "channel", "channel", "click"]
    assert routes[4] == {
        "kind": "channel",
        "rule": "window",
        "when": None,
        "handler": "channels.window",
        "plugin": "channels",
        "location": "wxbot channels show window",
    }
    assert (by_channel["winner"], by_channel["is_matched"], by_channel["suggestion"]) == (
        "channels.window",
        True,
        "",
    )
    assert by_handler["winner"] == "shop.vip"
    assert "counts; a handler's rule answers" in [each["reason"] for each in by_handler["candidates"]]
    assert "has not begun" in by_nobody and "answered by nobody" in by_nobody
    assert "is archived" in by_archived and "answered by nobody" in by_archived
