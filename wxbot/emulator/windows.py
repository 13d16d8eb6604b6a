"""Who may be written to, for how long and how often: the windows that people open by what they do."""

from dataclasses import dataclass
from typing import Literal

from wxbot.emulator.refusals import Refusal
from wxbot.emulator.rules import Rules
from wxbot.emulator.wire import Push

Trigger = Literal["message", "tap", "follow", "scan"]
EVENTS: dict[str, Trigger] = {
    "subscribe": "follow",
    "SCAN": "scan",
    "CLICK": "tap",
    "scancode_push": "tap",
    "scancode_waitmsg": "tap",
}


@dataclass
class Window:
    """A time in which the account may still send `left` service messages to one person."""

    trigger: Trigger
    ends_at: float
    left: int


class Windows:
    """The windows of one person. How they come together is not documented: `Rules.windows` decides."""

    def __init__(self) -> None:
        self._windows: list[Window] = []

    def open(self, trigger: Trigger, *, now: float, rules: Rules) -> None:
        """Open what a gesture opens: 48 hours and five for a message, a minute and three for the others."""
        if trigger == "message":
            seconds, count = rules.message_window_seconds, rules.message_window_count
        else:
            seconds, count = rules.touch_window_seconds, rules.touch_window_count
        self._windows = self.open_at(now)
        if rules.windows in ("renewed", "extended"):
            before = [window for window in self._windows if window.trigger == trigger]
            self._windows = [window for window in self._windows if window.trigger != trigger]
            if before and rules.windows == "extended":
                count = before[0].left
        elif rules.windows == "newest":
            self._windows = []
        self._windows.append(Window(trigger, now + seconds, count))

    def take(self, *, now: float, rules: Rules) -> None:
        """Use one message; Refusal 45015 when no window is open, 45047 when all that are open are used up."""
        windows = self.open_at(now)
        if not windows:
            raise Refusal(45015)
        usable = sorted((window for window in windows if window.left), key=lambda window: window.ends_at)
        if not usable:
            raise Refusal(45047)
        usable[0 if rules.window_used == "ends_first" else -1].left -= 1

    def close(self) -> None:
        """End all, as when the person stops following."""
        self._windows = []

    def open_at(self, now: float) -> list[Window]:
        """Return the windows that are open, used up or not."""
        return [window for window in self._windows if now < window.ends_at]


def trigger_of(push: Push) -> Trigger | None:
    """Return which window a push opens, if any: opening a page from the menu opens none."""
    if push.is_ordinary_message:
        # An item of a menu message arrives as a text, and counts as a tap on the menu.
        is_choice = any(element.name == "bizmsgmenuid" for element in push.elements)
        return "tap" if is_choice else "message"
    return EVENTS.get(push.event)
