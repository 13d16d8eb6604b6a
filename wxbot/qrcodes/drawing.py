"""Draws a code from its `url`, as SVG or PNG, so that every scanner reads it.

WeChat's own picture is a JPEG of one size; what is drawn here can be printed at any.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import segno

from wxbot.errors import WxbotError
from wxbot.qrcodes.captions import caption_lines
from wxbot.qrcodes.colours import check_colours
from wxbot.qrcodes.layout import Layout, Matrix
from wxbot.qrcodes.logos import read_logo
from wxbot.qrcodes.raster import draw_png
from wxbot.qrcodes.vector import draw_svg

Kind = Literal["svg", "png"]
MEDIA_TYPES: dict[Kind, str] = {"svg": "image/svg+xml", "png": "image/png"}
LARGEST_SIZE = 4096


class DrawingRefusedError(WxbotError):
    """A code that is asked to be drawn so that it could not be scanned; the text says what to change."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """How codes look. Raises DrawingRefusedError for what no scanner would read.

    `size` is the width of the picture in pixels, `margin` the quiet zone in modules, `error` the share that
    may be damaged (l 7 %, m 15 %, q 25 %, h 30 %; with a logo always h). Colours are `#rrggbb`. `logo` is a
    PNG, JPEG, GIF or WebP file. `font` is the font file of captions in PNGs, if not one of the usual.
    """

    size: int = 430
    margin: int = 4
    error: Literal["l", "m", "q", "h"] = "m"
    dark: str = "#000000"
    light: str = "#ffffff"
    logo: bytes | None = None
    frame: bool = False
    font: Path | None = None

    def __post_init__(self) -> None:
        if not 64 <= self.size <= LARGEST_SIZE:
            raise DrawingRefusedError(f"size is 64 to {LARGEST_SIZE} pixels, not {self.size}")
        if not 2 <= self.margin <= 16:
            raise DrawingRefusedError(f"margin is 2 to 16 modules (4 by the standard), not {self.margin}")
        if self.error not in ("l", "m", "q", "h"):
            raise DrawingRefusedError(f"error is l, m, q or h, not {self.error!r}")
        try:
            check_colours(self.dark, self.light)
            if self.logo is not None:
                read_logo(self.logo)
        except ValueError as error:
            raise DrawingRefusedError(str(error)) from None


PLAIN = Style()


def draw(url: str, *, kind: Kind = "svg", caption: str = "", style: Style = PLAIN) -> bytes:
    """Return the picture of a code's `url`, with `caption` below it.

    Raises DrawingRefusedError for a `url` that is none (a ticket, for example), a size with too few pixels
    for the code, and a caption in a PNG for which no font is installed.
    """
    if not re.fullmatch(r"https?://[!-~]{1,500}", url):
        raise DrawingRefusedError("a code is drawn from its `url` (http://weixin.qq.com/q/…), not its ticket")
    matrix = _matrix(url, style)
    layout = Layout.of(
        len(matrix),
        size=style.size,
        margin=style.margin,
        lines=caption_lines(caption),
        has_frame=style.frame,
    )
    if kind == "svg":
        return draw_svg(matrix, layout, dark=style.dark, light=style.light, logo=style.logo).encode()
    try:
        return draw_png(matrix, layout, colours=(style.dark, style.light), logo=style.logo, font=style.font)
    except ValueError as error:
        raise DrawingRefusedError(str(error)) from None


def _matrix(url: str, style: Style) -> Matrix:
    # Micro QR codes are smaller, and WeChat cannot read them.
    code = segno.make(url, error="h" if style.logo else style.error, micro=False)
    return tuple(bytes(row) for row in code.matrix)
