"""The names of wxbot's own jobs, as the documentation has them, are those of the code."""

import ast
import re
from pathlib import Path

_OURS = re.compile(r"`(wxbot\.[a-z_]+)`")
PAGES = ("docs/jobs.md", "docs/jobs.zh-CN.md")


def names(modules: dict[Path, ast.Module]) -> set[str]:
    """Return the texts of the code's constants that look like the name of a job of ours."""
    return {
        node.value.value
        for path, tree in modules.items()
        if path.parts[0] == "wxbot"
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and re.fullmatch(r"wxbot\.[a-z_]+", str(node.value.value))
    }


def test_jobs_of_ours_are_called_by_their_names(root: Path, modules: dict[Path, ast.Module]) -> None:
    for page in PAGES:
        called = set(_OURS.findall((root / page).read_text()))

        assert {"wxbot.take_over", "wxbot.webhook"} <= called
        assert called <= names(modules), page
