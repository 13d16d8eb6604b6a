"""How pages of the dashboard are written: language, light or dark, navigation, static files."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, render_template, request, send_from_directory

from wxbot.admin.area import GROUPS, Area, Entry, Page
from wxbot.admin.icons import ICONS
from wxbot.admin.moments import day_of, moment_of
from wxbot.admin.visit import BLUEPRINT, Visit, Words, url_of
from wxbot.admin.words import WORDS
from wxbot.web.language import LANGUAGES, language_of_request, other_language, words_in
from wxbot.web.origin import path_asked

THEMES = ("auto", "light", "dark")
_STATIC = Path(__file__).parent / "static"
_YEAR_SECONDS = 31_536_000


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a browser wants to see the pages, from its cookies and the query."""

    language: str
    theme: str
    account: str
    is_asked_for: bool

    @classmethod
    def of_request(cls) -> "Look":
        """Return what the request says; `is_asked_for`: its query changes the language or the theme."""
        theme = request.args.get("theme") or request.cookies.get(_cookie("theme"))
        return cls(
            language=language_of_request(request.cookies.get(_cookie("lang"), "")),
            theme=theme if theme in THEMES else "auto",
            account=request.cookies.get(_cookie("account"), ""),
            is_asked_for="lang" in request.args or "theme" in request.args,
        )

    def keep(self, response: Response) -> Response:
        """Let the browser remember it."""
        for name, value in (("lang", self.language), ("theme", self.theme)):
            _keep(response, name, value)
        return response

    @staticmethod
    def keep_account(response: Response, account: str) -> None:
        """Let the browser remember which account it looked at last."""
        _keep(response, "account", account)

    def address(self) -> str:
        """Return the address of the request without what is remembered."""
        others = [
            (name, each)
            for name, values in request.args.lists()
            for each in values
            if name not in ("lang", "theme")
        ]
        return path_asked() + (f"?{urlencode(others)}" if others else "")


class Renderer:
    """Writes pages, with the words and the navigation of all areas."""

    def __init__(self, areas: Sequence[Area]) -> None:
        self._areas = areas
        words: dict[str, tuple[str, str]] = dict(WORDS)
        for area in areas:
            twice = [key for key in area.words if key in words and words[key] != area.words[key]]
            assert not twice, f"{area.name}: these words are taken: {twice}"
            words.update(area.words)
        self._words = {each: Words(words_in(words, each)) for each in LANGUAGES}

    def words(self, language: str) -> Words:
        """Return all words in one of LANGUAGES."""
        return self._words[language]

    def page(self, page: Page, visit: Visit, *, csrf: str, notes: Sequence[Any]) -> Response:
        """Return a page with the navigation around it."""
        shown = _Shown(visit, self.words(visit.language))
        html = render_template(
            page.template,
            title=page.title,
            visit=visit,
            csrf=csrf,
            notes=[(tone, shown.t[word].format(*values)) for tone, word, values in notes],
            navigation=self._navigation(visit),
            accounts=self._accounts(visit),
            **shown.context(),
            **page.values,
        )
        return Response(html, status=page.status)

    def bare(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page for somebody who is not logged in."""
        look = Look.of_request()
        context = _Shown(None, self.words(look.language)).context()
        return Response(render_template(template, **context, **values), status=status)

    def trouble(
        self, status: int, word: str, *, visit: Visit | None, csrf: str = "", **values: object
    ) -> Response:
        """Return a page that says why there is no other; with a visit it needs the token of its forms.

        `kept` among the values is a form that may be sent once more, as names and texts.
        """
        t = self.words(Look.of_request().language)
        values = {"heading": t[word], "why": t[f"{word}_why"], **values}
        if visit is None:
            return self.bare("admin/trouble_bare.html", status=status, title=t[word], **values)
        page = Page("admin/trouble.html", title=t[word], status=status, **values)
        return self.page(page, visit, csrf=csrf, notes=())

    def _navigation(self, visit: Visit) -> list[tuple[str, list[dict[str, Any]]]]:
        """Return the groups of the navigation, each with the entries that the user may open."""
        here = self._entry_of_request()
        groups = []
        for group in GROUPS:
            found = sorted(
                (
                    (entry.order, area.name, entry)
                    for area in self._areas
                    for entry in area.entries
                    if entry.group == group and visit.may(entry.role)
                ),
                key=lambda each: each[:2],
            )
            entries = [
                {
                    "text": visit.t[entry.word],
                    "icon": entry.icon,
                    "url": visit.url(f"{area}.{entry.view}"),
                    "is_here": entry is here,
                }
                for _, area, entry in found
            ]
            if entries:
                groups.append((visit.t[f"group_{group}"], entries))
        return groups

    def _accounts(self, visit: Visit) -> list[tuple[str, str, bool]]:
        """Return the accounts to switch to, each with the address of what is shown now, or of its list."""
        here = self._entry_of_request()
        area = _area_of_request()
        view = "overview.overview" if here is None else f"{area}.{here.view}"
        return [(name, url_of(view, account=name), name == visit.account) for name in visit.accounts]

    def _entry_of_request(self) -> Entry | None:
        """Return the entry that leads to this page, or else to the first of its area."""
        area, _, view = str(request.endpoint).removeprefix(f"{BLUEPRINT}.").partition("-")
        entries = [entry for each in self._areas if each.name == area for entry in each.entries]
        exact = [entry for entry in entries if entry.view == view]
        return next(iter(exact or entries), None)


class _Shown:
    """What every template is given."""

    def __init__(self, visit: Visit | None, t: Words) -> None:
        self.t = t
        self._visit = visit
        self._look = Look.of_request()

    def context(self) -> dict[str, Any]:
        """Return the values."""
        look = self._look
        # A page that answers a form is not asked for again by its address.
        here = request.args if request.method == "GET" else None
        return {
            "t": self.t,
            "lang": look.language,
            "other": other_language(look.language),
            "theme": look.theme,
            "switch": lambda **changes: _switched(here, changes),
            "url": url_of if self._visit is None else self._visit.url,
            "static": static_url,
            "moment": moment_of,
            "day": day_of,
            "icons": ICONS,
        }


def static_url(name: str) -> str:
    """Return the address of a file in static/, which changes with the file."""
    return url_of("static", name=name, v=_version(name))


def static_files(name: str) -> Response:
    """GET: a stylesheet or a script. It needs no login, and holds nothing of anybody's."""
    if name not in {path.name for path in _STATIC.iterdir()}:
        abort(404)
    response = send_from_directory(_STATIC, name)
    seconds = _YEAR_SECONDS if request.args.get("v") == _version(name) else 60
    response.headers["Cache-Control"] = f"public, max-age={seconds}" + (", immutable" if seconds > 60 else "")
    return response


@cache
def _version(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


def _switched(query: Any, changes: Mapping[str, str]) -> str:
    """Return the address of this page with another language or theme."""
    path = path_asked() if query is not None else url_of("overview.overview")
    kept = [] if query is None else [(name, each) for name, values in query.lists() for each in values]
    pairs = [(name, value) for name, value in kept if name not in ("lang", "theme")]
    return f"{path}?{urlencode([*pairs, *changes.items()])}"


def _area_of_request() -> str:
    return str(request.endpoint).removeprefix(f"{BLUEPRINT}.").partition("-")[0]


def _cookie(name: str) -> str:
    return f"wxbot_admin_{name}"


def _keep(response: Response, name: str, value: str) -> None:
    response.set_cookie(
        _cookie(name),
        value,
        max_age=_YEAR_SECONDS,
        path="/admin",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
