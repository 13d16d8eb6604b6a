"""`wxbot admin`: users of the dashboard, whose passwords are never arguments."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from wxbot.admin.roles import Role
from wxbot.admin.trail import Trail
from wxbot.admin.users import User, Users
from wxbot.cli import cli
from wxbot.db.engine import open_engine

PASSWORD = "two words and a tree"


@pytest.fixture
def database(configured: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the configured database will be, with the project as the working directory."""
    monkeypatch.chdir(configured.folder)
    return configured.folder / "var" / "wxbot.db"


def admin(*arguments: str, typed: str = f"{PASSWORD}\n") -> Result:
    return CliRunner().invoke(cli, ["admin", *arguments], input=typed)


def create(name: str, *more: str) -> Result:
    return admin("create", name, "--password-file", "-", *more)


def verified(database: Path, name: str, password: str = PASSWORD) -> User | None:
    engine = open_engine(f"sqlite:///{database}", connections=1)
    try:
        proof = Users(engine).verify(name, password)
        return None if proof is None else proof.user
    finally:
        engine.dispose()


def test_a_user_that_was_made_can_log_in(database: Path) -> None:
    result = create("Ailin", "--role", "operator")

    assert result.exit_code == 0
    user = verified(database, "ailin")
    assert user is not None and (user.name, user.role) == ("ailin", Role.OPERATOR)
    assert PASSWORD not in result.output and PASSWORD.encode() not in database.read_bytes()


def test_a_password_is_read_from_the_first_line_of_a_file(database: Path, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\r\nand what follows\n")

    assert admin("create", "ailin", "--password-file", str(file)).exit_code == 0

    assert verified(database, "ailin")


def test_without_a_terminal_a_password_has_to_come_from_a_file(database: Path) -> None:
    result = admin("create", "ailin")

    assert result.exit_code == 2
    assert "--password-file" in result.stderr


@pytest.mark.parametrize(
    ("name", "password", "told"),
    [
        ("ailin", "short", "at least 10"),
        ("ailin", "x" * 300, "at most 256"),
        ("ailin", "aaaaaaaaaaaa", "easy"),
        ("ailin", "ailin ailin ailin", "easy"),
        ("", PASSWORD, "1 to 64"),
        ("two words", PASSWORD, "1 to 64"),
        ("n" * 65, PASSWORD, "1 to 64"),
    ],
)
def test_what_cannot_be_a_user_is_refused(database: Path, name: str, password: str, told: str) -> None:
    result = admin("create", name, "--password-file", "-", typed=f"{password}\n")

    assert result.exit_code == 1
    assert told in result.stderr and "Traceback" not in result.output


def test_two_spellings_of_a_name_are_one_user(database: Path) -> None:
    create("Ａilin")

    assert create("AILIN").exit_code == 1

    assert [each["name"] for each in json.loads(admin("list", "--json").stdout)] == ["ailin"]


def test_users_are_changed_and_the_audit_log_says_so(database: Path) -> None:
    create("ailin")
    create("bo", "--role", "viewer")
    other = "another tree and words"

    assert admin("password", "bo", "--password-file", "-", typed=other).exit_code == 0
    assert json.loads(admin("role", "bo", "owner", "--json").stdout)["role"] == "owner"
    assert admin("disable", "ailin").exit_code == 0

    assert verified(database, "bo") is None and verified(database, "bo", other)
    assert verified(database, "ailin") is None
    assert admin("enable", "ailin").exit_code == 0
    assert verified(database, "ailin")
    engine = open_engine(f"sqlite:///{database}", connections=1)
    entries = Trail(engine).newest(20)
    engine.dispose()
    assert [(each.action, each.subject) for each in reversed(entries)] == [
        ("user.create", "ailin"),
        ("user.create", "bo"),
        ("user.password", "bo"),
        ("user.role", "bo"),
        ("user.disable", "ailin"),
        ("user.enable", "ailin"),
    ]
    assert {each.name for each in entries} == {"wxbot"}
    assert PASSWORD not in str(entries) and other not in str(entries)


@pytest.mark.parametrize("command", [("disable", "ailin"), ("role", "ailin", "viewer")])
def test_the_only_owner_stays_one(database: Path, command: tuple[str, ...]) -> None:
    create("ailin")
    create("bo", "--role", "operator")

    result = admin(*command)

    assert result.exit_code == 1
    assert "only owner" in result.stderr
    assert verified(database, "ailin")


def test_an_unknown_user_is_named(database: Path) -> None:
    for command in (
        ("password", "chen", "--password-file", "-"),
        ("role", "chen", "viewer"),
        ("disable", "chen"),
    ):
        result = admin(*command)

        assert result.exit_code == 1
        assert "no user 'chen'" in result.stderr


def test_list_of_nothing_says_how_to_begin(database: Path) -> None:
    assert "wxbot admin create NAME" in admin("list").stdout
    assert json.loads(admin("list", "--json").stdout) == []
