"""Where a webhook may lead: to public addresses only, so that nobody reaches our network through us.

A URL is read once, here, and what is connected to is what was read and looked up here: no other parser, and
no second look-up, may come to another result.
"""

import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote

from wxbot.webhooks.webhook import LONGEST_URL, WebhookError

DEFAULT_PORTS = (443, 8443)
LOOK_UP_SECONDS = 3.0
_SCHEMES = {"https": 443, "http": 80}
_URL = re.compile(r"(https?)://([^/?#\\]*)([/?][^#\\]*)?", re.IGNORECASE)
_NUMBERED = re.compile(r"\[([0-9a-fA-F:.]+)\](?::([0-9]{1,5}))?")
_NAMED = re.compile(r"([^:@\[\]%]+)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# What the old functions of C take for a number, and browsers too.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F))

# Beyond what Python calls private: protocol assignments, relays of 6to4, and Azure's door to a machine's own
# settings, which has a public number.
_CLOSED_4 = [IPv4Network(each) for each in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")]
_GLOBAL_6 = IPv6Network("2000::/3")
# Protocol assignments with Teredo, documentation (twice), and 6to4: an address of any network may be inside.
_CLOSED_6 = [IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_NAT64 = IPv6Network("64:ff9b::/96")

# Names to addresses, as texts; raises OSError.
Resolve = Callable[[str, int], Sequence[str]]


class AddressRefusedError(WebhookError):
    """A URL leads, or its name now leads, where webhooks must not go."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Where webhooks may go. `allow_private`: anywhere, also over http: for development only."""

    allow_private: bool = False
    ports: frozenset[int] = frozenset(DEFAULT_PORTS)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A URL as it was read: `host` is a name in ASCII or the canonical text of an address."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def is_secure(self) -> bool:
        """Say whether it is reached over TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """The value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _SCHEMES[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL in its one spelling."""
        return f"{self.scheme}://{self.authority}{self.target}"


def read_url(url: str, rules: Rules) -> Place:
    """Return what a URL says; raises AddressRefusedError. Nothing is looked up."""
    found = _URL.fullmatch(url) if len(url) <= LONGEST_URL and url.isprintable() and " " not in url else None
    if found is None:
        raise AddressRefusedError(
            f"a webhook's URL is https:// and up to {LONGEST_URL} characters, without spaces, # and \\"
        )
    scheme, authority, target = found[1].lower(), found[2], found[3] or "/"
    if scheme != "https" and not rules.allow_private:
        raise AddressRefusedError("a webhook's URL begins with https://; http:// shows everything on the way")
    host, port = _read_authority(authority)
    target = quote(target if target.startswith("/") else f"/{target}", safe=_SAFE)
    place = Place(scheme=scheme, host=host, port=_SCHEMES[scheme] if port is None else port, target=target)
    if len(place.url) > LONGEST_URL:
        raise AddressRefusedError(
            f"the webhook's URL has {len(place.url)} characters when all but ASCII is written as %XX, and "
            f"at most {LONGEST_URL} are kept: shorten it"
        )
    _check(place, rules)
    return place


def addresses_of(place: Place, rules: Rules, resolve: Resolve) -> list[str]:
    """Return the addresses of a place, looked up once; raises AddressRefusedError if one is not public.

    Raises OSError when there is none, TimeoutError when the look-up takes too long.
    """
    found = [place.host] if _as_number(place.host) else _resolved(place, resolve)
    if not found:
        raise OSError("there is no address")
    if not rules.allow_private and not all(is_public(each) for each in found):
        raise AddressRefusedError("the name leads to an address that is not public")
    return found


def is_public(address: str) -> bool:
    """Say whether an address is one of the public network; what carries another one inside is as that is."""
    try:
        read = ip_address(address)
    except ValueError:
        return False
    if isinstance(read, IPv4Address):
        return _is_public_4(read)
    if read.scope_id is not None:
        return False
    if read.ipv4_mapped is not None:
        return _is_public_4(read.ipv4_mapped)
    if read in _NAT64:
        return _is_public_4(IPv4Address(int(read) & 0xFFFFFFFF))
    return read in _GLOBAL_6 and read.is_global and not any(read in each for each in _CLOSED_6)


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as this machine resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _is_public_4(address: IPv4Address) -> bool:
    is_odd = address.is_multicast or address.is_reserved or any(address in each for each in _CLOSED_4)
    return address.is_global and not is_odd


def _read_authority(text: str) -> tuple[str, int | None]:
    if numbered := _NUMBERED.fullmatch(text):
        try:
            return str(IPv6Address(numbered[1])), _port(numbered[2])
        except ValueError:
            raise AddressRefusedError("the address in a webhook's URL is none") from None
    named = _NAMED.fullmatch(text)
    if named is None:
        raise AddressRefusedError("a webhook's URL has a host, perhaps a port, and neither user nor password")
    return _name(named[1]), _port(named[2])


def _port(text: str | None) -> int | None:
    return None if text is None else int(text)


def _name(text: str) -> str:
    """Return a name in ASCII; letters that look like others are what they stand for before it is judged."""
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        name = ""
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefusedError("the host in a webhook's URL is no name that can be looked up")
    if _NUMBER.fullmatch(labels[-1]) and not _as_number(name):
        raise AddressRefusedError("write the address in a webhook's URL as four decimal numbers")
    return name


def _as_number(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _check(place: Place, rules: Rules) -> None:
    if rules.allow_private:
        return
    if place.port not in rules.ports:
        allowed = ", ".join(str(each) for each in sorted(rules.ports))
        raise AddressRefusedError(f"a webhook's port is one of {allowed}: see `ports` of [webhooks]")
    number = _as_number(place.host)
    if number is not None and not is_public(str(number)):
        raise AddressRefusedError("a webhook leads to a public address")
    if number is None and "." not in place.host:
        raise AddressRefusedError("a webhook's host has a full name, as in shop.example.com")


def _resolved(place: Place, resolve: Resolve) -> list[str]:
    """Look a name up on a thread of its own: nothing else ends the wait for a name server."""
    found: list[str] = []
    faults: list[OSError] = []

    def run() -> None:
        try:
            found.extend(resolve(place.host, place.port))
        except OSError as error:
            faults.append(error)
        except UnicodeError:
            faults.append(OSError("the name cannot be looked up"))

    thread = threading.Thread(target=run, name="webhook-name", daemon=True)
    thread.start()
    thread.join(LOOK_UP_SECONDS)
    if thread.is_alive():
        raise TimeoutError
    if faults:
        raise faults[0]
    return found
