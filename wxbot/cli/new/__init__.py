"""`wxbot new`: the first lines of a handler or a plugin, which work as they are."""

import json
import re
from importlib.metadata import distribution, version
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import click

from wxbot.cli.new.files import render, write
from wxbot.cli.new.packages import loaded_packages, next_step, package_for
from wxbot.cli.output import Failure
from wxbot.scenes.names import name_fault, offer_fault

if TYPE_CHECKING:
    from wxbot.scenes.patterns import Pattern

_NAME = re.compile("[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_CAPTURE = re.compile("<(?:[^<>:]*:)?([^<>:]*)>")
_LONGEST_NAME = 32


@click.group()
def new() -> None:
    """Begin a handler in this folder, or a plugin that others can install."""


@new.command()
@click.argument("scene")
@click.option("--name", help="Of the module and its plugin; made from SCENE unless given.")
@click.option(
    "--package",
    help="The package of handlers in this folder; made if it is missing.  [default: the one that is loaded]",
)
def handler(scene: str, name: str | None, package: str | None) -> None:
    """Write a handler for SCENE: a text such as `vip`, a number, or a rule such as `shop:<int:shop_id>`."""
    from wxbot.scenes.patterns import RuleError, compile_rule

    try:
        pattern = compile_rule(scene, "")
    except RuleError as error:
        raise click.UsageError(str(error)) from None
    name = _module_name(name or _CAPTURE.sub(r"\1", scene))
    _check(pattern, name)
    loaded = loaded_packages()
    package = package or package_for(loaded)
    folder = _folder(package)
    contents = {folder / f"{name}.py": _handler(pattern, name)}
    if not (folder / "__init__.py").exists():
        contents = {folder / "__init__.py": render("package"), **contents}
    write(contents)
    click.echo(f"{folder / f'{name}.py'} answers {scene}.")
    click.echo(next_step(package, loaded))


@new.command()
@click.argument("name")
def plugin(name: str) -> None:
    """Write a package `wxbot-NAME` with a plugin, its tests and a Makefile; `make test` in it passes."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise click.UsageError(
            f"NAME has 1 to {_LONGEST_NAME} letters a to z and digits, with single hyphens between words"
        )
    own = name.replace("-", "_")
    if fault := name_fault(own) or offer_fault(own):
        raise click.UsageError(fault)
    values = {
        "name": own,
        "dashed": name.replace("_", "-"),
        "module": f"wxbot_{own}",
        "version": version("wxbot"),
        "wxbot": _requirement(),
    }
    folder = Path(f"wxbot-{values['dashed']}")
    if folder.exists():
        raise Failure(f"{folder} is there already: nothing was written. Choose another name.")
    paths = {
        "pyproject": "pyproject.toml",
        "README": "README.md",
        "Makefile": "Makefile",
        "gitignore": ".gitignore",
        "module": f"{values['module']}/__init__.py",
        "test": f"tests/test_{values['name']}.py",
    }
    texts = {folder / path: render(f"plugin/{template}", **values) for template, path in paths.items()}
    write({**texts, folder / values["module"] / "py.typed": ""})
    click.echo(f"{folder} is a plugin. Its tests: cd {folder} && make test")
    click.echo(f'To mount it: install it beside wxbot, and plugins = ["{values["name"]}"] under [handlers].')


def _check(pattern: "Pattern", name: str) -> None:
    """Refuse what would be written, and then not be mounted."""
    from wxbot.scenes.inject import RESERVED

    for capture in pattern.captures:
        # The first is the parameter of the event in what is written, the others are what wxbot fills in.
        if capture.name == "scan" or capture.name in RESERVED:
            raise click.UsageError(
                f"the name <{capture.name}> is taken: call what is captured something else"
            )
    if fault := name_fault(name):
        raise click.UsageError(f"{fault}, with --name")


def _folder(package: str) -> Path:
    words = package.split(".")
    if not all(word.isidentifier() and not iskeyword(word) for word in words):
        raise click.BadParameter(
            f"{package!r} is not the name of a package, as in shop.handlers", param_hint="--package"
        )
    return Path(*words)


def _handler(pattern: "Pattern", name: str) -> str:
    captures = [(each.name, "int" if each.converter == "int" else "str") for each in pattern.captures]
    shown = "、".join(f"{{{capture}}}" for capture, _ in captures)
    return render(
        "handler",
        name=name,
        scene=pattern.text,
        arguments="".join(f", {capture}: {kind}" for capture, kind in captures),
        welcome=f'f"欢迎关注！您扫的是 {shown}。"' if captures else '"欢迎关注！"',
        reply=f'f"您扫的是 {shown}。"' if captures else '"扫码成功。"',
    )


def _module_name(text: str) -> str:
    """Return a name for a module and a plugin that keeps as much of the text as such a name can."""
    words = re.sub("[^a-z0-9]+", "_", text.lower()).strip("_")
    name = words if words and not words[0].isdigit() and not iskeyword(words) else f"scene_{words}"
    return name.rstrip("_")


def _requirement() -> str:
    """Return what pip installs as this wxbot: its name, or the folder it was installed from."""
    told = distribution("wxbot").read_text("direct_url.json")
    url = urlsplit(json.loads(told)["url"]) if told else None
    return unquote(url.path) if url is not None and url.scheme == "file" else "wxbot"
