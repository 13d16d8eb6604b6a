"""Every command is in docs/cli.md with its help, and in the Chinese twin with its options; no other is."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from wxbot.cli import cli


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    for word, command in group.commands.items():
        yield f"{name} {word}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")


def sections_of(page: Path) -> dict[str, str]:
    text = page.read_text("utf-8")
    return dict(re.findall(r"^##+ `(wxbot[ \w-]*)`\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL))


def test_every_command_is_documented(root: Path) -> None:
    sections = sections_of(root / "docs" / "cli.md")

    missing = []
    for name, command in commands(cli, "wxbot"):
        described = " ".join(sections.get(name, "").split())
        options = [option for each in command.params for option in each.opts if option.startswith("--")]
        said = [command.get_short_help_str(200).rstrip("."), *(f"`{option}" for option in options)]
        missing += [f"{name}: {text}" for text in said if text not in described]
    assert not missing
    assert set(sections) == {name for name, _ in commands(cli, "wxbot")}


def test_every_command_is_documented_in_chinese(root: Path) -> None:
    english, sections = (sections_of(root / "docs" / name) for name in ("cli.md", "cli.zh-CN.md"))

    assert list(sections) == list(english)
    for name, said in sections.items():
        assert re.match(r"\n[^\n]*[一-鿿]", said), name
        # How it is called, its options, and whatever else stands there as code of ours.
        for code in (r"(?m)^    .+", r"`(--[\w-]+)", r"`(wxbot [^`]+)`", r"`([a-z]+[._][\w.]+)`"):
            assert set(re.findall(code, said)) == set(re.findall(code, english[name])), name


def test_every_command_and_option_has_a_help() -> None:
    for name, command in [("wxbot", cli), *commands(cli, "wxbot")]:
        assert command.help, name
        assert all(option.help for option in command.params if isinstance(option, click.Option)), name
