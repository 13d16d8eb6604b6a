"""Every setting of the kits is told to those who set it, in both languages."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from wxbot.kits.link_config import LinkConfig
from wxbot.kits.order_config import OrderConfig

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("config", "page"), [(OrderConfig, "order"), (LinkConfig, "linking")])
@pytest.mark.parametrize("language", ["", ".zh-CN"], ids=["english", "chinese"])
def test_every_setting_of_a_kit_is_in_its_page(config: type[BaseModel], page: str, language: str) -> None:
    text = (DOCS / f"{page}{language}.md").read_text()

    assert [name for name in config.model_fields if name not in text] == []


@pytest.mark.parametrize("config", [OrderConfig, LinkConfig])
def test_the_shipped_texts_are_good(config: type[BaseModel]) -> None:
    assert config().model_dump()
