"""Which colours a scanner can tell apart."""

import re

LEAST_CONTRAST = 3.0


def check_colours(dark: str, light: str) -> None:
    """Raise ValueError for colours of which a scanner would not see the difference."""
    for colour in (dark, light):
        if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
            raise ValueError(f"a colour is written #rrggbb, not {colour!r}")
    ratio = contrast(dark, light)
    if ratio < 1:
        raise ValueError(
            f"the modules ({dark}) are lighter than the background ({light}), and WeChat reads no such "
            "codes; swap the colours"
        )
    if ratio < LEAST_CONTRAST:
        raise ValueError(
            f"{dark} on {light} cannot be scanned reliably: the contrast is {ratio:.1f}, and "
            f"{LEAST_CONTRAST:.0f} is needed; take a darker colour for the modules"
        )


def contrast(dark: str, light: str) -> float:
    """Return how many times lighter `light` is, from 1/21 to 21, as WCAG 2 defines the contrast ratio."""
    return (_luminance(light) + 0.05) / (_luminance(dark) + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
