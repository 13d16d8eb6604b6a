"""In which language a kit writes: its account's, or that of the page on which somebody found the code."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import BaseModel

from wxbot.bindings.claim import Claim

CHINESE, ENGLISH, VISITOR = "zh-CN", "en", "visitor"


class Bilingual(BaseModel):
    """Settings with texts: those that are not set are Chinese, English, or as the visitor reads.

    A text that is set is what everybody reads.
    """

    english: ClassVar[Mapping[str, object]]

    language: Literal["zh-CN", "en", "visitor"] = "zh-CN"

    def read_in(self, language: str | None) -> Self:
        """Return the settings as a visitor who reads this language is answered; None: nobody knows which.

        Then it is both, which gives nothing away of a code that is not theirs.
        """
        language = language if self.language == VISITOR else self.language
        if language == CHINESE:
            return self.model_copy(update={"language": CHINESE})
        own = {name: text for name, text in self.english.items() if name not in self.model_fields_set}
        if language == ENGLISH:
            return self.model_copy(update={**own, "language": ENGLISH})
        texts = {name: text for name, text in own.items() if isinstance(text, str)}
        return self.model_copy(update={name: f"{getattr(self, name)}\n{texts[name]}" for name in texts})


def language_of(claim: Claim | None) -> str | None:
    """Return what the page of a claim was written in, as the site said it; Chinese if it said nothing."""
    if claim is None:
        return None
    said = claim.data.get("language")
    return ENGLISH if isinstance(said, str) and said.lower().startswith("en") else CHINESE
