"""The picture in the middle of a code."""

import io
from functools import lru_cache

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


@lru_cache(maxsize=8)
def fitted(data: bytes, side: int) -> Image.Image:
    """Return the logo as large as fits into a square of `side` pixels, in its own proportions.

    Kept for the next code: a batch draws thousands with one logo. It must not be changed.
    """
    logo = read_logo(data)
    factor = side / max(logo.size)
    width, height = (max(1, round(length * factor)) for length in logo.size)
    return logo.resize((width, height), Image.Resampling.LANCZOS)
