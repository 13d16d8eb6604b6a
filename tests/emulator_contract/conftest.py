"""The API that the contract is tried on: the emulator, or WeChat itself when a test account is named.

Set WXBOT_CONTRACT_APPID and WXBOT_CONTRACT_SECRET to run the same cases against api.weixin.qq.com. Use a test
account: the cases mint codes, and permanent ones stay for ever. WXBOT_CONTRACT_OPENID names a follower who
has just written, and gets the messages.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
import requests
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient

from wxbot.emulator.hand import Hand
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
    world: World | None = None
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


class Redirection(HTTPAdapter):
    """Carries what is meant for one of WeChat's servers to another address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        path = (request.url or "").split("/", 3)[3]
        request.prepare_url(f"{self._address}/{path}", None)
        return super().send(request, *args, **options)


@pytest.fixture
def redirected(api: Api) -> Callable[[], HTTPAdapter]:
    """Make what carries a client's requests to the platform under test."""
    return lambda: Redirection(api.api_base)


@pytest.fixture
def wechatpy_client(api: Api) -> WeChatClient:
    """Return wechatpy's own client, with a session that leads to the platform under test."""
    client = WeChatClient(api.appid, api.secret, timeout=10)
    client._http.trust_env = False
    client._http.mount("https://api.weixin.qq.com", Redirection(api.api_base))
    client._http.mount("https://mp.weixin.qq.com", Redirection(api.mp_base))
    return client


@pytest.fixture
def writer(api: Api, request: pytest.FixtureRequest) -> str:
    """Return the openid of a follower who has just written."""
    if api.world is None:
        if openid := os.environ.get("WXBOT_CONTRACT_OPENID"):
            return openid
        pytest.skip("needs a person: set WXBOT_CONTRACT_OPENID to a follower who has just written")
    person = api.world.add_person(request.node.name, state="following")
    Hand(api.world).say(person.openid, "hi")
    return person.openid


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
            )
            yield _with_token(real)
            return
        session.trust_env = False
        world = World()
        with run_emulator(world) as running:
            url = running.url
            yield _with_token(
                Api(api_base=url, mp_base=url, appid=APPID, secret=SECRET, session=session, world=world)
            )


def _with_token(api: Api) -> Api:
    # The stable kind, so that a token in use elsewhere is not ended by these tests.
    api.token = api.post("/cgi-bin/stable_token", api.client())["access_token"]
    return api
