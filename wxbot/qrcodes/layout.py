"""Where everything of a picture is: the same for SVG and PNG."""

from collections.abc import Sequence
from dataclasses import dataclass

Matrix = Sequence[bytes]
"""The rows of a code, one byte for each module, 1 for a dark one."""

LARGEST_LOGO = 0.25


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A picture of `width` x `height` pixels with a code of `modules`, each of `scale` pixels.

    `left` and `top` are the corner of the first module; the quiet zone is outside of it.
    """

    width: int
    height: int
    modules: int
    scale: float
    left: float
    top: float
    lines: tuple[str, ...]
    font_pixels: int
    first_baseline: int
    frame_pixels: int

    @classmethod
    def of(cls, modules: int, *, size: int, margin: int, lines: tuple[str, ...], has_frame: bool) -> "Layout":
        """Return the layout of a picture that is `size` pixels wide; captions and frames make it higher."""
        font = caption_pixels(size)
        frame = max(2, round(size / 80)) if has_frame else 0
        # The frame is a dark line; the quiet zone begins inside of it.
        inset = 2 * frame
        width = size - 2 * inset
        scale = width / (modules + 2 * margin)
        caption = round(font * (LINE_HEIGHT * len(lines) + 0.4)) if lines else 0
        return cls(
            width=size,
            height=size + caption,
            modules=modules,
            scale=scale,
            left=inset + margin * scale,
            top=inset + margin * scale,
            lines=lines,
            font_pixels=font,
            first_baseline=size - inset + font,
            frame_pixels=frame,
        )

    @property
    def line_pixels(self) -> float:
        """The distance of two baselines."""
        return self.font_pixels * LINE_HEIGHT

    @property
    def logo_modules(self) -> int:
        """The modules that a logo takes in each direction: a quarter at most, and centred on the grid."""
        largest = int(self.modules * LARGEST_LOGO)
        return largest - (self.modules - largest) % 2


LINE_HEIGHT = 1.3


def caption_pixels(size: int) -> int:
    """Return the size of the letters below a code of this width."""
    return max(9, round(size / 16))
