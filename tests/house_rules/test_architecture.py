"""The pages for contributors name the code as it is, and the index names every page."""

import ast
import re
from pathlib import Path

import pytest

from tests.house_rules.test_imports import LEVELS

PAGES = ("docs/architecture.md", "docs/architecture.zh-CN.md", "CONTRIBUTING.md")


@pytest.mark.parametrize("name", PAGES[:2])
def test_every_part_stands_on_its_level(root: Path, name: str) -> None:
    page = (root / name).read_text()
    told: list[set[str]] = []
    for level, parts in re.findall(r"^\| (\d*) ?\| (`[a-z_].*?) \| ", page, re.MULTILINE):
        if level:
            assert int(level) == len(told) + 1
            told.append(set())
        told[-1] |= {part.rstrip("/") for part in re.findall(r"`([\w/]+)`", parts)}

    assert told == LEVELS


def test_named_files_exist(root: Path) -> None:
    named = [
        (page, path)
        for page in PAGES
        for path in re.findall(
            r"`((?:wxbot|tests|handlers|migrations|docs|bench|deploy)/[\w./*-]*)`", (root / page).read_text()
        )
    ]

    assert len(named) > 40
    assert [each for each in named if not list(root.glob(each[1].rstrip("/")))] == []


def test_named_functions_are_where_they_are_said_to_be(root: Path, modules: dict[Path, ast.Module]) -> None:
    found = [
        (name, path)
        for page in PAGES
        for names, path in re.findall(
            r"((?:`[\w.]+`(?:, | and )?)+) in\s+`(wxbot/[\w/]+\.py)`", (root / page).read_text()
        )
        for name in re.findall(r"`([\w.]+)`", names)
    ]

    assert len(found) > 15
    defined = {
        path: {
            node.name
            for node in ast.walk(modules[Path(path)])
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        | {
            target.id
            for node in ast.walk(modules[Path(path)])
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in ([node.target] if isinstance(node, ast.AnnAssign) else node.targets)
            if isinstance(target, ast.Name)
        }
        for _, path in found
    }
    assert [(name, path) for name, path in found if name not in defined[path]] == []


@pytest.mark.parametrize("end", [".md", ".zh-CN.md"])
def test_index_lists_every_page_of_its_language(root: Path, end: str) -> None:
    listed = set(re.findall(r"\]\(([\w.-]+\.md)\)", (root / "docs" / f"README{end}").read_text("utf-8")))
    names = {path.name.partition(".")[0] for path in (root / "docs").glob("*.md")} - {"README"}

    # A page that has no twin is listed in English.
    wanted = {f"{name}{end}" if (root / "docs" / f"{name}{end}").exists() else f"{name}.md" for name in names}
    assert {name for name in listed if not name.startswith("README.")} == wanted


def test_links_lead_somewhere(root: Path) -> None:
    for page in [*root.glob("*.md"), *(root / "docs").rglob("*.md")]:
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
        assert [link for link in links if not (page.parent / link).exists()] == [], page
