"""The site of the documentation: every page, every link leads somewhere, nothing comes from elsewhere."""

import re
import runpy
from html.parser import HTMLParser
from pathlib import Path
from posixpath import normpath
from typing import Any
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
LOADED = {"src", "srcset", "poster", "data", "action"}


class Page(HTMLParser):
    """What a page links to, loads, and can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.names: set[str] = set()
        self.tags: set[str] = set()
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes of one element."""
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.names.add(str(value))
            if name == "lang" and tag == "html":
                self.language = str(value)
            if name == "href" and tag == "a":
                self.links.append(str(value))
            elif name in LOADED or name == "href":
                self.loaded.append(str(value))


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    """Return the names of docs/build.py."""
    return runpy.run_path(str(ROOT / "docs" / "build.py"))


@pytest.fixture(scope="module")
def site(program: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    program["build"](folder)
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Return every page by its path in the site."""
    return {path.relative_to(site).as_posix(): Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


def test_every_page_of_the_docs_is_there(pages: dict[str, Page]) -> None:
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}

    wanted = {name.removesuffix(".md") + ".html" for name in written}
    wanted = {name.replace("README", "index") for name in wanted}
    assert wanted <= set(pages)
    for name, page in pages.items():
        assert page.language == ("zh-CN" if ".zh-CN." in name else "en")


def test_nothing_is_asked_of_elsewhere(pages: dict[str, Page], site: Path) -> None:
    style = (site / "site.css").read_text()
    assert "url(" not in style and "@import" not in style
    for name, page in pages.items():
        assert not page.tags & {"script", "iframe", "object", "embed", "form"}, name
        for address in page.loaded:
            if address != "data:,":
                assert ":" not in address and not address.startswith("//"), (name, address)
                assert (site / Path(name).parent / address).is_file(), (name, address)


def test_every_link_leads_somewhere(pages: dict[str, Page]) -> None:
    lost = []
    for name, page in pages.items():
        for address in page.links:
            if re.match(r"https?:", address):
                continue
            path, _, anchor = unquote(address).partition("#")
            target = pages.get(normpath(Path(name).parent.joinpath(path).as_posix()) if path else name)
            if target is None or (anchor and anchor not in target.names):
                lost.append((name, address))
    assert lost == []


def test_menu_names_every_page_in_the_readers_language(program: dict[str, Any]) -> None:
    english, chinese = program["menu"]("docs/README.md"), program["menu"]("docs/README.zh-CN.md")

    assert [len(each) for each in (english, chinese)] == [4, 4]
    assert (english[1].title, chinese[1].title) == ("How to", "怎么做")
    assert ("Tutorial", "docs/tutorial.md") in english[0].pages
    assert ("上手教程", "docs/tutorial.zh-CN.md") in chinese[0].pages
    for index, name in (("docs/README.md", "docs/jobs.md"), ("docs/README.zh-CN.md", "docs/jobs.zh-CN.md")):
        shown = program["page"](name, "# Jobs\n")
        assert shown["index"] == program["target_of"](index)


def test_link_to_what_is_no_page_ends_the_build(program: dict[str, Any]) -> None:
    with pytest.raises(program["LostLinkError"], match="links to wxbot/cli"):
        program["page"]("docs/jobs.md", "# Jobs\n\n[here](../wxbot/cli)\n")
