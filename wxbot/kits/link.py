"""Account linking: which follower is which user of the site, from the site's page or from WeChat.

A scan alone binds nothing: who is shown somebody else's code must not become that person. The reply says
whose account it is and asks for a number. The scan itself is a claim: purpose `link`, subject the user.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote

from wxbot.bindings.bindings import Binding, Bindings, Cause, Outcome
from wxbot.bindings.claim import Claim, State
from wxbot.bindings.claim import Outcome as Attempt
from wxbot.bindings.claims import Claims
from wxbot.bindings.linking import PAGE_DIGITS, PURPOSE, TakenError, is_offered, number_of
from wxbot.kits.languages import CHINESE, ENGLISH, VISITOR, language_of
from wxbot.kits.link_config import LinkConfig
from wxbot.kits.texts import filled, one_line
from wxbot.scenes.handler import PASS, Pass
from wxbot.scenes.plugin import Plugin
from wxbot.wechat.events import Click, Event, Scan, TextMessage

_LONGEST_NAME = 40
_MOST_SHOWN = 20
_NUMBER = r"(?P<number>[0-9０-９]{4})"
_LINK_WORDS = re.compile("绑定(?:帐号|账号|账户|微信)?|(?:帐号|账号|账户)绑定")
_UNLINK_WORDS = re.compile("(?:解绑|解除绑定|取消绑定)(?:帐号|账号|账户|微信)?")
_UNLINK_THIS = re.compile(rf"(?:解绑|解除绑定|取消绑定)\s*{_NUMBER}")
_IN_ENGLISH = re.compile(rf"(?P<word>link|unlink)(?:\s+{_NUMBER})?", re.IGNORECASE)
_UNLINK_LINES = {
    CHINESE: "{0}（解绑 {1}）",
    ENGLISH: "{0} (unlink {1})",
    VISITOR: "{0}（解绑 {1} / unlink {1}）",
}

plugin = Plugin("link", prefix="link:", config=LinkConfig)


@dataclass(frozen=True)
class _Desk:
    """What one event has to do with: the rows and the settings."""

    claims: Claims
    bindings: Bindings
    config: LinkConfig

    def read_in(self, language: str | None) -> "_Desk":
        """Return it with the texts in somebody's language."""
        return replace(self, config=self.config.read_in(language))

    def language_of(self, event: Event) -> str | None:
        """Return the language of the code that somebody scanned, now or last; None where nobody knows it."""
        if isinstance(event, Scan):
            return language_of(self.claims.find_scene(event.account, event.scene))
        theirs = self.claims.of_person(event.account, event.openid)
        return language_of(next((claim for claim in theirs if claim.purpose == PURPOSE), None))


class NoGoodError(Exception):
    """The code, or the number sent back for it, is too late: nothing of the attempt is kept."""


@plugin.provide("desk")
def _desk(claims: Claims, bindings: Bindings, config: LinkConfig) -> _Desk:
    return _Desk(claims, bindings, config)


@plugin.scene("<token>")
def scanned(scan: Scan, desk: _Desk) -> str:
    """Ask whoever scans first whether it is their account; bind at once only where nobody is to be asked."""
    claiming = desk.claims.claim(scan.account, scan.scene, scan.openid)
    claim = claiming.claim
    if claiming.outcome is Attempt.HELD:
        raise TakenError(Outcome.USER_TAKEN)
    if claim is None or is_offered(claim):
        return _site(desk.read_in(None).config.no_good, desk)
    desk = desk.read_in(language_of(claim))
    if _is_bound(claim, scan.openid, desk):
        return _welcomed(scan, _settled(claim, scan.openid, desk), desk)
    if claim.state is State.CONFIRMED:
        # It was unlinked since: an old code does not bind again.
        return _site(desk.config.no_good, desk)
    if desk.config.confirm == "none":
        return _welcomed(scan, _bound(claim, scan.openid, desk), desk)
    _refuse_taken(claim, scan.openid, desk)
    return _welcomed(scan, _question(claim, scan.openid, desk), desk)


@plugin.text(re.compile(rf"(?:确认|确认绑定)?\s*{_NUMBER}"), is_ahead=True)
def confirmed(message: TextMessage, number: str, desk: _Desk) -> str | Pass:
    """Bind whoever sends back the number that they were asked for; leave other numbers to others."""
    if desk.config.confirm != "chat":
        return PASS
    sent = str(int(number))
    for claim in desk.claims.of_person(message.account, message.openid):
        is_asked = claim.purpose == PURPOSE and claim.state is State.CLAIMED and not is_offered(claim)
        if is_asked and number_of(claim.id, message.openid) == sent:
            return _bound(claim, message.openid, desk.read_in(language_of(claim)))
    return PASS


@plugin.text(_IN_ENGLISH, is_ahead=True)
def in_english(
    message: TextMessage, word: str, number: str | None, desk: _Desk, public_url: str
) -> str | Pass:
    """Do what the English words ask for; where only Chinese is written they are left to others."""
    if desk.config.language == CHINESE:
        return PASS
    english = desk.read_in(ENGLISH)
    if word.lower() == "unlink":
        return _unlinked(message, number, english) if number else _asked_to_unlink(message, english)
    return PASS if number else _begun(message, english, public_url)


@plugin.text(_LINK_WORDS)
@plugin.click("link")
def begin(event: TextMessage | Click, desk: _Desk, public_url: str) -> str:
    """Lead to the site's login by way of web OAuth, or say how else to link."""
    return _begun(event, _spoken(event, desk), public_url)


@plugin.text(_UNLINK_WORDS)
@plugin.click("unlink")
def ask_unlink(event: TextMessage | Click, desk: _Desk) -> str:
    """Say what is bound, and ask for the words that end it."""
    return _asked_to_unlink(event, _spoken(event, desk))


@plugin.text(_UNLINK_THIS)
def unlink(message: TextMessage, number: str, desk: _Desk) -> str:
    """End the binding whose number somebody sends."""
    return _unlinked(message, number, desk.read_in(CHINESE))


@plugin.fallback
def no_link(scan: Scan, config: LinkConfig) -> str:
    """Answer codes that begin as ours and are none."""
    return filled(config.read_in(None).no_good, {"site": config.site})


@plugin.errorhandler(NoGoodError)
def too_late(event: Event, error: NoGoodError, config: LinkConfig) -> str:
    """Answer somebody who was too slow; what they had tried is undone."""
    return filled(config.read_in(None).no_good, {"site": config.site})


@plugin.errorhandler(TakenError)
def taken(event: Event, error: TakenError, desk: _Desk) -> str:
    """Say what stands in the way; what was tried is undone, so that the code stays good."""
    config = desk.read_in(desk.language_of(event)).config
    text = config.user_taken if error.outcome is Outcome.USER_TAKEN else config.person_taken
    return filled(text, {"site": config.site})


@plugin.errorhandler(Exception)
def trouble(event: Event, error: Exception, config: LinkConfig) -> str:
    """Answer when something failed and nothing was changed."""
    return filled(config.read_in(None).trouble, {"site": config.site})


def _spoken(event: TextMessage | Click, desk: _Desk) -> _Desk:
    """Answer Chinese words in Chinese, and a button in the language of the code that was scanned last."""
    return desk.read_in(CHINESE if isinstance(event, TextMessage) else desk.language_of(event))


def _begun(event: TextMessage | Click, desk: _Desk, public_url: str) -> str:
    config = desk.config
    if config.policy.one_user and desk.bindings.of_person(event.account, event.openid):
        return _site(config.person_taken, desk)
    if not (config.login_url and public_url):
        return _site(config.how_to, desk)
    url = f"{public_url}/link/start?account={quote(event.account)}"
    return filled(config.begin, {"site": config.site, "url": url})


def _asked_to_unlink(event: TextMessage | Click, desk: _Desk) -> str:
    found = desk.bindings.of_person(event.account, event.openid)
    if not found:
        return _site(desk.config.not_bound, desk)
    line = _UNLINK_LINES[desk.config.language]
    lines = [
        line.format(_name_of(each, desk), number_of(each.id, event.openid)) for each in found[:_MOST_SHOWN]
    ]
    return filled(desk.config.ask_unlink, {"site": desk.config.site, "list": "\n".join(lines)})


def _unlinked(message: TextMessage, number: str, desk: _Desk) -> str:
    sent = str(int(number))
    for each in desk.bindings.of_person(message.account, message.openid):
        if number_of(each.id, message.openid) == sent:
            desk.bindings.unlink(
                message.account, site_user=each.site_user, openid=message.openid, by=Cause.PERSON
            )
            return filled(desk.config.unlinked, {"site": desk.config.site, "name": _name_of(each, desk)})
    return _asked_to_unlink(message, desk)


def _question(claim: Claim, openid: str, desk: _Desk) -> str:
    values = {"site": desk.config.site, "name": _name(claim)}
    if desk.config.confirm == "page":
        number = number_of(claim.id, openid, digits=PAGE_DIGITS)
        return filled(desk.config.ask_on_page, values | {"number": number})
    return filled(desk.config.ask, values | {"number": number_of(claim.id, openid)})


def _bound(claim: Claim, openid: str, desk: _Desk) -> str:
    """Confirm and bind, together or not at all; raises NoGoodError or TakenError."""
    if desk.claims.confirm(claim.account, claim.id, openid=openid) is None:
        raise NoGoodError
    bound = desk.bindings.bind(claim.account, claim.subject, openid, claim=claim.id)
    if bound.binding is None:
        raise TakenError(bound.outcome)
    return filled(desk.config.bound, {"site": desk.config.site, "name": _name(claim)})


def _settled(claim: Claim, openid: str, desk: _Desk) -> str:
    """Answer somebody who is bound already, and let the page that shows the code know."""
    desk.claims.confirm(claim.account, claim.id, openid=openid)
    return filled(desk.config.bound, {"site": desk.config.site, "name": _name(claim)})


def _is_bound(claim: Claim, openid: str, desk: _Desk) -> bool:
    found = desk.bindings.of_person(claim.account, openid)
    return any(each.site_user == claim.subject for each in found)


def _refuse_taken(claim: Claim, openid: str, desk: _Desk) -> None:
    """Say so before somebody confirms in vain; what counts is what `bind` finds afterwards."""
    policy = desk.config.policy
    if policy.one_person and desk.bindings.of_user(claim.account, claim.subject):
        raise TakenError(Outcome.USER_TAKEN)
    if policy.one_user and desk.bindings.of_person(claim.account, openid):
        raise TakenError(Outcome.PERSON_TAKEN)


def _name(claim: Claim) -> str:
    """Return what the site calls its user: a line that says nothing else, whoever chose the name."""
    return one_line(claim.data.get("name"), longest=_LONGEST_NAME) or one_line(
        claim.subject, longest=_LONGEST_NAME
    )


def _name_of(binding: Binding, desk: _Desk) -> str:
    claim = desk.claims.find(binding.account, binding.claim) if binding.claim else None
    if claim is None or is_offered(claim):
        return one_line(binding.site_user, longest=_LONGEST_NAME)
    return _name(claim)


def _site(text: str, desk: _Desk) -> str:
    return filled(text, {"site": desk.config.site})


def _welcomed(scan: Scan, text: str, desk: _Desk) -> str:
    is_new = scan.when == "follow" and bool(desk.config.welcome)
    return f"{desk.config.welcome}\n{text}" if is_new else text
