"""What befalls a company beside its business: ruin, listing, debt, owners, workers."""
# ruff: noqa: E501 - a table of expressions reads better unbroken

from services.news.rules.phrase import Phrase, phrase
from shared.domain.news import Catalyst

OTHER = Catalyst.OTHER

RUIN_AND_LISTING: tuple[Phrase, ...] = (
    phrase(OTHER, -0.9, 3.4, "going doubt", r"going[- ]concern|substantial doubt", "going-concern warning"),
    phrase(OTHER, -0.95, 3.4, "bankrupt bankruptcy chapter insolvency insolvent receivership liquidation liquidate wind winds winding ceases cease dissolution", r"(?:(?:seek(?:s|ing)|fil(?:es|ed|ing) for) )?(?:bankrupt\w*|chapter (?:11|7)\b)|insolven\w+|receivership|(?:liquidat\w+) (?:of|its) (?:the )?(?:company|assets)|\bwind(?:s|ing)? down (?:its )?(?:[\w-]+ ){0,2}(?:operations|business|company)\b|\bceas(?:e|es|ing) operations|plan of (?:liquidation|dissolution)|voluntarily liquidat\w+", "bankruptcy"),
    phrase(OTHER, 0.4, 3.8, "emerges exits emerged", r"(?:emerg\w+|exit(?:s|ed)?) (?:from )?(?:chapter 11|bankruptcy)", "out of bankruptcy"),
    phrase(OTHER, -0.8, 2.8, "default defaults defaulted forbearance payment payments", r"defaults? on|defaulted|(?:event|notice) of default|loan default|forbearance|(?:miss(?:es|ed)|skips?|skipped)\b[^;]{0,30}\b(?:interest|coupon|debt|bond|loan|lease|rent)[\w ]{0,12} payments?", "default"),
    phrase(OTHER, -0.75, 2.8, "restate restatements restates restatement restated weakness irregularities reliance relied auditor auditors accounting", r"restat(?:e|es|ed|ements?|ing)\b[^;]{0,30}(?:financial|results|earnings|statements|accounts)?|material weakness|accounting (?:irregularit|error|issue)|non-reliance|(?:no longer|not) be relied (?:up)?on|(?:auditors?|accounting firm)[\w'&. ]{0,30} (?:resign\w*|quits?|steps? down|walks away)", "accounts in doubt"),
    phrase(OTHER, -0.05, 2.9, "voluntary voluntarily intention intends tender delist", r"voluntar\w+\b[^;]{0,30}delist\w*|(?:intention|intends|decides|applies|plans) to delist|to delist (?:its|from the (?:lse|london|tsx|toronto|asx))|delisting (?:tender|offer)", "delisting of its own choice"),
    phrase(OTHER, -0.75, 2.7, "delist delisted delisting delists", r"delist\w*", "delisting"),
    phrase(OTHER, -0.05, 3.1, "additional extension granted grants", r"(?:additional|more|extra) (?:time|period|days)\b[^;]{0,50}\b(?:compliance|listing|minimum bid)|\b(?:extension|grant(?:s|ed))\b[^;]{0,40}\bto regain\b[^;]{0,40}", "more time for the listing rules"),
    phrase(OTHER, -0.5, 2.6, "noncompliance compliance deficiency bid notice minimum below", r"\btrades? below \$1\b|non-?compliance|deficienc\w+ (?:notice|letter)|minimum bid|(?:nasdaq|nyse)[^;]{0,30}(?:notice|notification|deficienc)|notice (?:from|by) (?:nasdaq|nyse)", "listing rules missed"),
    phrase(OTHER, 0.4, 3.0, "regains regain regained compliance", r"(?:confirms?|back in|returns? to)\b[^;]{0,40}compliance|(?<!to )regain\w*\b[\w .']{0,40}compliance(?: with[^;]{0,60}(?:requirements?|rules?|standards?))?|regain\w*[^;]{0,30}(?:listing|minimum bid)", "listing rules met again"),
    phrase(OTHER, -0.6, 2.6, "reverse consolidation split", r"reverse (?:stock |share )?split|share consolidation|\b1[- ]for[- ]\d+", "reverse split"),
    phrase(OTHER, 0.35, 1.8, "split", r"(?:forward|\d+-for-1|\d+-for-one|announces|declares)[\w ]{0,15} (?:stock |share )?split", "stock split"),
    phrase(OTHER, -0.3, 1.8, "halt halted halts suspended", r"trading halt\w*|halts? trading|trading (?:is |was )?(?:halted|suspended)|halted (?:for|on|pending)|suspends trading", "trading halted"),
    phrase(OTHER, 0.35, 1.6, "russell 500 400 600 100 dow index indices indexes", r"(?:join(?:s|ed)?|added|inclusion|included|addition|enter\w*)\b[^;]{0,25}(?:s&p|russell|nasdaq[- ]100|dow jones|index|indices|indexes)|(?:s&p (?:\w+ )?\d00|russell \d000|nasdaq[- ]100|dow jones|index) (?:inclusion|addition|debut|entry)|(?:set )?to replace\b[^;]{0,40} in (?:the )?(?:s&p|nasdaq[- ]100|dow|russell)", "index inclusion"),
    phrase(OTHER, -0.4, 2.2, "replace replacing replaces", r"(?:s&p|russell|nasdaq[- ]100|dow|index)\b[^;]{0,60}\breplac(?:ing|es)\b|\breplace\b(?=[^;]{0,60} in (?:the )?(?:s&p|nasdaq|dow|russell))", "another takes its place in an index", about="victim"),
    phrase(OTHER, -0.35, 1.8, "removed dropped deleted removal booted ousted kicked", r"(?:removed|dropped|deleted|removal|booted|ousted|kicked)(?: out)? (?:from|of) (?:the )?(?:s&p|russell|nasdaq|dow)", "index removal"),
    phrase(OTHER, 0.25, 1.4, "uplist uplisting uplists", r"uplist\w*", "uplisting"),
    phrase(OTHER, 0.3, 1.2, "squeeze", r"short squeeze", "short squeeze"),
)  # fmt: skip

OWNERS: tuple[Phrase, ...] = (
    phrase(OTHER, -0.15, 1.2, "sells sold selling dumps unloads offloads sale", r"\b(?:ceo|cfo|coo|directors?|insiders?|chair\w*|president|executives?|officers?|founder)\b[^;]{0,30}\b(?:sells|sold|selling|dumps|unloads|offloads)\b", "insiders sell"),
    phrase(OTHER, 0.4, 1.6, "stake 13d activist berkshire", r"(?:takes?|took|discloses?|builds?|reveals?|raises?|acquires?|boosts?)\b[^;]{0,30}\bstake\b|\b13d\b|activist (?:investor|hedge)", "a stake is taken", about="object"),
    phrase(OTHER, 0.4, 1.7, "elliott starboard icahn trian jana ancora engaged pershing activist activists irenic legion saba valueact corvex", r"(?:elliott|starboard|icahn|trian|jana partners|ancora|engaged capital|pershing square|irenic|legion partners|valueact|corvex)\b[^;]{0,40}\b(?:targets?|builds?|takes?|pushes|stake|calls|urges)|activist (?:investor|hedge|fund)?[\w ]{0,15}(?:targets?|builds?|takes?|stake)", "an activist comes"),
    phrase(OTHER, -0.05, 1.9, "nominees proxy declassification vote slate boardroom", r"(?:director|board) nominees|proxy (?:contest|fight|battle|statement against)|declassif\w+|vote against all|dissident|removal of directors", "a fight for the board"),
    phrase(OTHER, -0.25, 1.6, "files 144", r"\bfiles to sell\b[^;]{0,40}\bshares|\bform 144\b", "insiders sell"),
    phrase(OTHER, -0.3, 1.6, "trims slashes pares dumps cuts", r"\b(?:trims|slashes|pares|dumps|cuts)\b[^;]{0,40}\b(?:stake|holdings?|position)\b(?! (?:target|company))", "a holder sells", about="object"),
    phrase(OTHER, -0.3, 1.4, "sold sells exited exits dumped trims reduces dissolved", r"(?:funds?|capital|partners|investors?|management|holdings|advisors?|strategy|portfolio|trusts?)\b[^;]{0,25}\b(?:sold|exited|exits|dumped|trimmed|divested|dissolved)\b(?! (?:shares worth|its unit))", "a fund sells"),
    phrase(OTHER, 0.2, 1.4, "raise raises raised boosts boosted increases increased", r"(?:fund|capital|partners|investors?)\b[^;]{0,25}\b(?:continues to raise|raises|boosts|increases|increased|raised|boosted) (?:its )?(?:position|stake|holding)", "a fund buys"),
    phrase(OTHER, -0.1, 1.4, "reduces reduced stake warning", r"reduce[sd] (?:its|their|his|her) (?:stake|holding)|early warning report", "an owner moves"),
    phrase(OTHER, 0.2, 1.3, "strategic", r"strategic (?:equity )?investment\b", "a strategic investor"),
)  # fmt: skip

DEBT: tuple[Phrase, ...] = (
    phrase(OTHER, 0.05, 1.6, "facility facilities loan loans credit revolver refinancing refinances repricing revolving", r"(?:credit|loan|debt|revolving|revolver|working capital|warehouse|financing)\b[^;]{0,15}\b(?:facilit(?:y|ies)|agreement|line)\b|line of credit|term loan|\brevolver\b|refinanc(?:es|ed|ing)\b|debt (?:repricing|financing|restructuring)|mortgage loans?|\$[\d.,]+ ?(?:m|b|bn|million|billion)?[\w -]{0,25} loans?\b|\bloans? secured", "a loan"),
    phrase(OTHER, 0.1, 3.6, "redeem redeems redemption retire retires repay repays repurchase exchange elimination converts conversion prepays overhang", r"(?:redeem\w*|redemption|retir(?:es?|ing)|repay\w*|repurchas\w+|buys? back|prepay\w*|exchange|eliminat\w+|converts?|conversion|tender offers? for)\b[^;]{0,60}\b(?:notes?|debentures?|bonds?|preferred|debt|convertibles?|loans?)\b|debt (?:elimination|reduction|repayment|exchange)|reduces total debt", "debt or preferred shares retired"),
    phrase(OTHER, 0.3, 3.1, "dilutive", r"non-?dilutive", "funding without dilution"),
    phrase(OTHER, -0.45, 3.7, "moody fitch kbra kroll dbrs junk downgrade downgrades downgraded am", r"(?:moody's|fitch|s&p(?: global)?|am best|kbra|kroll|dbrs)\b[^;]{0,60}\b(?:downgrad\w+|cuts?|lowers?|negative|junk|under review with negative)", "credit rating cut"),
    phrase(OTHER, 0.35, 3.7, "moody fitch kbra kroll dbrs upgrade upgrades upgraded am grade", r"(?:moody's|fitch|s&p(?: global)?|am best|kbra|kroll|dbrs)\b[^;]{0,60}\b(?:upgrad\w+|raises?|lifts?|positive|investment grade)", "credit rating raised"),
    phrase(OTHER, 0.0, 3.6, "moody fitch kbra kroll dbrs credit am", r"(?:moody's|fitch|am best|kbra|kroll|dbrs)\b[^;]{0,60}\b(?:ratings?|affirms|assigns|comments|outlook)\b|(?:credit|issuer) ratings?\b|issuer default rating", "a credit rating"),
)  # fmt: skip

_WORKERS = r"\b(?:workers|unions?|pilots|employees|machinists|nurses|drivers|staff|teamsters|uaw|dockworkers|longshoremen|crews?|attendants|miners|writers|actors|baristas)\b"

CHANGES: tuple[Phrase, ...] = (
    phrase(OTHER, -0.2, 1.8, "ratio", r"(?:ads|adr) ratio change", "depositary ratio changed"),
    phrase(OTHER, 0.05, 1.5, "name ticker symbol listing listed lists trading debuts rebrand rebrands dual uplisting list brand", r"(?:name|ticker|symbol) change|changes? (?:its )?(?:name|ticker|symbol)|(?:secondary|dual|primary|direct|hong kong) listing|dual[- ]list(?:s|ed|ing)|transfers? (?:its |stock |exchange )?listing|rebrands? (?:as|to)|to trade under|(?:lists|listed|begins trading|starts trading|commences trading|debuts) on (?:the )?(?:nasdaq|nyse|euronext|lse|tsx)|brand transition", "a new name or listing"),
    phrase(OTHER, -0.05, 1.5, "reorganization restructuring organizational restructures reorganizes realignment self", r"restructur(?:es|ing|e)\b|organi[sz]ational changes|reorgani[sz](?:es|ation)|realignment|consolidates [\w ]{0,40} under|self-managed", "a restructuring"),
    phrase(OTHER, -0.4, 1.9, "layoffs layoff jobs job lay lays laying workforce staff furloughs furlough positions", r"lay-?offs?|furloughs?\b|\b(?:cut|slash|eliminat|axe)\w*\b[\w ]{0,12} \d[\d,]+ (?:\w+ )?positions|\blay(?:s|ing)? off|job cuts|\b(?:axe|slash|eliminat|shed)(?:s|es|ed|ing)?\b[\w,% ]{0,20}(?:jobs|workforce|staff|positions)|cut(?:s|ting)? [\w,% ]{0,30}(?:jobs|workforce|staff)|reduc\w+ (?:its )?workforce", "jobs cut"),
    phrase(OTHER, -0.45, 2.2, "strike strikes striking walkout walk walked", _WORKERS + r"[\w ]{0,35} (?:strikes?\b|walk ?outs?|walk(?:s|ed)? (?:out|off))|\bstrike (?:vote|looms|begins|halts|enters|hits)|\b(?:walk|walked) off the job|\bgo(?:es)? on strike|hit by (?:an? )?(?:\w+ )?strike", "strike"),
    phrase(OTHER, 0.4, 2.6, "strike walkout", r"\b(?:ends?|ended|averts?|averted|averting|avoids?|avoiding|suspends?|calls? off|called off|settles?)\b[^;]{0,25}\b(?:strike|walkout)\b[^;]{0,45}|\bstrike (?:ends|over|averted|called off|suspended)", "strike over"),
    phrase(OTHER, 0.35, 2.3, "tariff tariffs duties levies", r"\b(?:exempt\w*|spared?|carve-?out|exclud\w+|reliev\w+|relief|paus(?:e|es|ed)|remov(?:e|es|ed)|lift(?:s|ed)|scrap(?:s|ped)|lower(?:s|ed)|eas(?:es|ed))\b(?: [\w.%-]+){0,3} (?:tariffs?|import duties|levies)|tariffs? (?:relief|exemption|pause|carve-?out|refunds?|truce)", "tariffs eased"),
    phrase(OTHER, -0.45, 1.9, "tariff tariffs duties", r"(?:hit|hurt|hammered|squeezed|blow) (?:by|from) (?:[\w.%-]+ ){0,3}tariffs?|tariffs? (?:hit|hurt|weigh|threat|bite|cost|blow|pain|to cost)|\b(?:slap|impos|levie|threaten|blame|announc)\w*\b[^;]{0,25}\b(?:tariffs?|duties)\b|tariffs? (?:on|against)\b", "tariffs"),
)  # fmt: skip

PHRASES = (*RUIN_AND_LISTING, *OWNERS, *DEBT, *CHANGES)
