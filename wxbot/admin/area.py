"""An area of the dashboard: its pages, its place in the navigation, its words."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response

from wxbot.admin.roles import Role
from wxbot.admin.visit import Visit
from wxbot.web.language import Words

LARGEST_FORM_BYTES = 64 * 1024
GROUPS = ("figures", "work", "settings")


class Page:
    """What a view answers with: a template, and what it shows."""

    def __init__(self, template: str, *, title: str, status: int = 200, **values: Any) -> None:
        """`title` is the text of the heading; `values` go into the template."""
        self.template = template
        self.title = title
        self.status = status
        self.values = values


@dataclass(frozen=True)
class Go:
    """What a view answers with that has changed something: the address of the page to go on with."""

    address: str


View = Callable[..., Page | Go | Response]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of the navigation. `word` names its text, `icon` its picture (see parts.html)."""

    group: str
    view: str
    word: str
    icon: str
    order: int
    role: Role = Role.VIEWER


@dataclass(frozen=True, kw_only=True)
class Route:
    """One address of an area."""

    rule: str
    method: str
    name: str
    role: Role
    view: View
    largest_bytes: int = LARGEST_FORM_BYTES
    keeps: bool = False


@dataclass
class Area:
    """Collects pages; the dashboard puts them behind its guard. `name` begins their endpoints.

    `words` hold what the area says, in Chinese and English, beside wxbot/admin/words.py. Views are called
    with the Visit and what the rule captures, and return a Page, a Go, or a Response of Flask's (a stream, a
    file), to which the headers are added.
    """

    name: str
    words: Words = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)

    def entry(
        self, view: str, *, group: str, word: str, icon: str, order: int, role: Role | str = Role.VIEWER
    ) -> None:
        """Put the page of a view into the navigation, in one of GROUPS."""
        assert group in GROUPS
        self.entries.append(Entry(group=group, view=view, word=word, icon=icon, order=order, role=Role(role)))

    def get(self, rule: str, *, role: Role | str = Role.VIEWER) -> Callable[[View], View]:
        """Let the function answer GET at `/admin` + `rule`, for users with this role. Changes nothing."""
        return self._add(rule, "GET", Role(role), LARGEST_FORM_BYTES)

    def post(
        self, rule: str, *, role: Role | str, largest_bytes: int = LARGEST_FORM_BYTES, keeps: bool = False
    ) -> Callable[[View], View]:
        """Let the function answer POST, where something is changed: it calls `visit.audit`.

        A role has to be named, since every change needs one. The token of the form is checked before.
        `keeps`: what was typed is given back to be sent once more when the login has ended in the meantime;
        never for a form with a password or another secret in it.
        """
        return self._add(rule, "POST", Role(role), largest_bytes, keeps)

    def _add(
        self, rule: str, method: str, role: Role, largest_bytes: int, keeps: bool = False
    ) -> Callable[[View], View]:
        def add(view: View) -> View:
            self.routes.append(
                Route(
                    rule=rule,
                    method=method,
                    name=f"{self.name}-{view.__name__}",
                    role=role,
                    view=view,
                    largest_bytes=largest_bytes,
                    keeps=keeps,
                )
            )
            return view

        return add


__all__ = ["Area", "Entry", "Go", "Page", "Route", "View", "Visit"]
