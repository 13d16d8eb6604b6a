"""What the command line says before it does anything."""

import subprocess
import sys

from click.testing import CliRunner

from wxbot.cli import cli


def test_help_lists_the_commands_in_the_order_of_their_use() -> None:
    result = CliRunner().invoke(cli, ["--help"], prog_name="wxbot")

    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.output.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    assert listed == [
        "dev",
        "new",
        "serve",
        "worker",
        "emulator",
        "simulate",
        "routes",
        "explain",
        "check",
        "doctor",
        "qr",
        "channels",
        "stats",
        "menu",
        "events",
        "followers",
        "forget",
        "jobs",
        "webhooks",
        "admin",
        "api-key",
        "db",
    ]


def test_version_names_the_program() -> None:
    result = CliRunner().invoke(cli, ["--version"], prog_name="wxbot")

    assert result.output.startswith("wxbot, version ")


def test_unknown_command_is_wrong_usage() -> None:
    assert CliRunner().invoke(cli, ["fly"], prog_name="wxbot").exit_code == 2


def test_help_loads_nothing_heavy() -> None:
    heavy = {"flask", "sqlalchemy", "pydantic", "requests", "rich", "alembic", "watchfiles", "PIL"}

    code = f"import sys, wxbot.cli; print(sorted({heavy!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert loaded.stdout == "[]\n"
