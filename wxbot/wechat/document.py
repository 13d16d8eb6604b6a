"""The strict reader for every XML document of the protocol: expat with limits, and no document types."""

import re
from collections.abc import Callable
from typing import TypeAlias
from xml.parsers import expat

from wxbot.errors import MalformedError

Field: TypeAlias = "str | dict[str, Field] | list[Field]"

MAX_BYTES = 64 * 1024
MAX_DEPTH = 5
MAX_ELEMENTS = 200
MAX_ATTRIBUTES = 8
MAX_NAME = 64

# What XML calls white space; a scene may well begin with another kind of space.
_SPACE = " \t\r\n"

# XML has no way to write these.
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NONCHARACTERS = "\ufffe".encode(), "\uffff".encode()
# In CDATA a reference is text like any other. One without an end goes to the end: to look behind each for it
# would take time as the square of their number.
_CDATA_OR_REFERENCE = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));", re.DOTALL
)
_CHARACTERS = ((0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
_REPLACEMENT = "\ufffd".encode()


def cleaned(body: bytes) -> bytes:
    """Replace what no XML may hold by U+FFFD: WeChat passes on what people type as it is.

    For authentic documents only, in which somebody waits for an answer; the same bytes become the same.
    """
    body = _CONTROLS.sub(_REPLACEMENT, body)
    for each in _NONCHARACTERS:
        body = body.replace(each, _REPLACEMENT)
    return _CDATA_OR_REFERENCE.sub(_without_reference, body) if b"&#" in body else body


def read_fields(body: bytes) -> dict[str, Field]:
    """Read the children of the root element `<xml>`, values stripped of surrounding white space.

    An element without children or attributes is a str, any other a dict of its children, and a repeated one
    a list. Raises MalformedError: ambiguous for another root, otherwise for what is no acceptable XML.
    """
    if len(body) > MAX_BYTES:
        raise MalformedError("too-large")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("not-utf-8") from None
    # UTF-16 is UTF-8 with NULs as long as it is ASCII, and expat recognises it whatever it was told.
    if "\0" in text:
        raise MalformedError("not-utf-8")
    reader = _Reader()
    # The encoding given here overrides one declared in the document.
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse("doctype")
    parser.EntityDeclHandler = _refuse("entity")
    parser.ExternalEntityRefHandler = _refuse("entity")
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise MalformedError("not-xml") from None
    if reader.root_name != "xml":
        raise MalformedError("other-root", ambiguous=True)
    return reader.root


class _Reader:
    """Collects the elements that expat reports, and stops it at the limits."""

    def __init__(self) -> None:
        self.root: dict[str, Field] = {}
        self.root_name = ""
        self.elements = 0
        # One entry an open element: its children, or None as long as it may be plain text.
        self.open: list[dict[str, Field] | None] = []
        self.pieces: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        self.elements += 1
        if self.elements > MAX_ELEMENTS or len(self.open) >= MAX_DEPTH or len(attributes) > MAX_ATTRIBUTES:
            raise MalformedError("too-complex")
        # WeChat writes no attributes, and to go through none of them would take longest here.
        if len(name) > MAX_NAME or (attributes and any(len(each) > MAX_NAME for each in attributes)):
            raise MalformedError("name-too-long")
        self.pieces.clear()
        if not self.open:
            self.root_name = name
            self.open.append(self.root)
            return
        if self.open[-1] is None:
            self.open[-1] = {}
        self.open.append({} if attributes else None)

    def text(self, text: str) -> None:
        """Take a piece of text; only that of an element without children is kept."""
        self.pieces.append(text)

    def end(self, name: str) -> None:
        """Close an element and hand its value to the one around it."""
        children = self.open.pop()
        if not self.open:
            return
        value: Field = "".join(self.pieces).strip(_SPACE) if children is None else children
        self.pieces.clear()
        parent = self.open[-1]
        if parent is not None:
            _add(parent, name, value)


def _add(parent: dict[str, Field], name: str, value: Field) -> None:
    """Add a child; from its second occurrence on the name stands for a list."""
    if name not in parent:
        parent[name] = value
        return
    present = parent[name]
    if isinstance(present, list):
        present.append(value)
    else:
        parent[name] = [present, value]


def _without_reference(found: re.Match[bytes]) -> bytes:
    """Return a reference as it is unless it names what is no character; of CDATA, all."""
    hexadecimal, decimal = found.groups()
    if hexadecimal is None and decimal is None:
        return found[0]
    code = int(decimal) if hexadecimal is None else int(hexadecimal, 16)
    is_character = code in (0x9, 0xA, 0xD) or any(low <= code <= high for low, high in _CHARACTERS)
    return found[0] if is_character else _REPLACEMENT


def _refuse(reason: str) -> Callable[..., int]:
    """Return a handler for expat that stops the parse."""

    def refuse(*_: object) -> int:
        raise MalformedError(reason)

    return refuse
