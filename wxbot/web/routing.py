"""Routes that are added quickly: a bot has two hundred of them, and few are ever linked to."""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


class LazyRule(Rule):
    """A route that makes what builds its addresses when an address is asked for.

    werkzeug compiles two functions for each route as it is added, which took three quarters of the time to
    make the application.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        compiled: list[Builder] = []

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(Rule._compile_builder(self, append_unknown))
            return compiled[0](rule, **values)

        return build
