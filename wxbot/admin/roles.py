"""What users of the dashboard may do: look, work, or rule."""

from enum import StrEnum


class Role(StrEnum):
    """Each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    OWNER = "owner"

    def covers(self, needed: "Role") -> bool:
        """Say whether this role may do what needs another one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)
