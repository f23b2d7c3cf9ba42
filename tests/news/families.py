"""Families of wordings, written for these tests: (text, type, label for Acme), hits and near misses side by side."""

from shared.domain.news import Catalyst as K

UP, FLAT, DOWN = "positive", "neutral", "negative"

SHARES: tuple[tuple[str, K | None, str], ...] = (
    ("Acme closes $18 million PIPE financing", K.OFFERING, DOWN),
    ("Acme repairs the PIPE under Elm Street", None, FLAT),
    ("Acme arranges C$30 million bought deal", K.OFFERING, DOWN),
    ("Acme launches rights issue to fund its kilns", K.OFFERING, DOWN),
    ("Acme raises $9 million through sale of common stock", K.OFFERING, DOWN),
    ("Acme plans to issue 4 million new shares", K.OFFERING, DOWN),
    ("Acme sells warrants and units for gross proceeds of $6 million from new shares", K.OFFERING, DOWN),
    ("Acme prices 3 million shares at $4.10", K.OFFERING, DOWN),
    ("Acme fills its ATM, raises $33 million of equity", K.OFFERING, DOWN),
    ("Acme extends its ATM network to 40 villages", None, UP),
    ("Acme files prospectus supplement for sale of stock", K.OFFERING, DOWN),
    ("Acme registers 2 million shares for resale", K.OFFERING, DOWN),
    ("Acme is buying back $40 million of its shares", K.DIVIDEND, UP),
    ("Acme halves its dividend", K.DIVIDEND, DOWN),
    ("Acme announces distribution agreement with Umbrella", K.CONTRACT, UP),
    ("Acme chairman snaps up 90,000 shares", K.INSIDER_BUY, UP),
    ("Multiple insiders buy Acme stock", K.INSIDER_BUY, UP),
    ("Acme founder offloads 2 million shares", K.OTHER, DOWN),
)

RESULTS: tuple[tuple[str, K | None, str], ...] = (
    ("Acme halves its full-year profit forecast", K.GUIDANCE, DOWN),
    ("Acme scraps its 2028 revenue forecast", K.GUIDANCE, DOWN),
    ("Acme guides third quarter well below Street", K.GUIDANCE, DOWN),
    ("Acme sees second-quarter sales above consensus", K.GUIDANCE, UP),
    ("Acme expects annual revenue to shrink", K.GUIDANCE, DOWN),
    ("Acme's outlook for spring misses estimates", K.GUIDANCE, DOWN),
    ("Acme reaffirms its 2027 margin target", K.GUIDANCE, FLAT),
    ("Acme burned $70 million in cash last quarter", K.EARNINGS, DOWN),
    ("Acme reports 12% increase in May sales", K.EARNINGS, UP),
    ("Acme reports 9% decline in quarterly revenue", K.EARNINGS, DOWN),
    ("Net sales of the paint maker Acme fell by 4% to EUR 80 million", K.EARNINGS, DOWN),
    ("Operating profit of the paint maker Acme rose to $12 million", K.EARNINGS, UP),
)

MEDICINE: tuple[tuple[str, K | None, str], ...] = (
    ("FDA greenlights Acme's eye gel", K.FDA, UP),
    ("FDA asks Acme for another study of its eye gel", K.FDA, DOWN),
    ("EU regulators push back decision date on Acme's eye gel", K.FDA, DOWN),
    ("Acme receives Form 483 after visit to its Iowa plant", K.FDA, DOWN),
    ("FDA labels Acme pump recall Class I", K.FDA, DOWN),
    ("Monitoring board recommends stopping Acme's stroke trial", K.FDA, DOWN),
    ("EMA panel recommends Acme's stroke drug", K.FDA, UP),
    ("Acme stroke drug no better than placebo", K.FDA, DOWN),
    ("Acme ends stroke study for futility", K.FDA, DOWN),
    ("Acme study misses key secondary goal", K.FDA, DOWN),
    ("Patient dies in Acme gene therapy trial", K.FDA, DOWN),
    ("Acme gets CRL for its eye gel", K.FDA, DOWN),
)

COURTS: tuple[tuple[str, K | None, str], ...] = (
    ("Judge finds Acme illegally tied its toner sales", K.LEGAL, DOWN),
    ("Acme hit with $40 million verdict over faulty ladders", K.LEGAL, DOWN),
    ("Court orders Acme to pay $8 million in damages", K.LEGAL, DOWN),
    ("Appeals court tosses $40 million verdict against Acme", K.LEGAL, UP),
    ("Acme prevails over Globex in toner trial", K.LEGAL, UP),
    ("Globex prevails over Acme in toner trial", K.LEGAL, DOWN),
    ("Two retailers sued by Acme over fake toner", K.LEGAL, FLAT),
    ("Acme sued by two retailers", K.LEGAL, DOWN),
    ("U.S. lifts import ban on Acme toner", K.LEGAL, UP),
    ("Washington tightens exports of Acme lasers", K.LEGAL, DOWN),
    ("Scorpion Capital says Acme's toner is water", K.LEGAL, DOWN),
)

STANDING: tuple[tuple[str, K | None, str], ...] = (
    ("Acme skips interest payment on its bonds", K.OTHER, DOWN),
    ("Acme gets forbearance from its lenders", K.OTHER, DOWN),
    ("Acme says its 2025 accounts can no longer be relied upon", K.OTHER, DOWN),
    ("Acme plans to delist from the LSE", K.OTHER, FLAT),
    ("Acme granted 180 additional days to regain bid price compliance", K.OTHER, FLAT),
    ("Acme regains compliance with bid price rule", K.OTHER, UP),
    ("Acme rises on S&P 500 inclusion", K.OTHER, UP),
    ("Globex to join S&P 500, replacing Acme", K.OTHER, DOWN),
    ("Acme workers walk off the job in Ohio", K.OTHER, DOWN),
    ("Union ends strike at Acme after pay deal", K.OTHER, UP),
    ("Acme to lay off a fifth of its staff", K.OTHER, DOWN),
    ("Acme squeezed by new tariffs", K.OTHER, DOWN),
    ("White House exempts Acme from tariffs", K.OTHER, UP),
)

BUSINESS: tuple[tuple[str, K | None, str], ...] = (
    ("Acme's supply agreement with Globex terminated early", K.CONTRACT, DOWN),
    ("Acme loses Navy contract to Globex", K.CONTRACT, DOWN),
    ("Globex loses Navy contract to Acme", K.CONTRACT, UP),
    ("Acme bags ten-year pact with a Danish port", K.CONTRACT, UP),
    ("Acme reports $2 million laser order", K.CONTRACT, UP),
    ("Acme breaks ground on kiln in Utah", K.PRODUCT, UP),
    ("Acme's ground staff get new coats", None, FLAT),
    ("Acme halts deliveries of its van", K.PRODUCT, DOWN),
    ("Hackers steal data of Acme customers", K.PRODUCT, DOWN),
    ("Acme rocket suffers engine failure", K.PRODUCT, DOWN),
    ("Acme shares tips for power outages", None, FLAT),
    ("Acme pushes back launch of its van", K.PRODUCT, DOWN),
    ("Acme drills 14 m grading 3.1 g/t gold", K.PRODUCT, UP),
    ("Acme releases first quarter results", K.EARNINGS, FLAT),
    ("Acme added to Citi focus list", K.ANALYST, UP),
)

DEALS: tuple[tuple[str, K | None, str], ...] = (
    ("Globex to take Acme private", K.MERGER, UP),
    ("Acme adopts poison pill against Globex's hostile bid", K.MERGER, UP),
    ("Acme deems the sweetened Globex offer superior", K.MERGER, UP),
    ("Acme, Globex call off merger", K.MERGER, DOWN),
    ("Globex drops pursuit of Acme", K.MERGER, DOWN),
    ("Acme launches tender offer to buy back shares", K.DIVIDEND, UP),
)

FAMILIES = (*SHARES, *RESULTS, *MEDICINE, *COURTS, *STANDING, *BUSINESS, *DEALS)
