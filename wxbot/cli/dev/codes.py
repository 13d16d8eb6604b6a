"""Puts a code for every handler and a menu for every key onto the emulator, through its HTTP API.

The codes that are on record from before go, as the emulator has forgotten them.
"""

import json
from collections.abc import Sequence
from typing import Any

import requests
from sqlalchemy import delete

from wxbot.cli.dev.setup import DATABASE_URL
from wxbot.db.engine import open_engine
from wxbot.db.models import qrcodes
from wxbot.db.patience import patiently
from wxbot.emulator.world import Account
from wxbot.errors import WxbotError

TIMEOUT_SECONDS = 5
MOST_BUTTONS = 3
MOST_BELOW = 5
# What the kits' keys are called; any other button has its key for a name.
NAMES = {"link": "绑定账号", "unlink": "解除绑定"}


def forget_codes() -> None:
    """Let all codes be minted anew: an emulator that has just begun knows none of those on record."""
    engine = open_engine(DATABASE_URL, connections=1)
    try:
        patiently(engine, lambda connection: connection.execute(delete(qrcodes)))
    finally:
        engine.dispose()


class RefusedError(WxbotError):
    """The emulated WeChat did not take a call; the text is what it answered."""


class Platform:
    """The emulated WeChat's API, called as any software of the account's owner would."""

    def __init__(self, url: str, account: Account) -> None:
        self._url = url
        self._account = account

    def offer(self, scenes: Sequence[str], keys: Sequence[str]) -> None:
        """Mint a permanent code for each scene, and make a menu of the keys.

        What is there already stays as it is; without keys the menu is removed. Raises RefusedError.
        """
        with requests.Session() as session:
            # A proxy of the environment is for the outside.
            session.trust_env = False
            token = self._call(
                session,
                "stable_token",
                {
                    "grant_type": "client_credential",
                    "appid": self._account.appid,
                    "secret": self._account.secret,
                },
            )["access_token"]
            for scene in dict.fromkeys(scenes):
                asked = {
                    "action_name": "QR_LIMIT_STR_SCENE",
                    "action_info": {"scene": {"scene_str": scene}},
                }
                self._call(session, f"qrcode/create?access_token={token}", asked)
            if keys:
                self._call(session, f"menu/create?access_token={token}", menu_of(keys))
            else:
                self._call(session, f"menu/delete?access_token={token}", {})

    def _call(self, session: requests.Session, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            # Characters as they are: WeChat takes \uXXXX for a wrong charset.
            body = json.dumps(asked, ensure_ascii=False).encode()
            response = session.post(f"{self._url}/cgi-bin/{path}", data=body, timeout=TIMEOUT_SECONDS)
            answer: dict[str, Any] = response.json()
        except (requests.RequestException, ValueError) as error:
            raise RefusedError(f"{path.partition('?')[0]}: {type(error).__name__}") from None
        if answer.get("errcode"):
            raise RefusedError(f"{path.partition('?')[0]}: {answer['errcode']} {answer.get('errmsg')}")
        return answer


def menu_of(keys: Sequence[str]) -> dict[str, Any]:
    """Return a menu with a button for each key; what does not fit into three columns of five is left out."""
    buttons = [{"type": "click", "name": NAMES.get(key, _name(key)), "key": key} for key in keys]
    if len(buttons) <= MOST_BUTTONS:
        return {"button": list(buttons)}
    columns = [buttons[start : start + MOST_BELOW] for start in range(0, len(buttons), MOST_BELOW)]
    return {
        "button": [
            {"name": f"菜单 {number}", "sub_button": column}
            for number, column in enumerate(columns[:MOST_BUTTONS], start=1)
        ]
    }


def _name(key: str) -> str:
    """Return the key as far as it fits onto a button: 60 bytes."""
    return key.encode()[:60].decode(errors="ignore")
