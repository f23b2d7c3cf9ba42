"""What happens to a business: regulators, trials, courts, contracts, products, people."""
# ruff: noqa: E501 - a table of expressions reads better unbroken

from services.news.rules.phrase import Phrase, phrase
from shared.domain.news import Catalyst

F, L, C, P, S, X = (
    Catalyst.FDA, Catalyst.LEGAL, Catalyst.CONTRACT, Catalyst.PRODUCT, Catalyst.PERSONNEL, Catalyst.OTHER,
)  # fmt: skip
_AGENCY = r"\b(?:fda|ema|chmp|european commission|ec|mhra|health canada|nmpa|pmda|regulators?)\b"

MEDICINE: tuple[Phrase, ...] = (
    phrase(F, -0.9, 3.5, "complete crl", r"complete response letter|\bcrl\b", "FDA complete response letter"),
    phrase(F, -0.85, 3.2, "fda ema chmp file rejected rejects", _AGENCY + r"[^;]{0,40}\b(?:reject\w*|declin\w+|refus\w+|den(?:y|ies|ied)|turns? down|does not approve)|refus\w+[- ]to[- ]file|reject\w* by (?:the )?" + _AGENCY,
           "regulator says no"),
    phrase(F, 0.8, 2.8, "fda ema chmp ec commission mhra canada nmpa pmda", _AGENCY + r"[^;]{0,50}\b(?:approv(?:es|ed|al)|clear(?:s|ed|ance)|authori[sz]\w+|green ?light|nod)\b|(?:approv\w+|clear(?:ed|ance)|authori[sz]ed|nod) (?:by|from) (?:the )?(?:u\.?s\.? )?" + _AGENCY,
           "regulator approves"),
    phrase(F, 0.7, 2.6, "510(k) 510 ce approval clearance", r"(?:receiv\w+|wins?|secur\w+|gains?|gets?|granted|obtain\w+|earns?)\b[^;]{0,50}(?:510\(?k|ce mark|marketing (?:approval|authori)|regulatory (?:approval|clearance))",
           "regulator approves"),
    phrase(F, -0.8, 3.2, "hold", r"(?:clinical|partial) hold", "clinical hold"),
    phrase(F, 0.65, 3.6, "hold", r"(?:lift\w*|remov\w+|releas\w+)\b[^;]{0,30}(?:clinical|partial)[\w ]{0,10} hold|clinical hold (?:is |was |has been )?(?:lifted|removed)",
           "clinical hold lifted"),
    phrase(F, 0.5, 2.2, "breakthrough fast orphan priority rmat accelerated rare", r"(?:breakthrough therapy|breakthrough device|fast track|orphan[- ]drug|rmat|rare pediatric)[\w ]{0,20}(?:designation|status|tag)?(?! (?:designation )?request)|priority review(?! voucher)|accelerated approval", "favoured review"),
    phrase(F, -0.8, 2.9, "committee adcomm panel advisers advisors", r"(?:committee|adcomm|panel|advis[eo]rs)[\w ]{0,20} (?:votes? against|reject\w*|does not (?:back|support)|declin\w+)", "advisers vote against"),
    phrase(F, 0.65, 2.6, "committee adcomm panel advisers advisors", r"(?:committee|adcomm|panel|advis[eo]rs)[\w ]{0,20} (?:votes? (?:in favou?r|for|to (?:back|recommend))|back\w*|recommend\w*|endors\w+)", "advisers vote in favour"),
    phrase(F, 0.3, 1.6, "nda bla ind snda sbla pdufa submission submits filing anda", r"(?:accept\w*|submi\w+|fil\w+|clear\w+)\b[^;]{0,60}\b(?:s?nda|s?bla|ind|anda|new drug application|biologics license)\b|\b(?:s?nda|s?bla|ind)\b[\w ]{0,25}(?:accept|submi|clear|fil)", "application on its way"),
    phrase(F, -0.55, 2.4, "delays delayed extends extended pdufa", r"(?:delay\w*|extend\w*|postpon\w*)\b[^;]{0,40}(?:pdufa|review|decision date)|pdufa[\w ]{0,20}(?:delay|extend)", "review delayed"),
    phrase(F, -0.55, 2.2, "warning", r"(?:fda|agency)[^;]{0,30}warning letter|warning letter from (?:the )?(?:u\.?s\.? )?fda|boxed warning|black box", "FDA warning"),
    phrase(F, -0.9, 3.3, "fail fails failed misses missed meet endpoint endpoints endpoint, flops", r"(?:fail\w*|miss(?:es|ed)|d(?:id|oes|o) not (?:meet|achieve)|unable to meet)\b[^;]{0,60}(?:endpoints?|trial|study|phase (?:[1-3]|i{1,3})|main goal|primary goal)|(?:trial|study|drug|candidate|therapy|phase (?:[1-3]|i{1,3})\w?)[\w ]{0,25} (?:fail(?:s|ed)?|flops?|disappoints?|misses)\b",
           "trial failed"),
    phrase(F, 0.8, 2.8, "met meets achieves achieved hits meet", r"(?:met|meets?|achiev\w+|hits?)\b[^;]{0,45}(?:endpoints?|primary goal|main goal)", "trial met its endpoint"),
    phrase(F, 0.65, 2.3, "positive encouraging promising favorable compelling", r"(?:positive|encouraging|promising|favou?rable|compelling)\b[^;]{0,40}(?:top-?line|data|results|readout|trial|study|phase|interim|proof[- ]of[- ]concept|clinical)", "positive trial data"),
    phrase(F, -0.65, 2.3, "negative disappointing mixed discouraging", r"(?:negative|disappointing|discouraging)\b[^;]{0,25}(?:top-?line|data|readout|trial|study|phase|clinical)", "disappointing trial data"),
    phrase(F, 0.6, 2.0, "significant significantly durable efficacy tumor survival responses", r"statistically significant|significant(?:ly)? (?:improv\w+|reduc\w+|greater|prolong\w*)|durable\W{0,2} respons|(?:improv\w+|prolong\w+|extends?) (?:overall |progression-free )?survival", "strong clinical effect"),
    phrase(F, -0.65, 2.3, "discontinues discontinue discontinued halts halted terminates terminate terminated stops pauses paused suspends ends", r"(?:discontinu\w+|halt\w*|terminat\w+|stops?|paus\w+|suspend\w*|ends)\b[^;]{0,50}(?:trial|study|phase|clinical|enrollment|drug development|dosing)\b", "trial stopped"),
    phrase(F, 0.8, 3.5, "early", r"(?:halt|stop|end)\w*\b[^;]{0,40}early[^;]{0,40}(?:efficacy|benefit|success)", "trial stopped early for success"),
    phrase(F, -0.7, 2.6, "death deaths adverse safety toxicity", r"patient deaths?|serious adverse|safety (?:concerns?|signal|issue)|liver toxicity|treatment-related death", "safety concern"),
    phrase(F, 0.25, 1.2, "dosed doses dosing enrolls", r"(?:first|last) (?:patient|participant|subject)\w* (?:dosed|enrolled|treated)|(?:doses|enrolls) (?:the )?first", "trial under way"),
)  # fmt: skip

COURTS: tuple[Phrase, ...] = (
    phrase(L, -0.25, 1.6, "llp firm firm, firm: plaintiff deadline alert shareholders investors rosen pomerantz investors:", r"(?:rosen|pomerantz|levi & korsinsky|bragar|faruqi|glancy|kessler|hagens berman|schall|robbins|bronstein|kirby|law offices|law firm|\bllp\b|\bllc law)[^;]{0,120}(?:investor|shareholder|class action|investigat|deadline|remind)|(?:shareholder|investor|deadline|class action) (?:alert|reminder|notice)|lead plaintiff", "law firm looks for plaintiffs"),
    phrase(L, -0.5, 1.7, "class lawsuit lawsuits suit sued", r"class[- ]action|\blawsuits?\b|\bis sued\b|\bwas sued\b|\bsued by\b|faces (?:a )?suit", "lawsuit"),
    phrase(L, -0.55, 1.9, "sues suing sue", r"\bsu(?:es|ing)\b", "sued", about="victim"),
    phrase(L, -0.55, 2.7, "against", r"(?:wins?|won|prevails|files?|filed|victory|injunction|ruling|verdict|complaint)\b[^;]{0,60}\bagainst\b", "on the losing side in court", about="victim"),
    phrase(L, -0.5, 1.7, "investigation investigations probe probes probed investigates investigating subpoena subpoenas antitrust raid raided inquiry", r"\bprob(?:e|es|ed)\b|(?:under|faces?|launch\w*|federal|criminal|regulat\w+|sec|doj|ftc|internal|formal|amid)\b[^;]{0,25}investigation|investigations? (?:into|of|on behalf|over)|investigat(?:es|ed|ing)\b|subpoena\w*|antitrust (?:suit|case|probe|charges)|\braid(?:ed|s)?\b|inquiry", "investigation"),
    phrase(L, -0.7, 2.4, "fraud charged indicted charges indictment bribery ponzi guilty embezzlement misleading", r"\bfraud\w*|\bcharged with\b|indict\w+|(?:sec|doj|prosecutors) charges|briber\w+|ponzi|pleads? guilty|embezzl\w+", "charges or fraud"),
    phrase(L, -0.7, 2.6, "short-seller short seller hindenburg muddy citron culper grizzly viceroy report", r"short[- ]?sellers?\b[^;]{0,40}(?:report|alleg|accus|target|claims|says|publish|issues)|short report|hindenburg|muddy waters|citron|culper|grizzly research|spruce point|viceroy", "short seller's report"),
    phrase(L, -0.2, 2.0, "settle settles settlement settled fine fined penalty", r"settl(?:e|es|ed|ement)\b|\bfined?\b[^;]{0,20}\$|penalt", "settlement or fine"),
    phrase(L, 0.5, 2.5, "wins won dismissed dismisses dismissal favor drops ends closes cleared rules victory prevails acquitted", r"(?:wins?|won|victory|prevails)\b[^;]{0,35}(?:lawsuit|case|ruling|appeal|injunction|patent (?:case|fight|dispute|suit|battle|trial|infringement)|court|trial against|verdict|suit)|(?:court|judge|jury)[^;]{0,30}(?:in favou?r of|sides with|dismiss\w+)|dismiss\w+[^;]{0,30}(?:lawsuit|case|suit|complaint)|(?:drops?|closes?|ends?)\b[^;]{0,25}(?:probe|investigation|lawsuit)\b|(?:lawsuit|case|suit|probe|investigation) (?:is |was )?(?:dismissed|dropped|closed)|cleared of", "legal success"),
    phrase(L, -0.6, 2.4, "loses lost guilty jury verdict block blocks ban bans banned liable", r"(?:loses|lost)\b[^;]{0,30}(?:lawsuit|case|ruling|appeal|patent|court|verdict)|found (?:guilty|liable)|jury (?:orders|finds against)|\bbann?(?:s|ed)?\b", "legal defeat"),
    phrase(L, -0.55, 2.0, "tariff tariffs sanctions sanctioned blacklist blacklisted", r"(?:hit|hurt|hammered) by tariffs?|tariffs? (?:hit|hurt|weigh|threat)|sanction(?:s|ed)\b|blacklist\w*", "tariffs or sanctions"),
)  # fmt: skip

BUSINESS: tuple[Phrase, ...] = (
    phrase(C, 0.55, 2.0, "contract contracts order orders award awarded awards deal deals agreement task idiq", r"(?:wins?|won|award\w*|secur\w+|lands?|landed|receiv\w+|signs?|signed|inks?|inked|bags?|clinch\w*|nets?|gets?|scor\w+|books?|executes on|enters? into)\b[^;]{0,70}\b(?:contracts?|orders?|award|deals?|task order|supply agreement|purchase agreement with|licensing agreement|license agreement|long-term agreements?|idiq)\b(?! to (?:acquire|buy|sell|merge))|\bawarded\b[^;]{0,30}\$", "contract won", about="subject"),
    phrase(C, 0.5, 1.9, "selected chosen picked tapped", r"\b(?:selected|chosen|picked|tapped) (?:by|as|for|to)\b", "selected by a customer"),
    phrase(C, 0.45, 1.6, "selects chooses picks taps", r"\b(?:selects|chooses|picks|taps)\b(?! up\b)(?! (?:ceo|cfo|new|former|chief))", "selected by a customer", about="object"),
    phrase(C, 0.35, 1.3, "partnership partners partner collaboration collaborate collaborates teams alliance venture jv", r"\bpartner(?:s|ed|ing)? (?:with|to|on)|partnership|collaborat\w+|teams? up|alliance|joint venture|\bjv\b", "partnership"),
    phrase(C, 0.4, 1.5, "grant funding darpa nih barda", r"(?:receiv\w+|award\w*|wins?|secur\w+)\b[^;]{0,50}\b(?:grant|funding|darpa|nih|barda)\b", "grant or funding", about="subject"),
    phrase(C, -0.55, 2.4, "loses lost cancels canceled cancelled terminates terminated terminates ends scraps cancellation termination", r"(?:los(?:es|t)|cancel\w*|terminat\w+|ends|scraps)\b[^;]{0,40}\b(?:contracts?|orders?|supply deal|deal|agreement|partnership|collaboration|customer)\b|(?:contract|order|deal|agreement|partnership) (?:is |was )?(?:cancel\w+|terminat\w+)", "contract or partner lost"),
    phrase(P, 0.25, 1.0, "launches launch unveils introduces debuts releases announces rolls launched unveiled", r"\b(?:launch(?:es|ed)|unveil(?:s|ed)|introduc(?:es|ed)|debuts|rolls out|releases)\b|announces (?:the )?(?:launch|availability|release) of", "product launched", about="subject"),
    phrase(P, -0.55, 2.0, "recall recalls recalled recalling", r"\brecall(?:s|ed|ing)?\b", "recall"),
    phrase(P, 0.35, 1.4, "patent patents", r"(?:grant\w*|issu\w+|award\w*|receiv\w+|secur\w+|allow\w*|wins?|won)\b[^;]{0,40}\bpatents?\b(?! (?:case|fight|dispute|suit|battle))\b|patents? (?:granted|issued|allow)", "patent granted"),
    phrase(P, -0.45, 1.8, "delays delayed delay postpones postponed", r"(?:delay(?:s|ed)?|postpon(?:es|ed))\b[^;]{0,40}(?:launch|product|release|rollout|production|opening|filing|10-[kq]|annual report|delivery)", "delay"),
    phrase(P, -0.5, 1.8, "outage grounded defect defects halts explosion fire crash breach cyberattack ransomware hacked hack", r"\boutage|grounded|defects?\b|halts? (?:production|operations|shipments)|explosion|\bfire (?:at|breaks|halts)|\bcrash (?:of|kills|involving)|data breach|cyber ?attack|ransomware|\bhack(?:ed)?\b", "operational trouble"),
    phrase(P, 0.4, 1.3, "breakthrough milestone intercepts high-grade discovery discovers high", r"\bbreakthrough\b(?! (?:therapy|device))|milestone|intercept(?:s|ed)? [^;]{0,40}(?:g/t|gold|copper|silver|grade|met)|high-grade|\bdiscover(?:y|s)\b[^;]{0,30}(?:gold|oil|gas|copper|lithium|deposit|mineral)", "milestone or discovery"),
    phrase(S, -0.4, 1.8, "resigns resign resigned resignation departs departure leaves leaving ousted fired steps stepping quits exits dies depart ousts fires retire", r"(?:ceo|cfo|coo|chief|chair\w*|president|founder|executive|finance head)\b[^;]{0,45}(?:resign\w*|step(?:s|ping) down|depart\w*|leaves|leaving|oust\w+|fired|quits|exits?|dies)\b|(?:resignation|departure|exit|ouster) of [\w ]{0,30}(?:ceo|cfo|chief|president)|(?:ousts|fires) (?:its )?(?:ceo|cfo|chief)", "an officer leaves"),
    phrase(S, 0.1, 1.1, "appointment promotion appoints names hires promotes taps elects appointed named welcomes appoint", r"(?:appoints?|names|hires|promotes|taps|elects|welcomes|appointed|named)\b[^;]{0,80}\b(?:ceo|cfo|coo|cto|cmo|chief|president|director|directors|board|officer|vice president|svp|evp|head of|chair\w*|general counsel|finance chief)\b|(?:appointment|promotion) of\b", "an appointment", about="subject"),
    phrase(X, -0.25, 1.3, "layoffs layoff jobs lays workforce", r"lay-?offs?|lays off|job cuts|cut(?:s|ting)? [\w,% ]{0,15}(?:jobs|workforce|staff)|reduc\w+ (?:its )?workforce", "jobs cut"),
    phrase(X, -0.3, 1.3, "strike walkout", r"(?:workers|union|pilots|employees)[\w ]{0,20} (?:strike|walk ?out)|\bstrike (?:vote|looms|begins|halts)", "strike"),
)  # fmt: skip

PHRASES = (*MEDICINE, *COURTS, *BUSINESS)
