"""The login to the dashboard of `wxbot dev`: a user with a password that is made once for each `var/`."""

import os
import secrets
from pathlib import Path

from wxbot.admin.roles import Role
from wxbot.admin.users import UserError, Users
from wxbot.cli.dev.setup import DATABASE, DATABASE_URL
from wxbot.cli.output import Failure
from wxbot.db.engine import open_engine

NAME = "dev"
_FILE = DATABASE.with_name("dev-login.txt")


def dev_password(file: Path = _FILE) -> str:
    """Return the password, made with its file where there is none; readable by nobody else."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text(encoding="utf-8").strip()
    # Hexadecimal has no v, so that the name cannot stand in it: such a password is refused.
    password = secrets.token_hex(8)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(f"{password}\n")
    return password


def offer_login(password: str) -> None:
    """Let the user in with this password, whatever became of them; the bot must have made its database.

    Failure for a password that users may not have, which somebody wrote into the file.
    """
    engine = open_engine(DATABASE_URL, connections=1)
    try:
        users = Users(engine)
        try:
            users.create(NAME, password=password, role=Role.OWNER)
        except UserError as error:
            if error.reason != "name_taken":
                raise Failure(f"{_FILE}: {error}; delete the file, and one is made") from None
            if users.verify(NAME, password) is None:
                users.enable(NAME)
                users.set_password(NAME, password)
            users.set_role(NAME, Role.OWNER)
    finally:
        engine.dispose()
