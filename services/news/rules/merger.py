"""Who buys whom: good for the target, a cost for the buyer, read from where the company stands in the sentence."""
# ruff: noqa: E501 - a table of expressions reads better unbroken

import re
from typing import NamedTuple

from services.news.rules.phrase import Phrase, phrase
from shared.domain.news import Catalyst

M = Catalyst.MERGER

ACTIVE = re.compile(
    r"\b(?:to (?:acquire|buy(?! back)|take over|purchase)|(?:to take|takes|taking)(?= [\w.&' -]{2,40} private\b)|acquires|acquired|acquiring|buys(?! back)|agrees? to (?:acquire|buy)|(?<!pre-)bids? (?:[\w$.]+ ){0,3}for|offers? to (?:acquire|buy)|(?:makes?|raises?|increases?|sweetens?|submits?)[^;]{0,35}(?:offer|bid) (?:for|to (?:acquire|buy))|takeover of|acquisition of|buyout of|snaps up|scoops up|(?:completes?|closes?) (?:its |the )?(?:purchase|acquisition) of)\b"
)
PASSIVE = re.compile(
    r"\b(?:to be (?:acquired|bought|taken over|taken private|purchased)|(?:is|was|being|been|gets?) (?:acquired|bought|taken private)|acquired by|bought by|taken over by|agrees to (?:be (?:acquired|bought)|sell itself|a? ?(?:takeover|buyout))|agrees to go private|going[- ]private|go private|take[- ]private|takeover (?:target|interest|offer from|bid from|approach)|(?:receives?|gets?|weighs?|confirms?|considers?|draws?|fields?|attracts?)[^;]{0,30}(?:takeover|buyout|acquisition|unsolicited|acquisition proposal)\b|buyout (?:offer|bid|interest|deal)|(?:explor|weigh|mull|consider)\w* (?:a |possible |potential )?(?:sale(?: of (?:itself|the company))?\b(?! of)|strategic alternatives\b(?! for (?!the company)))|strategic alternatives\b(?! for (?!the company|share))|tender offer for|for sale\b(?! of))\b"
)
_OF_ASSETS = re.compile(
    r"^(?:(?:up to )?(?:an? )?[\d.,]+%? |(?:(?:a|an|the|its|certain|several|additional|new|remaining|minority|majority|more|two|three|four|five) )+)?"
    r"(?:[\w-]+ ){0,4}?(?:propert(?:y|ies)|assets?|portfolio|shares|stake|interests?|buildings?|land|acres|mines?|royalt\w+|vessels?|aircraft|stores?|hotels?|rights|claims?|project|plants?|units|homes|loans?|bitcoin|btc|ethereum|license)\b"
)

OTHERS: tuple[Phrase, ...] = (
    phrase(M, -0.65, 3.0, "terminates terminated terminate call calls called abandons abandon scraps scrap walks walking withdraws withdrew withdrawn pulls pulled ends collapses collapsed drops dropped drop shelves", r"(?:terminat\w+|call(?:s|ed|ing)? off|abandon\w*|scrap\w*|walk(?:s|ed|ing)? away from|back(?:s|ed) out of|pull(?:s|ed) out of|shelves|ends|drop(?:s|ped)?)\b[^;]{0,40}(?:merger|takeover|acquisition|buyout|business combination|bid for|pursuit|(?:merger|takeover|deal|sale|buyout) talks)|walk(?:s|ed|ing)? away from\b[^;]{0,40}\bpurchase\b|(?:withdr[ae]ws?|withdrawn|pulls|pulled)\b[^;]{0,30}\b(?:bid|takeover|buyout|(?:offer|proposal) (?:for|to (?:acquire|buy)))\b(?: for\b)?|(?:merger|takeover|acquisition|buyout)[\w ]{0,15} (?:collaps\w+|falls? (?:through|apart)|terminated|blocked|called off)", "a deal is off"),
    phrase(M, -0.6, 3.0, "block blocks blocked challenge challenges sues sue ftc doj antitrust", r"(?:ftc|doj|regulators?|judge|court|eu|cma)\b[^;]{0,35}(?:block\w*|challeng\w+|su(?:es?|ing))[^;]{0,45}(?:merger|deal|acquisition|takeover|buyout|purchase)", "a deal is challenged"),
    phrase(M, -0.2, 2.6, "rejects rejected rejection spurns rebuffs", r"(?:reject\w*|spurn\w*|rebuff\w*)\b[^;]{0,45}(?:bid|offer|proposal|takeover|buyout)|(?:bid|offer|proposal|takeover) reject\w+", "a bid is rejected"),
    phrase(M, -0.35, 3.0, "delay delays threatened snag hurdle hurdles doubt risk", r"\b(?:takeover|acquisition|merger|buyout)\b[^;]{0,50}\b(?:delays?|threatened|snag|hurdles?|in doubt|at risk)\b", "a deal in doubt"),
    phrase(M, 0.5, 2.0, "hostile sweetened superior pill poison improved", r"hostile (?:bid|offer|takeover|approach)|(?:sweetened|improved|superior|higher) (?:[\w$.-]+ ){0,2}(?:bid|offer|proposal)|(?:bid|offer|proposal)\b[^;]{0,25}\bsuperior\b|poison pill", "a bid is fought or bettered"),
    phrase(M, 0.35, 1.9, "merger merge merges definitive combination tie equals", r"definitive (?:merger )?agreement(?! (?:to supply|to develop|for))|merger (?:agreement|with|of|deal)|to merge|\bmerges? with|business combination|\$[\d.,]+ ?\w* tie-up\b|merger of equals", "a merger"),
    phrase(M, 0.1, 1.7, "cash letter loi stake interest acquire purchase buyout", r"letter of intent (?:to acquire|with|for)|(?:majority|controlling|\d+%) (?:stake|interest) in|(?:eyes|closes?|completes?|agrees|in talks)\b[^;]{0,50}\b(?:purchase|buyout|acquisition|takeover)\b|takeover proposal|\bloi\b|all-(?:cash|stock) [\w ]{0,25}(?:deal|offer|transaction)", "a deal"),
    phrase(M, 0.15, 1.7, "leaseback sale sells sell selling divestiture divests divest sold", r"sale-?leaseback|(?:complet\w+|clos\w+|announc\w+|agree[sd]?)\b[^;]{0,40}\b(?:sale|divestiture) of\b(?! [^;]{0,30}(?:common|shares|notes|stock|securities|units))|(?:planned|pending|proposed|closing of)\b[\w\' ]{0,30} sale\b|\b(?:sells|sold|selling|to sell) (?:\w+ )?\d+% of\b|\b(?:sells|sold|to sell)\b(?![^;]{0,40}\b(?:shares|stock|notes|units|bonds)\b)[^;]{0,60}\bfor (?:us|c|a)?\$\d|\b(?:sells|sold|selling|to sell|divests)\b[^;]{0,60}\b(?:unit|stake|business|division|segment|subsidiary|assets?|portfolio|property|properties|operations|plant|rights|licenses)\b", "something is sold"),
    phrase(M, 0.1, 1.1, "sale acquisition acquisitions takeover merger mergers stake divests divestiture spin spinoff buyout strategic alternatives", r"strategic alternatives for|\bacquisitions?\b|\btakeovers?\b|\bmergers?\b|spin-?off|divest\w*|\bbuyouts?\b|(?:sale of|starts? process to sell)\b[^;]{0,45}(?:unit|stakes?|business|division|segment|subsidiary)|strategic review", "a deal is talked of"),
)  # fmt: skip

PHRASES = OTHERS

_ADVICE = re.compile(
    r"\s*(?:$|[?,.;:]|(?:now|from|rating|in|right|on|as|and|with|the (?:stock|dip)|before|after|this|today|at|instead|or)\b)"
)
"""After `to buy`: advice about a share, not a deal."""


_ADVISED = re.compile(
    r"\b(?:idea|time|wise|reasons?|stocks?|shares|smart|rush|hurry|need|want|how|where|when|ready|safe|worth|good|best)\W+$"
)
"""Before `to buy`: the same."""
_ITSELF = re.compile(r"\s*(?:it|the company)\b(?! (?:can|will|plans|says))")
"""After `to buy`: the company that was named before."""
_TALK = re.compile(r"\brumou?r|\b(?:could|might|may)\W+(?:\w+\W+){0,2}$")
"""Before a bid that nobody has made yet."""
_SELLS = re.compile(
    r"\b(?:business|unit|division|arm|assets?|operations|stake|plants?|portfolio|brands?|segment|subsidiary)\b.*\bfrom\b"
)
_PART = re.compile(
    r"[\w.& -]{2,40}?'s? (?:[\w-]+ ){0,5}(?:business|unit|division|arm|assets?|operations|stake|plants?|portfolio|brands?|segment|subsidiary)\b"
)
"""What is bought is not the company but something it has."""


class Deal(NamedTuple):
    """What a take-over sentence means for one company."""

    sentiment: float
    weight: float
    reason: str
    span: tuple[int, int]


BOUGHT, TALKED, BUYS, ASSETS, STRANGER = 0.8, 0.5, -0.1, 0.1, 0.1


def deal(text: str, places: list[int], *, alone: bool) -> Deal | None:
    """The take-over in `text` (lower case), seen from the company named at `places`; None when there is none.

    `alone`: nobody else is tagged, so a company not found by name is taken to be the subject.
    """
    passive = PASSIVE.search(text)
    if passive and _is_buyer_after(passive, text, places):
        return Deal(BUYS, 2.0, "it is the buyer", passive.span())
    if passive:
        named_after = bool(places) and min(places) >= passive.end()
        is_target = (bool(places) and not named_after) or (not places and alone) or "for" in passive.group()
        if is_target and _TALK.search(text, 0, passive.start()):
            return Deal(TALKED, 2.4, "it may be bought", passive.span())
        if is_target:
            return Deal(BOUGHT, 2.9, "it is bought or sought", passive.span())
    active = ACTIVE.search(text)
    if active is None or _ADVICE.match(text, active.end()) or _ADVISED.search(text, 0, active.start()):
        return Deal(STRANGER, 1.0, "a deal between others", passive.span()) if passive else None
    if places and min(places) >= active.end():
        if _SELLS.search(text, active.end(), min(places)) or _PART.match(text, min(places)):
            return Deal(ASSETS, 1.7, "it sells a part", active.span())
        return Deal(BOUGHT, 2.9, "it is the target of a take-over", active.span())
    if places and _ITSELF.match(text, active.end()):
        return Deal(BOUGHT, 2.9, "it is the target of a take-over", active.span())
    if not places and not alone:
        return Deal(STRANGER, 1.0, "a deal, its side unknown", active.span())
    if _OF_ASSETS.match(text[active.end() :].lstrip()):
        return Deal(ASSETS, 1.3, "it buys assets", active.span())
    return Deal(BUYS, 2.0, "it is the buyer", active.span())


def _is_buyer_after(passive: re.Match[str], text: str, places: list[int]) -> bool:
    """`X to be acquired by <the company>`: the company comes only after a `by` or `from`."""
    if not places or min(places) < passive.start():
        return False
    between = text[passive.start() : min(places)]
    return bool(re.search(r"\b(?:by|from)\b", between))
