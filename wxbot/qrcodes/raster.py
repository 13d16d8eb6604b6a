"""Codes as PNG: every module a whole number of pixels, so that no edge is blurred."""

import io
from pathlib import Path

from PIL import Image, ImageDraw

from wxbot.qrcodes.captions import font_for
from wxbot.qrcodes.layout import Layout, Matrix
from wxbot.qrcodes.logos import fitted

LEAST_SCALE = 2


def draw_png(
    matrix: Matrix, layout: Layout, *, colours: tuple[str, str], logo: bytes | None, font: Path | None
) -> bytes:
    """Return the PNG, its dark colour first in `colours`.

    Raises ValueError for too few pixels, and for a caption that no font can show.
    """
    dark, light = colours
    scale = int(layout.scale)
    if scale < LEAST_SCALE:
        least = -(-LEAST_SCALE * layout.width // layout.scale) + 1
        raise ValueError(f"a code of {layout.modules} modules needs a size of at least {least:.0f} pixels")
    canvas = Image.new("RGB", (layout.width, layout.height), light)
    # What is left of the width by whole pixels goes to the quiet zone, the same on each side.
    rest = (layout.scale - scale) * layout.modules / 2
    left, top = round(layout.left + rest), round(layout.top + rest)
    side = layout.modules * scale
    modules = Image.frombytes("L", (layout.modules, layout.modules), b"".join(matrix)).point(
        lambda bit: 255 * bit
    )
    canvas.paste(dark, (left, top), modules.resize((side, side), Image.Resampling.NEAREST))
    if layout.frame_pixels:
        ImageDraw.Draw(canvas).rounded_rectangle(
            (0, 0, layout.width - 1, layout.height - 1),
            radius=2 * layout.frame_pixels,
            outline=dark,
            width=layout.frame_pixels,
        )
    if logo:
        hole = layout.logo_modules * scale
        start = (layout.modules - layout.logo_modules) // 2 * scale
        _paste_logo(canvas, logo, box=(left + start, top + start, hole), padding=scale // 2, light=light)
    if layout.lines:
        _write(canvas, layout, dark=dark, font=font)
    picture = io.BytesIO()
    canvas.save(picture, "PNG", optimize=True)
    return picture.getvalue()


def _paste_logo(
    canvas: Image.Image, logo: bytes, *, box: tuple[int, int, int], padding: int, light: str
) -> None:
    x, y, hole = box
    canvas.paste(light, (x, y, x + hole, y + hole))
    picture = fitted(logo, hole - 2 * padding)
    corner = (x + (hole - picture.width) // 2, y + (hole - picture.height) // 2)
    canvas.paste(picture, corner, picture)


def _write(canvas: Image.Image, layout: Layout, *, dark: str, font: Path | None) -> None:
    letters = font_for(frozenset("".join(layout.lines)), layout.font_pixels, font)
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(layout.lines):
        y = layout.first_baseline + number * layout.line_pixels
        pen.text((layout.width / 2, y), line, fill=dark, font=letters, anchor="ms")
