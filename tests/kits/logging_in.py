"""A site with a login page, and browsers with a cookie jar each that open it."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.kits.conftest import Site
from wxbot.api.keys import Keys
from wxbot.bindings.claim import Claim
from wxbot.db.business import claims as table

RETURN_TO = "https://shop.test/login/done"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
SETTINGS: dict[str, Any] = {"site_name": "测试商城", "return_to": [RETURN_TO], "proxies": 1}
STATE = "state-of-{}-0123456789"


class Browser:
    """A browser with its own cookie jar; `state` is what the site has put into its session there."""

    def __init__(self, site: Site, name: str, *, address: str = "203.0.113.77") -> None:
        self.site = site
        self.name = name
        self.state = STATE.format(name)
        self.client = site.wx.app.test_client()
        self.headers = {"User-Agent": CHROME, "X-Forwarded-For": address, "Sec-Fetch-Site": "same-origin"}
        self.page_token = ""
        self.token = ""

    def open(self, **query: str) -> TestResponse:
        """Open the login page, as the site's link says."""
        asked = {"return_to": RETURN_TO, "state": self.state, **query}
        page = self.client.get("/login/", query_string=asked, headers=self.headers)
        found = re.search(r'data-token="([^"]+)"', page.text)
        self.page_token = found[1] if found else ""
        return page

    def ask(self, what: str, token: object = None, **headers: str) -> TestResponse:
        """POST to one of the page's addresses with a token, by default that of the code shown."""
        body = {"token": self.token if token is None else token}
        return self.client.post(f"/login/{what}", json=body, headers={**self.headers, **headers})

    def show(self, **query: str) -> Claim:
        """Open the page and let it show a code; return the claim behind it."""
        if not self.page_token:
            self.open(**query)
        answer = self.ask("code", self.page_token)
        assert answer.status_code == 200, answer.text
        self.token = answer.json["token"]
        return latest(self.site)

    def sees(self) -> Any:
        """Return what the page learns when it asks."""
        return self.ask("state").json

    def number(self) -> str:
        """Return the number that the page shows."""
        return str(self.sees()["number"])

    def finish(self) -> dict[str, str]:
        """Return what is in the address to which the page goes on; empty when it goes nowhere."""
        answer = self.ask("finish")
        if answer.status_code != 200:
            return {}
        parts = urlsplit(answer.json["location"])
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == RETURN_TO
        return {name: value for name, (value,) in parse_qs(parts.query).items()}

    def cookies(self) -> dict[str, str]:
        """Return the cookies of the login page."""
        cookies = [self.client.get_cookie(f"wxbot_login_{name}", path="/login") for name in _COOKIES]
        return {name: each.value for name, each in zip(_COOKIES, cookies, strict=True) if each is not None}

    def plant(self, cookies: dict[str, str]) -> None:
        """Have somebody else's cookies."""
        for name, value in cookies.items():
            self.client.set_cookie(f"wxbot_login_{name}", value, path="/login")


_COOKIES = ("session", "device")


def exchange(site: Site, code: str, state: str, *, accounts: list[str] | None = None) -> TestResponse:
    """Exchange a code as the site does, with a key that may see these accounts."""
    key = Keys(site.wx.bot.engine).create("site", accounts=accounts)
    return site.wx.app.test_client().post(
        "/api/v1/logins/exchange",
        json={"code": code, "state": state},
        headers={"Authorization": f"Bearer {key.text}"},
    )


def latest(site: Site) -> Claim:
    """Return the claim that was made last."""
    with site.wx.bot.engine.connect() as connection:
        query = select(table.c.account, table.c.id).where(table.c.made_by == "login")
        rows = connection.execute(query).all()
    known: set[bytes] = getattr(site, "known", set())
    (found,) = [row for row in rows if row.id not in known]
    site.known = known | {found.id}  # type: ignore[attr-defined]
    claim = site.claims.find(found.account, found.id)
    assert claim is not None
    return claim
