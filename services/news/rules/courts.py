"""Courts, regulators of all but medicines, and those who accuse."""
# ruff: noqa: E501 - a table of expressions reads better unbroken

from services.news.rules.phrase import Phrase, phrase
from shared.domain.news import Catalyst

L = Catalyst.LEGAL

_FIRMS = r"(?:rosen|pomerantz|levi & korsinsky|bragar|faruqi|glancy|kessler topaz|hagens berman|schall|kaplan fox|portnoy|gainey|scott\+scott|robbins|bronstein|kirby|siskinds|halper sadeh|johnson fistel|bernstein liebhard|law offices|law firm|\bllp\b|\bllc law)"

LAW_FIRMS = phrase(
    L,
    -0.08,
    3.0,
    "llp firm plaintiff deadline alert reminder rosen pomerantz losses lost suffered faruqi schall glancy bragar levi hagens robbins kirby bronstein halper siskinds kaplan portnoy gainey opportunity recover urges contact",
    r"^(?=.*?(?:"
    + _FIRMS
    + r"[^;]{0,140}(?:investor|shareholder|class action|investigat|prob(?:e|ing)|deadline|remind|encourag|losses)|(?:shareholder|investor|deadline|class action) (?:alert|reminder|notice)|(?:investors?|shareholders?) who (?:lost|suffered|purchased)|lead plaintiff|(?:investors?|shareholders?) have (?:an )?opportunity to|urges? (?:\w+ ){0,3}(?:investors|shareholders) to (?:contact|act|join|secure|submit|seek)|(?:investors|shareholders) to contact|contact the firm|recover (?:their|your) losses|losses (?:are|to) (?:encouraged|contact))).*",
    "law firm looks for plaintiffs",
)
"""Advertising: it says nothing new, and takes the whole line with it."""

PHRASES: tuple[Phrase, ...] = (
    LAW_FIRMS,
    phrase(L, -0.5, 1.9, "class lawsuit lawsuits suit suits sued legal complaint", r"class[- ]action|\blawsuits?\b|\bis sued\b|\bwas sued\b|\bsued (?:by|over|for|in)\b|faces (?:a |\w+ )?suits?\b|legal (?:action|battle|challenge)|files? (?:a )?suit|\b(?:itc|ftc|antitrust|federal|patent) complaint", "lawsuit"),
    phrase(L, -0.55, 1.9, "sues suing sue", r"\bsu(?:es|ing|e)\b", "sued", about="victim"),
    phrase(L, 0.0, 1.5, "sues sue sued suing", r"\bsu(?:es?|ed)\b(?! for peace)", "it goes to court"),
    phrase(L, -0.55, 2.7, "against", r"(?:wins?|won|prevails|files?|filed|victory|injunction|ruling|rules|verdict|complaint)\b[^;]{0,60}\bagainst\b", "on the losing side in court", about="victim"),
    phrase(L, -0.5, 1.9, "investigation investigations probe probes probed probing investigates investigating subpoena subpoenas subpoenaed antitrust raid raided inquiry", r"\bprob(?:e|es|ed|ing)\b|(?:under|faces?|federal|criminal|regulat\w+|sec|doj|ftc|internal|formal|amid|legal|fraud)\b[^;]{0,25}investigations?\b|investigations? (?:into|of|on behalf|over|follow)|investigat(?:es|ed|ing)\b|subpoena\w*|antitrust (?:suit|case|probe|charges|risk)|\braid(?:ed|s)?\b|\binquiry\b|launch(?:es|ed)? (?:an? )?(?:\w+ )?investigation", "investigation"),
    phrase(L, -0.7, 2.6, "fabricated fabricating fictitious fake fraud charged indicted charges indictment bribery ponzi guilty embezzlement misstatements", r"(?:charg\w+|accus\w+|alleg\w+|securities|accounting|wire|convict\w+|suits?|lawsuit|investigat\w+|prob\w+|guilty|indict\w+|admits?|faces)\b[^;]{0,30}\bfraud|(?<=denies )fraud|(?<=denied )fraud|\bfraud (?:charges?|case|suit|lawsuit|probes?|scheme|allegations?|investigations?|claims?|conviction|trial)|\bcharged with\b|indict(?:ed|ment|s)\b|(?:sec|doj|prosecutors) charges|briber\w+|ponzi|pleads? guilty|embezzl\w+|financial misstatements|(?:fabricat(?:ed|ing)|fictitious|fake) (?:revenues?|sales|customers|invoices)", "charges or fraud"),
    phrase(L, -0.7, 2.6, "short-seller short seller sellers hindenburg orca scorpion gotham iceberg hunterbrook bonitas muddy citron culper grizzly viceroy spruce kerrisdale wolfpack fuzzy", r"short[- ]?sellers?'?s?\b[^;]{0,40}(?:report|alleg|accus|claims|publish|issues)|short report|\bhindenburg\b|blue orca|scorpion capital|gotham city research|iceberg research|hunterbrook|\bbonitas\b|muddy waters|citron (?:research|says|calls|targets)|\bculper\b|grizzly research|spruce point|viceroy research|kerrisdale|wolfpack research|fuzzy panda", "short seller's report"),
    phrase(L, -0.2, 2.0, "settle settles settled settlement settlements", r"\bsettle[sd]?\b[^;]{0,60}(?:suits?\b|lawsuit|case|claims?|charges?|dispute|litigation|probe|investigation|class|antitrust|patent|allegation|violations|with (?:the )?(?:sec|doj|ftc|regulators?|government|plaintiffs|investors|shareholders)|over\b)|settlement (?:of|with|in|over|agreement)|(?:class|derivative|litigation|legal|antitrust|rate case|patent|lawsuit) settlements?", "settlement"),
    phrase(L, -0.55, 2.0, "fined fine penalty penalties", r"\bfine[sd]?\b[^;]{0,20}\$|\$[\d.,]+ ?(?:m|b|bn|million|billion)? (?:\w+ )?(?:fine|penalty)\b|(?:hit with|slap(?:s|ped)\b[^;]{0,30} with|faces|to pay)\b[^;]{0,40}\b(?:fine|penalt)|\bis fined\b|\bfined (?:by|over|for)\b|penalt(?:y|ies) (?:over|for|against)", "fine"),
    phrase(L, 0.5, 2.6, "wins won dismissed dismisses dismissal favor drops ends closes sides cleared rules victory prevails acquitted affirms favorable favourable", r"(?:wins?|won|victory|prevails)\b[^;]{0,35}(?:lawsuit|case|ruling|appeal|injunction|patent (?:case|fight|dispute|suit|battle|trial|infringement|litigation)|(?:trade secrets?|contract|legal) dispute|court|trial against|verdict|suit)|(?:court|judge|jury)[^;]{0,30}(?:in favou?r of|sides with|dismiss\w+|affirms victory)|dismiss\w+[^;]{0,30}(?:lawsuit|case|suit|complaint|claims)|(?:drops?|closes?|ends?)\b[^;]{0,25}(?:probe|investigation|lawsuit)\b|(?:lawsuit|case|suit|probe|investigation) (?:is |was )?(?:dismissed|dropped|closed)|cleared of|favou?rable (?:court )?(?:ruling|verdict|decision)", "legal success"),
    phrase(L, -0.6, 2.4, "loses lost guilty jury verdict block blocks ban bans banned liable", r"(?:loses|lost)\b[^;]{0,30}(?:lawsuit|case|ruling|appeal|patent|court|verdict)|found (?:guilty|liable)|jury (?:orders|finds against)|faces[^;]{0,40} verdict|\bbann?(?:s|ed)\b|\bban on\b|import ban", "legal defeat"),
    phrase(L, -0.6, 2.6, "illegally unlawfully violated violates infringed infringes monopoly monopolist monopolized", r"(?:court|judge|jury|regulators?|eu|commission|ftc|doj|rul(?:es|ed|ing)|finds|found|says)\b[^;]{0,60}\b(?:illegally|unlawfully|violat(?:es|ed)|infring(?:es|ed)|monopol(?:y|ist|ized))\b", "found to have broken the law"),
    phrase(L, -0.55, 2.5, "verdict judgment damages jury ordered", r"(?:hit with|owes|must pay|faces|ordered (?:by [\w. ]{2,30} )?to pay|orders?\b[^;]{0,40}\bto pay)\b[^;]{0,60}\b(?:verdict|judgm?ent|damages|over|award|jury|taxes|back)\b|jury (?:awards|verdict)\b[^;]{0,60}\bagainst\b", "damages to pay"),
    phrase(L, 0.5, 2.7, "annulled overturned thrown tossed vacated reversed quashed struck", r"\b(?:fines?|ruling|verdict|penalty|ban|conviction|judgm?ent|suit|lawsuit)\b[^;]{0,25}\b(?:annulled|overturned|thrown out|tossed|vacated|reversed|quashed|struck down)\b", "a ruling against it is undone"),
    phrase(L, 0.5, 2.7, "throws tosses tossed overturns vacates reverses", r"\b(?:throws? out|toss(?:es|ed)(?: out)?|overturn(?:s|ed)|vacate[sd]|reverse[sd])\b[^;]{0,50}\b(?:verdict|ruling|lawsuits?|suits?|case|judgm?ent|conviction|fine|penalty|award|ban)\b", "a ruling against it is undone"),
    phrase(L, -0.5, 2.5, "settlement verdict judgment damages", r"\bwins?\b[^;]{0,60}\b(?:settlement|verdict|judgm?ent|damages)\b[^;]{0,15}\b(?:from|against)\b", "on the losing side in court", about="victim"),
    phrase(L, 0.45, 2.1, "injunction", r"\b(?:judge|court)\b[^;]{0,10}\bgrants\b[^;]{0,40}\binjunction", "legal success"),
    phrase(L, 0.5, 2.5, "prevails triumphs", r"\b(?:prevails|triumphs) (?:over|in|against)\b", "legal success", about="subject"),
    phrase(L, -0.5, 2.5, "prevails triumphs", r"\b(?:prevails|triumphs) (?:over|against)\b", "on the losing side in court", about="victim"),
    phrase(L, 0.45, 2.5, "lifts lifted removes removed eases eased ends scraps scrapped pauses paused stays blocks", r"(?:paus(?:es|ed)|stays|blocks|lift(?:s|ed)|remov(?:es|ed)|eas(?:es|ed)|ends|scrap(?:s|ped))\b[^;]{0,45}\b(?:import ban|export (?:ban|curbs|controls|restrictions)|asset cap|consent (?:order|decree)|sanctions|ban on)\b", "a ban is lifted"),
    phrase(L, -0.5, 2.3, "export exports", r"\b(?:restrict|curb|limit|ban|bar|halt|block|tighten)(?:s|ed|ting|ing|ning|ring|red)?\b[^;]{0,40}\bexports?\b|\bexport (?:curbs|ban|restrictions)\b", "exports restricted"),
    phrase(L, -0.5, 2.3, "accuses accused accuse", r"\b(?:doj|justice department|sec|ftc|cfpb|eu|regulators?|prosecutors|commission|attorney general|u\.s\.)\b[^;]{0,25}\baccuse[sd]?\b|\baccused (?:by|of)\b", "accused"),
    phrase(L, -0.5, 2.2, "blocks bans restricts", r"\b(?:blocks|bans|restricts) (?:access to|use of|sales? of|imports? of)\b", "a ban", about="object"),
    phrase(L, 0.0, 2.1, "sued", r"\b(?:is |was |are |were )?sued by\b", "it is the plaintiff", about="victim"),
    phrase(L, 0.0, 1.4, "court judge", r"\b(?:supreme|appeals?|federal|district|circuit|high|tribunal|bankruptcy)? ?court\b[^;]{0,25}\b(?:decides?|rules?|ruling|finds|affirms|upholds|orders|of appeals|rejects|grants)\b|\bjudge\b[^;]{0,20}\b(?:rules|orders|blocks|approves|rejects)", "a court decides"),
    phrase(L, -0.55, 2.0, "sanctions sanctioned", r"sanction(?:s|ed)\b", "sanctions"),
    phrase(L, -0.6, 2.5, "blacklist blacklisted blacklists entity military", r"blacklist\w*|entity list|(?:chinese|china's|beijing's) military\b", "on a black list"),
    phrase(L, 0.1, 1.4, "commission regulator regulators ferc nrc fcc puc rate", r"(?:ferc|nrc|fcc|faa|puc|public (?:utility|service) commission|regulatory commission)\b[^;]{0,30}(?:approv\w+|grants?|authori\w+|rejects?|orders?)|rate (?:case|review)", "a regulator decides"),
)  # fmt: skip
