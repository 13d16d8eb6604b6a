"""What README and docs show works: Python runs, TOML is a configuration, commands are understood."""

import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from wxbot.cli import cli
from wxbot.settings import describe, from_data

# Commands that are not ours and may stand in an instruction.
FOREIGN = {
    "cd",
    "cp",
    "curl",
    "git",
    "python",
    "python3",
    "gunicorn",
    "systemctl",
    "nginx",
    "docker",
    "pytest",
    "pip",
    "twine",
    "useradd",
    "install",
    "createuser",
    "createdb",
    "chown",
    "cat",
    "tee",
}
KEYS = {(setting.section, setting.key) for setting in describe()}


def blocks(root: Path, *languages: str) -> Iterator[tuple[Path, str]]:
    for page in [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]:
        for _, language, block in re.findall(
            r"^( *)```([^\n]+)\n(.*?)^\1```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
        ):
            if language in languages:
                yield page.relative_to(root), textwrap.dedent(block)


def test_python_runs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # The blocks of one page build on each other, as they do for its reader.
    pages: dict[Path, dict[str, Any]] = {}
    for page, block in blocks(root, "python", "py"):
        exec(compile(block, str(page), "exec"), pages.setdefault(page, {"__name__": "example"}))

    assert pages


def test_toml_is_a_configuration(root: Path) -> None:
    pages = []
    for page, block in blocks(root, "toml"):
        data = tomllib.loads(block)
        # An example shows no secrets that would work.
        data["secret_key"] = "ab12cd34ef56ab78cd90ef12ab34cd56"
        data.pop("secret_key_fallbacks", None)
        accounts = data.setdefault("accounts", {"default": {}}).values()
        for account in accounts:
            account.update(appid="wx0123456789abcdef", token="ab12cd34ef56gh78", aes_key="ab12c" * 8 + "abc")
            account.update({key: [] for key in ("token_fallbacks", "aes_key_fallbacks") if key in account})
        others = [(name, section) for name, section in data.items() if isinstance(section, dict)]
        for name, section in [*others, *(("accounts.default", account) for account in accounts)]:
            for key in [key for key in section if key.endswith("_file")]:
                assert (name, key.removesuffix("_file")) in KEYS
                del section[key]
        from_data({key: value for key, value in data.items() if not key.endswith("_file")})
        pages.append(page)

    assert pages


def commands(block: str) -> Iterator[list[str]]:
    for line in re.split(r"\n| \| ", block.replace("\\\n", " ")):
        words = shlex.split(re.split(r" [<>] ", line)[0], comments=True)
        while words and (words[0] == "sudo" or re.fullmatch(r"[A-Z_]+=.*", words[0])):
            words.pop(0)
            if words[0] == "-u":
                del words[:2]
        if words:
            yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def test_commands_exist(root: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE)
    unknown = []
    for page, block in blocks(root, "bash"):
        for program, *arguments in commands(block):
            if program == "wxbot":
                if fault := misunderstood(arguments):
                    unknown.append(f"{page}: wxbot {shlex.join(arguments)}: {fault}")
            elif program == "make":
                if not arguments or arguments[0] not in targets:
                    unknown.append(f"{page}: make {arguments}")
            elif program not in FOREIGN:
                unknown.append(f"{page}: {program}")

    assert not unknown


def test_commands_that_prose_names_exist(root: Path) -> None:
    """What a sentence or a table names may leave arguments out, but has no word that is not there."""
    named, unknown = 0, []
    # The changelog names what was there at its time.
    pages = {*root.glob("*.md"), *(root / "docs").glob("*.md")} - {root / "CHANGELOG.md"}
    for page in sorted(pages):
        text = re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        lines = re.findall(r"^    (?:\$ )?(wxbot [^\n\[|]+?)(?: [\[|].*)?$", text, re.MULTILINE)
        for command in [*lines, *re.findall(r"`(?:\.venv/bin/)?(wxbot [^`]+)`", text)]:
            named += 1
            words = shlex.split(command.replace("COMMAND", "check").replace("NUMBER", "1"))
            fault = misunderstood(words[1:])
            if fault and not fault.startswith("Missing"):
                unknown.append(f"{page.name}: {command}: {fault}")

    assert named > 300
    assert not unknown


def misunderstood(arguments: list[str]) -> str:
    """Return what is wrong with the arguments of one of our commands; empty if nothing."""
    command: click.Command = cli
    parent = None
    try:
        while True:
            context = command.make_context(command.name, list(arguments), parent)
            if not isinstance(command, click.Group):
                return ""
            rest = [*context._protected_args, *context.args]
            if not rest:
                return ""
            _, found, arguments = command.resolve_command(context, rest)
            assert found is not None
            command, parent = found, context
    except (click.exceptions.Exit, click.exceptions.NoArgsIsHelpError):  # help, or a group by itself
        return ""
    except click.UsageError as error:
        # A file of the reader's is not here.
        return "" if "does not exist" in error.message else error.message
