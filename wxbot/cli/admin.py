"""`wxbot admin`: who may use the dashboard."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.configuration import load_settings
from wxbot.cli.opened import migrated_records
from wxbot.cli.output import json_option, print_json, print_table, timestamp

if TYPE_CHECKING:
    from wxbot.admin.trail import Trail
    from wxbot.admin.users import User, Users

_ROLES = click.Choice(("owner", "operator", "viewer"))
_file_option: Callable[[Any], Any] = click.option(
    "--password-file",
    type=click.File("r", encoding="utf-8"),
    help="File whose first line is the password; - is the standard input.  [default: asks]",
)


@dataclass(frozen=True)
class Desk:
    """What the commands work with."""

    users: "Users"
    trail: "Trail"

    def note(self, action: str, user: "User", **detail: str) -> None:
        """Write a change into the audit log."""
        self.trail.add(action, user.name, user=None, account=None, **detail)


@click.group()
def admin() -> None:
    """Say who may use the dashboard."""


@admin.command()
@click.argument("name")
@click.option("--role", type=_ROLES, default="owner", show_default=True, help="What the user may do.")
@_file_option
@json_option
def create(name: str, *, role: str, password_file: Any, as_json: bool) -> None:
    """Make a user of the dashboard, who logs in with NAME and a password.

    The password is asked for, or read from a file: never an argument, which others on the machine could see.
    """
    from wxbot.admin.roles import Role

    password = _password(password_file)
    with _desk() as desk:
        user = desk.users.create(name, password=password, role=Role(role))
        desk.note("user.create", user, role=role)
    _told(user, f"{user.name} may log in at /admin/ as {role}.", as_json)


@admin.command(name="list")
@json_option
def list_users(*, as_json: bool) -> None:
    """List the users, disabled ones as well."""
    with _desk() as desk:
        found = desk.users.all()
    if as_json:
        print_json([_as_data(user) for user in found])
    elif found:
        print_table(("name", "role", "created", "last login", "disabled"), [_as_line(user) for user in found])
    else:
        click.echo("There are no users. Make one with: wxbot admin create NAME")


@admin.command()
@click.argument("name")
@_file_option
@json_option
def password(name: str, *, password_file: Any, as_json: bool) -> None:
    """Give a user another password, and log them out everywhere."""
    with _desk() as desk:
        desk.users.find(name)
        user = desk.users.set_password(name, _password(password_file))
        desk.note("user.password", user)
    _told(user, f"{user.name} has a new password, and is logged out everywhere.", as_json)


@admin.command()
@click.argument("name")
@click.argument("role", type=_ROLES)
@json_option
def role(name: str, role: str, *, as_json: bool) -> None:
    """Change what a user may do, from their next request on."""
    from wxbot.admin.roles import Role

    with _desk() as desk:
        before = desk.users.find(name).role
        user = desk.users.set_role(name, Role(role))
        desk.note("user.role", user, before=before, after=role)
    _told(user, f"{user.name} is {role} from now on.", as_json)


@admin.command()
@click.argument("name")
@json_option
def disable(name: str, *, as_json: bool) -> None:
    """Let a user in no more, and log them out everywhere."""
    with _desk() as desk:
        user = desk.users.disable(name)
        desk.note("user.disable", user)
    _told(user, f"{user.name} is logged out, and let in no more.", as_json)


@admin.command()
@click.argument("name")
@json_option
def enable(name: str, *, as_json: bool) -> None:
    """Let a disabled user in again."""
    with _desk() as desk:
        user = desk.users.enable(name)
        desk.note("user.enable", user)
    _told(user, f"{user.name} may log in again.", as_json)


@contextmanager
def _desk() -> Iterator[Desk]:
    """Open the users in the configured database, which is made or migrated as a server would."""
    from wxbot.admin.trail import Trail
    from wxbot.admin.users import Users

    with migrated_records(load_settings()) as engine:
        yield Desk(Users(engine), Trail(engine))


def _password(file: Any) -> str:
    if file is not None:
        return str(file.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for a password: use --password-file FILE, or -")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _told(user: "User", text: str, as_json: bool) -> None:
    if as_json:
        print_json(_as_data(user))
    else:
        click.echo(text)


def _as_data(user: "User") -> dict[str, object]:
    return {
        "name": user.name,
        "role": user.role.value,
        "created_at": timestamp(user.created_at),
        "logged_in_at": timestamp(user.logged_in_at) or None,
        "disabled_at": timestamp(user.disabled_at) or None,
    }


def _as_line(user: "User") -> tuple[str, ...]:
    times = (timestamp(each) for each in (user.created_at, user.logged_in_at, user.disabled_at))
    return (user.name, user.role.value, *times)
