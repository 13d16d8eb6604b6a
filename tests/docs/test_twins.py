"""Both languages of a page say the same: sections, examples, and what stands in tables as code."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHINESE = sorted([*ROOT.glob("*.zh-CN.md"), *(ROOT / "docs").glob("*.zh-CN.md")])
_BLOCK = re.compile(r"^ *```(\w+)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# Chinese, and the English words of a reader's own choice that stand for it, as in `<the same password>`.
_SAID = re.compile(r"[\u3000-\u9fff\uff00-\uffef]|<[a-z ]+ [a-z ]+>")


def english(page: Path) -> Path:
    return page.with_name(page.name.replace(".zh-CN", ""))


def headings(page: str) -> list[str]:
    """Return the levels of a page's headings, and those headings that are nothing but code."""
    text = _BLOCK.sub("", page)
    return [
        level + (title if re.fullmatch("`[^`]+`", title) else "")
        for level, title in re.findall(r"^(#+) (.+)$", text, re.MULTILINE)
    ]


def table_codes(page: str) -> set[str]:
    """Return what stands in tables as code, without what each language says in its own words."""
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    codes = {code for row in rows for _, code in re.findall(r"(`+)(.+?)\1", row)}
    return {code.strip() for code in codes if not _SAID.search(code)}


class _Bones(ast.NodeTransformer):
    """Forgets what texts say."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.Constant("")


def keys(value: object) -> object:
    """Return a configuration without its texts."""
    if isinstance(value, dict):
        return {key: keys(each) for key, each in value.items()}
    if isinstance(value, list):
        return [keys(each) for each in value]
    return "" if isinstance(value, str) else value


def bones(language: str, block: str) -> object:
    """Return what an example is in any language: comments and texts for people may differ."""
    if language == "python":
        return ast.dump(_Bones().visit(ast.parse(block)))
    if language == "toml":
        return keys(tomllib.loads(block))
    if language == "bash":
        lines = [shlex.split(line, comments=True) for line in block.replace("\\\n", " ").splitlines()]
        said = re.compile(r"[^\x00-\x7f]| |[A-Z][a-z]|[A-Z]{3,}$")
        return [["" if said.search(word) else word for word in words] for words in lines if words]
    return len(block.splitlines())


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: str(page.name))
def test_both_languages_show_the_same(page: Path) -> None:
    ours, theirs = (each.read_text("utf-8") for each in (page, english(page)))

    assert headings(ours) == headings(theirs)
    assert table_codes(ours) == table_codes(theirs)
    assert [bones(*each) for each in _BLOCK.findall(ours)] == [
        bones(*each) for each in _BLOCK.findall(theirs)
    ]


def test_every_page_has_a_twin() -> None:
    pages = {page.name for page in (ROOT / "docs").glob("*.md") if ".zh-CN." not in page.name}

    assert pages == {english(page).name for page in CHINESE if page.parent.name == "docs"}


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: str(page.name))
def test_chinese_page_leads_to_chinese_pages(page: Path) -> None:
    links = re.findall(r"\[([^]]+)\]\(([\w./-]+\.md)", page.read_text("utf-8"))

    others = [(title, page.parent / path) for title, path in links if ".zh-CN." not in path]
    assert [
        path.name for title, path in others if title != "English" and path.with_suffix(".zh-CN.md").exists()
    ] == []
