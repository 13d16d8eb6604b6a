"""The page of a user's own: their password, and where they are logged in."""

from flask import abort, request

from wxbot.admin.area import Area, Go, Page, Visit
from wxbot.admin.gate import BusyError, Gate, TooManyError
from wxbot.admin.guesses import WINDOW_SECONDS
from wxbot.admin.own_words import WORDS
from wxbot.admin.roles import Role
from wxbot.admin.users import LONGEST_PASSWORD, SHORTEST_PASSWORD, UserError
from wxbot.admin.visit import url_of
from wxbot.web.browser import device_in


def views(gate: Gate) -> Area:
    """Return `/admin/me`."""
    area = Area("own", words=WORDS)
    area.entry("me", group="settings", word="me", icon="me", order=90)

    @area.get("/me")
    def me(visit: Visit) -> Page:
        return _page(gate, visit)

    @area.post("/me/password", role=Role.VIEWER)
    def password(visit: Visit) -> Page | Go:
        faults = _password_faults(gate, visit)
        if faults:
            return _page(gate, visit, faults=faults)
        visit.audit("user.password", visit.user.name, is_for_account=False)
        visit.tell("password_changed")
        return Go(visit.url("own.me"))

    @area.post("/me/sessions/<identity>/end", role=Role.VIEWER)
    def end(visit: Visit, identity: str) -> Go:
        if not _end_one(gate, visit, identity):
            abort(404)
        visit.audit("session.end", visit.user.name, is_for_account=False)
        visit.tell("session_ended")
        return Go(visit.url("own.me"))

    @area.post("/me/others/end", role=Role.VIEWER)
    def end_others(visit: Visit) -> Go:
        count = gate.sessions.end_all(visit.user, but=visit.session)
        visit.audit("session.end_all", visit.user.name, is_for_account=False, others=count)
        visit.tell("sessions_ended", count)
        return Go(visit.url("own.me"))

    @area.post("/me/everywhere/end", role=Role.VIEWER)
    def end_everywhere(visit: Visit) -> Go:
        count = gate.sessions.end_all(visit.user)
        visit.audit("session.end_all", visit.user.name, is_for_account=False, sessions=count)
        return Go(url_of("login"))

    return area


def _page(gate: Gate, visit: Visit, *, faults: dict[str, str] | None = None) -> Page:
    return Page(
        "admin/me.html",
        title=visit.t.me,
        status=422 if faults else 200,
        sessions=gate.sessions.of(visit.user),
        device=lambda session: device_in(session.device, visit.language) or visit.t.unknown_device,
        shortest=SHORTEST_PASSWORD,
        faults=faults or {},
    )


def _password_faults(gate: Gate, visit: Visit) -> dict[str, str]:
    """Change the password as the form says, or return what is wrong with each field."""
    now, new = request.form.get("now", ""), request.form.get("new", "")
    if new != request.form.get("again", ""):
        return {"again": visit.t.password_differs}
    try:
        known = gate.try_password(visit.user.name, now)
        if known is None:
            return {"now": visit.t.password_wrong}
        gate.users.set_password(visit.user.name, new, keep=visit.session.id, known=known)
    except BusyError:
        return {"now": visit.t.login_busy}
    except TooManyError:
        return {"now": visit.t.too_many.format(WINDOW_SECONDS // 60)}
    except UserError as error:
        return {"now" if error.reason == "password_wrong" else "new": told(visit, error)}
    return {}


def told(visit: Visit, error: UserError) -> str:
    """Return what is wrong in the user's language."""
    return visit.t[error.reason].format(SHORTEST_PASSWORD, LONGEST_PASSWORD)


def _end_one(gate: Gate, visit: Visit, identity: str) -> bool:
    try:
        return gate.sessions.end_one(visit.user, bytes.fromhex(identity))
    except ValueError:
        return False
