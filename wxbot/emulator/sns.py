"""The calls by which the account's site learns who has opened its page."""

from typing import Any

from flask import Blueprint, request

from wxbot.emulator.calling import OK, Answer, calls_below
from wxbot.emulator.grants import TOKEN_SECONDS, Grant
from wxbot.emulator.refusals import Refusal
from wxbot.emulator.world import World, unionid_of


def sns_face(world: World) -> Blueprint:
    """Return `/sns/` of a world as a blueprint."""
    calls = SnsCalls(world)
    paths = {
        "oauth2/access_token": calls.exchange_code,
        "oauth2/refresh_token": calls.refresh_token,
        "userinfo": calls.read_person,
        "auth": calls.check_token,
    }
    return calls_below("/sns", world, paths)


class SnsCalls:
    """The calls of web OAuth. Each raises Refusal where WeChat gives an error code."""

    def __init__(self, world: World) -> None:
        self._world = world

    def exchange_code(self) -> Answer:
        """GET sns/oauth2/access_token: who brought a code."""
        world, asked = self._world, request.args
        self._check_appid()
        if not asked.get("secret"):
            raise Refusal(41004)
        if asked["secret"] != world.account.secret:
            raise Refusal(40125)
        if not asked.get("code"):
            raise Refusal(41008)
        if asked.get("grant_type") != "authorization_code":
            raise Refusal(40002)
        now = world.clock.now()
        grant = world.grants.use_code(asked["code"], now)
        return {
            **self._tokens(grant, world.grants.new_refresh_token(grant, now)),
            **({"is_snapshotuser": 1} if grant.is_snapshot else {}),
            **(self._unionid(grant) if grant.scope == "snsapi_userinfo" else {}),
        }

    def refresh_token(self) -> Answer:
        """GET sns/oauth2/refresh_token: another access token for the same grant."""
        self._check_appid()
        if request.args.get("grant_type") != "refresh_token":
            raise Refusal(40002)
        token = request.args.get("refresh_token", "")
        return self._tokens(self._world.grants.refreshed(token, self._world.clock.now()), token)

    def read_person(self) -> Answer:
        """GET sns/userinfo: what the person let the site see."""
        grant = self._granted()
        if grant.scope != "snsapi_userinfo":
            raise Refusal(48001)
        return {
            "openid": grant.openid,
            "nickname": grant.name,
            "sex": 0,
            "province": "",
            "city": "",
            "country": "",
            "headimgurl": "",
            "privilege": [],
            **self._unionid(grant),
        }

    def check_token(self) -> Answer:
        """GET sns/auth: whether an access token is good."""
        self._granted()
        return OK

    def _check_appid(self) -> None:
        appid = request.args.get("appid")
        if not appid:
            raise Refusal(41002)
        if appid != self._world.account.appid:
            raise Refusal(40013)

    def _granted(self) -> Grant:
        asked = request.args
        grant = self._world.grants.granted(asked.get("access_token", ""), self._world.clock.now())
        if asked.get("openid") != grant.openid:
            raise Refusal(40003)
        return grant

    def _tokens(self, grant: Grant, refresh_token: str) -> Answer:
        return {
            "access_token": self._world.grants.new_token(grant, self._world.clock.now()),
            "expires_in": TOKEN_SECONDS,
            "refresh_token": refresh_token,
            "openid": grant.openid,
            "scope": grant.scope,
        }

    def _unionid(self, grant: Grant) -> dict[str, Any]:
        return {"unionid": unionid_of(grant.name)} if self._world.rules.tells_unionids else {}
