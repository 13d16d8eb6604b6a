"""Writes the files of a new handler or plugin from the templates beside this module."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from wxbot.cli.output import Failure


def render(template: str, **values: str) -> str:
    """Return a template with its `$names` filled in."""
    source = files("wxbot.cli.new").joinpath("templates", f"{template}.txt")
    return Template(source.read_text("utf-8")).substitute(values)


def write(contents: Mapping[Path, str]) -> None:
    """Write new files and the folders they need; raises Failure, and writes none, if one is there already."""
    for path in contents:
        if path.exists():
            raise Failure(f"{path} is there already: nothing was written. Choose another name.")
    try:
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise Failure(f"{error.filename} cannot be written: {error.strerror}") from error
