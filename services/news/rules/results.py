"""How a business does: earnings, guidance, and what analysts make of it."""
# ruff: noqa: E501 - a table of expressions reads better unbroken

from services.news.rules.phrase import Phrase, phrase
from shared.domain.news import Catalyst

E, G, A = Catalyst.EARNINGS, Catalyst.GUIDANCE, Catalyst.ANALYST

_VIEWS = r"\b(?:estimates?|expectations?|consensus|views?|street|wall street|forecasts?|analysts?|ests?)\b"
_FIGURES = (
    r"(?:earnings|profits?|revenues?|sales|eps|income|ebitda|results|margins?|backlog|bookings|orders|deliveries)"
)
_OUTLOOK = r"(?<!oil )(?<!crude )(?<!gold )(?<!copper )(?<!gdp )(?<!price )(?<!inflation )(?<!demand )(?<!gas )(?:guidance|outlook|forecasts?|fy ?\d*|full[- ]year|annual view|profit view|projections?|targets? for)"
_TARGET = r"(?:price target|target price|price objective|price forecast|\bpt\b|\btarget\b)"
_UP = r"(?:raises?|raised|raising|lifts?|lifted|boosts?|boosted|hikes?|hiked|increases?|increased|ups|bumps?|bumped)"
_DOWN = r"(?:lowers?|lowered|lowering|cuts?|cutting|slash(?:es|ed)?|trims?|trimmed|reduces?|reduced|drops?|chops?)"
_UP_WORDS = "raise raises raised raising lift lifts lifted boost boosts boosted hike hikes hiked increase increases"
_UP_WORDS += " increased ups bump bumps bumped"
_DOWN_WORDS = "lower lowers lowered lowering cut cuts cutting slash slashes slashed trim trims trimmed reduce reduces"
_DOWN_WORDS += " reduced drop drops chop chops withdraws withdrew withdrawn suspends suspended pulls pulled"
_BEAT = (
    r"(?:beats?|beating|top(?:s|ped|ping)|exceed(?:s|ed|ing)?|surpass(?:es|ed|ing)?|crush(?:es|ed)?|smash(?:es|ed)?)"
)
_BEAT_WORDS = "beat beats beating top tops topped topping exceed exceeds exceeded exceeding surpass surpasses surpassed"
_BEAT_WORDS += " surpassing crush crushes crushed smash smashes smashed"
_MISS = r"(?:miss(?:es|ed|ing)?|trail(?:s|ed)?|lag(?:s|ged)?|fall(?:s|ing)? short(?: of)?|fell short(?: of)?)"
_MISS_WORDS = "miss misses missed missing trail trails trailed lag lags lagged short"
_RISE = r"(?:rises?|rose|jump(?:s|ed)?|surg(?:es|ed|e)|soar(?:s|ed)?|gr[eo]ws?|climb(?:s|ed)?|increase[sd]?|doubl(?:es|ed|e)"
_RISE += r"|tripl(?:es|ed|e)|advance[sd]?|improve[sd]?|accelerat(?:es|ed)|up \d+)(?![a-z])"
_FALL = (
    r"(?:falls?|fell|drop(?:s|ped)?|declin(?:es|ed|e)|slump(?:s|ed)?|plunge[sd]?|tumble[sd]?|shr[ia]nks?|sinks?|sank"
)
_FALL += r"|slides?|slid|decrease[sd]?|weaken(?:s|ed)?|down \d+)(?![a-z])"
_RATED_UP = r"(?:strong buy|buy|outperform|overweight|positive|accumulate)"
_RATED_FLAT = r"(?:hold|neutral|equal[- ]?weight|market perform|sector perform|in[- ]line|peer perform|sector weight)"
_RATED_DOWN = r"(?:sell|underperform|underweight|reduce|negative)"

EARNINGS: tuple[Phrase, ...] = (
    phrase(E, 0.65, 2.0, _BEAT_WORDS, _BEAT + r"\b[^,;]{0,45}" + _VIEWS + r"|\bbeats? \$[\d.]", "results above estimates", about="subject"),
    phrase(E, 0.6, 2.0, _BEAT_WORDS, _FIGURES + r"[^,;]{0,25}\b" + _BEAT + r"\b", "results above estimates"),
    phrase(E, 0.6, 2.0, "beat", r"(?:earnings|revenue|sales|profit|eps|q[1-4]|quarter(?:ly)?)[\w ]{0,20} beat\b|\bbeat on\b",
           "results above estimates"),
    phrase(E, 0.6, 1.8, "better above ahead stronger", r"(?:better|stronger)[- ]than[- ](?:expected|feared|forecast|estimated)|(?:above|ahead of) (?:estimates|expectations|consensus|forecasts|views)",
           "better than expected"),
    phrase(E, -0.65, 2.0, _MISS_WORDS, _MISS + r"\b[^,;]{0,45}" + _VIEWS + r"|\bmiss(?:es)? \$[\d.]", "results below estimates", about="subject"),
    phrase(E, -0.6, 2.0, _MISS_WORDS, _FIGURES + r"[^,;]{0,25}\b" + _MISS + r"\b", "results below estimates"),
    phrase(E, -0.6, 1.8, "worse below weaker softer", r"(?:worse|weaker|softer)[- ]than[- ](?:expected|feared|forecast|estimated)|below (?:estimates|expectations|consensus|forecasts|views)",
           "worse than expected"),
    phrase(E, 0.5, 1.5, "record", r"\brecord[- ](?:\w+ ){0,3}" + _FIGURES + r"|record (?:first|second|third|fourth|q[1-4]|quarter|year|fees|growth|demand|asset)",
           "record figures"),
    phrase(E, 0.4, 1.2, "earnings profit profits revenue revenues sales eps income ebitda results margin margins backlog bookings orders deliveries",
           _FIGURES + r"[\w ]{0,15}\b" + _RISE, "figures rise"),
    phrase(E, -0.45, 1.2, "earnings profit profits revenue revenues sales eps income ebitda results margin margins backlog bookings orders deliveries",
           _FIGURES + r"[\w ]{0,15}\b" + _FALL, "figures fall"),
    phrase(E, 0.45, 1.2, "strong robust solid stellar blowout upbeat surging impressive", r"(?:strong|robust|solid|stellar|blowout|upbeat|surging|impressive) (?:\w+ ){0,2}(?:quarter|q[1-4]|results|revenue|earnings|sales|growth|profit|demand|margin)",
           "strong figures"),
    phrase(E, -0.5, 1.2, "weak soft disappointing dismal poor sluggish slowing lackluster", r"(?:weak|soft|disappointing|dismal|poor|sluggish|slowing|lackluster) (?:\w+ ){0,2}(?:quarter|q[1-4]|results|revenue|earnings|sales|growth|profit|demand|margin)",
           "weak figures"),
    phrase(E, 0.5, 1.6, "swings swung returns turns", r"(?:swings|swung|returns|turns) to (?:a |an )?(?:\w+ )?profit", "turns to a profit"),
    phrase(E, -0.55, 1.6, "swings swung", r"(?:swings|swung) to (?:a |an )?(?:\w+ )?loss", "turns to a loss"),
    phrase(E, 0.3, 1.3, "narrows narrowed narrower", r"narrow(?:s|ed|er) [\w ]{0,20}loss|loss(?:es)? narrow", "loss narrows"),
    phrase(E, -0.45, 1.3, "widens widened wider", r"wide(?:ns|ned|r) [\w ]{0,20}loss|loss(?:es)? widen", "loss widens"),
    phrase(E, -0.25, 0.9, "loss", r"(?:reports?|posts?)\b[^;,]{0,30}\b(?:net )?loss\b(?! ratio)", "a loss reported"),
    phrase(E, 0.0, 0.5, "reports reported announces posts results earnings", r"(?:reports?|reported|announces|posts) [\w ]{0,30}(?:results|earnings)|earnings call highlights|q[1-4] (?:results|earnings)\b",
           "results reported"),
)  # fmt: skip

GUIDANCE: tuple[Phrase, ...] = (
    phrase(G, 0.75, 2.6, _UP_WORDS, _UP + r"\b[^,;]{0,45}\b" + _OUTLOOK, "guidance raised", about="subject"),
    phrase(G, 0.6, 2.6, "upgraded upgrades raised", r"upgrade[sd] [\w ]{0,25}(?:guidance|outlook|forecast)", "guidance raised"),
    phrase(G, 0.7, 2.6, "guidance outlook forecast forecasts", r"(?:guidance|outlook|forecasts?) (?:is |was |gets )?(?:raised|lifted|boosted|hiked|increased|tops|beats|above)",
           "guidance raised"),
    phrase(G, -0.8, 3.0, _DOWN_WORDS, r"(?:" + _DOWN + r"|withdr[ae]ws?|withdrawn|suspends?|suspended|pulls?|pulled)\b[^,;]{0,45}\b" + _OUTLOOK,
           "guidance cut", about="subject"),
    phrase(G, -0.8, 3.0, "guidance outlook forecast forecasts", r"(?:guidance|outlook|forecasts?) (?:is |was |gets )?(?:cut|lowered|slashed|reduced|withdrawn|suspended|trimmed|pulled|disappoint\w*|miss\w*|below|falls? short|fell short)|(?:guidance|outlook|forecast) cut",
           "guidance cut or below estimates"),
    phrase(G, -0.7, 2.4, "weak soft disappointing light bleak cautious downbeat gloomy tepid", r"(?:weak|soft|disappointing|light|bleak|cautious|downbeat|gloomy|tepid) (?:[\w-]+ ){0,3}(?:guidance|outlook|forecast)",
           "weak outlook"),
    phrase(G, 0.65, 2.4, "strong upbeat bullish rosy robust better strong-than-expected", r"(?:strong|upbeat|bullish|rosy|robust|better[- ]than[- ]expected) (?:[\w-]+ ){0,3}(?:guidance|outlook|forecast)",
           "strong outlook"),
    phrase(G, -0.75, 2.8, "warning warns warned", r"profit warning|warn(?:s|ed) (?:of|on|about|that) [\w ]{0,30}(?:sales|profit|revenue|earnings|demand|loss|margin|results|year|quarter)",
           "profit warning"),
    phrase(G, 0.1, 1.5, "reaffirms reiterates maintains affirms backs confirms", r"(?:reaffirms|reiterates|maintains|affirms|backs|confirms)\b[^,;]{0,40}(?:guidance|outlook|forecast)",
           "guidance confirmed"),
)  # fmt: skip

ANALYSTS: tuple[Phrase, ...] = (
    phrase(A, 0.6, 2.0, "upgrades upgrade upgraded upgrading", r"\bupgrade[sd]? (?!to its|of its|its )(?!\w+ (?:plant|system|platform|network|software))", "analyst upgrade", about="object"),
    phrase(A, 0.6, 2.1, "upgraded upgrade upgrades", r"\b(?:is |was |gets? |been )?upgraded (?:to|by|at|from)|\bupgraded$|(?:after|on|from|double) (?:an? )?(?:\w+ )?upgrade", "analyst upgrade"),
    phrase(A, -0.6, 2.0, "downgrades downgrade downgraded downgrading", r"\bdowngrade[sd]? ", "analyst downgrade", about="object"),
    phrase(A, -0.6, 2.1, "downgraded downgrade downgrades", r"\b(?:is |was |gets? |been )?downgraded (?:to|by|at|from)|\bdowngraded$|(?:after|on|from|double) (?:an? )?(?:\w+ )?downgrade", "analyst downgrade"),
    phrase(A, 0.5, 1.8, "initiates initiated starts started assumes launches resumes begins reinstates coverage", r"(?:initiat\w+|start\w*|assum\w+|resum\w+|begins|launches|reinstat\w+)\b[^;]{0,60}\b(?:at|with|as) (?:an? )?" + _RATED_UP + r"\b",
           "coverage starts with a buy", about="object"),
    phrase(A, -0.5, 1.8, "initiates initiated starts started assumes launches resumes begins reinstates coverage", r"(?:initiat\w+|start\w*|assum\w+|resum\w+|begins|launches|reinstat\w+)\b[^;]{0,60}\b(?:at|with|as) (?:an? )?" + _RATED_DOWN + r"\b",
           "coverage starts with a sell", about="object"),
    phrase(A, 0.0, 1.5, "initiates initiated starts started assumes launches resumes begins reinstates coverage", r"(?:initiat\w+|start\w*|assum\w+|resum\w+|begins|launches|reinstat\w+)\b[^;]{0,60}\b(?:at|with|as) (?:an? )?" + _RATED_FLAT + r"\b",
           "coverage starts neutral", about="object"),
    phrase(A, 0.35, 1.6, _UP_WORDS, _UP + r"\b[^;]{0,60}" + _TARGET, "price target raised", about="object"),
    phrase(A, 0.35, 1.6, "target pt targets", r"(?:target|\bpt)s? (?:is |was |gets? )?(?:raised|lifted|boosted|hiked|increased|upped|bumped)|analysts lift targets",
           "price target raised"),
    phrase(A, -0.4, 1.6, _DOWN_WORDS, r"(?<!price )" + _DOWN + r"\b[^;]{0,60}" + _TARGET, "price target cut", about="object"),
    phrase(A, -0.4, 1.6, "target pt targets", r"(?:target|\bpt)s? (?:is |was |gets? )?(?:cut|lowered|slashed|trimmed|reduced)",
           "price target cut"),
    phrase(A, -0.4, 1.6, "lower", r"lower price target", "price target cut"),
    phrase(A, 0.35, 1.6, "higher", r"higher price target", "price target raised"),
    phrase(A, 0.15, 1.0, "maintains reiterates reiterated keeps reaffirms maintained affirms", r"(?:maintain\w*|reiterat\w+|keeps|reaffirm\w*|affirms)\b[^;]{0,40}\b" + _RATED_UP + r"\b",
           "buy rating kept", about="object"),
    phrase(A, -0.2, 1.0, "maintains reiterates reiterated keeps reaffirms maintained affirms", r"(?:maintain\w*|reiterat\w+|keeps|reaffirm\w*|affirms)\b[^;]{0,40}\b" + _RATED_DOWN + r"\b",
           "sell rating kept", about="object"),
    phrase(A, 0.0, 0.8, "maintains reiterates reiterated keeps reaffirms maintained affirms", r"(?:maintain\w*|reiterat\w+|keeps|reaffirm\w*|affirms)\b[^;]{0,40}\b" + _RATED_FLAT + r"\b",
           "neutral rating kept", about="object"),
    phrase(A, 0.4, 1.4, "pick pick, conviction", r"\btop pick|conviction list|best idea", "named a top pick"),
)  # fmt: skip

PHRASES = (*EARNINGS, *GUIDANCE, *ANALYSTS)
