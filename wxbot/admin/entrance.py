"""The login: the one page of the dashboard for everybody, and the way out."""

import logging

from flask import Blueprint, Response, redirect, request

from wxbot.admin.area import LARGEST_FORM_BYTES
from wxbot.admin.gate import BusyError, Gate, TooManyError, new_visitor
from wxbot.admin.guesses import WINDOW_SECONDS
from wxbot.admin.render import Look, Renderer
from wxbot.admin.sessions import form_token
from wxbot.admin.trail import Trail
from wxbot.admin.visit import url_of
from wxbot.web.origin import safe_next

_BUSY_SECONDS = 3

log = logging.getLogger(__name__)


class Entrance:
    """The requests of the login."""

    def __init__(self, gate: Gate, trail: Trail, renderer: Renderer) -> None:
        self._gate = gate
        self._trail = trail
        self._renderer = renderer

    def add_to(self, blueprint: Blueprint) -> None:
        """Add the routes."""
        for rule, view, method in (
            ("/login", self.show, "GET"),
            ("/login", self.log_in, "POST"),
            ("/logout", self.log_out, "POST"),
        ):
            blueprint.add_url_rule(
                rule,
                endpoint=view.__name__ if view != self.show else "login",
                view_func=view,
                methods=[method],
                provide_automatic_options=False,
            )

    def show(self) -> Response:
        """GET: the form; who is logged in already goes on."""
        look = Look.of_request()
        if look.is_asked_for:
            return look.keep(redirect(look.address(), 303))  # type: ignore[arg-type]
        if self._gate.session(request) is not None:
            return _go(_wanted())
        return self._form()

    def log_in(self) -> Response:
        """POST: name and password. A wrong name is answered like a wrong password."""
        request.max_content_length = LARGEST_FORM_BYTES
        if not self._gate.is_own_login():
            return self._form(status=403, said="old_form_why")
        name = request.form.get("name", "")
        try:
            proof = self._gate.try_password(name, request.form.get("password", ""))
        except BusyError:
            response = self._form(status=503, said="login_busy", name=name)
            response.headers["Retry-After"] = str(_BUSY_SECONDS)
            return response
        except TooManyError:
            # Without the name: people type their passwords into the wrong field.
            log.warning("dashboard: somebody tries passwords; refused for %d minutes", WINDOW_SECONDS // 60)
            response = self._form(status=429, said="too_many", name=name)
            response.headers["Retry-After"] = str(WINDOW_SECONDS)
            return response
        response = _go(_wanted())
        if proof is None or not self._gate.enter(proof, response):
            return self._form(status=401, said="wrong_password", name=name)
        self._trail.add("login", proof.user.name, user=proof.user)
        return response

    def log_out(self) -> Response:
        """POST: end the session."""
        session = self._gate.session(request)
        response = _go(url_of("login"))
        if session is not None and self._gate.is_own_form():
            self._gate.leave(session, response)
        return response

    def _form(self, *, status: int = 200, said: str = "", name: str = "") -> Response:
        visitor = self._gate.visitor() or new_visitor()
        t = self._renderer.words(Look.of_request().language)
        response = self._renderer.bare(
            "admin/login.html",
            status=status,
            title=t.log_in,
            said=t[said].format(WINDOW_SECONDS // 60) if said else "",
            name=name,
            csrf=form_token(visitor),
            next=_wanted(),
        )
        self._gate.begin_visit(response, visitor)
        return response


def _wanted() -> str:
    return safe_next(request.values.get("next"), url_of("overview.overview"))


def _go(address: str) -> Response:
    return Response(status=303, headers={"Location": address})
