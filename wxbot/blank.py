"""Which texts show nothing on a phone: a reply must not be one, nor what the settings have for a reply."""

import unicodedata

# Letters and marks that have no shape of their own although their category says otherwise.
_SHAPELESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for start, stop in ((0xFE00, 0xFE10), (0xE0100, 0xE01F0)) for code in range(start, stop)
}
_SHAPELESS_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def is_blank(text: str) -> bool:
    """Tell whether nothing of a text can be seen: white space, control and zero-width characters only."""
    return all(char in _SHAPELESS or unicodedata.category(char) in _SHAPELESS_CATEGORIES for char in text)
