"""How a business does, and how it expects to do: earnings and guidance."""
# ruff: noqa: E501 - a table of expressions reads better unbroken

from services.news.rules.phrase import Phrase, phrase
from shared.domain.news import Catalyst

E, G = Catalyst.EARNINGS, Catalyst.GUIDANCE

_VIEWS = r"\b(?:estimates?|expectations?|consensus|views?|street|wall street|forecasts?|analysts?|ests?)\b"
_FIGURES = r"(?:earnings|profits?|revenues?|sales|eps|income|ebitda|results|margins?|backlog|bookings|orders|order intake|turnover|comps|deliveries)"
_OUTLOOK = r"(?<!oil )(?<!crude )(?<!gold )(?<!copper )(?<!gdp )(?<!price )(?<!inflation )(?<!demand )(?<!gas )(?:guidance|outlook|forecasts?|fy ?\d*|full[- ]year|(?:annual|profit|sales|revenue|earnings|growth|margin) view|projections?|targets? for)"
UP = r"(?:raises?|raised|raising|lifts?|lifted|boosts?|boosted|hikes?|hiked|increases?|increased|ups|bumps?|bumped)"
DOWN = r"(?:lowers?|lowered|lowering|cuts?|cutting|slash(?:es|ed)?|trims?|trimmed|reduces?|reduced|drops?|chops?|halves|halved|halving)"
UP_WORDS = "raise raises raised raising lift lifts lifted boost boosts boosted hike hikes hiked increase increases"
UP_WORDS += " increased ups bump bumps bumped"
DOWN_WORDS = "lower lowers lowered lowering cut cuts cutting slash slashes slashed trim trims trimmed reduce reduces"
DOWN_WORDS += (
    " reduced drop drops chop chops halves halved halving withdraws withdrew withdrawn suspends suspended pulls"
)
DOWN_WORDS += " pulled scraps scrapped abandons abandoned"
_BEAT = (
    r"(?:beats?|beating|top(?:s|ped|ping)|exceed(?:s|ed|ing)?|surpass(?:es|ed|ing)?|crush(?:es|ed)?|smash(?:es|ed)?)"
)
_BEAT_WORDS = "beat beats beating tops topped topping exceed exceeds exceeded exceeding surpass surpasses surpassed"
_BEAT_WORDS += " surpassing crush crushes crushed smash smashes smashed"
_MISS = r"(?:miss(?:es|ed|ing)?|trail(?:s|ed)?|lag(?:s|ged)?|fall(?:s|ing)? short(?: of)?|fell short(?: of)?)"
_MISS_WORDS = "miss misses missed missing trail trails trailed lag lags lagged short"
_RISE = r"(?:rises?|rose|jump(?:s|ed)?|surg(?:es|ed|e)|soar(?:s|ed)?|gr[eo]ws?|climb(?:s|ed)?|increase[sd]?|doubl(?:es|ed|e)"
_RISE += r"|tripl(?:es|ed|e)|advance[sd]?|improve[sd]?|accelerat(?:es|ed)|up \d+)(?![a-z])"
_RISE_WORDS = "rise rises rose jump jumps jumped surge surges surged soar soars soared grow grows grew climb climbs climbed increase"
_RISE_WORDS += " increases increased double doubles doubled triple triples tripled advance advances advanced improve improves improved"
_RISE_WORDS += " accelerate accelerates accelerated up"
_FALL_WORDS = "fall falls fell drop drops dropped decline declines declined slump slumps slumped plunge plunges plunged tumble tumbles tumbled"
_FALL_WORDS += " shrink shrinks shrank sink sinks sank slide slides slid slip slips slipped decrease decreases decreased weaken weakens weakened down"
_FALL = (
    r"(?:falls?|fell|drop(?:s|ped)?|declin(?:es|ed|e)|slump(?:s|ed)?|plunge[sd]?|tumble[sd]?|shr[ia]nks?|sinks?|sank"
)
_FALL += r"|slides?|slid|slip(?:s|ped)?|decrease[sd]?|weaken(?:s|ed)?|down \d+)(?![a-z])"

_LINE = r"\b(?:net|operating|pre-?tax|gross|quarterly|annual) (?:profits?|income|earnings|sales|revenues?)\b"
_BY = r" (?:by|to|from) [a-z]{0,4} ?[$\d]"
"""A line of the accounts and a change in figures, as reports tell it: `net sales of the group fell by 4%`."""

EARNINGS: tuple[Phrase, ...] = (
    phrase(E, 0.65, 2.0, _BEAT_WORDS, _BEAT + r"\b[^,;]{0,45}" + _VIEWS + r"|\bbeats? \$[\d.]", "results above estimates", about="subject"),
    phrase(E, 0.6, 2.0, _BEAT_WORDS, _FIGURES + r"[^,;]{0,25}\b" + _BEAT + r"\b", "results above estimates"),
    phrase(E, 0.6, 2.0, "beat beats smashes smashed crushes crushed tops", r"(?:earnings|revenue|sales|profit|eps|q[1-4]|quarter(?:ly)?)[\w ]{0,20} beat\b|\bbeats? on (?:both|top|the|earnings|revenue|profit|q)|\b(?:beats?|smash(?:es|ed)|crush(?:es|ed)|tops) (?:its )?q[1-4]\b",
           "results above estimates"),
    phrase(E, 0.6, 1.8, "better above ahead stronger", r"(?:better|stronger)[- ]than[- ](?:expected|feared|forecast|estimated)|(?:above|ahead of) (?:estimates|expectations|consensus|forecasts|views)",
           "better than expected"),
    phrase(E, -0.65, 2.0, _MISS_WORDS, _MISS + r"\b[^,;]{0,45}" + _VIEWS + r"|\bmiss(?:es)? \$[\d.]", "results below estimates", about="subject"),
    phrase(E, -0.6, 2.0, _MISS_WORDS, _FIGURES + r"[^,;]{0,25}\b" + _MISS + r"\b", "results below estimates"),
    phrase(E, -0.6, 2.0, "misses missed miss", r"\bmisse[sd] on (?:both|top|the|earnings|revenue|profit|q)|\bq[1-4] miss\b", "results below estimates"),
    phrase(E, -0.6, 1.8, "worse below weaker softer", r"(?:worse|weaker|softer)[- ]than[- ](?:expected|feared|forecast|estimated)|below (?:estimates|expectations|consensus|forecasts|views)",
           "worse than expected"),
    phrase(E, 0.5, 1.5, "record", r"\brecord[- ](?:\w+ ){0,3}" + _FIGURES + r"|record (?:first|second|third|fourth|q[1-4]|quarter|year|fees|growth|demand|asset)",
           "record figures"),
    phrase(E, 0.4, 1.2, _RISE_WORDS,
           _FIGURES + r"[\w ]{0,15}\b" + _RISE + "|" + _LINE + r"[^,;]{0,60}\b" + _RISE + _BY, "figures rise"),
    phrase(E, -0.45, 1.2, _FALL_WORDS,
           _FIGURES + r"[\w ]{0,15}\b" + _FALL + "|" + _LINE + r"[^,;]{0,60}\b" + _FALL + _BY, "figures fall"),
    phrase(E, 0.45, 1.6, "strong robust solid stellar blowout upbeat impressive", r"(?:strong|robust|solid|stellar|blowout|upbeat|impressive) (?:[\w-]+ ){0,2}(?:quarter|q[1-4]|results|earnings|profit)\b",
           "strong results"),
    phrase(E, -0.5, 1.6, "weak soft disappointing dismal poor lackluster", r"(?:weak|soft|disappointing|dismal|poor|lackluster) (?:[\w-]+ ){0,2}(?:quarter|q[1-4]|results|earnings|profit)\b",
           "weak results"),
    phrase(E, 0.45, 1.2, "strong robust solid stellar blowout upbeat surging impressive", r"(?:strong|robust|solid|stellar|blowout|upbeat|surging|impressive) (?:\w+ ){0,2}(?:quarter|q[1-4]|results|revenue|earnings|sales|growth|profit|demand|margin)",
           "strong figures"),
    phrase(E, -0.5, 1.2, "weak soft disappointing dismal poor sluggish slowing lackluster", r"(?:weak|soft|disappointing|dismal|poor|sluggish|slowing|lackluster) (?:\w+ ){0,2}(?:quarter|q[1-4]|results|revenue|earnings|sales|growth|profit|demand|margin)",
           "weak figures"),
    phrase(E, 0.4, 1.3, "increase growth rise jump gain", r"\d% (?:[\w/-]+ ){0,2}(?:increase|growth|rise|jump|gain) in (?:[\w-]+ ){0,3}" + _FIGURES, "figures rise"),
    phrase(E, -0.45, 1.3, "decrease decline drop fall slump", r"\d% (?:[\w/-]+ ){0,2}(?:decrease|decline|drop|fall|slump) in (?:[\w-]+ ){0,3}" + _FIGURES, "figures fall"),
    phrase(E, 0.4, 1.5, "turn turns turned", r"\b(?:sales|earnings|margins?|cash flow|comps|growth) turn(?:s|ed)? positive", "figures rise"),
    phrase(E, -0.5, 1.9, "impairment writedown write", r"\b(?:takes?|took|books?|records?|posts?)\b[^;]{0,40}\b(?:impairment|write-?down|write-?off)|\$[\d.,]+ ?\w{0,8} (?:impairment|write-?down|write-?off)", "assets written down"),
    phrase(E, -0.45, 1.9, "burns burned burn", r"\bburn(?:s|ed)? (?:through )?(?:about |some |nearly )?\$[\d.]|cash[- ]burn (?:\w+ )?(?:widen|grow|ris|increas|accelerat|worsen)\w*", "cash is burnt"),
    phrase(E, 0.5, 1.6, "swings swung returns turns", r"(?:swings|swung|returns|turns) to (?:an? )?(?:[\w-]+ ){0,3}profit", "turns to a profit"),
    phrase(E, -0.55, 1.6, "swings swung", r"(?:swings|swung) to (?:an? )?(?:[\w-]+ ){0,3}loss", "turns to a loss"),
    phrase(E, 0.3, 1.3, "narrows narrowed narrower", r"narrow(?:s|ed|er) [\w ]{0,20}loss|loss(?:es)? narrow", "loss narrows"),
    phrase(E, -0.45, 1.3, "widens widened wider", r"wide(?:ns|ned|r) [\w ]{0,20}loss|loss(?:es)? widen", "loss widens"),
    phrase(E, -0.25, 0.9, "loss", r"(?:reports?|posts?)\b[^;,]{0,30}\b(?:net )?loss\b(?! ratio)", "a loss reported"),
    phrase(E, 0.5, 1.6, "profitable profitability rebound", r"(?:turns|turned|becomes) profitable|profit rebound", "turns to a profit"),
    phrase(E, 0.35, 1.3, "sales production traffic deliveries passengers assets volumes comparable same", r"(?:client assets|assets under management|\baum\b|comparable(?: store)? sales|same-store sales|monthly sales|passenger traffic|passengers|load factor|vehicle deliveries|deliveries|production|volumes?)\b[^;]{0,25}\b(?:rise|rose|grow|grew|jump|surge|increase|climb|up \d)\w*", "monthly figures rise"),
    phrase(E, -0.35, 1.3, "sales production traffic deliveries passengers assets volumes comparable same", r"(?:client assets|assets under management|\baum\b|comparable(?: store)? sales|same-store sales|monthly sales|passenger traffic|passengers|load factor|vehicle deliveries|deliveries|production|volumes?)\b[^;]{0,25}\b(?:fall|fell|drop|slump|decline|decrease|down \d)\w*", "monthly figures fall"),
    phrase(E, 0.0, 1.2, "results management aum income loss monthly", r"(?:reports?|reported|announces?|posts?|releases?|delivers?|provides?)\b[^;]{0,60}\b(?:financial|quarter\w*|full[- ]year|fiscal|annual|unaudited|interim|preliminary|operating|production|q[1-4])\b[^;]{0,25}\bresults\b(?! (?:of|from) (?:annual|its annual|the annual|general|auction|meeting|tender))|reports? [^;]{0,40}(?:assets under management|\baum\b)|reports? net (?:income|loss) of|monthly (?:metrics|net revenues?|revenues?|sales)", "results reported"),
    phrase(E, 0.0, 1.1, "earnings", r"earnings (?:call|snapshot|report card|highlights|transcript|update|roundup|round-up|review|results|recap|rundown)\b|(?:unpacking|reflecting on|review of) [\w ]{0,12}earnings", "results discussed"),
    phrase(E, 0.0, 1.1, "q1 q2 q3 q4 quarter", r"\bq[1-4] (?:20\d\d )?(?:results|earnings|highlights?|rundown|recap|roundup|round-up|review|in review|report|update|teardown|deep dive|earnings call)\b|(?:winners and losers|teardown|highs and lows) of q[1-4]|\bstocks q[1-4]\b|\bq[1-4] [\w &-]{3,40} (?:earnings|results):|(?:after|in) q[1-4]\b|\bq[1-4] (?:fy|fiscal) ?\d+ (?:results|earnings)|after (?:these|its latest|latest) results|\bq[1-4] (?:beat|miss|loss|profit|net loss|net income)\b|(?:first|second|third|fourth)[- ]quarter (?:results|earnings|profit|loss)", "results discussed"),
    phrase(E, 0.0, 0.9, "earnings", r"(?:reports?|reported|posts|posted|mixed|after|despite) (?:[\w-]+ ){0,2}earnings\b(?! (?:estimates?|preview|date|calendar|whisper|season))", "results discussed"),
)  # fmt: skip

GUIDANCE: tuple[Phrase, ...] = (
    phrase(G, 0.75, 2.6, UP_WORDS, UP + r"\b[^,;]{0,45}\b" + _OUTLOOK, "guidance raised", about="subject"),
    phrase(G, 0.6, 2.6, "upgraded upgrades raised higher increased lifted stronger guidance outlook", r"(?:upgraded|upgrades|higher|raised|increased|lifted|stronger|boosted) (?:[\w-]+ ){0,4}(?:guidance|outlook|forecast)\b|(?:guidance|outlook) (?:raise|hike|increase|boost|upgrade)\b|(?:increase|raise|upgrade) (?:to|in|of) (?:its )?(?:[\w-]+ ){0,3}(?:guidance|outlook)", "guidance raised"),
    phrase(G, -0.7, 2.6, "softer weaker lowered reduced lower cut trimmed downgraded guidance outlook", r"(?:softer|weaker|lowered|reduced|lower|trimmed|downgraded|slashed|withdrawn) (?:[\w-]+ ){0,4}(?:guidance|outlook|forecast)\b|(?:guidance|outlook) (?:cut|reduction|downgrade|withdrawal)\b|(?:cut|reduction) (?:to|in|of) (?:its )?(?:[\w-]+ ){0,3}(?:guidance|outlook)", "guidance cut"),
    phrase(G, 0.7, 2.6, "guidance outlook forecast forecasts", r"(?:guidance|outlook|forecasts?) (?:is |was |gets )?(?:raised|lifted|boosted|hiked|increased|tops|beats|above)",
           "guidance raised"),
    phrase(G, -0.8, 3.0, DOWN_WORDS, r"(?:" + DOWN + r"|withdr[ae]ws?|withdrawn|suspends?|suspended|pulls?|pulled|scraps|scrapped|abandons|abandoned)\b[^,;]{0,45}\b" + _OUTLOOK,
           "guidance cut", about="subject"),
    phrase(G, -0.8, 3.0, "guidance outlook forecast forecasts", r"(?:guidance|outlook|forecasts?) (?:is |was |gets )?(?:cut|lowered|slashed|reduced|withdrawn|suspended|trimmed|pulled|disappoint\w*|miss\w*|below|falls? short|fell short)|(?:guidance|outlook|forecast) cut|(?:guidance|outlook|forecast)\b[^,;]{0,30}\b(?:below|misses|falls? short|fell short|underwhelms|disappoints)\b",
           "guidance cut or below estimates"),
    phrase(G, -0.7, 2.4, "weak soft disappointing light bleak cautious downbeat gloomy tepid", r"(?:weak|soft|disappointing|light|bleak|cautious|downbeat|gloomy|tepid) (?:[\w-]+ ){0,3}(?:guidance|outlook|forecast)",
           "weak outlook"),
    phrase(G, 0.65, 2.4, "strong upbeat bullish rosy robust better strong-than-expected", r"(?:strong|upbeat|bullish|rosy|robust|better[- ]than[- ]expected) (?:[\w-]+ ){0,3}(?:guidance|outlook|forecast)",
           "strong outlook"),
    phrase(G, -0.75, 2.8, "warning warns warned", r"profit warning|warn(?:s|ed) (?:of|on|about|that) [\w ]{0,30}(?:sales|profit|revenue|earnings|demand|loss|margin|results|year|quarter)",
           "profit warning"),
    phrase(G, -0.65, 2.6, "guides sees expects forecasts projects", r"\b(?:guides|sees|expects|forecasts|projects)\b[^;]{0,60}\b(?:below|short of|under|missing)\b[^;]{0,20}(?:street|consensus|estimates?|expectations|views?)", "outlook below estimates", about="subject"),
    phrase(G, -0.6, 2.6, "guides declines", r"\bguides (?:\w+ )?to\b[^;]{0,40}\b(?:declines?|drop|fall|loss|weak\w*|lower|slow\w*)\b|\bdeclines to (?:provide|give|issue|offer)\b[^;]{0,30}\b(?:guidance|outlook|forecast)", "weak outlook", about="subject"),
    phrase(G, -0.7, 2.6, "targets target goals goal", r"\b(?:withdraws|scraps|abandons|drops|cuts|lowers|slashes|pushes back|walks back)\b[^;]{0,40}\b(?:long|medium|mid|near)-term (?:\w+ ){0,2}(?:targets?|goals?)\b|\b(?:withdraws|scraps|abandons|drops|cuts|lowers|slashes) [^;]{0,25}\b(?:revenue|sales|profit|margin|earnings|production|delivery|growth) (?:targets?|goals?)\b", "targets cut", about="subject"),
    phrase(G, 0.65, 2.6, "targets target goals goal", r"\b(?:raises|lifts|boosts|hikes|ups|increases)\b[^;]{0,35}\b(?:long-term|medium-term|revenue|sales|profit|margin|earnings|production|delivery|growth) (?:\w+ )?(?:targets?|goals?)\b", "targets raised", about="subject"),
    phrase(G, 0.6, 2.6, "guides sees expects forecasts projects", r"\b(?:guides|sees|expects|forecasts|projects)\b[^;]{0,60}\b(?:above|ahead of|topping|over)\b[^;]{0,20}(?:street|consensus|estimates?|expectations|views?)", "outlook above estimates", about="subject"),
    phrase(G, -0.65, 2.6, "warns sees expects forecasts projects", r"\b(?:warns|sees|expects|forecasts|projects)\b[^;]{0,35}\b(?:sales|profits?|revenues?|earnings|margins?|income|eps)\b[^;]{0,25}\b(?:to|will) (?:\w+ )?(?:fall|drop|decline|shrink|miss|decrease|slump|halve|contract)\b", "it expects to earn less", about="subject"),
    phrase(G, 0.1, 1.15, "reaffirms reaffirming reaffirmed reiterates maintains affirms backs confirms holds", r"(?:reaffirm(?:s|ing|ed)|reiterat(?:es|ing|ed)|maintains|affirms|backs|confirms)\b[^,;]{0,40}(?:guidance|outlook|forecast)|(?:reaffirm(?:s|ing|ed)|maintains|backs|confirms)\b[^,;]{0,50}\b(?:margin|sales|revenue|earnings|profit|eps|growth|production|financial|long-term|full-year|20\d\d) (?:\w+ )?targets?\b",
           "guidance confirmed"),
    phrase(G, 0.5, 1.9, "sees expects", r"\b(?:sees|expects) (?:an? )?(?:stronger|better) [\w -]{0,15}(?:half|quarter|year)", "a better outlook"),
    phrase(G, -0.55, 1.9, "sees expects", r"\b(?:sees|expects) (?:an? )?(?:weaker|softer|slower) [\w -]{0,15}(?:half|quarter|year)", "a worse outlook"),
    phrase(G, 0.0, 1.15, "guidance outlook targets", r"(?:issues|gives|provides|announces|introduces|initiates|sets|unveils|offers|reports)\b[^;,]{0,45}\b(?:guidance|outlook|(?:long|medium|mid)-term targets|financial targets)\b|guidance (?:for|of)\b|(?:outlook|guidance) issued|after [\w -]{0,20}guidance\b|long-term targets\b", "guidance given"),
    phrase(G, 0.1, 1.4, "expects sees", r"\b(?:expects|sees)\b (?:[\w$.-]+ ){0,4}(?:revenues?|sales|eps|earnings|profits?|loss|net income|ebitda|growth|margins?)\b(?! estimates)", "its own view of figures to come", about="subject"),
)  # fmt: skip

PHRASES = (*EARNINGS, *GUIDANCE)
