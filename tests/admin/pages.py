"""An account with channels, promoters and people, and every page that shows them."""

import re
from datetime import UTC, datetime

from tests.admin.conftest import Office
from wxbot.analytics.counting import Counting
from wxbot.channels.channel import Details
from wxbot.channels.store import Wanted
from wxbot.wechat.replies import Article, News, Text

PAGES = (
    "/admin/",
    "/admin/?days=1",
    "/admin/leaderboard",
    "/admin/leaderboard?by=group",
    "/admin/leaderboard?by=promoter",
    "/admin/leaderboard?by=scene",
    "/admin/compare",
    "/admin/compare?name=shop-1&name=shop-2",
    "/admin/channels",
    "/admin/channels?state=all",
    "/admin/new-channel",
    "/admin/channels/shop-1",
    "/admin/channels/shop-1?with=shop-2&days=7",
    "/admin/channels/shop-1/edit",
    "/admin/promoters",
    "/admin/promoters/li",
    "/admin/promoters/li/edit",
    "/admin/new-promoter",
    "/admin/followers",
    "/admin/definitions",
)
CSVS = (
    "/admin/channels.csv?state=all",
    "/admin/channels/shop-1/days.csv",
    "/admin/promoters.csv",
    "/admin/leaderboard.csv?by=group",
    "/admin/leaderboard.csv?by=scene",
)


def fill(office: Office, word: str) -> list[str]:
    """Let this word stand wherever people may write one; returns the paths of followers' pages."""
    channels = office.wx.bot.channels
    channels.promoters.create("default", "li", title=word, target=5)
    news = News([Article(word, word, "https://a.example/1.png", "https://a.example/")])
    for name in ("shop-1", "shop-2"):
        details = Details(
            title=word,
            group=word,
            owner=word,
            promoter="li",
            tag=word[:30],
            reply=Text(word),
            reply_new=news,
            ends_at=int(office.wx.world.clock.now()) + 3600,
        )
        channels.book.create("default", Wanted(name=name, details=details))
    for number, name in enumerate(("ailin", "bo", "chen")):
        person = office.wx.user(name, follows=False)
        person.scan(f"shop-{1 + number % 2}")
        person.push("SCAN", word)
    office.wx.work()
    count(office)
    found = re.findall(
        r"/admin/followers/[0-9a-f]{32}", office.browser_of("owner").get("/admin/followers").text
    )
    return sorted(set(found))


def count(office: Office) -> None:
    """Count what has happened."""
    bot = office.wx.bot
    at = datetime.fromtimestamp(office.wx.world.clock.now(), UTC)
    Counting(bot.engine, bot.settings.analytics, now=lambda: at).count_all()
