"""What pages share: the reader's language, strict headers, cookies of their own."""

import re

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from wxbot.web.origin import is_from_here
from wxbot.web.pages import COMMON, Pages, as_json


@pytest.fixture
def browser() -> FlaskClient:
    """Return a browser on an app with the pages of one small kit."""
    pages = Pages("hut", {"title": ("小屋", "The hut")}, __name__)

    @pages.blueprint.get("/")
    def page() -> Response:
        response = pages.show("web/page.html")
        pages.set_cookie(response, "guest", "7", max_age=60, is_strict=True)
        return response

    @pages.blueprint.post("/knock")
    def knock() -> Response:
        return as_json({"guest": pages.cookie("guest"), "is_from_here": is_from_here()})

    @pages.blueprint.post("/leave")
    def leave() -> Response:
        response = as_json({})
        pages.delete_cookie(response, "guest")
        return response

    app = Flask("hut")
    app.register_blueprint(pages.blueprint)
    return app.test_client()


@pytest.mark.parametrize(
    ("accepts", "lang", "words"),
    [
        ("zh-CN,zh;q=0.9", "zh-CN", "小屋"),
        ("en-GB,en;q=0.8", "en", "The hut"),
        ("fr", "zh-CN", "小屋"),
    ],
    ids=["chinese", "english", "neither"],
)
def test_a_page_speaks_the_readers_language(
    browser: FlaskClient, accepts: str, lang: str, words: str
) -> None:
    page = browser.get("/hut/", headers={"Accept-Language": accepts})

    assert f'<html lang="{lang}">' in page.text
    assert words in page.text


def test_a_chosen_language_is_kept(browser: FlaskClient) -> None:
    browser.get("/hut/?lang=en", headers={"Accept-Language": "zh"})

    assert '<html lang="en">' in browser.get("/hut/", headers={"Accept-Language": "zh"}).text


def test_a_page_asks_nobody_else_and_runs_only_its_own(browser: FlaskClient) -> None:
    page = browser.get("/hut/")

    policy = page.headers["Content-Security-Policy"]
    nonces = set(re.findall(r'nonce="([^"]+)"', page.text))
    assert {f"'nonce-{nonce}'" for nonce in nonces} == set(re.findall(r"'nonce-[^']+'", policy))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert nonces != set(re.findall(r'nonce="([^"]+)"', browser.get("/hut/").text))


def test_a_cookie_is_seen_by_no_script_and_no_other_site(browser: FlaskClient) -> None:
    (cookie,) = [each for each in browser.get("/hut/").headers.getlist("Set-Cookie") if "hut_guest" in each]

    assert {"HttpOnly", "SameSite=Strict", "Path=/hut", "Max-Age=60"} <= set(cookie.split("; "))
    assert browser.post("/hut/knock").json == {"guest": "7", "is_from_here": True}
    browser.post("/hut/leave")
    assert browser.post("/hut/knock").json == {"guest": "", "is_from_here": True}


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://localhost.example.com"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://["}, False),
    ],
    ids=[
        "same origin",
        "same site",
        "cross site",
        "by hand",
        "our origin",
        "another's",
        "none",
        "no address",
    ],
)
def test_a_form_of_another_site_is_known(
    browser: FlaskClient, headers: dict[str, str], is_ours: bool
) -> None:
    answer = browser.post("/hut/knock", headers=Headers(headers)).json

    assert answer is not None
    assert answer["is_from_here"] is is_ours


def test_every_common_word_is_there_in_both_languages() -> None:
    assert all(chinese.strip() and english.strip() for chinese, english in COMMON.values())
