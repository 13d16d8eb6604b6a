"""Scan logins: the code that a browser brings, and who confirmed."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from wxbot.api.models.fields import Sent


class BroughtCode(Sent):
    """What a browser brought back from the login page."""

    code: Annotated[str, Field(strict=True, max_length=256)] = Field(
        description="`code` of the address to which the browser was sent."
    )
    state: Annotated[str, Field(strict=True, max_length=256)] = Field(
        description="The state that is kept in the session of this browser on your site; not what the "
        "address says. A code that was meant for another browser is refused by it."
    )


class ShownLogin(BaseModel):
    """A login that somebody has confirmed. Times are UTC."""

    id: str = Field(description="The claim. `claim.released` with this id means: end the session.")
    account: str
    person: str = Field(description="Who confirmed, the same text at each login to this account.")
    site_user: str | None = Field(
        description="The user of your site to whom the person is bound; null for none, or for several."
    )
    site_users: list[str] = Field(description="All users of your site to whom the person is bound.")
    is_new: bool = Field(description="Bound to nobody, and has never logged in before.")
    confirmed_at: datetime
