"""What the shop knows by itself: goods, orders and customers, in memory and gone with the process."""

import secrets
import threading
from dataclasses import dataclass
from typing import Literal

from wxbot import clock

OrderState = Literal["unpaid", "paid", "cancelled"]
LIN = "lin"


@dataclass(frozen=True, kw_only=True)
class Product:
    """One of the goods; names in Chinese and English, the price in cents."""

    key: str
    names: tuple[str, str]
    notes: tuple[str, str]
    cents: int

    @property
    def price(self) -> str:
        """The price as it is written."""
        return f"¥{self.cents / 100:.2f}"


@dataclass(kw_only=True)
class Order:
    """An order; `key` is in the address of its page, so that only who has the address sees it.

    `claim` is the id of the bot's claim on it, empty before there is one.
    """

    key: str
    number: str
    product: Product
    state: OrderState = "unpaid"
    claim: str = ""


@dataclass(kw_only=True)
class Customer:
    """A customer of the shop; `claim` is the id of the one by which a WeChat is being linked, if any."""

    id: str
    names: tuple[str, str]
    claim: str = ""


GOODS = (
    Product(
        key="longjing",
        names=("明前龙井", "Longjing green tea"),
        notes=("50 克，豆香清甜", "50 g, sweet and nutty"),
        cents=6800,
    ),
    Product(
        key="jasmine",
        names=("茉莉花茶", "Jasmine tea"),
        notes=("100 克，七窨一提", "100 g, scented seven times"),
        cents=3900,
    ),
    Product(
        key="gaiwan",
        names=("白瓷盖碗", "White gaiwan"),
        notes=("150 毫升，一人用", "150 ml, for one"),
        cents=8800,
    ),
)


class Stock:
    """Everything the shop keeps. Whoever changes what it hands out holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.orders: dict[str, Order] = {}
        self.customers = {LIN: Customer(id=LIN, names=("小林", "Lin"))}
        self._by_person: dict[str, str] = {}

    def new_order(self, product: Product) -> Order:
        """Take an order."""
        with self.lock:
            number = f"{clock.now():%m%d}{secrets.randbelow(9000) + 1000}{len(self.orders) + 1:02}"
            order = Order(key=secrets.token_urlsafe(12), number=number, product=product)
            self.orders[order.key] = order
            return order

    def numbered(self, number: str) -> Order | None:
        """Return the order of a number, None if the shop knows none (any more)."""
        with self.lock:
            return next((order for order in self.orders.values() if order.number == number), None)

    def customer_of(self, person: str) -> Customer:
        """Return the customer who came with a WeChat that is linked to nobody: the same one every time."""
        with self.lock:
            if person not in self._by_person:
                number = len(self.customers)
                made = Customer(id=f"guest-{number}", names=(f"微信顾客 {number}", f"WeChat guest {number}"))
                self.customers[made.id] = made
                self._by_person[person] = made.id
            return self.customers[self._by_person[person]]
