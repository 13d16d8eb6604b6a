"""From a handler and its values to the scene that a code will carry."""

import difflib
from collections.abc import Mapping
from contextlib import suppress

from wxbot.scenes.patterns import SceneError
from wxbot.scenes.rules import WHENS
from wxbot.scenes.table import SceneAnswer, Table


def build_scene(table: Table, endpoint: str, values: Mapping[str, object]) -> str:
    """Return a scene that the endpoint answers with these values; raises SceneError."""
    rules = table.endpoints.get(endpoint)
    if rules is None:
        raise SceneError(_no_endpoint(table, endpoint))
    # Decorators run from the bottom up, and the topmost is the one that a reader takes for the first.
    fitting = list(reversed(rules.get(frozenset(values), [])))
    if not fitting:
        taken = " or ".join(sorted(", ".join(sorted(names)) or "nothing" for names in rules))
        raise SceneError(f"{endpoint} takes {taken}, not {', '.join(sorted(values)) or 'nothing'}")
    reasons: list[str] = []
    for is_exact in (True, False):
        for answer in fitting:
            if is_exact and not answer.pattern.has_types(values):
                continue
            try:
                return _build(table, answer, values)
            except SceneError as error:
                reasons.append(str(error))
    raise SceneError(f"no scene for {endpoint}: {'; '.join(dict.fromkeys(reasons))}")


def sample_scene(table: Table, answer: SceneAnswer) -> str | None:
    """Return a scene that this very rule answers, with 1001 as what it captures where that is possible."""
    block = answer.pattern.block
    # 1 where a rule has no room for more, a word where integers belong to another rule.
    for value in (block.start,) if block else (1001, 1, "a"):
        with suppress(SceneError):
            return _build(table, answer, dict.fromkeys(answer.pattern.names, value))
    return None


def _build(table: Table, answer: SceneAnswer, values: Mapping[str, object]) -> str:
    scene = answer.pattern.build(values, table.keys)
    for when in WHENS if answer.when is None else (answer.when,):
        found = table.find_scene(scene, when)
        if found is None or found[0].handler is not answer.handler or found[1].keys() != values.keys():
            other = found[0] if found else answer
            raise SceneError(
                f"scene {scene!r} would go to {other.handler.name} ({other.handler.location}), "
                f"whose rule {other.pattern.text!r} is more specific"
            )
    return scene


def _no_endpoint(table: Table, endpoint: str) -> str:
    near = difflib.get_close_matches(endpoint, table.endpoints, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "name it plugin.function"
    return f"no handler called {endpoint!r} answers scenes in account {table.account!r}: {hint}"
