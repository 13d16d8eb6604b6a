"""What is wrong is told in the reader's language: the messages are made by the code that says them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from tests.services import fresh_database_url
from wxbot.admin.faults import told
from wxbot.channels.channel import Details
from wxbot.channels.parts import channel_parts
from wxbot.channels.store import Wanted
from wxbot.db.engine import open_engine, retire
from wxbot.db.models import permanent_numbers
from wxbot.qrcodes.kinds import LARGEST_PERMANENT_NUMBER, check_scene
from wxbot.qrcodes.numbers import NumberRefusedError, Numbers


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on an empty database."""
    engine = open_engine(fresh_database_url(tmp_path), connections=4)
    yield engine
    retire(engine)


def test_no_number_being_left_is_told_in_chinese(engine: Engine) -> None:
    common = {"account": "default", "state": "taken", "owner": "shop", "purpose": "shelf", "taken_at": 1}
    rows = [common | {"number": number} for number in range(1, LARGEST_PERMANENT_NUMBER + 1)]
    with engine.begin() as connection:
        connection.execute(insert(permanent_numbers), rows)

    with pytest.raises(NumberRefusedError) as refused:
        Numbers(engine).take("default", "channel:shop-1", "shop")

    assert told(str(refused.value), "zh").startswith("这个公众号的 100000 个永久编号都用完了")


def test_number_that_rests_is_told_in_chinese(engine: Engine) -> None:
    numbers = Numbers(engine)
    numbers.take("default", "shop", "door", 7)
    numbers.release("default", 7)
    book = channel_parts(engine, check_scene=check_scene, numbers=numbers).book

    faults = book.faults("default", Wanted(name="spring", scene="7"))

    assert told(faults["scene"], "zh").startswith("永久编号 7 要隔离到 20")


def test_text_with_an_apostrophe_is_told_in_chinese(engine: Engine) -> None:
    book = channel_parts(engine, check_scene=check_scene, numbers=Numbers(engine)).book
    promoter = Details(promoter="O'Brien")

    faults = book.faults("default", Wanted(name="spring", scene="spring'", details=promoter))
    of_the_name = book.faults("default", Wanted(name="Li's"))["name"]

    assert told(of_the_name, "zh").startswith("“Li's”不能当名称")
    assert told(faults["scene"], "zh").startswith("场景值含有“'”")
    assert told(faults["promoter"], "zh").startswith("没有名称是“O'Brien”的推广员")
