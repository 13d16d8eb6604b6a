"""Codes as SVG: one path, sharp at any size."""

import base64
import io
from itertools import groupby
from xml.sax.saxutils import escape

from wxbot.qrcodes.captions import FAMILIES
from wxbot.qrcodes.layout import Layout, Matrix
from wxbot.qrcodes.logos import fitted

LOGO_PIXELS = 256


def draw_svg(matrix: Matrix, layout: Layout, *, dark: str, light: str, logo: bytes | None) -> str:
    """Return an SVG document that needs nothing beside itself; it can stand in an HTML page as it is."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{layout.width}" height="{layout.height}" '
        f'viewBox="0 0 {layout.width} {layout.height}" role="img">',
        f"<title>{escape(' '.join(layout.lines) or 'QR code')}</title>",
        f'<rect width="{layout.width}" height="{layout.height}" fill="{light}"/>',
        f'<path transform="translate({_short(layout.left)} {_short(layout.top)}) '
        f'scale({layout.scale:.6g})" fill="{dark}" shape-rendering="crispEdges" d="{_path(matrix)}"/>',
        _frame(layout, dark),
        _logo(layout, light, logo) if logo else "",
        *(_line(layout, number, dark) for number in range(len(layout.lines))),
        "</svg>",
    ]
    return "".join(parts)


def _path(matrix: Matrix) -> str:
    parts = []
    for y, row in enumerate(matrix):
        x = 0
        for is_dark, run in groupby(row):
            length = len(list(run))
            if is_dark:
                parts.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return "".join(parts)


def _frame(layout: Layout, dark: str) -> str:
    line = layout.frame_pixels
    if not line:
        return ""
    return (
        f'<rect x="{line / 2:g}" y="{line / 2:g}" width="{layout.width - line}" '
        f'height="{layout.height - line}" rx="{2 * line}" fill="none" stroke="{dark}" stroke-width="{line}"/>'
    )


def _logo(layout: Layout, light: str, logo: bytes) -> str:
    picture = io.BytesIO()
    fitted(logo, LOGO_PIXELS).save(picture, "PNG", optimize=True)
    hole = layout.logo_modules * layout.scale
    start = (layout.modules - layout.logo_modules) / 2 * layout.scale
    side = hole - layout.scale
    x, y = layout.left + start, layout.top + start
    return (
        f'<rect x="{_short(x)}" y="{_short(y)}" width="{_short(hole)}" height="{_short(hole)}" '
        f'fill="{light}"/>'
        f'<image x="{_short(x + layout.scale / 2)}" y="{_short(y + layout.scale / 2)}" '
        f'width="{_short(side)}" height="{_short(side)}" '
        f'href="data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"/>'
    )


def _line(layout: Layout, number: int, dark: str) -> str:
    y = layout.first_baseline + number * layout.line_pixels
    return (
        f'<text x="{layout.width / 2:g}" y="{_short(y)}" text-anchor="middle" fill="{dark}" '
        f'font-size="{layout.font_pixels}" font-family="{FAMILIES}">{escape(layout.lines[number])}</text>'
    )


def _short(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")
