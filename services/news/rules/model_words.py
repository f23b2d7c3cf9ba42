"""What words do in a sentence about a business: which way something goes, whether more of it is good, what is said."""
# ruff: noqa: E501, SIM905 - lists of words read better as text

CLASSES: dict[str, str] = {
    "UP": """
        rise rises rose risen rising increase increases increased increasing grow grows grew grown growing growth climb climbs climbed
        climbing jump jumps jumped jumping gain gains gained gaining advance advances advanced advancing improve improves improved
        improving improvement strengthen strengthens strengthened strengthening boost boosts boosted boosting lift lifts lifted
        lifting raise raises raised raising hike hikes hiked up higher upward upwards double doubles doubled doubling triple triples
        tripled tripling quadruple quadruples quadrupled accelerate accelerates accelerated accelerating expand expands expanded
        expanding widen widens widened widening wider swell swells swelled swollen spike spikes spiked leap leaps leaped leapt balloon
        balloons ballooned multiply multiplied more larger greater bigger bump bumps bumped ups upped increases mount mounts mounted
        mounting escalate escalated escalating surge surges surged surging soar soars soared soaring skyrocket skyrockets skyrocketed
        build builds adds added inch inches edges lengthens picked extend extends extended ascend ascends heightened elevated dearer""",
    "DOWN": """
        fall falls fell fallen falling decrease decreases decreased decreasing decline declines declined declining drop drops dropped
        dropping down lower lowers lowered lowering cut cuts cutting reduce reduces reduced reducing reduction reductions shrink
        shrinks shrank shrunk shrinking slash slashes slashed slashing trim trims trimmed trimming weaken weakens weakened weakening
        narrow narrows narrowed narrowing narrower halve halves halved ease eases eased easing erode erodes eroded less fewer smaller
        slow slows slowed slowing slower decelerate decelerates decelerated dwindle dwindles dwindled shed sheds dip dips dipped
        slip slips slipped slipping slide slides slid sliding sink sinks sank sunk sinking plunge plunges plunged plunging plummet
        plummets plummeted tumble tumbles tumbled tumbling slump slumps slumped slumping downward downwards contracts contracted
        diminish diminished diminishes pares pared chop chops recede recedes receded deteriorate deteriorates deteriorated cheaper
        decreases lag lags lagged soften softens softened softening retreat retreats retreated""",
    "GOODQ": """
        profit profits earnings sales revenue revenues turnover income ebit ebitda ebitda margin margins eps orders order bookings
        backlog demand volume volumes deliveries production output shipments subscribers customers traffic dividend dividends payout
        capacity productivity profitability pat exports assets aum deposits results result efficiency occupancy guidance outlook
        forecast forecasts shipments passengers comps visits users intake orderbook collections disbursements bottomline topline
        premiums cash liquidity equity return returns share shares stock stocks price target rating upside backlog wages
        registrations sale pretax operating quarterly net like-for-like prices growth buyback buybacks repurchase""",
    "BADQ": """
        loss losses cost costs expense expenses expenditure debt debts indebtedness leverage liabilities impairment impairments
        writedown writedowns write-down write-downs writeoff writeoffs charge charges deficit deficits churn delinquencies defaults
        provisions provisioning npa npas arrears overdue complaints layoffs attrition downtime waste shortfall dilution tax taxes
        burn fines penalties uncertainty risk risks weakness accidents injuries headwinds claims borrowings borrowing gearing
        unemployment downside overheads redundancies vacancies chargeoffs charge-offs nonperforming spending cancellations""",
    "GOOD": """
        beat beats beating tops topped topping exceed exceeds exceeded exceeding surpass surpasses surpassed surpassing win wins won
        winning winner winners award awards awarded approval approvals approve approves approved clearance cleared upgrade upgrades
        upgraded outperform outperforms outperformed outperforming overweight bullish record strong stronger strongest strongly robust
        solid healthy positive positively upbeat favourable favourably favorable favorably success successful successfully profitable
        breakthrough rebound rebounds rebounded rebounding rally rallies rallied rallying recover recovers recovered recovery
        milestone momentum optimism optimistic accretive synergies secures secured lands landed clinches clinched clinch selected
        chosen bumper bounce bounces bounced bouncing bright brighter cheer cheers thrive thrives thriving impressive
        attractive undervalued breakout bargain bulls rocket rockets rocketed ripping shines shine outshine brisk buoyant
        lucrative best better good great excellent opportunity opportunities benefit benefits benefited leading leader top wins
        high highs peak multibagger accumulate invest promising confident confidence resilient resilience stellar blowout
        partnership partners collaboration cooperation alliance teams savings breakeven green squeezed regain regains regained compliance
        stabilise stabilised stabilize eligible oversubscribed pleased satisfied satisfactory exclusive sole expansion advances
        go-ahead greenlight nod cleared clears upside lucrative inflows milestone oversold raise-and-beat promise upswing uptrend tailwind tailwinds popped pops gainers gainer outpaces outpaced outpace""",
    "BAD": """
        miss misses missed missing disappoint disappoints disappointed disappointing disappointment weak weaker weakest poor poorly
        warn warns warned warning warnings downgrade downgrades downgraded underperform underperforms underperformed underweight
        bearish lawsuit lawsuits sued sues suit probe probes probed investigation investigations fraud fraudulent recall recalls
        recalled fine fined penalty layoff lay-offs lay-off laid axe axes axed bankrupt bankruptcy insolvency insolvent default
        defaulted delisting delisted deficiency suspend suspends suspended suspension halt halts halted delay delays delayed cancel
        cancels cancelled canceled terminate terminates terminated termination scrap scraps scrapped quit quits resign resigns
        resigned row strike strikes closure closures shut shuts shutdown burden burdened burdens hurt hurts hit hits pressure
        pressured crash crashes crashed crater craters cratered idle idled dent dents dented struggle struggles struggled struggling
        headwind sluggish soft softer challenging difficult difficulties tough tougher concern concerns concerned fear fears
        worry worries worried overvalued bears dump dumps dumped dumping broken heavy breakdown fail fails failed failing failure
        flunk flunks reject rejects rejected rejection lost lose loses losing breach leak hack hacked damages negative negatively
        adverse adversely worse worst unable dilutive bad crisis trouble troubled troubles scandal accused accuses accuse alleged
        allegations alleges charged guilty ban bans banned blocked blocks avoid selloff sell-off losers loser low lows drag drags
        dragged weigh weighs weighed selling threat threatens slowdown recession downturn downtrend volatile turmoil collapse
        collapses collapsed outage grounded explosion shortage shortages subdued gloomy gloom bleak pessimistic lacklustre
        lackluster unfavourable unfavorable unprofitable loss-making redundancy dismiss dismissed fires fired ousted exit exits
        tank tanks tanked nosedive nosedives scrutiny sanctions tariffs snub snubs desert deserts overrated red damage
        woes revolt rebel slams slam blames ugly mess overbought outflows breaches breached raided collapse shortfall rout writes deteriorating deterioration short shorts shorting puts delist distress distressed restated restate overhang""",
    "NOT": "not no never without none neither nor cannot can't won't isn't doesn't didn't hasn't wasn't don't aren't unlikely",
    "THAN": "compared against versus vs from than year-ago earlier corresponding previous comparable",
    "ASK": "why how what which should could can will would is are does do who when where if",
    "DULL": """
        headquartered located employs founded listed publish published release released publishes releases meeting held webcast conference
        appointed appoints names named appoint disclosed undisclosed subject consists includes covers manufactures makes
        produces operates present presents presentation participate attend host hosts schedule schedules date announce
        announces interim bulletin owned issued registered subsidiary specialises specializes designs manufacturer provider""",
    "HOLD": "hold neutral maintains maintain reiterates reaffirms keeps unchanged flat steady stable unaffected equal-weight in-line",
    "BUY": "buy buys bought buying accumulate long longs calls loading added bull",
    "SELL": "sell sells sold offload offloads offloading divest divests exit stake",
    "DEAL": "acquire acquires acquired acquisition merger merge takeover buyout bid offer contract contracts agreement deal deals",
    "PICK": """
        prefer prefers preferring like likes favour favours favourite favourites favorite favorites bet bets pick picks recommend recommends
        recommended suggest suggests overweight outperformer outperformers compelling cheap multibaggers hot darling must-have
        undervaluation hopeful worth perform well safe fancy fancied toast supported supports support bargains bottoming bottomed""",
    "SHUN": """
        choppy cautious caution wary risky stretched expensive overpriced pricey frothy bubble trap skeptical avoiding correction
        resistance underperformer underperformers underperforming rich sidelines profit-booking profit-taking unattractive jittery nervous
        uncertain uncertainties sideways lackluster vulnerable""",
}
"""A word belongs to the first class that lists it."""

BREAKS = frozenset(["while", "whereas", "but", "as", "amid", "despite", "after", "although", "though", ";", "-", "--"])
"""Words and marks that begin another clause."""

CLASS_OF: dict[str, str] = {
    word: name for name, words in reversed(list(CLASSES.items())) for word in sorted(set(words.split()))
}

MOODLESS = frozenset(
    """
    abuse arrested arrests attack attacked attacks bomb chaos contagion crime criminal crude dead death disaster
    emergency fire hope hopes illegal infected kill killed kills murder panic prison ready save scam scare war wars
""".split()
)
"""Words of the world at large: their everyday mood says nothing of a business."""
