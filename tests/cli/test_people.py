"""`wxbot followers` and `wxbot forget`: one person, shown, exported and forgotten."""

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, insert, select

from wxbot.admin.trail import Trail
from wxbot.bindings.bindings import Bindings
from wxbot.cli import cli
from wxbot.db import migrate
from wxbot.db.business import follower_tags
from wxbot.db.engine import open_engine
from wxbot.db.models import followers
from wxbot.events.spool import Spool
from wxbot.events.spooled import Spooled
from wxbot.followers import person

CHEN = "oChen0123456789abcdef0123456"
DIGEST = person("default", CHEN).hex()


@pytest.fixture
def engine(configured: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Return the configured database, with the project as the working directory."""
    monkeypatch.chdir(configured.folder)
    url = f"sqlite:///{configured.folder / 'var' / 'wxbot.db'}"
    migrate.upgrade(url)
    engine = open_engine(url, connections=2)
    yield engine
    engine.dispose()


@pytest.fixture
def chen(engine: Engine) -> Engine:
    """Let Chen follow and be bound, and others follow."""
    with engine.begin() as connection:
        for number, openid in enumerate((CHEN, "oAilin", "oBo")):
            row = {"account": "default", "person": person("default", openid), "openid": openid}
            times = {"first_seen_at": number, "followed_at": number, "follows": 1 + number}
            scenes = {"first_scene": "vip", "last_scene": f"shop:{number}", "last_scanned_at": number}
            connection.execute(insert(followers).values(**row, **times, **scenes))
        tag = {"account": "default", "person": person("default", CHEN), "tag": "会员", "tagged_at": 1}
        connection.execute(insert(follower_tags).values(tag))
    Bindings(engine).bind("default", "user-7", CHEN)
    return engine


Wxbot = Callable[..., Result]


@pytest.fixture
def wxbot() -> Wxbot:
    """Return what runs a command in this process."""

    def run(*arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(cli, arguments, input=typed)

    return run


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(select(followers)).all())


def test_list_shows_people_without_their_openids(chen: Engine, wxbot: Wxbot) -> None:
    shown = wxbot("followers", "list")

    assert shown.exit_code == 0
    assert DIGEST[:8] in shown.output and "shop:2" in shown.output
    assert "1 new, 2 returning, 0 existing, 0 left" in shown.output
    assert CHEN not in shown.output


def test_list_shows_those_who_stand_so(chen: Engine, wxbot: Wxbot) -> None:
    told = json.loads(wxbot("followers", "list", "--state", "new", "--json").stdout)

    assert [each["person"] for each in told["people"]] == [DIGEST]
    assert told["counts"] == {"new": 1, "returning": 2, "existing": 0, "left": 0}


@pytest.mark.parametrize("given", [CHEN, DIGEST, DIGEST[:8]], ids=["openid", "digest", "beginning"])
def test_show_tells_what_is_known_of_a_person(chen: Engine, wxbot: Wxbot, given: str) -> None:
    told = json.loads(wxbot("followers", "show", given, "--json").stdout)

    assert (told["state"], told["tags"], told["last_scene"]) == ("new", ["会员"], "shop:0")
    assert "openid" not in told


def test_person_may_be_named_on_the_standard_input(chen: Engine, wxbot: Wxbot) -> None:
    shown = wxbot("followers", "show", typed=f"{CHEN}\n")

    assert shown.exit_code == 0
    assert "会员" in shown.output


def test_export_is_a_file_for_its_owner_alone(chen: Engine, wxbot: Wxbot, tmp_path: Path) -> None:
    file = tmp_path / "chen.json"

    assert wxbot("followers", "export", str(file), CHEN).exit_code == 0

    told = json.loads(file.read_text())
    assert set(told["tables"]) == {"followers", "follower_tags", "bindings"}
    assert told["tables"]["bindings"][0]["site_user"] == "user-7"
    assert told["tables"]["followers"][0]["followed_at"] == "1970-01-01T00:00:00Z"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_export_takes_the_place_of_a_file_that_others_may_read(
    chen: Engine, wxbot: Wxbot, tmp_path: Path
) -> None:
    file = tmp_path / "chen.json"
    file.write_text("{}")
    file.chmod(0o644)

    assert wxbot("followers", "export", str(file), CHEN).exit_code == 0

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text(encoding="utf-8"))["tables"]


def test_export_that_finds_no_room_leaves_nothing_behind(
    chen: Engine, wxbot: Wxbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)

    said = wxbot("followers", "export", str(tmp_path / "chen.json"), CHEN)

    assert said.exit_code == 1
    assert said.stderr == f"wxbot: {tmp_path}/chen.json cannot be written: No space left on device\n"
    assert not list(tmp_path.glob("chen*"))


def test_export_into_a_folder_that_is_not_there_is_told(chen: Engine, wxbot: Wxbot, tmp_path: Path) -> None:
    said = wxbot("followers", "export", str(tmp_path / "none" / "chen.json"), CHEN)

    assert said.exit_code == 1
    assert said.stderr == f"wxbot: {tmp_path}/none/chen.json cannot be written: No such file or directory\n"


@pytest.mark.parametrize("is_link", [False, True])
def test_export_takes_no_place_of_what_is_no_file(
    chen: Engine, wxbot: Wxbot, tmp_path: Path, is_link: bool
) -> None:
    file = tmp_path / "pipe"
    os.mkfifo(file)
    if is_link:
        file = tmp_path / "link"
        file.symlink_to(tmp_path / "pipe")

    said = wxbot("followers", "export", str(file), CHEN)

    assert said.exit_code == 1 and "is no plain file" in said.stderr
    assert stat.S_ISFIFO(file.stat().st_mode)


def test_export_may_go_to_the_standard_output(chen: Engine, wxbot: Wxbot) -> None:
    told = json.loads(wxbot("followers", "export", "-", CHEN).stdout)

    assert (told["account"], told["person"]) == ("default", DIGEST)


def test_forget_says_what_it_took_away(chen: Engine, wxbot: Wxbot) -> None:
    told = wxbot("forget", CHEN, "--yes", "--json")

    assert told.exit_code == 0
    removed = {"followers": 1, "follower_tags": 1, "bindings": 1}
    assert json.loads(told.stdout) == {"account": "default", "removed": removed, "left": {}}
    assert count(chen) == 2
    assert CHEN.encode() not in dump(chen)


def dump(engine: Engine) -> bytes:
    """Return the file, as whoever has it can read it."""
    file = Path(str(engine.url.database))
    return b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))


@pytest.mark.parametrize(("typed", "left"), [("y\n", 2), ("n\n", 3), ("", 3)], ids=["yes", "no", "end"])
def test_forget_asks_before_it_does(chen: Engine, wxbot: Wxbot, typed: str, left: int) -> None:
    result = wxbot("forget", DIGEST[:8], typed=typed)

    assert count(chen) == left
    assert result.exit_code == (0 if left == 2 else 1)
    assert CHEN not in result.output


def test_forget_is_in_the_audit_log_without_saying_who_it_was(chen: Engine, wxbot: Wxbot) -> None:
    assert wxbot("forget", CHEN, "--yes").exit_code == 0

    [entry] = Trail(chen).newest(5)
    assert (entry.name, entry.action, entry.subject) == ("wxbot", "follower.forget", "")
    assert entry.account == "default"
    assert dict(entry.detail) == {"rows": 3, "left": 0}


def test_forget_cannot_ask_where_the_openid_is_piped(chen: Engine, wxbot: Wxbot) -> None:
    refused = wxbot("forget", typed=f"{CHEN}\n")
    done = wxbot("forget", "-", "--yes", typed=f"{CHEN}\n")

    assert (refused.exit_code, done.exit_code) == (2, 0)
    assert "--yes" in refused.output
    assert count(chen) == 2


@pytest.mark.parametrize(
    "command", [("forget", "--yes"), ("followers", "show"), ("followers", "export", "-")]
)
def test_somebody_unknown_is_refused_and_not_repeated(
    chen: Engine, wxbot: Wxbot, command: tuple[str, ...]
) -> None:
    result = wxbot(*command, "oNobody")

    assert result.exit_code == 1
    assert "this person" in result.output and "oNobody" not in result.output


@pytest.mark.parametrize("given", ["ffffffff", "o nobody", DIGEST[:7]])
def test_what_names_nobody_is_refused(chen: Engine, wxbot: Wxbot, given: str) -> None:
    assert wxbot("forget", "--yes", given).exit_code == 1
    assert count(chen) == 3


def test_account_that_is_not_there_is_wrong_usage(chen: Engine, wxbot: Wxbot) -> None:
    assert wxbot("forget", CHEN, "--yes", "--account", "other").exit_code == 2


def test_what_still_names_the_person_is_a_failure(chen: Engine, wxbot: Wxbot) -> None:
    with chen.begin() as connection:
        row = {"account": "default", "name": "p", "title": f"of {CHEN}", "created_at": 1, "changed_at": 1}
        connection.execute(insert(followers.metadata.tables["promoters"]).values(row))

    result = wxbot("forget", CHEN, "--yes")

    assert result.exit_code == 1
    assert "promoters.title (1)" in result.output


def test_event_in_the_spool_is_told_of(chen: Engine, wxbot: Wxbot) -> None:
    body = f"<xml><FromUserName>{CHEN}</FromUserName></xml>".encode()
    spool = Spool(Path("var/spool"))
    spool.check()
    spool.append(Spooled(account="default", body=body, arrived_at=1))

    result = wxbot("forget", CHEN, "--yes")

    assert result.exit_code == 0
    assert "current.jsonl holds 1 events" in result.output
