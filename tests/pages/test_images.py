"""`/q/<name>` shows an image that can be scanned now, and says for how long it may be kept."""

import io
import re
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from tests.pages.conftest import Site
from wxbot.db.models import living_codes

HOUR = 3600


def seconds_cached(response: Any) -> int:
    """Return how long a browser may show its copy."""
    found = re.search(r"max-age=(\d+)", response.headers["Cache-Control"])
    assert found
    return int(found[1])


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/q/door", "image/png"), ("/q/door.png", "image/png"), ("/q/door.svg", "image/svg")],
)
def test_a_name_has_an_image(site: Site, path: str, media_type: str) -> None:
    site.bot.living.put("door", "shop:12", HOUR)

    response = site.browser().get(path)

    assert response.status_code == 200
    assert response.content_type.startswith(media_type)


def test_the_image_is_that_of_the_code(site: Site) -> None:
    site.bot.living.put("door", "shop:12", HOUR)

    png = site.browser().get("/q/door.png").get_data()

    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))
    assert read.text == site.bot.living.show("door").url


def test_no_copy_outlives_the_ticket(site: Site) -> None:
    site.bot.living.put("door", "shop:12", HOUR)
    browser = site.browser()
    for passed in (0, 600, 1700, 200, HOUR, 90 * HOUR, 3599):
        site.world.clock.offset_seconds += passed
        response = browser.get("/q/door.png")
        shown = site.bot.minter.find("shop:12")

        kept_until = site.now().timestamp() + seconds_cached(response)

        assert kept_until < shown.expires_at
        assert not site.world.codes.find(shown.ticket).is_expired(kept_until)


def test_a_copy_that_is_still_right_is_not_sent_again(site: Site) -> None:
    site.bot.living.put("door", "shop:12", HOUR)
    browser = site.browser()
    first = browser.get("/q/door.png")

    same = browser.get("/q/door.png", headers={"If-None-Match": first.headers["ETag"]})
    other = browser.get("/q/door.svg", headers={"If-None-Match": first.headers["ETag"]})
    site.world.clock.offset_seconds += HOUR
    later = browser.get("/q/door.png", headers={"If-None-Match": first.headers["ETag"]})

    assert (same.status_code, other.status_code, later.status_code) == (304, 200, 200)
    assert seconds_cached(same) > 0
    assert later.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("path", ["/q/nothing", "/q/door.gif", "/q/door.", "/q/%E5%BA%97.png", "/q/%00"])
def test_what_is_not_there_is_said_in_two_languages(site: Site, path: str) -> None:
    site.bot.living.put("door", "shop:12", HOUR)

    response = site.browser().get(path)

    assert response.status_code == 404
    assert "没有这个二维码" in response.text
    assert "no such code" in response.text
    assert response.headers["Cache-Control"] == "no-store"


def test_an_outage_is_not_seen_until_the_ticket_ends(site: Site) -> None:
    site.bot.living.put("door", "shop:12", HOUR)
    browser = site.browser()
    first = browser.get("/q/door.png").get_data()
    site.world.trouble = type(site.world.trouble)(api_errors=(48001,) * 50)

    site.world.clock.offset_seconds += HOUR * 0.9
    during = browser.get("/q/door.png")
    site.world.clock.offset_seconds += HOUR
    after = browser.get("/q/door.png")

    assert during.get_data() == first
    assert (after.status_code, after.headers["Cache-Control"]) == (503, "no-store")
    assert int(after.headers["Retry-After"]) > 0
    assert "过一会儿" in after.text
    assert "reload" in after.text


def test_database_that_is_away_is_told_and_asked_for_nothing_that_cannot_be(site: Site) -> None:
    browser = site.browser()
    with site.bot.engine.begin() as connection:
        living_codes.drop(connection)

    shown, unknown = browser.get("/q/door.png"), browser.get("/q/%00.png")

    assert (shown.status_code, shown.headers["Cache-Control"]) == (503, "no-store")
    assert int(shown.headers["Retry-After"]) > 0 and "过一会儿" in shown.text
    assert unknown.status_code == 404, "no name is like that, and no database was asked"
