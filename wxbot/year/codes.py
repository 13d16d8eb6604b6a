"""The codes that people are shown once, for an order or to link their account, and what became of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from wxbot.bindings.rows import held
from wxbot.followers import person
from wxbot.year.lives import CLAIMED, Kind, Moment
from wxbot.year.plan import Plan

CLAIM = (
    *("id", "account", "purpose", "subject", "scene", "state", "is_exclusive", "person", "openid", "held"),
    *("data", "made_by", "created_at", "expires_at", "claimed_at", "ended_at"),
)
STEP = ("claim", "number", "at", "step", "person", "detail")
BINDING = (
    *("id", "account", "site_user", "person", "openid", "claim", "bound_at", "ended_at", "ended_by"),
    *("held_user", "held_person"),
)
_MADE_BY = "demo"
_LIFETIME_SECONDS = 600
_SWEEP_SECONDS = 30
_SHOWN_SECONDS = 40  # before it is scanned

Row = tuple[object, ...]


@dataclass(frozen=True)
class Code:
    """A code that was made for one person, who leaves at `left_at`, in seconds since 1970, or stays."""

    plan: Plan
    number: int
    openid: str
    moment: Moment
    left_at: int | None

    @property
    def is_claimed(self) -> bool:
        """Whether the person scanned it."""
        return self.moment.kind in CLAIMED

    @property
    def scene(self) -> str:
        """What the code holds."""
        return scene_of(self.plan, self.number, self.moment.code, kind=self.moment.kind)

    def claim(self) -> Row:
        """Return the row of the claim."""
        purpose, made_at = _PURPOSES[self.moment.kind], self.moment.at - _SHOWN_SECONDS
        subject = self._subject()
        row = (self._id(b"claim"), self.plan.account, purpose, subject, self.scene, self._states()[-1], True)
        terms = ("{}", _MADE_BY, made_at, made_at + _LIFETIME_SECONDS)
        if not self.is_claimed:
            return (*row, None, None, None, *terms, None, self._swept_at())
        holder = (self._person(), self.openid if self.left_at is None else None)
        return (*row, *holder, held(self.plan.account, purpose, subject), *terms, self.moment.at, None)

    def steps(self) -> Iterator[Row]:
        """Yield the rows of what happened to the claim."""
        claim, at = self._id(b"claim"), self.moment.at
        yield (claim, 1, at - _SHOWN_SECONDS, "made", None, _MADE_BY)
        happened = [(at if self.is_claimed else self._swept_at(), state) for state in self._states()]
        if self.is_claimed and self.left_at is not None:
            happened.append((self.left_at, "forgotten"))
        for number, (when, step) in enumerate(happened, start=2):
            yield (claim, number, when, step, self._person() if self.is_claimed else None, None)

    def binding(self) -> Row | None:
        """Return the row of the binding that the claim led to, if it is there to link an account."""
        if self.moment.kind is not Kind.LINK:
            return None
        account, user, who = self.plan.account, self._subject(), self._person()
        row = (self._id(b"binding"), account, user, who)
        if self.left_at is not None:
            ending = (self.left_at, "unfollow", None, None)
            return (*row, None, self._id(b"claim"), self.moment.at, *ending)
        holds = (held("user", account, user), held("person", account, who.hex()))
        return (*row, self.openid, self._id(b"claim"), self.moment.at, None, None, *holds)

    def _states(self) -> tuple[str, ...]:
        if not self.is_claimed:
            return ("expired",)
        return ("claimed", "confirmed") if self.moment.kind is Kind.LINK else ("claimed",)

    def _subject(self) -> str:
        if self.moment.kind is Kind.LINK:
            return f"member-{self.number}-{self.moment.code}"
        return f"T{self.number:08}{self.moment.code:02}"

    def _swept_at(self) -> int:
        return self.moment.at - _SHOWN_SECONDS + _LIFETIME_SECONDS + _SWEEP_SECONDS

    def _person(self) -> bytes:
        return person(self.plan.account, self.openid)

    def _id(self, what: bytes) -> bytes:
        return sha256(what + self.scene.encode()).digest()[:16]


_PURPOSES = {Kind.LINK: "link", Kind.ORDER: "order", Kind.UNCLAIMED: "order"}


def scene_of(plan: Plan, number: int, code: int, *, kind: Kind) -> str:
    """Return what the code holds that a person is shown: 16 bytes in base64url, as all of its kind."""
    return f"{_PURPOSES[kind]}:{plan.token('code', number, code)[:21]}w"
