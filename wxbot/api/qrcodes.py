"""`/api/v1/qrcodes`: mint, find and list codes."""

from dataclasses import astuple
from typing import Any

from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.qrcodes import CodePage, CodeQuery, CodesQuery, ScenePath, ShownCode, WantedCode
from wxbot.api.paging import place
from wxbot.api.problems import ProblemError, documented
from wxbot.clock import moment, moment_or_none
from wxbot.qrcodes.listing import Page, Position, list_codes
from wxbot.qrcodes.mint import Code, Minter
from wxbot.web.cursors import cursor


def qrcodes_api(minter: Minter, guard: Guard) -> GuardedApi:
    """Return the routes; each of them needs an API key."""
    api = guarded_api("qrcodes", guard, title="QR codes")

    @api.post("/qrcodes", scope="qrcodes:write", responses={200: ShownCode, **documented(404, 409, 502)})
    def mint(body: WantedCode) -> dict[str, Any]:
        """Mint a code.

        The code there is is returned if it has enough life left, which is half of `expires_in`. The same
        request may be sent any number of times.
        """
        account = caller().account(body.account)
        return _shown(minter.mint(body.scene, account=account, expires_in=body.expires_in))

    @api.get("/qrcodes", scope="qrcodes:read", responses={200: CodePage, **documented(404)})
    def listed(query: CodesQuery) -> dict[str, Any]:
        """List codes.

        The newest come first, also those that have expired.
        """
        after = place(query.after, int, str, str, bool)
        return _shown_page(
            list_codes(
                guard.engine,
                accounts=caller().accounts_for(query.account),
                is_permanent=query.is_permanent,
                after=None if after is None else Position(*after),
                limit=query.limit,
            )
        )

    @api.get("/qrcodes/<scene>", scope="qrcodes:read", responses={200: ShownCode, **documented(404)})
    def one(path: ScenePath, query: CodeQuery) -> dict[str, Any]:
        """Find a code.

        Nothing is minted; a code that has expired is returned as well.
        """
        account = caller().account(query.account)
        code = minter.find(path.scene, account=account, is_permanent=query.is_permanent)
        if code is None:
            raise ProblemError(404, "not_found", "no such code has been minted")
        return _shown(code)

    return api


def _shown(code: Code) -> dict[str, Any]:
    return {
        "account": code.account,
        "scene": code.scene,
        "is_integer": code.is_integer,
        "is_permanent": code.is_permanent,
        "ticket": code.ticket,
        "url": code.url,
        "created_at": moment(code.created_at),
        "expires_at": moment_or_none(code.expires_at),
    }


def _shown_page(page: Page) -> dict[str, Any]:
    return {
        "items": [_shown(code) for code in page.codes],
        "next": None if page.after is None else cursor(*astuple(page.after)),
    }
