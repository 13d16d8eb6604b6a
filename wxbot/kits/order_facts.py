"""What the site tells about an order, read so that nothing in it can keep the customer from a reply."""

from collections.abc import Mapping
from dataclasses import dataclass

from wxbot.kits.texts import one_line, web_address

UNPAID = "unpaid"
CANCELLED = "cancelled"
# Stands for the items that are not shown.
MORE = "…"
_MOST_ITEMS = 20


@dataclass(frozen=True, kw_only=True)
class OrderFacts:
    """An order as it is shown; what the site did not tell, or not in a way that can be shown, is empty."""

    title: str = ""
    amount: str = ""
    state: str = ""
    items: tuple[str, ...] = ()
    url: str = ""
    pay_url: str = ""
    image_url: str = ""


def facts_of(data: Mapping[str, object]) -> OrderFacts:
    """Read what a claim, or the site's lookup, has on an order; never raises."""
    return OrderFacts(
        title=one_line(data.get("title")),
        amount=one_line(data.get("amount")),
        state=one_line(data.get("state")),
        items=_items(data.get("items")),
        url=web_address(data.get("url")),
        pay_url=web_address(data.get("pay_url")),
        image_url=web_address(data.get("image_url")),
    )


def _items(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.splitlines()
    if not isinstance(value, list | tuple):
        return ()
    lines = tuple(filter(None, map(_item, value[:_MOST_ITEMS])))
    return (*lines, MORE) if lines and len(value) > _MOST_ITEMS else lines


def _item(value: object) -> str:
    """Read one item: a text, or its name with a quantity and a price."""
    if not isinstance(value, Mapping):
        return one_line(value)
    name, quantity, price = (one_line(value.get(key)) for key in ("name", "quantity", "price"))
    if not name:
        return ""
    return "  ".join(part for part in (f"{name} × {quantity}" if quantity else name, price) if part)
