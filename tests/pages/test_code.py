"""`/qrcode/<scene>` shows the code of a scene to people who hold a key, in their language."""

import base64
import io
import re
from typing import Any
from urllib.parse import urlencode

import pytest
import zxingcpp
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import update

from wxbot.admin.roles import Role
from wxbot.admin.trail import Trail
from wxbot.admin.users import Users
from wxbot.db.models import qrcodes

BUTTON = 'name="do" value="mint"'


def shown(text: str) -> str:
    """Return what the PNG on a page contains."""
    found = re.search(r"data:image/png;base64,([^\"]+)", text)
    assert found
    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(base64.b64decode(found[1]))))
    return str(read.text)


def bearer(site: Any) -> dict[str, str]:
    """Return the header that carries the key."""
    return {"Authorization": f"Bearer {site.key.text}"}


def test_without_a_key_nothing_is_minted(site: Any) -> None:
    response = site.browser().get("/qrcode/shop:12")

    assert response.status_code == 401
    assert 'type="password"' in response.text
    assert not site.world.codes.minted


def test_a_key_opens_the_page_and_the_browser_stays_signed_in(site: Any) -> None:
    browser = site.browser()

    sent = browser.post("/qrcode/shop:12", data={"key": f" {site.key.text} "})
    page = browser.get(sent.headers["Location"])

    (cookie,) = [each for each in sent.headers.getlist("Set-Cookie") if each.startswith("wxbot_page")]
    assert sent.status_code == 303
    assert {"HttpOnly", "SameSite=Lax", "Path=/qrcode"} <= set(cookie.split("; "))
    assert site.key.text not in cookie
    assert page.status_code == 200
    (code,) = site.world.codes.minted.values()
    assert shown(page.text) == code.url
    assert "shop.shop" in page.text


@pytest.mark.parametrize("key", ["", "wrong", "wxb_000000000000_" + "A" * 43])
def test_a_wrong_key_does_not(site: Any, key: str) -> None:
    browser = site.browser()

    response = browser.post("/qrcode/shop:12", data={"key": key})

    assert response.status_code == 401
    assert browser.get("/qrcode/shop:12").status_code == 401


def test_a_key_that_is_revoked_ends_its_sessions(site: Any) -> None:
    browser = site.browser()
    browser.post("/qrcode/shop:12", data={"key": site.key.text})
    assert browser.get("/qrcode/shop:12").status_code == 200

    site.keys.revoke(site.key.id)

    assert browser.get("/qrcode/shop:12").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/qrcode/x%0Ay",
        "/qrcode/a%3Fb%23c",
        "/qrcode/a%25b?account=default&x=%0A%23",
        "/qrcode/%E5%BA%97?x=%E5%BA%97",
    ],
)
def test_the_form_leads_back_to_the_scene_that_was_asked_for(site: Any, path: str) -> None:
    browser = site.browser()

    page = browser.get(path)
    sent = browser.post(path, data={"key": site.key.text})

    assert (sent.status_code, sent.headers["Location"]) == (303, path)
    assert urlencode({"next": path}) in page.text


def test_signing_out_ends_the_session(site: Any) -> None:
    browser = site.browser()
    browser.post("/qrcode/shop:12", data={"key": site.key.text})

    browser.post("/qrcode/shop:12", data={"do": "sign_out"})

    assert browser.get("/qrcode/shop:12").status_code == 401


def test_a_made_up_cookie_is_worth_nothing(site: Any) -> None:
    browser = site.browser()
    browser.set_cookie("wxbot_page", f'"{site.key.id}".x.y', path="/qrcode")

    assert browser.get("/qrcode/shop:12").status_code == 401


@pytest.mark.parametrize(
    ("scene", "kind"),
    [("123", "QR_SCENE"), ("0123", "QR_STR_SCENE"), ("9" * 30, "QR_STR_SCENE"), ("shop:12", "QR_STR_SCENE")],
)
def test_digits_become_a_number(site: Any, scene: str, kind: str) -> None:
    site.browser().get(f"/qrcode/{scene}/", headers=bearer(site))

    (code,) = site.world.codes.minted.values()
    assert (code.kind, code.scene) == (kind, scene)


def test_a_code_on_record_is_shown_as_it_is(site: Any) -> None:
    lasting = site.bot.minter.mint("7", expires_in=None)

    page = site.browser().get("/qrcode/7", headers=bearer(site))

    assert shown(page.text) == lasting.url
    assert "永久，字符串" in page.text
    assert len(site.world.codes.minted) == 1


@pytest.mark.parametrize(
    ("accepts", "lang", "words"),
    [
        ("zh-CN,zh;q=0.9", "zh-CN", "有效期至"),
        ("en-GB,en;q=0.8", "en", "Valid until"),
        ("fr", "zh-CN", "类型"),
    ],
)
def test_the_page_speaks_the_readers_language(site: Any, accepts: str, lang: str, words: str) -> None:
    page = site.browser().get("/qrcode/shop:12", headers=bearer(site) | {"Accept-Language": accepts})

    assert f'<html lang="{lang}">' in page.text
    assert words in page.text


def test_a_scene_that_no_database_takes_is_explained(site: Any) -> None:
    assert site.browser().get("/qrcode/%00", headers=bearer(site)).status_code == 400


def test_a_scene_that_cannot_be_is_explained(site: Any) -> None:
    page = site.browser().get("/qrcode/订单", headers=bearer(site))

    assert page.status_code == 400
    assert "caption" in page.text


def test_an_outage_is_explained(site: Any) -> None:
    site.world.trouble = type(site.world.trouble)(api_errors=(48001,) * 9)

    page = site.browser().get("/qrcode/shop:12", headers=bearer(site))

    assert page.status_code == 503
    assert "48001" in page.text


def test_an_account_that_does_not_exist_is_not_found(site: Any) -> None:
    assert site.browser().get("/qrcode/1?account=other", headers=bearer(site)).status_code == 404


def test_a_scene_cannot_become_markup(site: Any) -> None:
    page = site.browser().get("/qrcode/%22%3E%3Cscript%3Ealert(1)")

    assert "<script" not in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def logged_in(site: Any, role: Role) -> FlaskClient:
    """Return the browser of a user of the dashboard."""
    Users(site.bot.engine).create("ailin", password="two words and a tree", role=role)
    browser: FlaskClient = site.browser()
    token = browser.get("/admin/login").text.split('csrf" value="')[1][:64]
    data = {"csrf": token, "name": "ailin", "password": "two words and a tree", "next": "/qrcode/shop:12"}
    assert browser.post("/admin/login", data=data).location == "/qrcode/shop:12"
    return browser


def noted(site: Any) -> list[tuple[str, str, str, str | None]]:
    """Return what the audit log has beside logins."""
    entries = Trail(site.bot.engine).newest(9)
    return [(each.name, each.action, each.subject, each.account) for each in entries if "." in each.action]


def test_a_user_of_the_dashboard_needs_no_key_but_presses_a_button(site: Any) -> None:
    browser = logged_in(site, Role.OPERATOR)
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Referer": "https://evil.test/"}

    page = browser.get("/qrcode/shop:12?account=default", headers=link)
    assert (page.status_code, BUTTON in page.text, site.world.codes.minted) == (200, True, {})
    sent = browser.post("/qrcode/shop:12?account=default", data={"do": "mint"})

    assert (sent.status_code, sent.location) == (303, "/qrcode/shop:12?account=default")
    page = browser.get(sent.location)
    assert shown(page.text) == next(iter(site.world.codes.minted.values())).url
    assert BUTTON not in page.text and "wxbot_page" not in str(sent.headers)
    assert browser.post("/qrcode/shop:12", data={"do": "mint"}).status_code == 303
    assert noted(site) == [("ailin", "qrcode.mint", "shop:12", "default")]
    assert len(site.world.codes.minted) == 1


def test_a_user_makes_a_code_anew_that_ends_soon(site: Any) -> None:
    code = site.bot.minter.mint("12", account="default")
    browser = logged_in(site, Role.OPERATOR)
    with site.bot.engine.begin() as connection:
        connection.execute(update(qrcodes).values(expires_at=int(site.now().timestamp()) + 600))

    page = browser.get("/qrcode/12")
    assert shown(page.text) == code.url and BUTTON in page.text
    assert len(site.world.codes.minted) == 1
    browser.post("/qrcode/12", data={"do": "mint"})

    page = browser.get("/qrcode/12")
    assert shown(page.text) != code.url and BUTTON not in page.text
    assert "临时，字符串" in page.text  # of the kind that it was
    assert noted(site) == [("ailin", "qrcode.mint", "12", "default")]


@pytest.mark.parametrize(
    ("role", "path", "headers", "status"),
    [
        (Role.VIEWER, "/qrcode/shop:12", {}, 403),
        (Role.OPERATOR, "/qrcode/shop:12", {"Origin": "https://evil.test"}, 403),
        (Role.OPERATOR, "/qrcode/shop:12", {"Sec-Fetch-Site": "same-site"}, 403),
        (Role.OPERATOR, "/qrcode/shop:12", {"Authorization": "Bearer nonsense"}, 401),
        (Role.OPERATOR, "/qrcode/shop:12?account=other", {}, 404),
        (Role.OPERATOR, "/qrcode/%E8%AE%A2%E5%8D%95", {}, 400),
    ],
)
def test_what_may_not_be_minted_is_not(
    site: Any, role: Role, path: str, headers: dict[str, str], status: int
) -> None:
    browser = logged_in(site, role)

    refused = browser.post(path, data={"do": "mint"}, headers=headers)
    page = browser.get(path)

    assert (refused.status_code, site.world.codes.minted, noted(site)) == (status, {}, [])
    assert (BUTTON in page.text) == (page.status_code == 200)
    assert site.browser().post(path, data={"do": "mint"}).status_code in (401, 404)


def test_an_outage_is_explained_to_a_user_who_presses_the_button(site: Any) -> None:
    browser = logged_in(site, Role.OPERATOR)
    site.world.trouble = type(site.world.trouble)(api_errors=(48001,) * 9)

    page = browser.post("/qrcode/shop:12", data={"do": "mint"})

    assert (page.status_code, "48001" in page.text, noted(site)) == (503, True, [])


def test_a_user_who_may_only_look_mints_nothing(site: Any) -> None:
    page = logged_in(site, Role.VIEWER).get("/qrcode/shop:12")

    assert (page.status_code, BUTTON in page.text) == (403, False)
    assert not site.world.codes.minted


def test_a_user_who_may_only_look_sees_codes_that_are_there(site: Any) -> None:
    code = site.bot.minter.mint("shop:12", account="default")
    browser = logged_in(site, Role.VIEWER)

    page = browser.get("/qrcode/shop:12")
    wrong_key = browser.get("/qrcode/shop:12", headers={"Authorization": "Bearer nonsense"})
    with site.bot.engine.begin() as connection:
        connection.execute(update(qrcodes).values(expires_at=1))
    expired = browser.get("/qrcode/shop:12")

    assert (page.status_code, shown(page.text)) == (200, code.url)
    assert (wrong_key.status_code, expired.status_code) == (401, 403)
    assert len(site.world.codes.minted) == 1


def test_the_page_leads_to_the_login_and_back(site: Any) -> None:
    page = site.browser().get("/qrcode/shop:12?account=default")

    assert 'href="/admin/login?next=%2Fqrcode%2Fshop%3A12%3Faccount%3Ddefault"' in page.text


def test_another_site_signs_nobody_in_or_out(site: Any) -> None:
    browser = site.browser()
    browser.post("/qrcode/shop:12", data={"key": site.key.text})

    for data in ({"key": site.key.text}, {"do": "sign_out"}):
        headers = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
        refused = browser.post("/qrcode/shop:12", data=data, headers=headers)

        assert refused.status_code == 403 and "wxbot_page" not in str(refused.headers)
    assert browser.get("/qrcode/shop:12").status_code == 200
