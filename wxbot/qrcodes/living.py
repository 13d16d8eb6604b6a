"""Living codes: a name whose image never expires, because the code behind it is renewed in time."""

import logging
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import SQLAlchemyError

from wxbot import clock
from wxbot.db.models import living_codes
from wxbot.db.statements import insert_first, put
from wxbot.errors import WxbotError
from wxbot.qrcodes.kinds import LONGEST_SECONDS, SceneRefusedError, check_lifetime, kind_of
from wxbot.qrcodes.mint import Code, Minter

# While WeChat does not answer, a request now and then tries; the others show the code there is.
_PAUSE_SECONDS = 10.0

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = logging.getLogger(__name__)


class UnknownNameError(WxbotError):
    """There is no living code of this name."""


class NameTakenError(WxbotError):
    """A living code of this name shows something else."""


class NotShownError(WxbotError):
    """A living code has no ticket that is valid now, and WeChat gave no new one."""


@dataclass(frozen=True, kw_only=True)
class LivingCode:
    """A name, the scene it shows, and how long each code behind it lives."""

    name: str
    account: str
    scene: str
    is_integer: bool
    lifetime_seconds: int
    created_at: int


class LivingCodes:
    """The book of living codes. Safe to use from any thread and any number of processes."""

    def __init__(self, engine: Engine, minter: Minter, *, now: Callable[[], datetime] = clock.now) -> None:
        self._engine = engine
        self._minter = minter
        self._now = now
        self._paused_until: dict[str, float] = {}

    def put(
        self,
        name: str,
        scene: int | str,
        lifetime: int = LONGEST_SECONDS,
        *,
        account: str = "default",
    ) -> LivingCode:
        """Let a name show a scene from now on, with codes of `lifetime` seconds; nothing is minted yet.

        Raises SceneRefusedError for a name, scene or lifetime that cannot be.
        """
        living = self._checked(name, scene, lifetime, account=account)
        with self._engine.begin() as connection:
            put(connection, living_codes, asdict(living))
        return living

    def put_first(self, name: str, scene: int | str, *, account: str = "default") -> LivingCode:
        """Do `put` unless the name shows this scene already; raises NameTakenError if it shows another.

        Names belong to all accounts together: of another account's code the error tells nothing but the name.
        """
        try:
            known = self.find(name)
        except UnknownNameError:
            known = self._taken(self._checked(name, scene, LONGEST_SECONDS, account=account))
        if known.account != account:
            raise NameTakenError(f"the name {name!r} of a living code is taken: choose another name")
        if known.scene != str(scene):
            raise NameTakenError(
                f"the living code {name!r} shows another scene, {known.scene!r}: choose another name"
            )
        return known

    def _taken(self, wanted: LivingCode) -> LivingCode:
        """Take a name that was free a moment ago; return what it shows."""
        with self._engine.begin() as connection:
            if insert_first(connection, living_codes, asdict(wanted)):
                return wanted
        return self.find(wanted.name)

    def _checked(self, name: str, scene: int | str, lifetime: int, *, account: str) -> LivingCode:
        if not _NAME.fullmatch(name):
            raise SceneRefusedError(
                f"{name[:70]!r} cannot be the name of a living code: use 1 to 64 letters, digits, _ or -"
            )
        check_lifetime(lifetime)
        kind = kind_of(scene, account=account, expires_in=lifetime)
        return LivingCode(
            name=name,
            account=account,
            scene=kind.scene,
            is_integer=kind.is_integer,
            lifetime_seconds=lifetime,
            created_at=int(self._now().timestamp()),
        )

    def remove(self, name: str) -> None:
        """Forget a name; raises UnknownNameError. Codes that were shown live until they expire."""
        with self._engine.begin() as connection:
            if not connection.execute(delete(living_codes).where(living_codes.c.name == name)).rowcount:
                raise UnknownNameError(f"there is no living code {name!r}")

    def find(self, name: str) -> LivingCode:
        """Return what a name shows; raises UnknownNameError, also for what cannot be a name."""
        if not _NAME.fullmatch(name):  # PostgreSQL takes no NUL, and would say so as if it were away
            raise UnknownNameError(f"there is no living code {name[:70]!r}")
        with self._engine.connect() as connection:
            row = (
                connection.execute(select(living_codes).where(living_codes.c.name == name)).mappings().first()
            )
        if row is None:
            raise UnknownNameError(f"there is no living code {name!r}")
        return LivingCode(**row)

    def names(self) -> list[LivingCode]:
        """Return all of them, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(living_codes).order_by(living_codes.c.name)).mappings().all()
        return [LivingCode(**row) for row in rows]

    def show(self, name: str) -> Code:
        """Return the code to show now; it has not expired, and normally half of its life is left.

        While WeChat gives no new one, the present code serves to its end; after that NotShownError.
        Raises UnknownNameError.
        """
        living = self.find(name)
        present = self._minter.find(living.scene, account=living.account, is_permanent=False)
        if present is not None and present.is_integer != living.is_integer:
            present = None
        if self._left(present) > living.lifetime_seconds / 2 or self._is_paused(name):
            return self._unexpired(present, name)
        try:
            present = self._renewed(living, is_urgent=self._left(present) <= 0)
        except (WxbotError, SQLAlchemyError) as error:
            self._paused_until[name] = clock.monotonic() + _PAUSE_SECONDS
            reason = str(error) if isinstance(error, WxbotError) else type(error).__name__
            log.warning("the living code %s could not be renewed: %s", name, reason)
        return self._unexpired(present, name)

    def _renewed(self, living: LivingCode, *, is_urgent: bool) -> Code:
        scene = int(living.scene) if living.is_integer else living.scene
        return self._minter.mint(
            scene,
            account=living.account,
            expires_in=living.lifetime_seconds,
            patience=3.0 if is_urgent else 0.0,  # while there is a code to show, nobody waits for another
        )

    def _is_paused(self, name: str) -> bool:
        return clock.monotonic() < self._paused_until.get(name, 0.0)

    def seconds_left(self, code: Code) -> float:
        """Return how long a code can still be scanned."""
        return code.seconds_left(int(self._now().timestamp()))

    def _left(self, code: Code | None) -> float:
        return 0.0 if code is None else self.seconds_left(code)

    def _unexpired(self, code: Code | None, name: str) -> Code:
        if code is None or self._left(code) <= 0:
            raise NotShownError(f"the living code {name!r} has expired, and WeChat gave no new one yet")
        return code
