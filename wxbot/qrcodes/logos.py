"""The picture in the middle of a code."""

import io

from PIL import Image

LARGEST_FILE = 2 * 1024 * 1024
LARGEST_SIDE = 4096
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def read_logo(data: bytes) -> Image.Image:
    """Return a logo with its transparency; ValueError says why it is none."""
    if len(data) > LARGEST_FILE:
        raise ValueError("the logo's file is larger than 2 MB")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            # The header says it, before anything is unpacked.
            if max(opened.size) > LARGEST_SIDE:
                raise ValueError(f"the logo is larger than {LARGEST_SIDE} pixels")
            return opened.convert("RGBA")
    except (OSError, SyntaxError, Image.DecompressionBombError):
        raise ValueError(f"the logo is no {', '.join(FORMATS[:-1])} or {FORMATS[-1]}") from None


def fit(logo: Image.Image, side: int) -> Image.Image:
    """Return the logo as large as fits into a square of `side` pixels, in its own proportions."""
    factor = side / max(logo.size)
    width, height = (max(1, round(length * factor)) for length in logo.size)
    return logo.resize((width, height), Image.Resampling.LANCZOS)
