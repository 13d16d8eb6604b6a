"""Every image that is drawn is read back by a scanner, and what could not be read is refused."""

import base64
import io
import re
from xml.etree import ElementTree

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from wxbot.qrcodes.captions import caption_lines, font_for
from wxbot.qrcodes.colours import LEAST_CONTRAST, contrast
from wxbot.qrcodes.drawing import DrawingRefusedError, Kind, Style, draw

URL = "http://weixin.qq.com/q/02k3jX_9-bqZ10000vh02Q"
SVG = "{http://www.w3.org/2000/svg}"
KINDS: tuple[Kind, ...] = ("svg", "png")
colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
urls = st.from_regex(r"http://weixin\.qq\.com/q/[A-Za-z0-9_-]{22}", fullmatch=True)


def make_logo(width: int = 120, height: int = 120, colour: str = "#e03030", kind: str = "PNG") -> bytes:
    picture = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(picture).rectangle((width // 4, height // 4, width // 2, height // 2), fill="black")
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


LOGO = make_logo()


def rasterised(svg: bytes) -> Image.Image:
    """Draw what an SVG of ours consists of, but for its text; browsers do it in tests/browser."""
    root = ElementTree.fromstring(svg)
    picture = Image.new("RGB", (int(root.attrib["width"]), int(root.attrib["height"])))
    pen = ImageDraw.Draw(picture)
    for element in root:
        data = element.attrib
        x, y = float(data.get("x", 0)), float(data.get("y", 0))
        box = (x, y, x + float(data.get("width", 0)) - 1, y + float(data.get("height", 0)) - 1)
        if element.tag == f"{SVG}rect" and data["fill"] == "none":
            pen.rectangle(box, outline=data["stroke"], width=int(data["stroke-width"]))
        elif element.tag == f"{SVG}rect":
            pen.rectangle(box, fill=data["fill"])
        elif element.tag == f"{SVG}path":
            left, top, scale = map(float, re.findall(r"[\d.]+", data["transform"]))
            for start, row, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", data["d"]):
                corner = left + int(start) * scale, top + int(row) * scale
                end = corner[0] + int(length) * scale - 1, corner[1] + scale - 1
                pen.rectangle((*corner, *end), fill=data["fill"])
        elif element.tag == f"{SVG}image":
            logo = Image.open(io.BytesIO(base64.b64decode(data["href"].split(",", 1)[1])))
            picture.paste(
                logo.resize((int(float(data["width"])), int(float(data["height"])))), (int(x), int(y))
            )
    return picture


styles = (
    st.tuples(colours, colours)
    .filter(lambda pair: contrast(*pair) >= LEAST_CONTRAST)
    .flatmap(
        lambda pair: st.builds(
            Style,
            dark=st.just(pair[0]),
            light=st.just(pair[1]),
            error=st.sampled_from("lmqh"),
            size=st.integers(180, 700),
            margin=st.integers(2, 8),
            logo=st.sampled_from([None, LOGO]),
            frame=st.booleans(),
        )
    )
)


def scan(picture: bytes) -> list[str]:
    """Return what a scanner reads in a picture."""
    opened = rasterised(picture) if picture.startswith(b"<svg") else Image.open(io.BytesIO(picture))
    found = zxingcpp.read_barcodes(opened.convert("RGB"))
    assert {str(each.format) for each in found} <= {"QR Code"}
    return [each.text for each in found]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "style",
    [
        Style(),
        Style(logo=LOGO),
        Style(logo=make_logo(300, 100, "#000000", "JPEG")),
        Style(logo=make_logo(50, 200, "#ffffff", "WEBP"), frame=True),
        Style(frame=True, margin=2),
        Style(size=1200, logo=LOGO, dark="#0a5c36", light="#fff8e7", frame=True),
        Style(error="l", size=110),
        Style(error="h", margin=10, size=800, dark="#c00000"),
    ],
    ids=range(8),
)
def test_picture_is_read_as_the_url(kind: Kind, style: Style) -> None:
    picture = draw(URL, kind=kind, caption="Shop window 1", style=style)

    assert scan(picture) == [URL]


@settings(max_examples=60)
@given(urls, styles, st.sampled_from(KINDS))
def test_whatever_is_accepted_is_read(url: str, style: Style, kind: Kind) -> None:
    assert scan(draw(url, kind=kind, style=style)) == [url]


def test_shortest_url_is_no_micro_code() -> None:
    assert scan(draw("http://a", kind="png")) == ["http://a"]


@pytest.mark.parametrize("kind", KINDS)
def test_picture_has_the_size_that_was_asked_for(kind: Kind) -> None:
    picture = draw(URL, kind=kind, style=Style(size=500))

    opened = rasterised(picture) if kind == "svg" else Image.open(io.BytesIO(picture))
    assert opened.size == (500, 500)


def test_logo_takes_a_quarter_of_the_width_at_most() -> None:
    root = ElementTree.fromstring(draw(URL, style=Style(logo=LOGO)))

    path, hole = root.findall(f"{SVG}path")[0], root.findall(f"{SVG}rect")[1]
    modules = max(int(x) + int(length) for x, length in re.findall(r"M(\d+) \d+h(\d+)", path.attrib["d"]))
    scale = float(re.findall(r"scale\(([\d.]+)\)", path.attrib["transform"])[0])
    assert 0.15 < float(hole.attrib["width"]) / (modules * scale) <= 0.25


def test_caption_is_shown_below_the_code() -> None:
    without, picture = (
        Image.open(io.BytesIO(draw(URL, kind="png", caption=caption))) for caption in ("", "Shop")
    )

    below = picture.convert("L").crop((0, without.height, picture.width, picture.height))
    assert picture.height > without.height
    assert min(below.tobytes()) < 64
    assert ">Shop</text>" in draw(URL, caption="Shop").decode()


def test_caption_is_text_and_not_markup() -> None:
    root = ElementTree.fromstring(draw(URL, caption="<b>1 & 2</b>\x00\u202e\ud800"))

    assert [text.text for text in root.iter(f"{SVG}text")] == ["<b>1 & 2</b>"]


def test_caption_is_broken_where_chinese_may_be_broken() -> None:
    lines = caption_lines("扫码领取会员卡，每天都有惊喜呀，欢迎光临我们的店\n二号店")

    assert lines[-1] == "二号店"
    assert max(map(len, lines)) <= 15
    assert not [line for line in lines if line[0] in "，。"]


@given(st.text(max_size=80))
def test_lines_of_a_caption_lose_nothing_that_can_be_seen(caption: str) -> None:
    shown = "".join(char for char in caption if char.isprintable() and not char.isspace())

    assert "".join("".join(caption_lines(caption)).split()) == shown


def test_missing_font_is_named_with_what_to_install() -> None:
    with pytest.raises(DrawingRefusedError, match=r"no font has \U00013000 .*fonts-noto-cjk"):
        draw(URL, kind="png", caption="a \U00013000")


def test_letters_need_no_installed_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wxbot.qrcodes.captions.FONTS", ())

    assert font_for(frozenset("Shop 1"), 20, None)
    with pytest.raises(ValueError, match="no font has 店"):
        font_for(frozenset("店"), 20, None)


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ({"size": 63}, "64 to 4096"),
        ({"margin": 1}, "2 to 16"),
        ({"error": "x"}, "l, m, q or h"),
        ({"dark": "red"}, "#rrggbb"),
        ({"dark": "#ffffff", "light": "#000000"}, "swap the colours"),
        ({"dark": "#07c160"}, "darker colour"),
        ({"dark": "#123456", "light": "#123456"}, "darker colour"),
        ({"logo": b"<svg/>"}, "PNG, JPEG, GIF or WEBP"),
        ({"logo": make_logo(4097, 1)}, "4096 pixels"),
        ({"logo": bytes(3_000_000)}, "2 MB"),
        ({"logo": LOGO[:90]}, "PNG"),
    ],
    ids=range(11),
)
def test_what_cannot_be_scanned_is_refused(style: dict[str, object], said: str) -> None:
    with pytest.raises(DrawingRefusedError, match=said):
        Style(**style)  # type: ignore[arg-type]


def test_ticket_is_not_drawn() -> None:
    with pytest.raises(DrawingRefusedError, match="not its ticket"):
        draw("gQFw8TwAAAAAAAAAAS5odHRwOi8vd2VpeGluLnFxLmNvbS9xLzAy")


def test_too_few_pixels_are_refused_with_how_many_would_do() -> None:
    with pytest.raises(DrawingRefusedError, match="at least") as caught:
        draw(URL, kind="png", style=Style(size=70))

    least = int(re.findall(r"least (\d+)", str(caught.value))[0])
    assert scan(draw(URL, kind="png", style=Style(size=least))) == [URL]
