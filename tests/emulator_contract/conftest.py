"""The API that the contract is tried on: the emulator, or WeChat itself when a test account is named.

Set WXBOT_CONTRACT_APPID and WXBOT_CONTRACT_SECRET to run the same cases against api.weixin.qq.com. Use a test
account: the cases mint codes, and permanent ones stay for ever.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
import requests

from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import APPID, SECRET, World


@dataclass
class Api:
    """One platform over HTTP; `session` is closed by the fixture."""

    api_base: str
    mp_base: str
    appid: str
    secret: str = field(repr=False)
    session: requests.Session = field(repr=False)
    is_real: bool = False
    token: str = field(default="", repr=False)

    def get(self, path: str, **query: Any) -> Any:
        """GET an API path and return the JSON, with the status that WeChat always gives."""
        return self._read(self.session.get(f"{self.api_base}{path}", params=query, timeout=10))

    def post(self, path: str, body: Any, **query: Any) -> Any:
        """POST raw UTF-8 JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return self._read(self.session.post(f"{self.api_base}{path}", params=query, data=data, timeout=10))

    def mint(self, body: Any) -> Any:
        """Create a code with a good token."""
        return self.post("/cgi-bin/qrcode/create", body, access_token=self.token)

    def picture(self, ticket: str) -> requests.Response:
        """Fetch the picture of a ticket, as a browser would."""
        address = f"{self.mp_base}/cgi-bin/showqrcode?ticket={quote(ticket, safe='')}"
        return self.session.get(address, timeout=10)

    def client(self, **changes: str) -> dict[str, str]:
        """The parameters of a token call, some of them changed or left out with an empty value."""
        right = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return {name: value for name, value in {**right, **changes}.items() if value}

    def _read(self, response: requests.Response) -> Any:
        assert response.status_code == 200
        return json.loads(response.content.decode("utf-8"))


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    """The platform under test, with an access token of the stable kind."""
    appid, secret = os.environ.get("WXBOT_CONTRACT_APPID"), os.environ.get("WXBOT_CONTRACT_SECRET")
    with requests.Session() as session:
        if appid and secret:
            real = Api(
                api_base="https://api.weixin.qq.com",
                mp_base="https://mp.weixin.qq.com",
                appid=appid,
                secret=secret,
                session=session,
                is_real=True,
            )
            yield _with_token(real)
            return
        session.trust_env = False
        with run_emulator(World()) as running:
            url = running.url
            yield _with_token(Api(api_base=url, mp_base=url, appid=APPID, secret=SECRET, session=session))


def _with_token(api: Api) -> Api:
    # The stable kind, so that a token in use elsewhere is not ended by these tests.
    api.token = api.post("/cgi-bin/stable_token", api.client())["access_token"]
    return api
