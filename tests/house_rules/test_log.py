"""The reference of the log lists every line that wxbot writes, with level and logger, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LEVELS = {"debug", "info", "warning", "error", "exception"}
PAGES = ("docs/log.md", "docs/log.zh-CN.md")


def logger(path: Path) -> str:
    """Return the name that a module's logger has."""
    return "gunicorn.error" if path.parts[0] != "wxbot" else ".".join(path.with_suffix("").parts)


def message(argument: ast.expr, tree: ast.Module) -> str:
    """Return a message as it is written in the code: a text, or the name of one in the same module."""
    if isinstance(argument, ast.Name):
        (argument,) = (
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == argument.id
        )
    text = ast.literal_eval(argument)
    return str(text).replace("\n", " ")


def written(modules: dict[Path, ast.Module]) -> Iterator[tuple[str, str, str]]:
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            whose = ast.unparse(node.func.value)
            if node.func.attr in LEVELS and (whose == "log" or whose.startswith("logging.")):
                level = node.func.attr.replace("exception", "error, traceback")
                yield logger(path), level, message(node.args[0], tree)


@pytest.mark.parametrize("page", PAGES)
def test_page_is_the_list_of_lines(root: Path, product: dict[Path, ast.Module], page: str) -> None:
    modules = {path: tree for path, tree in product.items() if path.parts[0] in ("wxbot", "gunicorn.conf.py")}
    rows = re.findall(
        r"^\| `([\w.]+)` \| ([\w, ]+) \| (`+) ?(.+?) ?\3 \| (.+) \|$", (root / page).read_text(), re.MULTILINE
    )

    lines = sorted(set(written(modules)))
    assert len(lines) > 70
    assert [(whose, level, said) for whose, level, _, said, _ in rows] == lines


@pytest.mark.parametrize("page", PAGES)
def test_page_names_every_reason_of_a_refusal(root: Path, product: dict[Path, ast.Module], page: str) -> None:
    refused = {"ForbiddenError": "403", "MalformedError": "403", "_refuse": "403"}
    reasons = {("503", "not-recorded")}
    for path, tree in product.items():
        for node in ast.walk(tree) if path.parts[0] == "wxbot" else ():
            if isinstance(node, ast.Call) and (status := refused.get(ast.unparse(node.func))) and node.args:
                first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
                if isinstance(first, ast.Constant):
                    is_kept = any(each.arg == "ambiguous" for each in node.keywords)
                    reasons.add(("200" if is_kept else status, str(first.value).partition(":")[0]))

    told = re.findall(r"^\| (\d{3}) \| `([\w-]+)` \|", (root / page).read_text(), re.MULTILINE)
    assert sorted(told) == sorted(reasons)
