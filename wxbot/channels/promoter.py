"""A promoter: somebody who is to win followers through channels."""

from dataclasses import dataclass

from wxbot.channels.channel import check_word

LARGEST_TARGET = 2_147_483_647


@dataclass(frozen=True, kw_only=True)
class Promoter:
    """Somebody with channels and, perhaps, a target: so many new followers. Times are seconds in UTC."""

    account: str
    name: str
    title: str
    target: int | None
    created_at: int
    changed_at: int
    archived_at: int | None = None

    def reached(self, new: int) -> float | None:
        """Return so many new followers as a part of the target; None without one."""
        return new / self.target if self.target else None


def check(title: str, target: int | None) -> dict[str, str]:
    """Return what is wrong with the details of a promoter, by field."""
    faults = {}
    if fault := check_word(title):
        faults["title"] = fault
    if target is not None and not 1 <= target <= LARGEST_TARGET:
        faults["target"] = f"is not a number between 1 and {LARGEST_TARGET}: leave it out for none"
    return faults
