"""The text below a code: its lines, and the font that can show them."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

# In ems of a caption's font, of which 16 make the width of the picture (see layout.py).
WIDEST_LINE = 14.5
WIDE_LATIN = frozenset("MWmw@%&—…")
# By the rules of Chinese typesetting.
NEVER_FIRST = frozenset("，。、；：！？）」』》】”’…—,.;:!?)]} ")
NEVER_LAST = frozenset("（「『《【“‘([{")
LONGEST_CAPTION = 255

# File names, which Pillow looks for where the system keeps its fonts; with the number of the simplified
# Chinese face in a file of several.
FONTS = (
    ("NotoSansCJK-Regular.ttc", 2),
    ("NotoSansCJKsc-Regular.otf", 0),
    ("NotoSansSC-Regular.otf", 0),
    ("SourceHanSansSC-Regular.otf", 0),
    ("PingFang.ttc", 0),
    ("Hiragino Sans GB.ttc", 0),
    ("msyh.ttc", 0),
    ("simhei.ttf", 0),
    ("wqy-microhei.ttc", 0),
    ("wqy-zenhei.ttc", 0),
    ("DejaVuSans.ttf", 0),
    ("LiberationSans-Regular.ttf", 0),
    ("Arial.ttf", 0),
)
FAMILIES = (
    "'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC','Hiragino Sans GB',"
    "'Microsoft YaHei','WenQuanYi Micro Hei',sans-serif"
)
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
# No font has a glyph for it, so that every font shows here what it shows for characters it lacks.
NO_CHARACTER = "\U0010ffff"


def caption_lines(caption: str) -> tuple[str, ...]:
    """Return the lines of a caption: broken where it says so and where a line would be too wide."""
    shown = "\n".join(
        " ".join("".join(char for char in line.expandtabs() if char.isprintable()).split())
        for line in caption[:LONGEST_CAPTION].splitlines()
    )
    return tuple(part for line in shown.split("\n") for part in _wrapped(line) if part)


def font_for(characters: frozenset[str], pixels: int, file: Path | None) -> Font:
    """Return a font that has all the characters; ValueError says what is missing and what to install."""
    if file is not None and _open(str(file), 0, pixels) is None:
        raise ValueError(f"the font {file.name} cannot be read")
    least = characters
    for font in _candidates(pixels, file):
        missing = _missing(font, characters)
        if not missing:
            return font
        least = min(least, missing, key=len)
    raise ValueError(
        f"no font has {' '.join(sorted(least)[:10])} of the caption; install one that does (fonts-noto-cjk "
        "on Debian and Ubuntu, google-noto-sans-cjk-fonts on Fedora, font-noto-cjk on Alpine), leave these "
        "characters out, or draw SVG, which needs no font here"
    )


def _candidates(pixels: int, file: Path | None) -> Iterator[Font]:
    for name, face in ((str(file), 0),) if file is not None else FONTS:
        font = _open(name, face, pixels)
        if font is not None:
            yield font
    if file is None:
        yield ImageFont.load_default(pixels)


def _wrapped(line: str) -> list[str]:
    parts, current = [""], 0.0
    for word in _words(line):
        width = sum(map(_ems, word))
        if current + width > WIDEST_LINE and parts[-1]:
            parts.append("")
            current = 0.0
        for char in word:
            # A word wider than a line is broken where the line ends.
            if current + _ems(char) > WIDEST_LINE:
                parts.append("")
                current = 0.0
            parts[-1] += char
            current += _ems(char)
    return [part.strip() for part in parts]


def _words(line: str) -> list[str]:
    """Split where a line may be broken: after spaces, and between Chinese characters."""
    words = [""]
    for char in line:
        if words[-1] and _may_break(words[-1][-1], char):
            words.append("")
        words[-1] += char
    return words


def _may_break(before: str, after: str) -> bool:
    if before in NEVER_LAST or after in NEVER_FIRST:
        return False
    return before == " " or _is_wide(before) or _is_wide(after)


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _ems(char: str) -> float:
    """Return an estimate that is rather too wide: the font of an SVG's reader is not known."""
    if _is_wide(char) or char in WIDE_LATIN:
        return 1.0
    if char == " ":
        return 0.3
    return 0.7 if char.isupper() else 0.57


@lru_cache(maxsize=64)
def _open(name: str, face: int, pixels: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, pixels, index=face)
    except OSError:
        return None


def _missing(font: Font, characters: frozenset[str]) -> frozenset[str]:
    unknown = bytes(font.getmask(NO_CHARACTER))
    return frozenset(c for c in characters if not c.isspace() and bytes(font.getmask(c)) == unknown)
