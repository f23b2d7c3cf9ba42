"""All phrase rules, in the order in which ties are broken."""

from services.news.rules import analysts, business, capital, courts, medicine, merger, results, standing
from services.news.rules.phrase import Phrase

PHRASES: tuple[Phrase, ...] = (
    *results.PHRASES,
    *analysts.PHRASES,
    *medicine.PHRASES,
    *courts.PHRASES,
    *business.PHRASES,
    *capital.PHRASES,
    *standing.PHRASES,
    *merger.PHRASES,
)
