"""What each reason for dropping a symbol means, in a trader's words."""

MEANINGS = {
    "no_price": "the data has no trade of it",
    "zero_price": "its last price is zero",
    "delisted": "no trade for so many sessions",
    "short_history": "too few sessions with a trade",
    "low_dollar_volume": "it trades too few dollars a day",
    "second_line": "another line of its company's shares trades more; it trades so many dollars a day",
    "pinned_by_offer": "it jumped and has hardly moved since, as at a take-over price (usual range in percent)",
    "no_range": "its usual day's range, in percent, does not pay for the spread",
    "halted": "it traded briskly and has not traded for so many seconds",
    "no_trade_for_minutes": "its last trade is so many seconds old; it often waits so long",
    "stale": "its data is so many seconds old",
    "not_opened": "it has not traded today: its daily bar is missing, empty or of another day",
    "no_previous_close": "the close before today is not known: its previous bar is of another day, and so is the"
    " history's last",
    "no_quote": "nobody bids and nobody offers",
    "crossed": "its bid lies above its offer (spread in percent)",
    "off_quote": "its last trade lies so many percent outside its quote, or is an odd lot that no fresh quote confirms",
    "unadjusted_split": "it opened at so many times its last close on its usual dollars: a split, no move",
    "implausible": "its price is so many times its last close without the volume for it, or outside its day's range",
    "price_below_min": "its price is below the limit",
    "price_above_max": "its price is above the limit",
    "wide_spread": "its spread in percent is above the limit",
    "pinned_since_open": "an offer holds its price: heavy volume, and this range in percent since the opening",
    "tame": "neither its usual day's range nor today's, in percent, brings the target within reach",
    "by_appointment": "it trades by appointment: so many dollars until the close at today's pace",
    "thin_pump": "up 15 % or more from under 5 USD without news of its own, and half of the last 20 days it traded"
    " fewer dollars than this",
    "thin_jump": "up 15 % or more without news of its own, and half of the last 20 days it hardly traded (dollars)",
}


def told(reason: str, said: str | None = None) -> str:
    """The reason and what it means; `said`: what is known of the one symbol."""
    whole = f"{reason}: {MEANINGS[reason]}" if reason in MEANINGS else reason
    return f"{whole}; {said}" if said else whole
