"""What regulators and trials say about medicines and devices."""
# ruff: noqa: E501 - a table of expressions reads better unbroken

from services.news.rules.phrase import Phrase, phrase
from shared.domain.news import Catalyst

F = Catalyst.FDA

_AGENCY = r"\b(?:fda|food and drug administration|ema|chmp|european commission|ec|mhra|health canada|nmpa|pmda|tga|anvisa|swissmedic|nice|regulators?)\b"
_AGENCY_WORDS = "fda food ema chmp ec commission mhra canada nmpa pmda tga anvisa swissmedic nice regulator regulators"
_TRIAL = r"(?:trials?|(?:early|mid|late)[- ]stage|(?<!feasibility )(?<!economic )(?<!case )stud(?:y|ies)|phase (?:[1-4]|i{1,3}v?)\b[\w/]*|clinical|registrational|pivotal|top-?line|patients?|preclinical|pre-clinical|real-world|in vivo|cohort)"
_MEETING = r"(?:asco|eha|eular|esmo|aacr|ada|easl|endo|ats|ash|aan|aad|acc|aha|esc|ddw|isth|sitc|ern|era|ascp|arvo|aua|eaaci|wclc|sleep|world congress|annual meeting|congress)\b"
_ILLNESS = r"(?:therap(?:y|ies)|disease|cancers?|leukemia|melanoma|myeloma|lymphoma|carcinoma|tumou?rs?|syndrome|obesity|diabetes|efficacy|clinical activity|combination with)"
_DATA = r"\b(?:data|results|findings|readout|evidence|case series|abstracts?)\b"

DECISIONS: tuple[Phrase, ...] = (
    phrase(F, -0.9, 3.5, "complete crl crls", r"complete response letter|(?<![($:])(?<!: )\bcrls?\b(?!\))", "FDA complete response letter"),
    phrase(F, -0.85, 3.2, _AGENCY_WORDS + " file rejected rejects", _AGENCY + r"[^;]{0,40}\b(?:reject\w*|declin\w+|refus\w+|den(?:y|ies|ied)|turns? down|does not approve)|refus\w+[- ]to[- ]file|reject\w* by (?:the )?" + _AGENCY, "regulator says no"),
    phrase(F, 0.8, 2.8, _AGENCY_WORDS, _AGENCY + r"[^;]{0,50}\b(?:approv(?:es|ed|al)|clear(?:s|ed|ance)|authori[sz]\w+|green-? ?(?:light(?:s|ed)?|lit)|okays?|nod)\b|(?:approv\w+|clear(?:ed|ance)|authori[sz]ed|nod) (?:by|from) (?:the )?(?:(?:u\.?s\.?|eu|uk|european|health|drugs?|japan\w*) ){0,2}" + _AGENCY, "regulator approves"),
    phrase(F, 0.7, 2.6, "510(k) 510 ce approval clearance authorization authorisation", r"(?:receiv\w+|wins?|secur\w+|gains?|gets?|granted|obtain\w+|earns?)\b[^;]{0,50}(?:510\(?k|ce mark|marketing (?:approval|authori)|regulatory (?:approval|clearance))", "regulator approves"),
    phrase(F, 0.6, 2.0, "ce 510 novo nod emergency label conditional pediatric supplemental marketing", r"\bce mark|510\(k\)|de novo (?:clearance|classification|authori)|emergency use|(?:gets?|wins?|receiv\w+|gains?|secures?)\b[\w .'-]{0,25} nod (?:for|to treat|in)\b|label expansion|(?:conditional|pediatric|supplemental|marketing)[\w ]{0,14} approval|expands? [\w ]{0,20} label\b", "regulator approves"),
    phrase(F, 0.6, 1.6, "approval nod clearance", r"\b(?:wins?|gets?|gains?|secures?|receives?|obtains?)\b[^;]{0,20}\b(?:eu|european|u\.s\.|us|uk|japan\w*|chin\w+|canad\w+) (?:\w+ )?(?:approval|nod|clearance)\b(?![^;]{0,30}\b(?:merger|deal|acqui|takeover|purchase))", "a regulator approves"),
    phrase(F, 0.5, 1.6, "approval approvals approved", r"(?:drug|therapy|treatment|vaccine|device|tablets?|injection|indication|antibody|biosimilar|companion animal)[\w ]{0,30} approv(?:al|ed)\b|approval (?:of|for) [^;]{0,40}(?:drug|therapy|treatment|vaccine|device|cancer|disease|syndrome)", "approval"),
    phrase(F, -0.65, 3.1, _AGENCY_WORDS, _AGENCY + r"[^;]{0,25}\b(?:ask|request|requir|want|demand|seek|need)(?:s|ed|es)?\b[^;]{0,30}\b(?:additional|another|more|new|further|second)\b[^;]{0,20}\b(?:trials?|stud(?:y|ies)|data|information|analys[ei]s)\b", "regulator wants more data"),
    phrase(F, -0.6, 2.7, "form import observations", r"\bform 483\b|import alert|483 observations", "plant found wanting"),
    phrase(F, -0.55, 2.6, "class", r"(?:fda|regulators?)\b[^;]{0,80}\bclass (?:i|1|ii|2)\b(?! (?:milling|railroad))|\bclass (?:i|1) recall", "device recall"),
    phrase(F, -0.8, 3.2, "hold", r"(?:clinical|partial) hold|\bfda\b[^;]{0,30}\bhold\b|\bhold on\b[^;]{0,40}\b(?:trial|study)", "clinical hold"),
    phrase(F, 0.65, 3.6, "hold", r"(?:lift\w*|remov\w+|releas\w+)\b[^;]{0,30}(?:clinical|partial)[\w ]{0,10} hold|clinical hold (?:is |was |has been )?(?:lifted|removed)", "clinical hold lifted"),
    phrase(F, 0.5, 2.2, "breakthrough fast orphan priority rmat accelerated rare prime sakigake", r"(?:breakthrough therapy|breakthrough device|fast track|orphan[- ]drug|rmat|rare pediatric|prime designation|sakigake)[\w ]{0,20}(?:designation|status|tag)?(?! (?:designation )?request)|priority review(?! voucher)|accelerated approval", "favoured review"),
    phrase(F, 0.3, 2.0, "designation designations voucher", r"(?:orphan|pediatric|fast track|breakthrough)[\w ]{0,20} designation|priority review voucher", "favoured review"),
    phrase(F, -0.8, 2.9, "committee adcomm panel advisers advisors opinion board", r"(?:committee|adcomm|panel|advis[eo]rs|monitoring board)[\w ]{0,20} (?:votes? against|recommend\w* (?:against|(?:to )?(?:stop|halt|discontinu|terminat|refus)\w*)|negative opinion|reject\w*|does not (?:back|support)|declin\w+)|negative (?:chmp )?opinion", "advisers against it"),
    phrase(F, 0.65, 2.6, "committee adcomm panel advisers advisors opinion", r"(?:committee|adcomm|panel|advis[eo]rs)[\w ]{0,20} (?:votes? (?:in favou?r|for|to (?:back|recommend))|back\w*|recommend\w*(?! (?:against|(?:to )?(?:stop|halt|discontinu|terminat|refus)))|endors\w+)|positive (?:chmp )?opinion", "advisers vote in favour"),
    phrase(F, 0.3, 1.6, "nda bla ind snda sbla pdufa submission submits anda accepts fda maa", r"(?:accept\w*|submi\w+|fil\w+|clear\w+)\b[^;]{0,60}\b(?:s?nda|s?bla|ind|anda|maa|new drug application|biologics license|fda)\b|\b(?:s?nda|s?bla|ind|maa)\b[\w ]{0,25}(?:accept|submi|clear|fil)|\bfda accepts\b", "application on its way"),
    phrase(F, -0.55, 2.4, "delays delayed extends extended pdufa push pushes pushed pushing", r"(?:delay\w*|extend\w*|postpon\w*|push(?:es|ed|ing)? back)\b[^;]{0,40}(?:pdufa|review|decision date|approval)|pdufa[\w ]{0,20}(?:delay|extend)", "review delayed"),
    phrase(F, -0.55, 2.2, "warning boxed black", r"(?:fda|agency)[^;]{0,30}warning letter|warning letter from (?:the )?(?:u\.?s\.? )?fda|boxed warning|black box", "FDA warning"),
    phrase(F, 0.0, 1.0, "fda pdufa", r"\bfda\b|\bpdufa\b", "the FDA has to do with it"),
)  # fmt: skip

TRIALS: tuple[Phrase, ...] = (
    phrase(F, -0.85, 3.2, "placebo futility futile failure setback flop", r"\b(?:trial|study|drug|vaccine) (?:failure|setback|flop)\b|(?:fail\w*|no better|not (?:superior|better)|unable|inferior)\b[^;]{0,50}placebo|\bfutil(?:ity|e)\b", "trial failed"),
    phrase(F, -0.9, 3.3, "fail fails failed failing misses missed missing meet endpoint endpoints flops", r"(?:fail\w*|miss(?:es|ed|ing)|d(?:id|oes|o) not (?:meet|achieve)|unable to meet)\b[^;]{0,60}(?:endpoints?|trial|study|phase (?:[1-3]|i{1,3})|(?:main|primary|key|co-primary|secondary) (?:goal|aim|objective|target))|(?:trial|study|drug|candidate|therapy|phase (?:[1-3]|i{1,3})\w?)[\w ]{0,25} (?:fail(?:s|ed)?|flops?|disappoints?|misses)\b", "trial failed"),
    phrase(F, -0.7, 2.8, "underwhelm underwhelms underwhelming disappoint disappoints disappointed short flunks flunked flops flopped", r"\b(?:drug|shot|jab|pill|vaccine|therapy|treatment|trial|study|data|stage)\b[^;]{0,40}\b(?:underwhelm|disappoint|falls? short|fell short|flunk|flop)\w*|\b(?:flunk|flop)\w*\b[^;]{0,30}\b(?:trial|study|test|stage)\b", "trial failed"),
    phrase(F, 0.65, 2.5, "cuts cut reduces reduced lowers lowered slows slowed shrinks shrank", r"\b(?:cuts?|reduce[sd]|lower(?:s|ed)|slow(?:s|ed)|shr[ai]nks?)\b[^;]{0,50}\d%[^;]{0,40}\b(?:trial|study|phase)\b", "strong clinical effect"),
    phrase(F, 0.7, 2.6, "beat beats bests outperforms outperformed superior", r"\b(?:beats?|bests|outperform(?:s|ed)|superior to)\b[^;]{0,60}\b(?:study|trial|placebo|phase)\b", "trial met its endpoint"),
    phrase(F, 0.8, 2.8, "met meets achieves achieved hits meet", r"(?:met|meets?|achiev\w+|hits?)\b[^;]{0,45}(?:endpoints?|(?:main|primary|key|co-primary) (?:goal|aim|objective)s?)\b(?![^;]{0,20}miss)", "trial met its endpoint"),
    phrase(F, 0.65, 2.3, "positive encouraging promising favorable compelling strong", r"(?:positive|encouraging|promising|favou?rable|compelling)\b[^;]{0,40}(?:top-?line|data|readout|trial|study|phase|interim|proof[- ]of[- ]concept|clinical)\b|(?:positive|encouraging|promising|favou?rable|compelling|strong)\b[^;]{0,40} results\b[^;]{0,70}" + _TRIAL + r"|strong\b[^;]{0,40}\b(?:top-?line|phase [1-4]|clinical data)", "positive trial data"),
    phrase(F, -0.65, 2.3, "negative disappointing discouraging", r"(?:negative|disappointing|discouraging)\b[^;]{0,25}(?:top-?line|data|readout|trial|study|phase|clinical)", "disappointing trial data"),
    phrase(F, 0.6, 2.0, "significant significantly durable efficacy tumor survival responses meaningful sustained complete", r"statistically significant|clinically meaningful|significant(?:ly)? (?:improv\w+|reduc\w+|greater|prolong\w*)\b[^;]{0,80}" + _TRIAL + r"|(?:durable|sustained|complete)\W{0,2} (?:respons|efficacy|benefit|remission)|(?:improv\w+|prolong\w+|extends?) (?:overall |progression-free )?survival", "strong clinical effect"),
    phrase(F, 0.55, 1.9, "improved improves improvement improvements reduces reduction benefit activity efficacy safety response responses", r"(?:improv\w+|reduc\w+|benefit|robust activity|efficacy|respons\w+|safety)\b[^;]{0,70}\b(?:phase (?:[1-4]|i{1,3}v?)\b|trial\b|study\b|patients with)|" + _TRIAL + r"[^;]{0,60}(?:shows?|demonstrat\w+)[^;]{0,40}(?:improv\w+|efficacy|benefit|respons\w+|activity)", "a clinical effect shown"),
    phrase(F, -0.65, 2.6, "discontinues discontinue discontinued halts halted terminates terminate terminated stops pauses paused suspends ends delays delayed", r"(?:discontinu\w+|halt\w*|terminat\w+|stops?|paus\w+|suspend\w*|ends|delay\w*)\b[^;]{0,50}(?:trial|study|phase (?:[1-4]|i{1,3}v?)|clinical|enrollment|drug development|dosing)\b", "trial stopped or delayed"),
    phrase(F, 0.8, 3.5, "early", r"(?:halt|stop|end)\w*\b[^;]{0,40}early[^;]{0,40}(?:efficacy|benefit|success)", "trial stopped early for success"),
    phrase(F, -0.7, 2.6, "death deaths dies died adverse safety toxicity cases patients", r"patient deaths?|\bdeaths?\b[^;]{0,40}\b(?:trial|study)\b|\bpatients? (?:has |have )?(?:dies?|died)\b|deaths? of [\w ]{0,20}patients?|\b(?:reports?|cases?) of [\w -]{3,40} (?:in|among) patients|serious adverse|safety (?:concerns?|signal|issue)|liver toxicity|treatment-related death", "safety concern"),
    phrase(F, 0.25, 1.6, "dosed doses dosing enrolls enrolled enrollment enrolment randomized", r"(?:first|last) (?:patient|participant|subject)\w* (?:dosed|enrolled|treated|randomi[sz]ed)|(?:doses|enrolls) (?:the )?first|(?:complet\w+|full|strong|surpass\w+|ahead)\b[^;]{0,20} (?:enrol\w+|dosing)|reach\w* [^;]{0,20}enrol\w+|enrol\w+ (?:complet\w+|and dosing|progress|momentum|milestone)|(?:patient|trial|study) enrol\w+", "trial under way"),
    phrase(F, 0.25, 1.6, "initiates initiation begins starts launches commences initiated", r"(?:initiat\w+|begins?|starts?|launch\w*|commenc\w*)\b[^;]{0,60}\b(?:clinical (?:trial|study)|phase (?:[1-4]|i{1,3}v?)\b|pivotal (?:trial|study)|dosing)", "trial under way"),
    phrase(F, 0.1, 1.9, "data results findings readout evidence abstract abstracts series", r"(?<!to )(?<!will )\b(?:present(?:s|ed|ation)|highlight(?:s|ed)|showcas(?:es|ed)|announc\w+|report(?:s|ed)|publish\w*|publication|demonstrat(?:es|ed))\b[^;]{0,110}" + _DATA + r"[^;]{0,120}\b(?:" + _TRIAL + r"\b|" + _ILLNESS + r"\b|at (?:the )?(?:20\d\d )?" + _MEETING + r")", "clinical data shown"),
    phrase(F, 0.1, 1.8, "data results findings evidence", _DATA + r"[^;]{0,40} at (?:the )?(?:20\d\d )?" + _MEETING, "clinical data shown"),
    phrase(F, 0.1, 1.9, "trial study phase clinical preclinical registrational pivotal", r"(?<!to )(?<!will )\b(?:present(?:s|ed)|highlight(?:s|ed)|showcas(?:es|ed)|announc\w+|report(?:s|ed)|publish\w*|publication|updated)\b[^;]{0,80}\b(?:phase (?:[1-4]|i{1,3}v?)\b[\w/]*|(?:pre-?)?clinical|registrational|pivotal|top-?line)\b[^;]{0,60}" + _DATA, "clinical data shown"),
    phrase(F, 0.3, 1.8, "trial data", r"\breports?\b[^;]{0,80}\b(?:cancer|drug|clinical|combo|vaccine|therapy)\b[^;]{0,20}\btrial\b|\bclinical data (?:shows?|demonstrat\w+)", "clinical data shown"),
    phrase(F, 0.2, 1.4, "preclinical pre phase", r"pre-?clinical (?:data|results|study|model|[\w-]+ ){0,3}|phase [1-4]\w? (?:data|results|readout)", "clinical data"),
    phrase(F, 0.15, 1.5, "publication publishes", r"publi(?:cation|shes)\b[^;]{0,140}\b(?:phase [1-4]|combination|" + _ILLNESS + r")\b", "clinical data published"),
    phrase(F, 0.1, 1.3, "clinical trial", r"\bclinical (?:data|results|activity|trials?|study|benefit)\b|\btrial (?:shows?|identif\w+|demonstrat\w+|results|data)\b", "clinical data"),
    phrase(F, 0.0, 1.0, "phase", r"\bphase (?:[1-4]|i{1,3}v?)\b[^;]{0,30}\b(?:trial|study|clinical)", "a trial"),
)  # fmt: skip

PHRASES = (*DECISIONS, *TRIALS)
