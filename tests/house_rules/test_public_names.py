"""What is promised is what is documented, and it is there."""

import re
from pathlib import Path

import pytest

import wxbot
import wxbot.testing


@pytest.mark.parametrize("page", ["public-names.md", "public-names.zh-CN.md"])
def test_public_names_are_the_documented_ones(root: Path, page: str) -> None:
    documented = re.findall(r"^\| `(\w+)` \|", (root / "docs" / page).read_text(), re.MULTILINE)

    assert sorted(documented) == sorted(wxbot.__all__)


def test_public_names_can_be_imported_and_say_what_they_are() -> None:
    for module in (wxbot, wxbot.testing):
        for name in module.__all__:
            assert getattr(module, name).__doc__, f"{module.__name__}.{name}"
