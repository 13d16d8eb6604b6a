"""The page of the audit log: who changed what, the newest first."""

from flask import abort, request

from wxbot.admin.area import Area, Page, Visit
from wxbot.admin.auditing_words import WORDS
from wxbot.admin.differences import told
from wxbot.admin.roles import Role
from wxbot.admin.trail import Trail
from wxbot.admin.users import Users
from wxbot.web.cursors import cursor, cut

A_PAGE = 50
_ID_LENGTH = 32


def views(trail: Trail, users: Users) -> Area:
    """Return `/admin/audit`."""
    area = Area("auditing", words=WORDS)
    area.entry("index", group="settings", word="audit", icon="audit", order=70, role=Role.OPERATOR)

    @area.get("/audit", role=Role.OPERATOR)
    def index(visit: Visit) -> Page:
        names = {user.id: user.name for user in users.all()}
        asked = request.args.get("user")
        asked = asked if asked in names else None
        found = trail.newest(A_PAGE + 1, before=_before(visit), user=asked)
        entries, last = cut(found, A_PAGE)
        return Page(
            "admin/audit.html",
            title=visit.t.audit,
            entries=[(each, _action(visit, each.action), told(each.detail, visit.t)) for each in entries],
            older=None if last is None else cursor(last.id.hex()),
            names=names,
            asked=asked,
        )

    return area


def _before(visit: Visit) -> bytes | None:
    place = visit.before(str)
    if place is None:
        return None
    if len(place[0]) != _ID_LENGTH or set(place[0]) - set("0123456789abcdef"):
        abort(404)
    return bytes.fromhex(place[0])


def _action(visit: Visit, action: str) -> str:
    """Return an action in words: an area that has its own has a word `did_` and the action for each."""
    return visit.t.get(f"did_{action}", action)
