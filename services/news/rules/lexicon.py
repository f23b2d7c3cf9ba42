"""The floor under the rules: VADER (Hutto and Gilbert 2014) with the words that mean something else in this trade."""
# ruff: noqa: E501, SIM905 - lists of words read better as text

from functools import lru_cache
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

# Everyday words that carry a mood elsewhere and none in a headline about a company.
PLAIN = """
share shares shared alert trust trusts united energy novel value values gross interest interested interests credit security
securities cancer tumor tumors death play plays game games fun treasure demand demands vice chance chances special
significant opportunity solutions solution advanced advance innovative innovation partner party legal natural fine
important kind like liked pretty super care cares clean clear healthy health gift gold heart love loves lucky luck
matter matters no original peace perfect please popular promise promises ready relief rich safe safety secure smart
support supports supported supporting talent top true want warm welcome well wise worth arrest attack battle bomb crisis
cut cuts dead defense devil disease disorder dragged drop drops emergency fight fire fires force forced gun hard hell
infection injury insulin ironic kill kills limited low lower mad miss pain painful pay poverty pressure prison problem problems
protest question questions risk risks severe shock shot sick strike struggle tension terminal tough trap trouble
tumor victim violence virus war wars weapon weapons worry worried fresh growth grow growing create creates created strong
better best greatest great award awards award-winning excellence excellent premier leader leading freedom friendly hope
justice challenge challenges intelligence intelligent humor joke dividend commitment committed champion champions
festival celebrate celebrates celebrating honor honored honors proud pleased join joins joy merry
""".split()

# How these sound to somebody who holds the shares, on VADER's scale of -4 to 4. Own judgement, word by word.
TRADE = {
    "upbeat": 2.2, "bullish": 2.4, "bearish": -2.4, "bull": 1.0, "bear": -1.0, "outperform": 1.8, "underperform": -1.8,
    "outperforms": 1.8, "underperforms": -1.8, "undervalued": 1.6, "overvalued": -1.6, "soar": 2.6, "soars": 2.6,
    "soaring": 2.4, "surge": 2.3, "surges": 2.3, "surging": 2.2, "skyrockets": 2.6, "rally": 1.9, "rallies": 1.9,
    "rallying": 1.9, "rebound": 1.6, "rebounds": 1.6, "climbs": 1.5, "jumps": 1.8, "spikes": 1.4, "gains": 1.4,
    "gainers": 1.2, "momentum": 0.9, "breakout": 1.6, "breakthrough": 2.0, "milestone": 1.3, "profitable": 1.6,
    "profitability": 1.2, "record": 1.2, "upside": 1.5, "tailwind": 1.4, "tailwinds": 1.4, "accelerates": 1.2,
    "beats": 2.0, "tops": 1.6, "exceeds": 1.8, "wins": 1.9, "approval": 1.8, "approved": 1.8, "approves": 1.8,
    "cleared": 1.4, "expands": 0.9, "expansion": 0.8, "upgrade": 1.8, "upgraded": 1.9, "resilient": 1.1, "robust": 1.5,
    "lucrative": 1.4, "transformative": 1.0, "doubles": 1.5, "triples": 1.8, "strengthens": 1.3, "boosts": 1.4,
    "boost": 1.3, "raises": 0.9, "raised": 0.8, "hikes": 0.7, "premium": 0.6, "plunge": -2.6, "plunges": -2.6,
    "plummet": -2.6, "plummets": -2.6, "tumble": -2.2, "tumbles": -2.2, "slump": -2.0, "slumps": -2.0, "slides": -1.6,
    "sinks": -2.0, "tanks": -2.3, "crash": -2.6, "crashes": -2.6, "selloff": -2.0, "losers": -1.4, "headwind": -1.4,
    "headwinds": -1.4, "downgrade": -1.9, "downgraded": -1.9, "downside": -1.5, "misses": -2.0, "missed": -1.6,
    "shortfall": -1.8, "weak": -1.6, "weaker": -1.6, "weakness": -1.6, "soft": -1.0, "softness": -1.2, "slowing": -1.3,
    "slowdown": -1.5, "sluggish": -1.5, "disappoints": -2.0, "disappointing": -2.0, "disappointment": -1.9,
    "bankruptcy": -3.4, "bankrupt": -3.4, "insolvent": -3.2, "default": -2.4, "delisting": -2.8, "delisted": -2.8,
    "dilution": -2.2, "dilutive": -2.2, "lawsuit": -1.7, "lawsuits": -1.7, "probe": -1.7, "subpoena": -2.0,
    "investigation": -1.6, "recall": -1.8, "recalls": -1.8, "fraud": -3.0, "layoffs": -1.2, "outage": -1.5,
    "cyberattack": -2.0, "breach": -1.8, "halted": -1.2, "suspended": -1.4, "delay": -1.1, "delays": -1.1,
    "delayed": -1.1, "cautious": -0.9, "concerns": -1.0, "skeptical": -1.3, "avoid": -1.4, "overpriced": -1.6,
    "impairment": -1.6, "writedown": -1.8, "restructuring": -0.8, "unprofitable": -1.6, "volatile": -0.6,
    "tariff": -0.8, "tariffs": -0.8, "sanctions": -1.2, "resigns": -1.0, "ousted": -1.6, "bubble": -1.2,
    "losses": -1.4, "loss": -1.3, "worst": -2.2, "squeeze": -0.3, "warns": -1.8, "warning": -1.6, "declines": -1.3,
    "decline": -1.3, "falls": -1.4, "fell": -1.3, "rises": 1.2, "rose": 1.1, "shrinks": -1.3, "stumbles": -1.6,
}  # fmt: skip


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    analyzer = SentimentIntensityAnalyzer()
    for word in PLAIN:
        analyzer.lexicon.pop(word, None)
    analyzer.lexicon.update(TRADE)
    return analyzer


def mood(text: str) -> float:
    """VADER's compound of a text in [-1, 1]; 0 where no known word occurs."""
    return float(_analyzer().polarity_scores(text)["compound"])


def everyday() -> dict[str, float]:
    """VADER's own valences, from -4 to 4, before the trade's words; read anew at each call."""
    valences: dict[str, float] = SentimentIntensityAnalyzer().lexicon
    return valences
