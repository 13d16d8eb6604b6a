"""The pages name every code of an error, every exit code and every metric that there is, and no other."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_args

import click
import pytest

from wxbot.api.problems import Code
from wxbot.cli import BAD_CONFIGURATION, INTERRUPTED
from wxbot.cli.output import Failure

CODES = set(get_args(Code))


def told(page: str) -> dict[str, set[str]]:
    """Return the codes of a page's table of errors, each with its statuses, which may be `any other`."""
    rows = re.findall(
        r"^\| (\d{3}[^|]*|any other|其他) \| ((?:`\w+`[,、 ]*)+)\| [^|]+ \|$", page, re.MULTILINE
    )
    return {
        code: set(re.split("[,、] *", statuses))
        for statuses, codes in rows
        for code in re.findall(r"\w+", codes)
    }


def raised(product: dict[Path, ast.Module]) -> Iterator[tuple[str, str]]:
    """Yield each code with its status, where the two stand beside each other in the API's code."""
    for path, tree in product.items():
        for node in ast.walk(tree) if path.parts[:2] == ("wxbot", "api") else ():
            beside = node.args if isinstance(node, ast.Call) else getattr(node, "elts", ())
            for status, code in pairwise(beside):
                if isinstance(code, ast.Constant) and code.value in CODES:
                    yield str(code.value), ast.unparse(status)


@pytest.mark.parametrize("name", ["api.md", "api.zh-CN.md"])
def test_page_of_the_api_names_every_error(root: Path, product: dict[Path, ast.Module], name: str) -> None:
    page = told((root / "docs" / name).read_text())

    pairs = [(code, status) for code, status in raised(product) if status.isdecimal()]
    assert len(pairs) > 20
    assert set(page) == CODES
    assert [(code, status) for code, status in pairs if status not in page[code]] == []


def test_every_error_of_the_list_is_used(texts: dict[Path, str]) -> None:
    api = "\n".join(text for path, text in texts.items() if path.parts[:2] == ("wxbot", "api"))

    assert [code for code in sorted(CODES) if api.count(f'"{code}"') < 2] == []


@pytest.mark.parametrize("name", ["cli.md", "cli.zh-CN.md"])
def test_page_of_the_commands_names_every_exit_code(root: Path, name: str) -> None:
    codes = re.findall(r"^\| (\d+) \|", (root / "docs" / name).read_text(), re.MULTILINE)

    failures = (0, Failure.exit_code, click.UsageError.exit_code, BAD_CONFIGURATION, INTERRUPTED)
    assert [int(code) for code in codes] == list(failures)


@pytest.mark.parametrize("name", ["operations.md", "operations.zh-CN.md"])
def test_page_of_operations_names_every_metric(
    root: Path, product: dict[Path, ast.Module], name: str
) -> None:
    kinds = {"Counter": "_total", "Gauge": "", "Histogram": "", "Reading": ""}
    metrics = {
        f"{node.args[0].value}{kinds[ast.unparse(node.func)]}"
        for tree in product.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in kinds
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }

    rows = re.findall(r"^\| (`wxbot_.*?) \|", (root / "docs" / name).read_text(), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"\w+", row)) == sorted(metrics)
