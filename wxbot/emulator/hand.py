"""What people do with their phones, and the pushes that follow from it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from wxbot.emulator import wire
from wxbot.emulator.judge import Bubble
from wxbot.emulator.push import Delivery, Exchange, Post, Pusher, Verification
from wxbot.emulator.windows import trigger_of
from wxbot.emulator.wire import Element, Push
from wxbot.emulator.world import Person, World


class ImpossibleError(Exception):
    """Something that nobody could do on a phone; `reason` is a slug."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"a phone does not allow this: {reason}")


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What a person sees after scanning: the chat, a sheet that asks to follow, or an expired code."""

    page: Literal["chat", "follow", "expired"]
    delivery: Delivery | None = None


class Hand:
    """Acts for the people of a world. Each gesture returns when the callback has answered, or failed to."""

    def __init__(
        self, world: World, *, post: Post | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.world = world
        self._pusher = Pusher(post=post, rules=lambda: world.rules, platform_clock=world.clock, sleep=sleep)

    def scan(self, openid: str, ticket: str, *, follows: bool = True) -> Scanned:
        """Scan a code. Somebody who does not follow is asked to first, and does so if `follows`.

        ImpossibleError `no_such_code` for a ticket that was never issued.
        """
        world = self.world
        # Looked at and changed in one step: of two gestures at once, one comes after the other.
        with world.changing():
            is_following = world.person(openid).state == "following"
            code = world.codes.find(ticket)
            if code is None:
                raise ImpossibleError("no_such_code")
            if code.is_expired(world.clock.now()):
                world.note(openid, side="system", action="expired", scene=code.scene)
                return Scanned(page="expired")
            if not is_following and not follows:
                return Scanned(page="follow")
            world.scans[ticket] = world.scans.get(ticket, 0) + 1
            if not is_following:
                world.become(openid, "following", code=code)
        now = world.clock.seconds()
        if is_following:
            push = wire.scan(openid, now, scene=code.scene, ticket=ticket)
            return Scanned(page="chat", delivery=self.push(push, action="scan", scene=code.scene))
        push = wire.follow(openid, now, scene=code.scene, ticket=ticket)
        return Scanned(page="chat", delivery=self.push(push, action="follow_by_scan", scene=code.scene))

    def follow(self, openid: str) -> Delivery:
        """Follow the account without a code, as by searching for it: a scene on the way is lost."""
        with self.world.changing():
            if self.world.person(openid).state == "following":
                raise ImpossibleError("follows_already")
            self.world.become(openid, "following")
        return self.push(wire.follow(openid, self.world.clock.seconds()), action="follow")

    def unfollow(self, openid: str) -> Delivery:
        """Stop following the account."""
        with self.world.changing():
            self._follower(openid)
            self.world.become(openid, "left")
        return self.push(wire.unfollow(openid, self.world.clock.seconds()), action="unfollow")

    def say(self, openid: str, content: str) -> Delivery:
        """Write a text to the account."""
        self._follower(openid)
        if not content.strip():
            raise ImpossibleError("blank")
        push = wire.text(openid, self.world.clock.seconds(), content=content, msg_id=self.world.new_msg_id())
        return self.push(push, action="text", bubble=Bubble(kind="text", text=content))

    def show(self, openid: str, url: str, *, media_id: str) -> Delivery:
        """Send a picture to the account; `url` is where WeChat keeps it for the developer."""
        self._follower(openid)
        push = wire.image(
            openid,
            self.world.clock.seconds(),
            url=url,
            media_id=media_id,
            msg_id=self.world.new_msg_id(),
        )
        return self.push(push, action="image", bubble=Bubble(kind="image", media_id=media_id, url=url))

    def choose(self, openid: str, entry: int, choice: str) -> Delivery:
        """Tap an item of a menu message, which stands in the entry with this number."""
        self._follower(openid)
        with self.world.lock:
            bubbles = [
                item.bubble for item in self.world.conversations[openid].entries if item.number == entry
            ]
        items = [item for bubble in bubbles if bubble for item in bubble.choices if item.id == choice]
        if not items:
            raise ImpossibleError("no_such_button")
        content = items[0].content
        more = (Element("Content", content), Element("bizmsgmenuid", choice))
        msg_id, now = self.world.new_msg_id(), self.world.clock.seconds()
        push = wire.message(openid, now, msg_type="text", msg_id=msg_id, more=more)
        return self.push(push, action="text", bubble=Bubble(kind="text", text=content))

    def tap(self, openid: str, *path: int) -> Delivery:
        """Tap a menu button by its position, and the position in its sub-menu."""
        self._follower(openid)
        button = self._button(path)
        now = self.world.clock.seconds()
        if button.get("type") == "view":
            push = wire.view(openid, now, url=button["url"], menu_id=self.world.new_number())
            return self.push(push, action="view", scene=button["name"])
        if button.get("type") == "click":
            push = wire.click(openid, now, key=button["key"])
            return self.push(push, action="click", scene=button["name"])
        raise ImpossibleError("button_not_emulated")

    def push(
        self, push: Push, *, action: str = "push", scene: str = "", bubble: Bubble | None = None
    ) -> Delivery:
        """Push anything in somebody's name and show what comes of it."""
        world, openid = self.world, push.openid
        number = world.new_number()
        delivery = Delivery(push=push)
        side: Literal["person", "system"] = "person" if bubble else "system"
        with world.changing():
            world.deliveries[number] = delivery
            world.note(openid, side=side, action=action, bubble=bubble, scene=scene, delivery=number)
            conversation = world.conversations[openid]
            conversation.waiting += 1
            conversation.exchanged_at = world.clock.now()
            if trigger := trigger_of(push):
                conversation.windows.open(trigger, now=world.clock.now(), rules=world.rules)
            account, trouble = world.account, world.trouble
        try:
            if account.callback_url:
                for exchange in self._pusher.attempts(
                    push, account.sender, url=account.callback_url, trouble=trouble
                ):
                    delivery = self._keep(number, delivery, exchange)
        finally:
            with world.changing():
                conversation.waiting -= 1
        if push.event == "SCAN" and trouble.second_receiver and number in world.deliveries:
            fault = Bubble(kind="fault", text=world.rules.fault_notice)
            world.note(openid, side="system", action="second_receiver", bubble=fault)
        return delivery

    def redeliver(self, number: int) -> Delivery:
        """Deliver the push of a number once more, as the platform may at any time."""
        with self.world.lock:
            delivery = self.world.deliveries.get(number)
            account = self.world.account
        if delivery is None or not account.callback_url:
            raise ImpossibleError("no_such_delivery")
        attempt = len(delivery.exchanges) + 1
        exchange = self._pusher.repeat(
            delivery.push, account.sender, url=account.callback_url, attempt=attempt
        )
        return self._keep(number, delivery, exchange)

    def verify(self) -> Verification:
        """Verify the callback URL of the account; ImpossibleError `no_callback_url` when it has none."""
        account = self.world.account
        if not account.callback_url:
            raise ImpossibleError("no_callback_url")
        return self._pusher.verify(account.sender, url=account.callback_url)

    def _keep(self, number: int, delivery: Delivery, exchange: Exchange) -> Delivery:
        with self.world.changing():
            if number not in self.world.deliveries:
                return delivery.with_exchange(exchange)  # the world was reset meanwhile
            delivery = self.world.deliveries[number].with_exchange(exchange)
            self.world.deliveries[number] = delivery
            bubble = exchange.verdict.bubble
            if bubble is not None and not exchange.is_repeat:
                is_fault = bubble.kind in ("fault", "transfer")
                self.world.note(
                    delivery.push.openid,
                    side="system" if is_fault else "account",
                    action="fault" if bubble.kind == "fault" else "reply",
                    bubble=bubble,
                    delivery=number,
                )
            return delivery

    def _follower(self, openid: str) -> Person:
        person = self.world.person(openid)
        if person.state != "following":
            raise ImpossibleError("does_not_follow")
        return person

    def _button(self, path: tuple[int, ...]) -> dict[str, Any]:
        menu = self.world.menu
        button: dict[str, Any] = {"sub_button": menu["button"] if menu else []}
        for position in path:
            buttons = button.get("sub_button", [])
            if not 0 <= position < len(buttons):
                raise ImpossibleError("no_such_button")
            button = buttons[position]
        return button
