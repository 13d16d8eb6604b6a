"""The reader's language, and words in both."""

from collections.abc import Mapping

from flask import request

LANGUAGES = ("zh-CN", "en")

# Each word in the order of LANGUAGES; {0} is filled by the page.
Words = Mapping[str, tuple[str, str]]


def language_of_request(chosen: str) -> str:
    """Return the language: asked for, `chosen` before (a cookie), or the browser's; else Chinese."""
    for wanted in (request.args.get("lang"), chosen):
        if wanted in LANGUAGES:
            return wanted
    best = request.accept_languages.best_match(["zh", *LANGUAGES], default=LANGUAGES[0])
    return "en" if best == "en" else LANGUAGES[0]


def other_language(language: str) -> str:
    """Return the one to switch to."""
    return next(each for each in LANGUAGES if each != language)


def words_in(words: Words, language: str) -> dict[str, str]:
    """Return the words in one of LANGUAGES."""
    column = LANGUAGES.index(language)
    return {key: pair[column] for key, pair in words.items()}
