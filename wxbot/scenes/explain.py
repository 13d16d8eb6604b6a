"""Why a scene is answered by one handler and not by another, for `wxbot explain`."""

from dataclasses import dataclass

from wxbot.scenes.patterns import Miss, clip
from wxbot.scenes.rules import When
from wxbot.scenes.table import SceneAnswer, Table


@dataclass(frozen=True)
class Candidate:
    """One rule that was looked at: whether it takes the scene, and why or why not in plain words."""

    rule: str
    handler: str
    location: str
    matches: bool
    reason: str


@dataclass(frozen=True)
class Explanation:
    """Which handler answers a scene (`winner`, empty for none) and what was looked at.

    The most specific comes first. Exact rules for other scenes are left out, there may be very many of them.
    """

    scene: str
    account: str
    when: When
    winner: str
    candidates: tuple[Candidate, ...]


def explain(table: Table, scene: str, when: When) -> Explanation:
    """Look at every rule of an account that is a pattern or a block, or is exactly this scene."""
    found = table.find_scene(scene, when)
    winner = found[0] if found else None
    answers = [each for each in table.scenes if each.pattern.kind != "exact" or each.pattern.head == scene]
    answers.sort(key=lambda each: each.pattern.rank)
    candidates = [
        _candidate(each, _scene_verdict(table, each, winner, scene=scene, when=when)) for each in answers
    ]
    fallbacks = table.fallbacks_for(scene)
    for fallback in fallbacks:
        is_next = winner is None and fallback is fallbacks[0]
        reason = (
            "answers: no rule takes the scene"
            if is_next
            else "would answer if the ones before it gave nothing"
        )
        candidates.append(Candidate("(fallback)", fallback.name, fallback.location, True, reason))
    handlers = [*([winner.handler] if winner else []), *fallbacks]
    return Explanation(scene, table.account, when, handlers[0].name if handlers else "", tuple(candidates))


def _candidate(answer: SceneAnswer, verdict: tuple[bool, str]) -> Candidate:
    matches, reason = verdict
    return Candidate(answer.pattern.text, answer.handler.name, answer.handler.location, matches, reason)


def _scene_verdict(
    table: Table, answer: SceneAnswer, winner: SceneAnswer | None, *, scene: str, when: When
) -> tuple[bool, str]:
    if answer.when not in (None, when):
        people = {"follow": "people who follow with the scan", "scan": "people who followed already"}
        return False, f"is only for {people[str(answer.when)]} (when={answer.when!r})"
    values = answer.pattern.match(scene, table.keys)
    if isinstance(values, Miss):
        return False, values.reason
    if answer is not winner:
        return True, f"matches, but {winner.pattern.text if winner else scene!r} is more specific"
    captured = ", ".join(
        f"{name} = {clip(value) if isinstance(value, str) else value}" for name, value in values.items()
    )
    return True, f"answers: captures {captured}" if captured else "answers: it is exactly this scene"
