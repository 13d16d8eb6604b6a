"""Scan login: a scan alone logs nobody in; the person types the number that their own browser shows.

The page (`login_pages`) makes a claim on the browser's session and shows its code. Whoever scans it reads
what wants to log in; the number appears on the page only then. Who is not asked for a number is not
disturbed: their texts are left to the other handlers.
"""

import hmac
import re
import unicodedata

from wxbot import clock
from wxbot.bindings import logins
from wxbot.bindings.claim import Claim, State
from wxbot.bindings.claims import Claims
from wxbot.bindings.logins import CODE_SECONDS, number_of
from wxbot.jobs.work import Later, Unknown
from wxbot.kits.languages import language_of
from wxbot.kits.login_about import time_of
from wxbot.kits.login_config import LoginConfig
from wxbot.kits.texts import filled
from wxbot.scenes.handler import PASS
from wxbot.scenes.inject import Defer
from wxbot.scenes.plugin import Plugin
from wxbot.wechat.api import ApiClient
from wxbot.wechat.errcodes import UnreachableError
from wxbot.wechat.events import Event, Scan, TextMessage
from wxbot.wechat.replies import Text

_HOUR_SECONDS = 3600
_ASK_AGAIN_SECONDS = 3
# The site may ask for CODE_SECONDS by the database's clock; ours may be ahead, and a commit takes a moment.
_LAST_LOOK_SECONDS = 2 * CODE_SECONDS

plugin = Plugin("login", prefix="login:", config=LoginConfig)


@plugin.scene("<token>")
def scanned(scan: Scan, claims: Claims, config: LoginConfig) -> str:
    """Ask whoever scans first whether it is they who log in; another login that waits for them is over."""
    known = claims.find_scene(scan.account, scan.scene)
    no_good = _text(config, "no_good")
    if known is not None and not logins.is_login(known):
        return no_good
    claim = claims.claim(scan.account, scan.scene, scan.openid).claim
    if claim is not None and claim.state is State.CONFIRMED:
        return _text(config, "confirmed", claim)
    waiting = claims.waiting(scan.account, logins.PURPOSE, scan.openid)
    if claim is None or claim.id not in [each.id for each in waiting]:
        return no_good
    for other in waiting:
        if other.id != claim.id:
            claims.cancel(scan.account, other.id, detail="another one was scanned")
    return _text(config, "asking", claim, digits=str(len(number_of(claim))))


@plugin.fallback
def no_login(scan: Scan, config: LoginConfig) -> str:
    """Answer codes that begin as ours and are none."""
    return _text(config, "no_good")


@plugin.errorhandler(Exception)
def trouble(event: Event, error: Exception, config: LoginConfig) -> str:
    """Answer when something failed: the code, or the number, is as good as before."""
    return _text(config, "trouble")


@plugin.text(re.compile(r"\d{2,6}"), is_ahead=True)
def number(message: TextMessage, claims: Claims, config: LoginConfig, defer: Defer) -> object:
    """Confirm the login that waits for this person, if the number is the one that its page shows."""
    claim = logins.waiting(claims, message.account, message.openid)
    typed = unicodedata.normalize("NFKC", message.content.strip())
    if claim is None or len(typed) != len(number_of(claim)):
        return PASS
    if not hmac.compare_digest(typed.encode(), number_of(claim).encode()):
        left = logins.note_wrong(claims, claim, tries=config.tries)
        return _text(config, "wrong" if left else "given_up", claim, left=str(left))
    if claims.confirm(message.account, claim.id, openid=message.openid) is None:
        return _text(config, "no_good", claim)
    if config.notice != "never":
        defer(notice, login=claim.id.hex())
    return _text(config, "confirmed", claim)


@plugin.text(re.compile("不是我|不是本人|not me", re.IGNORECASE), is_ahead=True)
def not_me(message: TextMessage, claims: Claims, config: LoginConfig) -> object:
    """Call off the login that waits for this person; without one, take back those of the last hours."""
    waiting = logins.waiting(claims, message.account, message.openid)
    if waiting is not None:
        claims.cancel(message.account, waiting.id, detail="by the person")
        return _text(config, "called_off", waiting)
    since = int(message.created_at.timestamp()) - config.revoke_hours * _HOUR_SECONDS
    theirs = claims.of_person(message.account, message.openid)
    recent = [each for each in theirs if logins.is_login(each) and (each.claimed_at or 0) > since]
    released = [
        claims.release(each.account, each.id, detail="not me")
        for each in recent
        if each.state is State.CONFIRMED
    ]
    return _text(config, "revoked", recent[0]) if any(released) else PASS


@plugin.job(idempotent=False, attempts=3)
def notice(login: str, claims: Claims, wechat: ApiClient, config: LoginConfig) -> None:
    """Tell the person of a login on a device that is new to them, as soon as the site has learned of it."""
    claim = claims.find(wechat.account.name, bytes.fromhex(login))
    if claim is None or claim.state is not State.CONFIRMED or claim.openid is None:
        return
    if not logins.is_exchanged(claims, claim):
        if clock.now().timestamp() < claim.expires_at + _LAST_LOOK_SECONDS:
            raise Later(_ASK_AGAIN_SECONDS, "the site has not asked yet")
        return
    if config.notice == "new" and _is_known(claims, claim, claim.openid):
        return
    try:
        wechat.send_service_message(claim.openid, Text(_text(config, "new_device", claim)))
    except UnreachableError as error:
        if error.was_sent:
            raise Unknown("WeChat's answer was lost") from error
        raise


def _is_known(claims: Claims, claim: Claim, openid: str) -> bool:
    """Say whether the site has learned of a login of the person in this browser before."""
    others = [each for each in claims.of_person(claim.account, openid) if each.id != claim.id]
    confirmed = [each for each in others if logins.is_login(each) and each.state is State.CONFIRMED]
    here = [each for each in confirmed if each.data["device"] == claim.data["device"]]
    return any(logins.is_exchanged(claims, each) for each in here)


def _text(config: LoginConfig, name: str, claim: Claim | None = None, **values: str) -> str:
    """Return one of the kit's texts in the language of the page that shows the claim's code."""
    if claim is None:
        return filled(getattr(config.read_in(None), name), {"site": config.site_name})
    about = claim.data["about"]
    assert isinstance(about, dict)
    texts = config.read_in(language_of(claim))
    shown = {"site": config.site_name, **about, "time": time_of(claim.created_at, texts.language), **values}
    return filled(getattr(texts, name), shown)
