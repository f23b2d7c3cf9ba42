"""What happens to the shares: offerings, pay-outs, insiders' purchases, and the price itself."""
# ruff: noqa: E501 - a table of expressions reads better unbroken

from services.news.rules.phrase import Phrase, phrase
from shared.domain.news import Catalyst

OFFER, PAYOUT, INSIDER = Catalyst.OFFERING, Catalyst.DIVIDEND, Catalyst.INSIDER_BUY

_STOCK = r"(?:public|secondary|units?|registered direct|private placement|equity|shares?|stock|underwritten|follow-on|class [a-z](?:-\d)?|warrants?|adss?|pipe|direct)"
_SHARES = r"\b(?:shares?|stocks?)\b(?<!^stocks)(?<!european stocks)(?<!european shares)(?<!asian stocks)(?<!asian shares)(?<!global stocks)(?<!world stocks)(?<!u\.s\. stocks)(?<!us stocks)(?! (?:markets?|futures|index))"
"""Of a company: not `stocks` at the beginning of a line, nor those of a continent."""
_GAP = r"(?:(?! (?:despite|while|as|but|after|amid|on) )[^;,]){0,28}"
_ALONE = r"(?=\s*(?:$|[\d,;:.%$-]|(?:on|after|as|in|to|amid|by|from|despite|pre|over|more|nearly|almost|about|following|ahead|at|against|while|with|for|since|sharply|again|further|premarket|today|late|and|but|before|early|around)\b))"
"""What follows a verb of motion that is about the price: not an object, as in `drops some fees`."""
_UP_WORDS = "soar soars soared soaring surge surges surged surging jump jumps jumped jumping rally rallies rallied rallying spike spikes"
_UP_WORDS += " spiked spiking skyrocket skyrockets skyrocketed skyrocketing rocket rockets rocketed climb climbs climbed climbing pop pops popped"
_UP_WORDS += (
    " rise rises rising rose gain gains gained gaining advance advances advanced higher leap leaps leapt up outperforms"
)
_UP_WORDS += (
    " outperformed outperforming explode explodes exploding ahead bounce bounces bounced rebound rebounds rebounded"
)
_DOWN_WORDS = "plunge plunges plunged plunging plummet plummets plummeted plummeting tumble tumbles tumbled tumbling drop drops dropped"
_DOWN_WORDS += " dropping fall falls falling fell sink sinks sinking sank slide slides slid sliding slump slumps slumped slumping crash crashes"
_DOWN_WORDS += " crashed crashing tank tanks tanked tanking decline declines declined declining loses losing nosedive nosedives crater craters"
_DOWN_WORDS += " lower down dip dips dipped underperform underperforms underperformed collapse collapses collapsed low lows sell selloff shed sheds"
_DOWN_WORDS += " shedding retreat retreats lag lags lagging stumble stumbles stumbled slip slips slipped"
_UP = r"(?:soar\w*|surg(?:es?|ed|ing)|jump\w*|rall(?:y|ies|ied|ying)|spik(?:es?|ed|ing)|skyrocket\w*|rocket(?:s|ed|ing)?|climb\w*|pop(?:s|ped)?|ris(?:es?|ing)|rose|gain(?:s|ed|ing)?|advance[sd]?|advancing|higher|leap\w*|moving up|trad(?:es?|ing) (?:up|higher)|(?:is|are) (?:trading )?up\b|up\b(?! (?:to|for|as)\b)|shoot\w* up|outperform(?:s|ed|ing)?|explod(?:es?|ed|ing)|hits? (?:fresh |new |record |a )*high|pull ahead|bounce[sd]?|rebound\w*)"
_DOWN = r"(?:plung(?:es?|ed|ing)|plummet\w*|tumbl(?:es?|ed|ing)|drop(?:s|ped|ping)?|fall(?:s|ing)?|fell|sink(?:s|ing)?|sank|slid(?:es?|ing)?|slump\w*|crash\w*|tank(?:s|ed|ing)?|declin(?:es?|ed|ing)|los(?:es|ing)|nosedive\w*|crater\w*|lower|moving down|trad(?:es?|ing) (?:down|lower)|(?:is|are) (?:trading )?down\b|down\b(?! to\b)|dip(?:s|ped)?|underperform\w*|collaps(?:es?|ed|ing)|hits? (?:fresh |new |record |a )*low|sell-?off|shed(?:s|ding)?|retreat\w*|lags?|lagging|stumbl(?:es?|ed|ing)|slip(?:s|ped|ping)?|gap(?:s|ped) down)"

OFFERINGS: tuple[Phrase, ...] = (
    phrase(OFFER, -0.75, 3.0, "offering offerings placement", r"(?:announc\w*|pric(?:es?|ed|ing)|propos\w+|launch\w*|commenc\w*|files?|filed|plans?|upsiz\w+|to raise|seeks)\b[^;]{0,70}\b" + _STOCK + r"\b[^;]{0,45}\b(?:offerings?|placement)|\b(?:offerings?|placement) of [^;]{0,50}" + _STOCK, "share offering dilutes"),
    phrase(OFFER, -0.65, 2.6, "offering offerings placement registered", r"\b" + _STOCK + r"\b(?! etfs?)[^;,]{0,25}\b(?:offerings?|placement)\b|registered direct", "share offering"),
    phrase(OFFER, -0.65, 2.6, "placement", r"private placement", "share offering", about="subject"),
    phrase(OFFER, -0.35, 3.1, "closes closed closing completes completed completion", r"(?:clos(?:es|ed|ing)|complet(?:es|ed|ion))\b[^;]{0,70}\b" + _STOCK + r"?\b[^;]{0,30}\b(?:offerings?|placement)", "share offering closed"),
    phrase(OFFER, -0.65, 2.9, "pipe bought rights efforts", r"\bpipe (?:deal|financing|investment|transaction|offering|placement)|\bbought[- ]deal\b|\brights (?:offering|issue)\b|best[- ]efforts\b[^;]{0,40}(?:offering|financing)", "share offering dilutes", about="subject"),
    phrase(OFFER, -0.55, 2.7, "proceeds", r"\b(?:pipe|shares|stock|warrants?|financing|equity|placement|tranche)\b[^;]{0,90}\b(?:gross|net|aggregate) proceeds|(?:gross|net|aggregate) proceeds\b[^;]{0,60}\b(?:shares|stock|warrants?|placement)", "shares sold for cash", about="subject"),
    phrase(OFFER, -0.65, 2.8, "sell sale issue issuance issuing placing raise raising raises raised", r"\b(?:sale|issuance|issuing|placing|issue) of (?:[\w$.,%-]+ ){0,4}(?:new|common|ordinary|additional|treasury|pre-funded) (?:shares|stock|warrants)|\bto issue (?:up to )?\d[\d.,]* (?:\w+ ){0,2}(?:shares|warrants)|\bto (?:sell|issue)\b[^;]{0,40}\b(?:new|common|ordinary|additional|pre-funded|of) (?:shares|stock|warrants)|\brais(?:e|es|ed|ing)\b[^;]{0,45}\b(?:share|stock|equity|unit) (?:sale|issue|placing|placement|financing)|\bequity (?:sale|financing)", "new shares sold"),
    phrase(OFFER, -0.65, 2.7, "prices priced pricing", r"\bpric(?:es|ed|ing)\b[^;]{0,45}\b(?:shares|stock|units|adss?) at (?:a |an )?(?:[\w$.%-]+ ){0,3}(?:\$|c\$|a\$|discount|premium)", "shares priced"),
    phrase(OFFER, 0.4, 3.6, "withdraws withdrew withdrawn cancels cancelled canceled terminates terminated postpones scraps halts pulls shelves", r"(?:withdr[ae]w\w*|cancel\w*|terminat\w*|postpon\w*|scraps?|halts|pulls|shelves)\b[^;]{0,50}\b(?:offering|placement|shelf|atm|equity line|equity purchase)", "offering withdrawn"),
    phrase(OFFER, -0.05, 3.4, "notes debentures bonds bond", r"\btaps (?:the )?(?:\w+ )?bond market|\bbond (?:sale|deal|offering|issue)\b|(?:senior|unsecured|secured|subordinated|green|baby|\d%|fixed[- ]rate)\b[^;]{0,30}\b(?:notes|bonds|debentures)\b(?![^;]{0,20}convertible)|notes? offering|\bnotes due\b|\b(?:prices|issues|sells)\b[^;]{0,40}\bnotes\b", "debt offering"),
    phrase(OFFER, -0.5, 3.5, "convertible", r"convertible (?:\w+ ){0,3}(?:notes?|debt|debentures?|bonds?|offering|preferred|promissory|facility|financing|loan|sale|securities)", "convertible debt dilutes later"),
    phrase(OFFER, -0.6, 2.8, "dilution dilutive dilutes dilute dilutions", r"(?<!non-)(?<!anti-)\bdilut(?:ion|ive|es?|ed|ing)\b", "dilution"),
    phrase(OFFER, 0.3, 3.0, "non", r"non-?dilutive", "funding without dilution"),
    phrase(OFFER, -0.55, 2.6, "raise raising", r"(?:equity|capital|stock|share) rais(?:e|ing)\b", "share offering"),
    phrase(OFFER, -0.45, 2.5, "shelf form resale prospectus selling", r"(?:mixed|universal|\$[\d.]+ ?(?:m|b|million|billion)?) (?:\w+ )?shelf|shelf (?:registration|offering)|\bform s-[13]\b|resale of [^;]{0,25}shares|prospectus supplement|(?:shares|stock|warrants|units)\b[^;]{0,25} for resale|\bresale by\b|selling (?:stock|share)holders?", "shares registered for sale"),
    phrase(OFFER, -0.6, 2.6, "atm market line distribution equity", r"committed equity|equity forward|equity facility|\batm (?:program|facility|offering|agreement|sales|equity|capacity)|\$[\d.,]+ ?\w* atm\b|\batm\b[^;]{0,25}\b(?:rais(?:es|ed|ing)|stock|shares)\b|(?:complet|upsiz|launch|fil|tap|expand)(?:es|s|ed|ing)?\b[^;]{0,20}\batm\b(?! (?:network|machine|fleet|operator))|at-the-market|equity line|equity distribution agreement|equity purchase agreement|standby equity", "shares sold into the market"),
    phrase(OFFER, -0.6, 2.6, "agreement", r"\bsales agreement with|open market sale", "shares sold into the market"),
    phrase(OFFER, -0.5, 3.5, "convertibles", r"\b(?:sell|offer|issu|pric|plac|rais)\w*\b[^;]{0,50}\bconvertibles\b", "convertible debt dilutes later"),
    phrase(OFFER, -0.6, 2.6, "files plans seeks proposes", r"\b(?:files|plans|seeks|proposes) to (?:sell|offer)\b[^;]{0,30}\$[\d.,]+ ?\w* (?:in|of|worth of) (?:[\w-]+ ){0,2}(?:shares|stock)", "new shares sold", about="subject"),
    phrase(OFFER, -0.55, 2.6, "sale", r"\b(?:unveils|announces|launches|plans|after|on|completes|upsize[sd]|prices)\b[^;]{0,40}\b(?:share|stock|equity) sale\b", "new shares sold"),
    phrase(OFFER, -0.5, 3.7, "unregistered", r"unregistered (?:sales? of|shares|securities|equity)", "unregistered shares sold"),
    phrase(OFFER, -0.5, 2.5, "inducement", r"warrants? (?:exercise )?inducement|inducement\b[^;]{0,40}\bwarrants?", "warrants exercised at a discount"),
    phrase(OFFER, -0.4, 2.5, "block holders shareholders stockholders", r"\bblock (?:trade|sale) of\b|\bshares in (?:an? )?block (?:trade|sale)|\b(?:share|stock)?holders (?:to )?(?:sell|offload)\b[^;]{0,30}\b(?:shares|stock)", "holders sell at once"),
    phrase(OFFER, -0.35, 1.8, "warrant warrants", r"(?:exercise|inducement|pre-funded|issu\w+)[\w ]{0,20}\bwarrants?\b|warrant inducement", "warrants"),
    phrase(OFFER, 0.0, 3.3, "ipo initial", r"(?:pric\w+|clos\w+|fil(?:es|ed|ing)|launch\w*|announc\w+|plans?|propos\w+|complet\w+|upsiz\w+|rais\w+|confidentially)\b[^;]{0,60}\b(?:ipo|initial public offering)\b(?! stocks?)|(?:ipo|initial public offering) (?:pric|clos|fil|debut)", "IPO"),
    phrase(OFFER, -0.3, 3.2, "option allotment overallotment underwriters", r"option to purchase additional|over-?allotment", "share offering enlarged"),
)  # fmt: skip

PAYOUTS: tuple[Phrase, ...] = (
    phrase(PAYOUT, 0.5, 2.2, "back", r"\b(?:buy(?:s|ing)?|bought) back\b[^;]{0,45}\b(?:shares|stock|units|float)\b", "buyback"),
    phrase(PAYOUT, 0.5, 1.55, "buyback buybacks repurchase repurchases repurchased ncib issuer", r"buy-?backs?\b|(?:share|stock|unit) repurchase|repurchas\w+ [^;]{0,30}(?:shares|stock|program|units|plan)\b|\bncib\b|normal course issuer bid", "buyback"),
    phrase(PAYOUT, -0.35, 2.3, "suspends halts pauses ends scraps shelves", r"(?:suspend\w*|halt\w*|paus\w+|ends|scraps|shelves)\b[^;]{0,30}(?:buy-?back|repurchase)", "buyback stopped"),
    phrase(PAYOUT, 0.45, 2.0, "dividend dividends distribution payout", r"(?:rais\w+|hik\w+|boost\w*|increas\w+|ups|lift\w*|reinstat\w+|initiat\w+|doubl\w+|special)\b[^;]{0,45}(?:dividend|distribution|payout)|dividend (?:increase|hike|boost|growth)", "dividend raised"),
    phrase(PAYOUT, -0.7, 2.6, "cut cuts cutting suspend suspends suspended suspending suspension slash slashes slashed eliminate eliminates eliminated halt halts halted omits reduce reduces reduced reduction pause pauses paused scraps halves halved skips axes lowers chops trims", r"(?:cut(?:s|ting)?|lowers|chops|trims|halve[sd]|skips|axes|suspend\w*|slash\w*|eliminat\w+|halt\w*|omit\w*|reduc\w+|paus\w+|scrap\w*)\b[^;]{0,40}(?:dividend|distribution|payout)|dividend (?:cut|suspen\w+)", "dividend cut"),
    phrase(PAYOUT, 0.1, 1.2, "declares declare declared dividend dividends distribution distributions", r"(?:declar\w+|announc\w+|approv\w+|authori\w+|sets|pays|maintains)\b(?![^;]{0,40}sources? of)[^;]{0,70}(?:dividends?|distributions?)\b(?! (?:stocks?|yield|etf|investors?|aristocrat|platform|agreement|cent(?:er|re)|network|partner|channel|deal|rights|solutions|business|hub|facility))|dividend (?:of \$|announcement|plan\b)|(?:quarterly|monthly|cash|preferred) (?:\w+ )?(?:dividend|distribution)", "dividend declared"),
    phrase(INSIDER, 0.5, 2.3, "insiders snaps scoops loads buys purchases bought acquires purchased adds buying purchase purchasing increases increased picks raises raised boosts boosted acquired snapped added", r"insiders? (?:\w+ )?(?:acquired|bought|buy|purchased|snapped|added|load up)|\b(?:ceo|cfo|coo|chief|directors?|insiders?|chair\w*|president|executives?|officers?|founder|10% owner)\b[^;]{0,40}\b(?:scoops|snaps|loads) up\b[^;]{0,30}\b(?:shares|stock|stake)|\b(?:ceo|cfo|coo|directors?|insiders?|chair\w*|president|executives?|officers?|founder|10% owner)\b[^;]{0,40}\b(?:(?:buy(?:s|ing)?|purchas(?:es?|ed|ing)|bought|acquires)\b|adds\b[^;]{0,30}(?:shares|stock|stake))|insider (?:buying|purchases?)|open[- ]market (?:share |stock )?purchas|(?:chair\w*|ceo|cfo|directors?|insiders?|president|founder)\b[^;]{0,40}\b(?:increase[sd]|picks up|raise[sd]|boost(?:s|ed)|ups)\b[^;]{0,30}(?:holdings?|stake|stock|shares|position)", "insiders buy"),
)  # fmt: skip

MOVES: tuple[Phrase, ...] = (
    phrase(None, 0.4, 0.9, _UP_WORDS, _SHARES + _GAP + r"\b" + _UP, "shares rise", is_move=True),
    phrase(None, -0.4, 0.9, _DOWN_WORDS, _SHARES + _GAP + r"\b" + _DOWN, "shares fall", is_move=True),
    phrase(None, 0.35, 0.8, "soars surges jumps rallies spikes skyrockets rockets climbs leaps rises gains pops up rebounds", r"\b(?:soars|surges|jumps|rallies|spikes|skyrockets|rockets|climbs|leaps|rises|gains|pops|rebounds)\b" + _ALONE + r"|\bup [\d.]+%", "it rises", is_move=True),
    phrase(None, -0.35, 0.8, "plunges plummets tumbles drops falls sinks slides slumps crashes tanks declines dips craters slips down", r"\b(?:plunges|plummets|tumbles|drops|falls|sinks|slides|slumps|crashes|tanks|declines|dips|craters|slips|cratered)\b" + _ALONE + r"|\bdown [\d.]+%|\bmoves -[\d.]+%", "it falls", is_move=True),
    phrase(None, 0.45, 1.1, "high highs", r"(?:all[- ]time|52[- ]week|record|fresh|multi-year|new|\d+-(?:month|year|week)) highs?\b(?!-)", "a new high", is_move=True),
    phrase(None, -0.45, 1.1, "low lows", r"(?:all[- ]time|52[- ]week|record|fresh|multi-year|new|\d+-(?:month|year|week)) lows?\b(?!-)", "a new low", is_move=True),
)  # fmt: skip

PHRASES = (*OFFERINGS, *PAYOUTS, *MOVES)
