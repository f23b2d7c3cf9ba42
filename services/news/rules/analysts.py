"""What brokers and their analysts say of a company."""
# ruff: noqa: E501, SIM905 - a table of expressions reads better unbroken

import re

from services.news.rules.phrase import Phrase, phrase
from services.news.rules.results import DOWN, DOWN_WORDS, UP, UP_WORDS
from shared.domain.news import Catalyst

A = Catalyst.ANALYST

_TARGET = r"(?:price target|target price|price objective|price forecast|\bpt\b|\btarget\b)"
_RATED_UP = r"(?:strong buy|buy|outperform|overweight|positive|accumulate)"
_RATED_FLAT = r"(?:hold|neutral|equal[- ]?weight|market perform|sector perform|in[- ]line|peer perform|sector weight)"
_RATED_DOWN = r"(?:sell|underperform|underweight|reduce|negative)"
_HOUSES = r"ubs|rbc(?: capital)?(?: markets)?|bofa(?: securities)?|bank of america|jp ?morgan|morgan stanley|goldman(?: sachs)?|barclays|citi(?:group)?|deutsche bank|wells fargo|jefferies|stifel|truist(?: securities)?|evercore(?: isi)?|keybanc|oppenheimer|raymond james|baird|bernstein|mizuho|needham|piper sandler|td cowen|cowen|hsbc|bmo(?: capital)?(?: markets)?|cibc|scotiabank|national bank|wedbush|loop capital|roth(?: mkm| capital)?|cantor(?: fitzgerald)?|b\.? ?riley|benchmark|craig-?hallum|da davidson|d\.a\. davidson|h\.?c\.? wainwright|leerink|william blair|canaccord(?: genuity)?|guggenheim|susquehanna|wolfe(?: research)?|rosenblatt|macquarie|nomura|clsa|argus(?: research)?|cfra|morningstar|rothschild|redburn|telsey|northland|lake street|chardan|btig|kbw|keefe,? bruyette|moffettnathanson|melius|seaport(?: global| research)?|stephens|clear street|texas capital|janney|compass point|maxim|ladenburg|alliance global|berenberg|kepler|bnp paribas|exane|societe generale|santander|daiwa|freedom capital|arete|new street|monness|citizens|jmp|wainwright|ascendiant|zelman|hsbc|desjardins|eight capital|haywood|cormark"
_HOUSE_WORDS = " ".join(
    sorted(
        set(re.findall(r"[a-z]{2,}", _HOUSES))
        - set("of the and capital markets securities research global new lake clear point group national".split())
        | set("citigroup jpmorgan riley craighallum davidson wainwright".split())
    )
)
"""Of these there is one in every house's name."""
HOUSE = re.compile(r"(?:" + _HOUSES + r")\b")
"""Who rates others: named before a rating, it is the one that speaks and not the one spoken of."""
_SAYS = r", (?:" + _HOUSES + r")(?: securities| markets| capital| research| bank)* says\b"

ANALYSTS: tuple[Phrase, ...] = (
    phrase(A, 0.6, 2.0, "upgrades upgrade upgraded", HOUSE.pattern + r"[\w&. ]{0,25} (?:double[- ])?upgrade[sd]?\b|\bupgrade[sd]? [^;]{0,50}\bto (?:an? )?(?:" + _RATED_UP + "|" + _RATED_FLAT + r")\b|analysts? upgrade[sd]?\b", "analyst upgrade", about="object"),
    phrase(A, 0.6, 2.1, "upgraded upgrade upgrades", r"\b(?:is |was |gets? |been )?upgraded (?:to|by|at|from)|\bupgraded$|(?:after|on|from|double) (?:an? )?(?:\w+ )?upgrade", "analyst upgrade"),
    phrase(A, -0.6, 2.0, "downgrades downgrade downgraded downgrading", r"\bdowngrade[sd]? ", "analyst downgrade", about="object"),
    phrase(A, -0.6, 2.1, "downgraded downgrade downgrades", r"\b(?:is |was |gets? |been )?downgraded (?:to|by|at|from)|\bdowngraded$|(?:after|on|from|double) (?:an? )?(?:\w+ )?downgrade", "analyst downgrade"),
    phrase(A, 0.5, 1.8, "initiates initiated starts started assumes assumed resumes resumed begins reinstates reinstated coverage", r"(?:initiat\w+|start\w*|assum\w+|resum\w+|begins|launches|reinstat\w+)\b[^;]{0,60}\b(?:at|with|as) (?:an? )?" + _RATED_UP + r"\b",
           "coverage starts with a buy", about="object"),
    phrase(A, -0.5, 1.8, "initiates initiated starts started assumes assumed resumes resumed begins reinstates reinstated coverage", r"(?:initiat\w+|start\w*|assum\w+|resum\w+|begins|launches|reinstat\w+)\b[^;]{0,60}\b(?:at|with|as) (?:an? )?" + _RATED_DOWN + r"\b",
           "coverage starts with a sell", about="object"),
    phrase(A, 0.5, 1.9, "initiated started assumed resumed reinstated", r"\b(?:initiated|started|assumed|resumed|reinstated)(?: coverage)? (?:at|with|as) (?:an? )?" + _RATED_UP + r"\b", "coverage starts with a buy"),
    phrase(A, -0.5, 1.9, "initiated started assumed resumed reinstated", r"\b(?:initiated|started|assumed|resumed|reinstated)(?: coverage)? (?:at|with|as) (?:an? )?" + _RATED_DOWN + r"\b", "coverage starts with a sell"),
    phrase(A, 0.0, 1.5, "initiates initiated starts started assumes assumed resumes resumed begins reinstates reinstated coverage", r"(?:initiat\w+|start\w*|assum\w+|resum\w+|begins|launches|reinstat\w+)\b[^;]{0,60}\b(?:at|with|as) (?:an? )?" + _RATED_FLAT + r"\b",
           "coverage starts neutral", about="object"),
    phrase(A, 0.35, 1.6, UP_WORDS, UP + r"\b[^;]{0,60}" + _TARGET, "price target raised", about="object"),
    phrase(A, 0.35, 1.6, "raised lifted boosted hiked increased upped bumped lift", r"(?:target|\bpt)s? (?:is |was |gets? )?(?:raised|lifted|boosted|hiked|increased|upped|bumped)|analysts lift targets",
           "price target raised"),
    phrase(A, -0.4, 1.6, DOWN_WORDS, r"(?<!price )" + DOWN + r"\b[^;]{0,60}" + _TARGET, "price target cut", about="object"),
    phrase(A, -0.4, 1.6, "cut cuts lowered slashed trimmed reduced", r"(?:target|\bpt)s? (?:is |was |gets? )?(?:cuts?\b|lowered|slashed|trimmed|reduced)",
           "price target cut"),
    phrase(A, -0.4, 1.6, "lower", r"lower price target", "price target cut"),
    phrase(A, 0.35, 1.6, "higher", r"higher price target", "price target raised"),
    phrase(A, 0.15, 1.0, "maintains reiterates reiterated keeps reaffirms maintained affirms", r"(?:maintain\w*|reiterat\w+|keeps|reaffirm\w*|affirms)\b[^;]{0,40}\b" + _RATED_UP + r"\b",
           "buy rating kept", about="object"),
    phrase(A, -0.2, 1.0, "maintains reiterates reiterated keeps reaffirms maintained affirms", r"(?:maintain\w*|reiterat\w+|keeps|reaffirm\w*|affirms)\b[^;]{0,40}\b" + _RATED_DOWN + r"\b",
           "sell rating kept", about="object"),
    phrase(A, 0.0, 0.8, "maintains reiterates reiterated keeps reaffirms maintained affirms", r"(?:maintain\w*|reiterat\w+|keeps|reaffirm\w*|affirms)\b[^;]{0,40}\b" + _RATED_FLAT + r"\b",
           "neutral rating kept", about="object"),
    phrase(A, 0.4, 1.6, "pick conviction idea ideas focus catalyst", r"\btop pick|conviction (?:buy )?list|best ideas?\b|(?:added to|named to|placed on|joins)\b[^;]{0,40}(?:focus list|catalyst watch|top ideas)|(?:upside|positive) (?:\w+ )?catalyst watch", "named a top pick"),
    phrase(A, 0.35, 3.1, UP_WORDS, HOUSE.pattern + r"[\w&. ]{0,25} " + UP + r"\b[^;]{0,60}(?:forecasts?|estimates?)\b", "a broker raises its estimate", about="object", also=_HOUSE_WORDS),
    phrase(A, -0.35, 3.1, DOWN_WORDS, HOUSE.pattern + r"[\w&. ]{0,25} " + DOWN + r"\b[^;]{0,60}(?:forecasts?|estimates?)\b", "a broker cuts its estimate", about="object", also=_HOUSE_WORDS),
    phrase(A, 0.0, 1.5, "coverage initiates starts", HOUSE.pattern + r" (?:initiates|starts)\b|(?:initiat\w+|start\w*|assum\w+|resum\w+|begins|launches|reinstat\w+|new|draws?|analyst) (?:\w+ )?coverage\b", "coverage starts"),
    phrase(A, 0.5, 1.9, "upgrade moves upgraded", r"(?:behind the|rating|analyst|today's|broker|rank) upgrade\b|" + HOUSE.pattern + r" upgrade\b|moves to (?:strong )?buy\b|upgraded to (?:strong )?buy", "analyst upgrade"),
    phrase(A, -0.5, 1.9, "downgrade moves downgraded", r"(?:behind the|rating|analyst|today's|broker|rank) downgrade\b|" + HOUSE.pattern + r" downgrade\b|moves to (?:strong )?sell\b|downgraded to (?:strong )?sell", "analyst downgrade"),
    phrase(A, 0.4, 1.6, "analysts forecasts", r"analysts? (?:\w+ ){0,4}(?:upgrad\w+|boost\w*|rais\w+|lift\w*|increas\w+)\b[^;]{0,70}\b(?:forecasts?|estimates?|targets?)|analyst (?:forecasts?|estimates?)[^;]{0,60}(?:surg\w+|higher|ris\w+|upgrad\w+)", "analysts raise their estimates"),
    phrase(A, -0.4, 1.6, "analysts forecasts", r"analysts? (?:\w+ ){0,4}(?:cut\w*|slash\w*|lower\w*|trim\w*|reduc\w+|downgrad\w+)\b[^;]{0,70}\b(?:forecasts?|estimates?|targets?)|analyst (?:forecasts?|estimates?)[^;]{0,60}(?:fall\w*|lower|cut|crash\w*|slash\w+)", "analysts cut their estimates"),
    phrase(A, 0.35, 1.9, "says", r"(?:benefit|robust|strong\w*|well[- ]positioned|attractive|upside|better|improv\w+|growth|prospects|recovery|top pick|undervalued|ahead of plan|opportunit\w+)\b[^;]*" + _SAYS, "a broker speaks well of it", also=_HOUSE_WORDS),
    phrase(A, -0.35, 1.9, "says", r"(?:headwinds?|declin\w+|concerns?|challeng\w+|risks?|pressure\w*|weak\w*|slow\w+|soft\w*|downside|overvalued|uncertain\w*)\b[^;]*" + _SAYS, "a broker has doubts", also=_HOUSE_WORDS),
    phrase(A, 0.0, 1.3, "says", _SAYS, "a broker's view", also=_HOUSE_WORDS),
    phrase(A, 0.35, 1.5, "bullish positive constructive upbeat optimistic sees see", HOUSE.pattern + r"(?: securities| markets| capital| research| bank)*\b (?:remains?|is|stays?|turns?) (?:[\w-]+ ){0,2}(?:bullish|positive|constructive|upbeat|optimistic)|" + HOUSE.pattern + r" (?:bullish|positive) on\b|" + HOUSE.pattern + r"[\w ]{0,20} sees? (?:[\w-]+ ){0,4}(?:opportunity|upside|growth|stability|potential|strength)", "a broker speaks well of it", about="object", also=_HOUSE_WORDS),
    phrase(A, -0.35, 1.5, "bearish negative cautious skeptical", HOUSE.pattern + r"(?: securities| markets| capital| research| bank)*\b (?:remains?|is|stays?|turns?) (?:[\w-]+ ){0,2}(?:bearish|negative|cautious|skeptical)", "a broker has doubts", about="object", also=_HOUSE_WORDS),
    phrase(A, 0.0, 1.2, "neutral backing upholds sticks reassess", HOUSE.pattern + r"(?: securities| markets| capital| research| bank)*\b (?:remains?|stays?|turns?) (?:[\w-]+ ){0,2}neutral|" + HOUSE.pattern + r"[\w& .]{0,25}\b(?:backing|upholds|sticks with|reassess\w*)", "a broker's view", about="object", also=_HOUSE_WORDS),
    phrase(A, 0.45, 1.6, "assigns assign earns gets receives", r"assigns? (?:an? )?(?:" + _RATED_UP + r") rating|(?:earns|gets|receives) (?:an? )?\W?(?:" + _RATED_UP + r")\W? rating", "a buy rating"),
    phrase(A, -0.45, 1.6, "assigns assign earns gets receives", r"assigns? (?:an? )?(?:" + _RATED_DOWN + r") rating|(?:earns|gets|receives) (?:an? )?\W?(?:" + _RATED_DOWN + r")\W? rating", "a sell rating"),
    phrase(A, -0.5, 1.9, "downgrade", HOUSE.pattern + r" in (?:an? )?downgrade", "analyst downgrade", also=_HOUSE_WORDS),
    phrase(A, 0.5, 1.9, "upgrade", HOUSE.pattern + r" in (?:an? )?upgrade", "analyst upgrade", also=_HOUSE_WORDS),
    phrase(A, 0.4, 1.6, "broker forecasts", r"broker (?:\w+ )?forecasts [^;]{0,60}(?:surg\w+|higher|ris\w+)", "analysts raise their estimates"),
    phrase(A, 0.6, 2.0, "raised lifted boosted bumped", r"\b(?:raised|lifted|boosted|bumped) to (?:an? )?" + _RATED_UP + r"\b", "analyst upgrade"),
    phrase(A, -0.6, 2.0, "cut lowered reduced", r"\b(?:cut|lowered|reduced) to (?:an? )?(?:" + _RATED_DOWN + "|" + _RATED_FLAT + r")\b", "analyst downgrade"),
    phrase(A, -0.5, 2.0, "cut lowered", r"\b(?:cut|lowered) at " + HOUSE.pattern, "analyst downgrade", also=_HOUSE_WORDS),
    phrase(A, 0.5, 2.0, "raised lifted", r"\b(?:raised|lifted) at " + HOUSE.pattern, "analyst upgrade", also=_HOUSE_WORDS),
    phrase(A, 0.35, 1.7, "raises lifts boosts hikes ups", r"^(?!.*grade)[^;]*, (?:and )?(?:raises|lifts|boosts|hikes|ups) (?:its )?(?:pt|(?:price )?target)\b", "price target raised"),
    phrase(A, -0.4, 1.7, "cuts slashes lowers trims", r"^(?!.*grade)[^;]*, (?:and )?(?:cuts|slashes|lowers|trims) (?:its )?(?:pt|(?:price )?target)\b", "price target cut"),
    phrase(A, 0.0, 1.5, "analysts", r"\b(?:wall street )?analysts (?:see|think|believe|expect)\b[^;]{0,40}\b(?:upside|surge|rally|could)\b", "what analysts hope"),
    phrase(A, 0.35, 1.6, "hike hikes hiked", r"(?:\bpt|target) hike|(?:double-digit|small|big) target hike", "price target raised"),
    phrase(A, 0.0, 1.2, "targets split splits reset resets changes", r"(?<!without )(?:new|fresh) (?:analyst )?(?:price )?targets?\b|price target (?:split|change|reset)s?|price targets|(?<!without )analyst targets", "price targets"),
)  # fmt: skip

PHRASES = ANALYSTS
