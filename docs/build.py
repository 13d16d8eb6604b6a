"""The documentation as a site of plain files: `make docs` writes it into var/site.

Pages are the same Markdown that is read in the repository; the menu of each language is its
docs/README. A page asks nothing of
another address, and there is no script. What it needs is installed with wxbot (docs/decisions/0014-site.md).
"""

import re
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

from jinja2 import Environment
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "CONTRIBUTING.zh-CN.md", "SECURITY.md", "SECURITY.zh-CN.md")
CHINESE = ".zh-CN.md"
_CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]{2}")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the menu: its title, and titles with sources of pages, in one language."""

    title: str
    pages: tuple[tuple[str, str], ...]


class LostLinkError(Exception):
    """A page links to what the site does not have."""


def target_of(source: str) -> str:
    """Return where a page of the repository stands in the site."""
    return re.sub(
        r"\.md$", ".html", re.sub("^docs/(README)?", lambda found: "index" * bool(found[1]), source)
    )


@cache
def sources() -> tuple[str, ...]:
    """Return all pages, by their paths in the repository."""
    docs = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    return (*docs, *BESIDE)


def menu(index: str) -> list[Section]:
    """Return the menu that an index gives: `docs/README.md`, or its Chinese twin."""
    found = []
    for part in (ROOT / index).read_text("utf-8").split("\n## ")[1:]:
        links = re.findall(r"\[([^]]+)\]\(([^)]+)\)", part)
        pages = ((title, normpath(f"docs/{path}")) for title, path in links)
        found.append(Section(title=part.splitlines()[0], pages=tuple(dict.fromkeys(pages))))
    return found


def build(folder: Path) -> int:
    """Write the site into a folder, which is emptied first; return the number of pages.

    Raises LostLinkError for a link within the repository that leads to no page of the site.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "decisions").mkdir(parents=True)
    shutil.copytree(HERE / "images", folder / "images")
    style = (HERE / "site.css").read_text("utf-8")
    for scheme, name in (("light", "default"), ("dark", "github-dark")):
        rules = HtmlFormatter(style=name).get_style_defs("pre")
        style += f"@media (prefers-color-scheme: {scheme}) {{\n{rules}\n}}\n"
    (folder / "site.css").write_text(style, "utf-8")
    layout = Environment(autoescape=True, trim_blocks=True).from_string(
        (HERE / "site.html").read_text("utf-8")
    )
    for source in sources():
        text = (ROOT / source).read_text("utf-8")
        (folder / target_of(source)).write_text(layout.render(page(source, text)), "utf-8")
    decisions = [source for source in sources() if source.startswith("docs/decisions/")]
    lines = [f"- [{title_of((ROOT / each).read_text('utf-8'))}]({Path(each).name})" for each in decisions]
    listed = page("docs/decisions/index.md", "# Decisions\n\n" + "\n".join(lines))
    (folder / "decisions" / "index.html").write_text(layout.render(listed), "utf-8")
    return len(sources()) + 1


def page(source: str, text: str) -> dict[str, Any]:
    """Return what the layout shows of a page."""
    is_chinese = source.endswith(CHINESE)
    index = "docs/README.zh-CN.md" if is_chinese else "docs/README.md"
    twin = source.replace(CHINESE, ".md") if is_chinese else source.replace(".md", CHINESE)
    lead = re.escape(Path(twin).name)
    # The line that leads to the other language stands in the menu.
    text = re.sub(rf"^\[(?:中文|English)\]\({lead}\)\n\n?", "", text, count=1, flags=re.MULTILINE)
    markdown = MarkdownIt("commonmark", {"html": False, "highlight": colours}).enable("table")
    tokens = markdown.parse(text)
    lead_on(tokens, source)
    sections = [
        (part.title, [(title, link(source, path), path == source) for title, path in part.pages])
        for part in menu(index)
    ]
    return {
        "title": title_of(text),
        "language": "zh-CN" if is_chinese else "en",
        "index": link(source, index),
        "root": relpath(".", Path(target_of(source)).parent.as_posix()),
        "twin": link(source, twin) if (ROOT / twin).exists() else "",
        "sections": sections,
        "body": Markup(markdown.renderer.render(tokens, markdown.options, {})),
    }


def title_of(text: str) -> str:
    """Return a page's title."""
    return text.removeprefix("# ").partition("\n")[0]


def lead_on(tokens: list[Token], source: str) -> None:
    """Let links lead to pages of the site, and give each heading the name that GitHub gives it."""
    seen: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            name = re.sub(r"[^\w\- ]", "", tokens[index + 1].content.lower()).replace(" ", "-")
            seen[name] = seen.get(name, -1) + 1
            token.attrSet("id", f"{name}-{seen[name]}" if seen[name] else name)
        join(token.children or [])
        for child in token.children or ():
            for attribute in ("href", "src"):
                if (address := child.attrGet(attribute)) is not None:
                    child.attrSet(attribute, moved(source, str(address)))


def join(tokens: list[Token]) -> None:
    """Let the end of a line be no space within Chinese, which has none between words."""
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token.type == "softbreak" and _CHINESE.search(before.content[-1:] + after.content[:1]):
            token.type, token.content = "text", ""


def moved(source: str, address: str) -> str:
    """Return a link as it is in the site."""
    path, mark, anchor = address.partition("#")
    if not path or ":" in path:
        return address
    return link(source, normpath(Path(source).parent.joinpath(path).as_posix())) + mark + anchor


def link(source: str, wanted: str) -> str:
    """Return the relative address of a page or an image."""
    if wanted == "docs/decisions":
        wanted = "docs/decisions/index.md"
    elif wanted not in sources() and not wanted.startswith("docs/images/") and (ROOT / wanted).exists():
        raise LostLinkError(f"{source} links to {wanted}, which is no page of the site")
    return relpath(target_of(wanted), Path(target_of(source)).parent.as_posix())


def colours(code: str, language: str, _: str) -> str:
    """Return a block of code in colours; without, when nobody knows its language."""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))


if __name__ == "__main__":
    here = Path(sys.argv[1])
    sys.stdout.write(f"{build(here)} pages: {here / 'index.html'}\n")
