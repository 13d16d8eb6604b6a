"""Which account a request means that need not name one."""

from collections.abc import Collection


def account_meant(asked: str | None, accounts: Collection[str]) -> str | None:
    """Return the account that is named, else the only one, else `default`; None if it is none of these."""
    name = asked or (next(iter(accounts)) if len(accounts) == 1 else "default")
    return name if name in accounts else None
