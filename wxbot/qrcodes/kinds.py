"""Which of WeChat's four kinds a scene belongs to, and what WeChat is sure to carry."""

from dataclasses import dataclass

from wxbot.errors import WxbotError
from wxbot.scenes.once import counted_as
from wxbot.scenes.patterns import (
    LARGEST_INTEGER,
    RESERVED_BEGINNINGS,
    SCENE_LENGTH,
    is_printable_scene,
    looks_like_number,
)

__all__ = [
    "LARGEST_NUMBER",
    "LARGEST_PERMANENT_NUMBER",
    "LONGEST_SECONDS",
    "SHORTEST_SECONDS",
    "Kind",
    "SceneRefusedError",
    "SceneTakenError",
    "check_lifetime",
    "check_scene",
    "kind_of",
    "looks_like_number",
    "value_of",
]

LONGEST_SECONDS = 2_592_000
SHORTEST_SECONDS = 60
LARGEST_NUMBER = LARGEST_INTEGER
LARGEST_PERMANENT_NUMBER = 100_000


class SceneRefusedError(WxbotError):
    """A scene or a lifetime that WeChat would refuse, mangle or confuse; the text says what to use."""


class SceneTakenError(SceneRefusedError):
    """A code of the other kind has the same digits: their scans could not be told apart."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is asked of WeChat: the scene as text, whether it is a number, whether it lasts."""

    account: str
    scene: str
    is_integer: bool
    is_permanent: bool

    @property
    def value(self) -> int | str:
        """The scene as WeChat's API takes it."""
        return int(self.scene) if self.is_integer else self.scene


def kind_of(scene: int | str, *, account: str, expires_in: int | None) -> Kind:
    """Return the kind of a scene; `expires_in` is its lifetime in seconds, None means permanent.

    Raises SceneRefusedError for what must not be sent.
    """
    is_permanent = expires_in is None
    if expires_in is not None:
        check_lifetime(expires_in)
    if isinstance(scene, bool) or not isinstance(scene, (int, str)):
        raise SceneRefusedError(f"a scene is a whole number or a text, not {type(scene).__name__}")
    if isinstance(scene, int):
        _check_number(scene, is_permanent=is_permanent)
    else:
        _check_text(scene)
    return Kind(
        account=account, scene=str(scene), is_integer=isinstance(scene, int), is_permanent=is_permanent
    )


def value_of(scene: str) -> int | str:
    """Return a scene as it is minted where nobody says of which type it is: digits become a number."""
    return int(scene) if looks_like_number(scene) else scene


def check_scene(scene: str) -> None:
    """Raise SceneRefusedError for a scene that no code can have, or none that hangs somewhere for long."""
    value = value_of(scene)
    kind_of(value, account="", expires_in=SHORTEST_SECONDS)
    if isinstance(value, int) and value > LARGEST_PERMANENT_NUMBER:
        raise SceneRefusedError(
            f"the scene {scene} is a number above {LARGEST_PERMANENT_NUMBER}, of which WeChat makes no "
            f"permanent code to be printed: put letters before it, as in 'd{scene}'"
        )
    if (together := counted_as(scene)) != scene:
        raise SceneRefusedError(
            f"the scene ends like a code for one use, and would be counted under {together!r} with all of "
            "those: make its last part shorter or longer"
        )


def check_lifetime(seconds: int) -> None:
    """Raise SceneRefusedError for a lifetime that WeChat does not grant."""
    is_whole = isinstance(seconds, int) and not isinstance(seconds, bool)
    if not is_whole or not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise SceneRefusedError(
            f"a temporary code lives between {SHORTEST_SECONDS} seconds and {LONGEST_SECONDS} (30 days), "
            f"not {seconds!r}; make it permanent, or a living code, if it is to work for longer"
        )


def _check_number(scene: int, *, is_permanent: bool) -> None:
    largest = LARGEST_PERMANENT_NUMBER if is_permanent else LARGEST_NUMBER
    if 1 <= scene <= largest:
        return
    kind = "permanent" if is_permanent else "temporary"
    raise SceneRefusedError(
        f"the number of a {kind} code is between 1 and {largest}, not {scene}; a text such as "
        f"'order:{scene}' may hold any number"
    )


def _check_text(scene: str) -> None:
    if not scene:
        raise SceneRefusedError("the scene is empty; use 1 to 64 letters, digits or _ . : = -")
    for beginning in RESERVED_BEGINNINGS:
        if scene.startswith(beginning):
            raise SceneRefusedError(
                f"no scene may begin with {beginning!r}: WeChat uses it itself, and its events could not be "
                "told from yours; leave it away"
            )
    if len(scene) > SCENE_LENGTH:
        raise SceneRefusedError(
            f"the scene has {len(scene)} characters, WeChat takes {SCENE_LENGTH}; keep the long text in your "
            "own records and put its number into the scene"
        )
    if not is_printable_scene(scene):
        wrong = "".join(dict.fromkeys(char for char in scene if not is_printable_scene(char)))
        raise SceneRefusedError(
            f"the scene holds {wrong[:20]!r}; WeChat only says what becomes of ASCII letters, digits and "
            "_ . : = -. Keep Chinese, emoji and other texts in your own records, put their number or a name "
            "in ASCII into the scene (as in 'shop:12'), and print them beside the code as its caption"
        )
