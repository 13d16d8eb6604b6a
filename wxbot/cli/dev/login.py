"""The login to the dashboard of `wxbot dev`: a user with a password that is made once for each `var/`."""

import os
import secrets
from pathlib import Path

from wxbot import settings
from wxbot.admin.roles import Role
from wxbot.admin.users import UserError, Users
from wxbot.cli.dev.setup import DATABASE, Setup
from wxbot.db.engine import open_engine

NAME = "dev"
_FILE = DATABASE.with_name("dev-login.txt")


def dev_password(file: Path = _FILE) -> str:
    """Return the password, made with its file where there is none; readable by nobody else."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text(encoding="utf-8").strip()
    password = secrets.token_urlsafe(9)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(f"{password}\n")
    return password


def offer_login(setup: Setup, password: str) -> None:
    """Let the user in with this password, whatever became of them; the bot must have made its database."""
    configured = settings.load(str(setup.config), env=setup.environment)
    engine = open_engine(configured.database.url.get_secret_value(), connections=1)
    try:
        users = Users(engine)
        try:
            users.create(NAME, password=password, role=Role.OWNER)
        except UserError:
            if users.verify(NAME, password) is None:
                users.enable(NAME)
                users.set_password(NAME, password)
            users.set_role(NAME, Role.OWNER)
    finally:
        engine.dispose()
