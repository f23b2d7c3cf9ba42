"""Which headlines of the recorded tapes are labelled, drawn anew and always the same.

Two parts by time: development before SPLIT, held out from then on; and a fresh part from the held-out days, drawn and
labelled when the rules were finished. Within each part two strata: `random`, and one for each catalyst type from
headlines that hold one of its wide keywords (wider than the rules, so that they may be wrong).
Ids of the two tapes overlap: an item is known by tape and id.
"""

import random
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

MARKET = Path("../shared/market")
TAPES = ("2026-05-18_06-12", "2026-06-15_17")
SPLIT = datetime(2026, 6, 13, tzinfo=UTC)
SEED = 20260613
RANDOM = {"dev": 150, "held": 180, "fresh": 60}
EACH_TYPE = {"dev": 12, "held": 14, "fresh": 6}
EACH_RARE = {"dev": 9, "held": 14, "fresh": 3}

KEYWORDS = {
    "FDA": r"\bfda\b|phase [123i]|trial|clinical|endpoint|topline|patients|therap",
    "M&A": r"acqui|merge|takeover|buyout|tender offer|strategic alternatives|to buy\b|divest|spin-?off|stake",
    "EARNINGS": r"earnings|results|quarter|\bq[1-4]\b|revenue|\beps\b|profit",
    "GUIDANCE": r"guidance|outlook|forecast|\bsees\b|expects|reaffirm",
    "OFFERING": r"offering|placement|convertible|\bnotes\b|shelf|at-the-market|\batm\b|warrants|\bipo\b",
    "CONTRACT": r"contract|\border|award|partner|collaborat|agreement|selected|\bdeal\b",
    "INSIDER_BUY": r"insider|(?:ceo|cfo|director|chair|officer|founder)\b.*(?:buy|bought|purchas|acquir|stock|shares)",
    "ANALYST": r"upgrade|downgrade|price target|initiat|coverage|rating|analyst",
    "LEGAL": r"lawsuit|class action|investigat|probe|\bsues?\b|court|settle|fraud|antitrust|short seller|law firm"
    r"|alert",
    "DIVIDEND": r"dividend|buyback|repurchase|distribution",
    "PERSONNEL": r"appoint|\bnames\b|\bceo\b|\bcfo\b|resign|steps down|retire|board|director",
    "PRODUCT": r"launch|unveil|introduc|recall|patent|opens|drill|milestone",
    "CATALYST": r"bankrupt|chapter 11|going concern|delist|compliance|reverse (?:stock )?split|restat|layoff|russell"
    r"|s&p 500|halt|default|13d|strike|credit facility|ticker|listing|activist|\bsells?\b.*shares",
}
RARE = {
    "FDA rare": r"\bfda\b|endpoint|topline|complete response|clinical hold|phase [23]",
    "M&A rare": r"to acquire|merger|takeover|to be acquired|buyout|acquires\b",
    "GUIDANCE rare": r"guidance|profit warning"
    r"|(?:raises|cuts|lowers|lifts|reaffirms|withdraws|issues)\b.*(?:outlook|forecast)",
    "INSIDER_BUY rare": r"insider bought|insider buy"
    r"|(?:ceo|cfo|director|chair\w*|founder)\b.*\b(?:buys|bought|purchases)",
    "LEGAL rare": r"lawsuit|\bsue[sd]?\b|short seller|settles?\b|charges\b|judge|subpoena|antitrust",
    "PERSONNEL rare": r"appoints|resigns?\b|steps down|succession"
    r"|\bnames\b.*(?:ceo|cfo|chief|president|chair|officer)",
    "CATALYST rare": r"bankrupt|chapter 11|going concern|delist|non-?compliance|restate|default|deficiency"
    r"|layoffs|job cuts",
}
"""Types that the first draw held too few of to score, by narrower words."""


class Drawn(NamedTuple):
    """One headline as seen from one company."""

    tape: str
    id: int
    symbol: str
    company: str
    tagged: int
    part: str
    stratum: str
    headline: str


def rows() -> list[Drawn]:
    """Every different headline that carries a known company, in order of time; the first telling of each wording."""
    found, told = [], set()
    for tape in TAPES:
        companies = dict(pl.read_parquet(MARKET / tape / "universe.parquet").select("symbol", "name").iter_rows())
        news = pl.read_parquet(MARKET / tape / "news.parquet").sort("published_at", "id")
        for number, at, headline, _, symbols, _ in news.iter_rows():
            part = "dev" if at < SPLIT else "held"
            known = [symbol for symbol in symbols if symbol in companies]
            wording = re.sub(r"[\W\d]+", " ", headline.lower())
            if known and wording not in told and (part == "dev") == (tape == TAPES[0]):
                symbol = known[number % len(known)]
                found.append(Drawn(tape, number, symbol, companies[symbol], len(symbols), part, "", headline))
            told.add(wording)
    return found


def draw(pool: list[Drawn], part: str) -> list[Drawn]:
    """The part's random stratum and then each type's, none twice; nothing fresh that was drawn as held out."""
    dice = random.Random(f"{SEED}-{part}")
    left = [row for row in pool if row.part == part]
    if part == "fresh":
        before = {(row.tape, row.id) for row in draw(pool, "held")}
        held = [row for row in pool if row.part == "held" and (row.tape, row.id) not in before]
        left = [row._replace(part=part) for row in held]
    dice.shuffle(left)
    taken, left = [row._replace(stratum="random") for row in left[: RANDOM[part]]], left[RANDOM[part] :]
    for words, most in ((KEYWORDS, EACH_TYPE[part]), (RARE, EACH_RARE[part])):
        for stratum, pattern in words.items():
            holds = [row for row in left if re.search(pattern, row.headline.lower())][:most]
            taken += [row._replace(stratum=stratum) for row in holds]
            left = [row for row in left if row not in holds]
    return taken
