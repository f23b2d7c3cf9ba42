"""Where a text speaks of a company: by ticker in a form that can only be one, or by name."""
# ruff: noqa: SIM905 - lists of words read better as text

import re
from functools import lru_cache

_SUFFIX = re.compile(
    r"[,.]?\s+(?:inc|incorporated|corp|corporation|co|company|companies|ltd|limited|plc|p\.l\.c|llc|lp|l\.p|n\.?v|s\.?a|ag|se|ab|asa|trust|"
    r"holdings?|group|common stock|ordinary shares?|class [a-c]|american depositary shares?|adrs?|ads|reit|"
    r"series [a-z]|units?|warrants?|the|new|de|usa|each representing.*|\(.*?\)|-.*)\.?$",
    re.IGNORECASE,
)
VAGUE = frozenset(
    "american america first united national general global international advanced new the great western eastern "
    "southern northern north south west east pacific atlantic central standard capital financial energy health "
    "bank digital blue green red black white gold silver royal union summit community federal home us u.s. china "
    "canadian canada bio medical pharma life data applied liberty old one two three four five six public service "
    "service world universal premier prime alpha beta delta sun star sea ocean river mountain city texas california "
    "virginia ohio san saint st. direct smart power water air gas oil real real-time open best star rocket element "
    "people people's citizens consumer industrial urban national southern performance quality simply super total "
    "next-gen future now on all it match target gap block snap unity visa key root".split()
)
_NO_TICKER = frozenset(
    "CEO CFO COO FDA IPO EPS USA ETF SEC NYSE NEW THE AND FOR CRL NDA IND ATM ESG CAGR AGM"
    " ALL ANY ARE BEST BIG CAN CAR CASH CAT DAY DOWN EVER FAST FREE FUN GAIN GO GOOD HAS HIGH HOPE HOT HUGE KEY LIFE"
    " LIVE LOVE LOW MAIN MOVE MUST NEVER NEXT NICE NOT NOW ONE OPEN OUT PEAK PLAY PLUS REAL SAFE SEE STOP TOP TRUE TWO"
    " WELL WOW YOU".split()
)
"""Also words that writers set in capitals for emphasis or as abbreviations: bare, they name nobody."""
_MARKED = re.compile(
    r"(?:\((?!nasdaq|nyse|amex|otc|tsx|arca)|\$|"
    r"\b(?:nasdaq|nyse|amex|otc|tsx|arca)[\w ]{0,12}:)\s*([a-z][a-z0-9]{0,5}(?:[.-][a-z]{1,2})?)(?![a-z0-9])"
)
_TWO_LETTERS = frozenset(
    "AI AN AS AT BE BY DO EU GO HE IF IN IS IT ME MY NO OF ON OR QT SO TO UK UP US WE Q1 Q2 Q3 Q4 H1 H2".split()
)
_BRANDS = {
    "alphabet": ("google",), "amazon.com": ("amazon", "aws"), "anheuser-busch inbev": ("ab inbev",),
    "bank of america": ("bofa",), "block": ("cash app",), "bristol-myers squibb": ("bristol myers",),
    "charles schwab": ("schwab",), "citigroup": ("citi",), "coca-cola": ("coke",), "comcast": ("nbcuniversal",),
    "delta air lines": ("delta",), "eli lilly": ("lilly",), "general electric": ("ge",), "general motors": ("gm",),
    "international business machines": ("ibm",), "meta platforms": ("facebook", "instagram"), "rtx": ("raytheon",),
    "snap": ("snapchat",), "stellantis": ("jeep", "chrysler"), "taiwan semiconductor manufacturing": ("tsmc",),
    "walt disney": ("disney",), "warner bros. discovery": ("hbo",), "ww": ("weightwatchers",),
}  # fmt: skip
"""What the press calls a company whose register name nobody uses, by its short name."""
_OTHER_SENSES = {
    name: re.compile(other)
    for name, other in {
        "apple": r"apple (?:harvest|pie|juice|orchards?|growers?|crop|cider)\b",
        "block": r"block (?:party|trades?|sale|grant)\b",
        "dow": r"dow (?:jones|futures|industrials)\b|dow\b[^;]{0,30} points\b|(?<=the )dow\b",
        "gap": r"(?<=the )gap\b|gap (?:widens|narrows|between|up|down)\b",
        "match": r"match(?:[- ]fixing)\b",
        "snap": r"snap (?:elections?|poll|judgm?ent|back)\b",
        "target": r"(?<=price )target\b|target (?:prices?(?! target)|range|is|was|raised|lifted|cut|lowered)\b",
        "visa": r"visa (?:bans?|rules|fees|holders|applica\w+|waivers?|program\w*|restrictions)\b",
    }.items()
}
"""Where a company's name is the word that it was before."""
_SECOND_TOO_VAGUE = frozenset(
    "york vegas angeles jersey mexico hampshire zealand hong kong states estate care trust korea africa asia america"
    " juan diego francisco jose antonio louis of and for the in bancorp bank partners resources &".split()
)
"""Second words with which a vague first one still names nobody: `new york`, `health care`."""
_NOT_NAMED = frozenset(
    {"ai", "us", "uk", "eu", "ceo", "cfo", "fda", "phase", "part", "q1", "q2", "q3", "q4", "esg", "ipo"}
)


def short_name(company: str) -> str:
    """The name without what follows it in a register: `NVIDIA Corporation Common Stock` -> `NVIDIA`."""
    name = " ".join(company.split())
    for _ in range(6 if " " in name else 0):
        shorter = _SUFFIX.sub("", name).strip(" ,.&").removesuffix(" and")
        if shorter == name or len(shorter) < 2:
            break
        name = shorter
    return name[4:] if name[:4].lower() == "the " else name


@lru_cache(maxsize=20_000)
def names(company: str | None) -> tuple[str, ...]:
    """How a text may name the company, lower case: its short name, and its first word where that is telling."""
    if not company:
        return ()
    name = short_name(company).lower()
    words = name.split()
    ways = [name] if len(name) >= 3 and not (len(words) == 1 and name in VAGUE and len(name) < 4) else []
    if len(words) > 1 and len(words[0]) >= 4 and words[0] not in VAGUE:
        ways.append(words[0])
    if len(words) > 2 and (words[0] in VAGUE or len(words[0]) == 3) and words[1] not in VAGUE | _SECOND_TOO_VAGUE:
        ways.append(" ".join(words[:2]))
    if name.startswith("united states "):
        ways.append("u.s. " + name[14:])
    if len(words) == 3 and words[1] in {"&", "and"}:
        ways.append(f"{words[0][0]}&{words[2][0]}")
    return (*ways, *_BRANDS.get(name, ()))


@lru_cache(maxsize=20_000)
def _brief(company: str) -> str:
    """The short name where it is two capitals or figures (`HP`, `3M`), which count as they are written only."""
    name = short_name(company).replace(".", "")
    return name if len(name) == 2 and name.isupper() and name not in _TWO_LETTERS else ""


def marked(text: str) -> list[tuple[int, str]]:
    """Tickers that can only be tickers, in brackets, after $ or after an exchange's name: (place, ticker) in order."""
    if "(" not in text and "$" not in text and ":" not in text:
        return []
    return [(one.start(1), one.group(1)) for one in _MARKED.finditer(text) if one.group(1) not in _NOT_NAMED]


def _whole_words(text: str, word: str) -> list[int]:
    found, place = [], text.find(word)
    while place >= 0:
        end = place + len(word)
        if not (text[place - 1 : place].isalnum() or text[end : end + 1].isalnum()):
            found.append(place)
        place = text.find(word, end)
    return found


def mentions(text: str, original: str, symbol: str | None, company: str | None) -> list[tuple[int, int]]:
    """Where the company is named in `text` (lower case of `original`, same length): (start, end) in order.

    Tickers that are also words or letters (A, IT, ON) count only in brackets, after $ or after an exchange's name;
    longer ones also bare, in capitals, in a text that is not all capitals.
    """
    found: dict[int, int] = {}
    for name in names(company):
        other = _OTHER_SENSES.get(name)
        for place in _whole_words(text, name) if name in text else ():
            if other is None or not other.match(text, place):
                found.setdefault(place, place + len(name))
    if company and len(brief := _brief(company)) == 2 and brief in original and not original.isupper():
        found.update((place, place + 2) for place in _whole_words(original, brief))
    if symbol:
        low, size = symbol.lower(), len(symbol)
        if low in text:
            found.update((place, place + size) for place, ticker in marked(text) if ticker == low)
        if size >= 3 and symbol in original and symbol not in _NO_TICKER and not original.isupper():
            found.update((place, place + size) for place in _whole_words(original, symbol))
    return sorted(found.items()) if len(found) > 1 else list(found.items())


def places(text: str, original: str, symbol: str | None, company: str | None) -> list[int]:
    """Where the mentions begin."""
    return [start for start, _ in mentions(text, original, symbol, company)]
