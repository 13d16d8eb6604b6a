"""Order binding: the site shows a code for an order, the customer scans it and reads what was ordered.

The site makes a claim on the order (purpose `order`, subject the order's number), so that nothing of it is in
the code, and one person gets it.
"""

from collections.abc import Mapping

from wxbot.bindings.claim import Claim, Outcome, State
from wxbot.bindings.claims import Claims
from wxbot.followers import person
from wxbot.kits.languages import language_of
from wxbot.kits.order_config import OrderConfig
from wxbot.kits.order_facts import CANCELLED, MORE, UNPAID, OrderFacts
from wxbot.kits.order_lookup import AskedOrder, ask_site
from wxbot.kits.texts import filled
from wxbot.scenes.plugin import Plugin
from wxbot.wechat.events import Scan
from wxbot.wechat.replies import MAX_TEXT_BYTES, Article, News, Text

# The rule is made before the settings are read: this text is the same for everybody.
INTERIM = "正在查询您的订单，请稍等…"
_GOOD = (State.OPEN, State.CLAIMED, State.CONFIRMED)

plugin = Plugin("order", prefix="order:", config=OrderConfig)


@plugin.scene("<token>", interim=INTERIM)
def bind(scan: Scan, claims: Claims, config: OrderConfig) -> Text | News:
    """Give the order to whoever scans first, and answer with what is known of it.

    The site is asked before anything is written, so that a slow lookup holds no lock.
    """
    known = claims.find_scene(scan.account, scan.scene)
    facts, is_theirs = OrderFacts(), known is not None and _may_have(known, scan)
    config = config.read_in(language_of(known) if is_theirs else None)
    if known is not None and is_theirs:
        asked = AskedOrder(account=known.account, number=known.subject, data=known.data)
        found = ask_site(config.ask, asked)
        if found is None:
            return _shown(scan, config, text=config.gone, number=known.subject, facts=facts)
        facts = found
        if facts.state == CANCELLED:
            return _shown(scan, config, text=config.cancelled, number=known.subject, facts=facts)
    claiming = claims.claim(scan.account, scan.scene, scan.openid)
    if claiming.claim is None:
        return Text(config.held if claiming.outcome is Outcome.HELD else config.no_good)
    text = config.unpaid if facts.state == UNPAID else config.bound
    return _shown(scan, config, text=text, number=claiming.claim.subject, facts=facts)


@plugin.fallback
def no_order(scan: Scan, config: OrderConfig) -> str:
    """Answer codes that begin as ours and are none."""
    return config.read_in(None).no_good


@plugin.errorhandler(Exception)
def trouble(scan: Scan, error: Exception, config: OrderConfig) -> str:
    """Answer when nothing was bound because something failed."""
    return config.read_in(None).trouble


def _may_have(claim: Claim, scan: Scan) -> bool:
    """Say whether the code is good for this person: nobody else learns anything of the order."""
    is_theirs = claim.state is State.OPEN or claim.person == person(scan.account, scan.openid)
    return claim.state in _GOOD and is_theirs


def _shown(scan: Scan, config: OrderConfig, *, text: str, number: str, facts: OrderFacts) -> Text | News:
    values = _values(number, facts, config)
    welcome = f"{config.welcome}\n" if scan.when == "follow" and config.welcome else ""
    content = welcome + _fitting(text, values, room=MAX_TEXT_BYTES - len(welcome.encode()))
    if config.reply == "text":
        return Text(content)
    url = facts.pay_url if facts.state == UNPAID and facts.pay_url else facts.url
    image_url = facts.image_url or config.news_image_url
    title = filled(config.news_title, values)
    return News([Article(title, description=_without_links(content), image_url=image_url, url=url)])


def _fitting(text: str, values: Mapping[str, str], *, room: int) -> str:
    """Fill a text with as many items as fit: what is cut off is its end, where the way to pay stands."""
    content, items = filled(text, values), values["items"].splitlines()
    while items and len(content.encode()) > room:
        items.pop()
        content = filled(text, {**values, "items": "\n".join((*items, MORE))})
    return content


def _values(number: str, facts: OrderFacts, config: OrderConfig) -> dict[str, str]:
    return {
        "number": number,
        "title": facts.title,
        "amount": facts.amount,
        "state": config.states.get(facts.state, facts.state),
        "items": "\n".join(facts.items),
        "url": facts.url,
        "pay_url": facts.pay_url,
    }


def _without_links(text: str) -> str:
    """Leave out lines that are links: an article is one link itself, and shows no others."""
    return "\n".join(line for line in text.split("\n") if "<a " not in line)
