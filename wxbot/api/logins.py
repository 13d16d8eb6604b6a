"""`/api/v1/logins`: who has confirmed a scan login."""

from typing import Any

from flask import Response
from sqlalchemy import Connection

from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.logins import BroughtCode, ShownLogin
from wxbot.api.problems import ProblemError, documented
from wxbot.bindings.logins import Login, Logins
from wxbot.clock import moment


def logins_api(logins: Logins, guard: Guard) -> GuardedApi:
    """Return the routes of scan logins."""
    api = guarded_api("logins", guard, title="Logins")

    @api.post("/logins/exchange", scope="claims:write", responses={200: ShownLogin, **documented(404)})
    def exchange(body: BroughtCode) -> Response:
        """Exchange a code.

        Says who has confirmed the login, once, within a minute after the browser got the code. Whatever is
        wrong with it, the answer is the same.
        """
        accounts = caller().accounts

        def work(connection: Connection) -> dict[str, Any]:
            login = logins.exchange(
                body.code, body.state, is_allowed=accounts.__contains__, within=connection
            )
            if login is None:
                raise ProblemError(
                    404, "no_login", "the code is wrong, too old, used, or meant for another browser"
                )
            return _shown(login)

        return api.commit(work)

    return api


def _shown(login: Login) -> dict[str, Any]:
    users = login.site_users
    return {
        "id": login.id,
        "account": login.account,
        "person": login.person,
        "site_user": users[0] if len(users) == 1 else None,
        "site_users": list(users),
        "is_new": login.is_new,
        "confirmed_at": moment(login.confirmed_at),
    }
