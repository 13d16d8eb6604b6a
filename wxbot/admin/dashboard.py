"""`/admin/`: the one place through which every request of the dashboard goes, and every page it answers."""

import json
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from wxbot.admin.area import Area, Go, Page, Route
from wxbot.admin.entrance import Entrance
from wxbot.admin.gate import Gate
from wxbot.admin.render import Look, Renderer, static_files
from wxbot.admin.roles import Role
from wxbot.admin.sessions import Session
from wxbot.admin.trail import Trail
from wxbot.admin.visit import BLUEPRINT, Visit, url_of
from wxbot.web.headers import guarded
from wxbot.web.origin import address_asked, is_from_here

POLICY = "script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
_ACCOUNT = "account"

log = logging.getLogger(__name__)


class Dashboard:
    """The pages of all areas behind one guard. `accounts` are the names of the Official Accounts."""

    def __init__(self, gate: Gate, trail: Trail, areas: Sequence[Area], *, accounts: Sequence[str]) -> None:
        self._gate = gate
        self._trail = trail
        self._accounts = sorted(accounts, key=lambda name: (name != "default", name))
        self._renderer = Renderer(areas)
        self.blueprint = Blueprint(BLUEPRINT, __name__, url_prefix="/admin", template_folder="templates")
        Entrance(gate, trail, self._renderer).add_to(self.blueprint)
        for area in areas:
            for route in area.routes:
                self._add(route)
        self._add(
            Route(rule="/<path:anywhere>", method="GET", name="nowhere", role=Role.VIEWER, view=_nowhere)
        )
        self.blueprint.add_url_rule(
            "/static/<name>", endpoint="static", view_func=static_files, provide_automatic_options=False
        )
        self.blueprint.after_request(_with_headers)
        self.blueprint.register_error_handler(HTTPException, self._http_trouble)
        self.blueprint.register_error_handler(SQLAlchemyError, self._no_database)

    def _add(self, route: Route) -> None:
        self.blueprint.add_url_rule(
            route.rule,
            endpoint=route.name,
            view_func=self._guarded(route),
            methods=[route.method],
            provide_automatic_options=False,
        )

    def _guarded(self, route: Route) -> Callable[..., Response]:
        """Return what answers a route: the view, behind session, role and the form's token."""

        def answer(**captured: Any) -> Response:
            request.max_content_length = route.largest_bytes
            session = self._gate.session(request)
            if session is None:
                return self._to_login(route)
            look = Look.of_request()
            if route.method == "GET" and look.is_asked_for:
                return look.keep(redirect(look.address(), 303))  # type: ignore[arg-type]
            g.admin_visit = visit = self._visit(session, look)
            if not visit.may(route.role):
                return self._trouble(403, "no_right")
            if route.method != "GET" and not self._gate.is_own_form():
                return self._trouble(403, "old_form", kept=_kept(route))
            return self._finished(visit, route.view(visit, **captured))

        return answer

    def _finished(self, visit: Visit, answer: Page | Go | Response) -> Response:
        if visit.told and not isinstance(answer, Page):
            self._gate.sessions.note(visit.session, [*_notes(visit.session), *visit.told])
        if isinstance(answer, Go):
            return Response(status=303, headers={"Location": answer.address})
        if isinstance(answer, Response):
            return answer
        before = _notes(visit.session)
        if before:
            self._gate.sessions.note(visit.session, None)
        response = self._renderer.page(answer, visit, csrf=self._gate.token(), notes=[*before, *visit.told])
        if len(self._accounts) > 1:
            Look.keep_account(response, visit.account)
        return response

    def _visit(self, session: Session, look: Look) -> Visit:
        asked = request.args.get(_ACCOUNT)
        if asked is not None and asked not in self._accounts:
            abort(404)
        chosen = asked or look.account
        return Visit(
            session=session,
            account=chosen if chosen in self._accounts else self._accounts[0],
            accounts=self._accounts,
            language=look.language,
            t=self._renderer.words(look.language),
            write=self._trail.add,
        )

    def _to_login(self, route: Route) -> Response:
        """Send somebody who is not logged in to the login, and from there back to a page they wanted to see.

        Whoever has sent a form stays, since it would be lost: a page says so, and leads to the login.
        """
        if route.method == "GET":
            login = url_of("login", next=address_asked())
            return Response(status=303, headers={"Location": login})
        login = url_of("login")
        response = self._renderer.trouble(401, "login_over", visit=None, login=login, kept=_kept(route))
        response.headers["Location"] = login
        return response

    def _trouble(self, status: int, word: str, **values: object) -> Response:
        """Return a page for somebody who is logged in."""
        visit = _visit_so_far()
        return self._renderer.trouble(status, word, visit=visit, csrf=self._gate.token(), **values)

    def _http_trouble(self, error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.code < 400:  # a redirect
            return error
        if error.code >= 500:
            # The id leads from what somebody reads on the page to the log, which has the rest.
            number = secrets.token_hex(4)
            log.error("dashboard: %s of %s failed, number %s", request.method, request.endpoint, number)
            return self._trouble(500, "failed", number=number)
        word = {404: "not_there", 413: "too_large"}.get(error.code, "refused")
        if _visit_so_far() is None:
            return Response(f"{error.name.lower()}\n", status=error.code, content_type="text/plain")
        return self._trouble(error.code, word)

    def _no_database(self, error: SQLAlchemyError) -> Response:
        log.error("the dashboard needs the database, which failed: %s", type(error).__name__)
        return self._renderer.trouble(503, "busy", visit=None)


def _nowhere(_visit: Visit, anywhere: str) -> Page:
    abort(404)


def _kept(route: Route) -> list[tuple[str, str]]:
    """Return what was typed into a form that may be sent once more; nothing of what another site sent."""
    if not route.keeps or not is_from_here():
        return []
    return [(name, text) for name, text in request.form.items(multi=True) if name != "csrf"]


def _visit_so_far() -> Visit | None:
    visit: Visit | None = g.get("admin_visit")
    return visit


def _notes(session: Session) -> list[Any]:
    return list(json.loads(session.notes)) if session.notes else []


def _with_headers(response: Response) -> Response:
    is_kept = request.endpoint == f"{BLUEPRINT}.static" and response.status_code == 200
    return guarded(response, POLICY, is_kept=is_kept)
