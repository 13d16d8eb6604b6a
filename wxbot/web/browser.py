"""What a browser is and where it stands, for people to recognise it, in words that it cannot forge."""

import ipaddress

from wxbot.web.language import LANGUAGES

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The first that occurs: most browsers name those as well that they want to be taken for.
_BROWSERS = (
    ("MicroMessenger", "微信"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("QQBrowser", "QQ 浏览器"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("OpenHarmony", "鸿蒙"),
    ("HarmonyOS", "鸿蒙"),
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "安卓"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_IN_ENGLISH = {"微信": "WeChat", "QQ 浏览器": "QQ Browser", "鸿蒙": "HarmonyOS", "安卓": "Android"}


def device_of(user_agent: str, language: str = LANGUAGES[0]) -> str:
    """Return browser and system in words of one of LANGUAGES, empty for what is unknown."""
    named = (
        next((word for mark, word in marks if mark in user_agent), "") for marks in (_BROWSERS, _SYSTEMS)
    )
    return device_in(" · ".join(word for word in named if word), language)


def device_in(device: str, language: str) -> str:
    """Return in one of LANGUAGES what `device_of` has named in Chinese."""
    if language == LANGUAGES[0]:
        return device
    return " · ".join(_IN_ENGLISH.get(word, word) for word in device.split(" · "))


def address_of(peer: str, forwarded: str, *, proxies: int) -> str:
    """Return the browser's address: the peer's, or what the outermost of so many proxies of ours has told.

    Empty when it is not known, which it is not either when the peer is this machine: that is a proxy.
    """
    address = caller_of(peer, forwarded, proxies=proxies)
    return "" if address is None or address.is_loopback else str(address)


def caller_of(peer: str, forwarded: str, *, proxies: int) -> Address | None:
    """Return who calls, as `address_of`, this machine as well; None when it is not known.

    Only what proxies of ours have added counts, from the right: everything before is the caller's to choose.
    """
    told = peer
    if proxies:
        hops = [each.strip() for each in forwarded.split(",")]
        told = hops[-proxies] if len(hops) >= proxies else ""
    try:
        address = ipaddress.ip_address(told.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def customer_of(address: str) -> str:
    """Return what of a known address one customer has: of IPv6 a network, in which addresses cost nothing."""
    return str(ipaddress.ip_network((address, 64), strict=False)) if ":" in address else address


def shortened(address: str) -> str:
    """Return the part of an address that says where, and not who; empty for an empty one."""
    if not address:
        return ""
    known = ipaddress.ip_address(address)
    if isinstance(known, ipaddress.IPv4Address):
        return f"IP {address.rpartition('.')[0]}.*"
    return f"IP {ipaddress.ip_network((address, 48), strict=False).network_address}*"
