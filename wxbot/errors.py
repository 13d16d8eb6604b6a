"""The exceptions that wxbot raises on purpose; a package adds its own kinds where only it uses them."""

from collections.abc import Sequence


class WxbotError(Exception):
    """Every exception that wxbot raises on purpose."""


class ConfigurationError(WxbotError):
    """The settings cannot be used.

    `faults` holds every fault found, one line each; the text of the exception is these lines.
    """

    faults: tuple[str, ...]

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(self.faults))


class PluginError(ConfigurationError):
    """A plugin or a handler is broken, or two of them contradict each other.

    Each fault names file and line, and what to change.
    """


class ForbiddenError(WxbotError):
    """A callback that cannot be shown to come from WeChat.

    The text never says which check failed, since it may be seen outside; `reason` is a short slug that does,
    for the operator's log.
    """

    reason: str

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__("the callback could not be verified")


class MalformedError(WxbotError):
    """A document that cannot be used although it may be authentic.

    `reason` is a short slug for logs and counters. `ambiguous` tells a document that is well-formed XML
    but misses a field, repeats it or nests into it (acknowledged and kept as a row) from one that is no
    acceptable XML at all: where nothing authenticates it, that one is refused.
    """

    reason: str
    ambiguous: bool

    def __init__(self, reason: str, *, ambiguous: bool = False) -> None:
        self.reason = reason
        self.ambiguous = ambiguous
        super().__init__(f"the document cannot be used: {reason}")


class NotAReplyError(WxbotError):
    """A handler returned something that cannot be sent as a reply.

    The text names the type that was returned and what is allowed.
    """
