"""The wording of an invented news wire. `{c}` company, `{s}` symbol, `{o}` another company, the rest as drawn."""

Wording = dict[tuple[str, int], tuple[str, ...]]

FIRST: Wording = {
    ("FDA", 1): (
        "{c} Receives FDA Approval for {drug} in {illness}",
        "FDA Grants Breakthrough Therapy Designation to {c}'s {drug}",
        "{c} Says Phase 3 Trial of {drug} Met Primary Endpoint in {illness}",
        "{c} Announces FDA Clearance of Its {device}",
        "{c} Reports Positive Topline Results for {drug}; Plans Filing Next Quarter",
        "U.S. FDA Accepts {c}'s Application for {drug} With Priority Review",
    ),
    ("FDA", -1): (
        "{c} Gets Complete Response Letter From FDA for {drug}",
        "{c}'s {drug} Fails to Meet Primary Endpoint in Phase 3 {illness} Study",
        "FDA Places Clinical Hold on {c}'s {drug} Trial",
        "{c} Discontinues Development of {drug} After Disappointing Data",
        "Advisory Panel Votes Against {c}'s {drug} in {illness}",
    ),
    ("M&A", 1): (
        "{c} to Be Acquired by {o} for ${price} Per Share in Cash",
        "{o} Agrees to Buy {c} in ${amount} Deal",
        "{c} Enters Definitive Agreement to Be Taken Private at {pct}% Premium",
        "{c} Confirms Receipt of Unsolicited Takeover Proposal From {o}",
        "{c} Board Backs ${price}-a-Share Offer, Shares Jump",
    ),
    ("EARNINGS", 1): (
        "{c} Q1 EPS ${eps} Beats ${low} Estimate, Sales ${amount} Top Views",
        "{c} Tops First-Quarter Expectations on Strong Demand",
        "{c} Posts Record Quarterly Revenue of ${amount}, Up {pct}% From a Year Ago",
        "{c} Swings to Quarterly Profit; Revenue Climbs {pct}%",
        "{c} Reports Results Above Consensus, Margins Expand",
    ),
    ("EARNINGS", -1): (
        "{c} Q1 EPS ${low} Misses ${eps} Estimate, Sales ${amount} Below Views",
        "{c} Falls Short of First-Quarter Estimates as Demand Weakens",
        "{c} Posts Wider-Than-Expected Quarterly Loss",
        "{c} Quarterly Revenue Drops {pct}%; Margins Contract",
        "{c} Reports Disappointing Results, Cites Higher Costs",
    ),
    ("GUIDANCE", 1): (
        "{c} Raises Full-Year Revenue Outlook to ${amount}",
        "{c} Lifts FY Guidance Above Consensus",
        "{c} Boosts 2026 Profit Forecast on Order Strength",
        "{c} Sees Second-Quarter Sales Well Ahead of Estimates",
    ),
    ("GUIDANCE", -1): (
        "{c} Cuts Full-Year Outlook, Citing Softer Orders",
        "{c} Lowers FY Revenue Guidance Below Consensus",
        "{c} Warns Second-Quarter Profit Will Miss Estimates",
        "{c} Withdraws 2026 Forecast Amid Weak Visibility",
    ),
    ("OFFERING", -1): (
        "{c} Announces Proposed Public Offering of Common Stock",
        "{c} Prices ${amount} Share Offering at a Discount",
        "{c} Files Mixed Shelf of Up to ${amount}",
        "{c} Announces Registered Direct Offering With Warrants",
        "{c} Plans ${amount} Convertible Notes Sale",
    ),
    ("CONTRACT", 1): (
        "{c} Wins ${amount} Contract From U.S. Department of Defense",
        "{c} Selected by {o} for Multi-Year Supply Agreement",
        "{c} Awarded ${amount} Order, Largest in Its History",
        "{c} Signs Strategic Partnership With {o}",
        "{c} Lands Exclusive Five-Year Deal With {o}",
    ),
    ("INSIDER_BUY", 1): (
        "{c} CEO Buys {shares} Shares on Open Market",
        "Form 4: Director of {c} Discloses Purchase of {shares} Shares",
        "{c} Insiders Add to Holdings, Filing Shows",
    ),
    ("ANALYST", 1): (
        "{bank} Upgrades {c} to Buy, Raises Price Target to ${price}",
        "{c} Initiated With Outperform at {bank}",
        "{bank} Lifts {c} Target to ${price}, Names It Top Pick",
        "{c} Upgraded to Overweight From Neutral at {bank}",
    ),
    ("ANALYST", -1): (
        "{bank} Downgrades {c} to Underperform, Cuts Target to ${price}",
        "{c} Cut to Sell at {bank} on Valuation",
        "{bank} Lowers {c} to Neutral, Sees Limited Upside",
        "{c} Downgraded to Underweight at {bank}",
    ),
    ("LEGAL", -1): (
        "{c} Discloses SEC Subpoena Over Accounting Practices",
        "{c} Hit With Patent Verdict of ${amount}",
        "Short Report Alleges Irregularities at {c}",
        "{c} to Restate Prior Financial Statements",
        "Justice Department Opens Probe Into {c}",
    ),
    ("LEGAL", 1): (
        "{c} Wins Patent Appeal Against {o}",
        "Court Dismisses Class Action Against {c}",
        "{c} Settles Litigation With {o} on Favorable Terms",
    ),
    ("DIVIDEND", 1): (
        "{c} Raises Quarterly Dividend {pct}%, Adds Buyback",
        "{c} Declares Special Dividend of ${eps} Per Share",
        "{c} Board Authorizes ${amount} Share Repurchase",
    ),
    ("PERSONNEL", -1): (
        "{c} CFO Resigns Effective Immediately",
        "{c} Chief Executive Steps Down Unexpectedly; Search Begins",
        "{c} Says Auditor Has Resigned",
    ),
    ("PRODUCT", 1): (
        "{c} Unveils Next-Generation Platform; Early Orders Exceed Plan",
        "{c} Launches {device} Ahead of Schedule",
        "{c} Announces Breakthrough in Battery Life for Its {device}",
        "{c} Begins Commercial Shipments of {device}",
    ),
}

AGAIN: Wording = {
    ("FDA", 1): ("{s} Stock Soars After Regulatory Win", "Why {c} Shares Are Surging Today"),
    ("FDA", -1): ("{s} Shares Plunge on Drug Setback", "Why {c} Stock Is Crashing Today"),
    ("M&A", 1): ("{s} Shares Leap on Buyout Agreement", "{c} Spikes as {o} Bids"),
    ("EARNINGS", 1): ("{s} Rises After Earnings Beat", "{c} Shares Gain as Quarter Tops Street"),
    ("EARNINGS", -1): ("{s} Tumbles Following Earnings Miss", "{c} Slides as Quarter Disappoints"),
    ("GUIDANCE", 1): ("{s} Climbs on Stronger Outlook", "{c} Gains After Forecast Increase"),
    ("GUIDANCE", -1): ("{s} Sinks on Weaker Outlook", "{c} Drops After Forecast Cut"),
    ("OFFERING", -1): ("{s} Falls on Stock Sale Plan", "{c} Shares Slip on Dilution Worries"),
    ("CONTRACT", 1): ("{s} Jumps on Contract News", "{c} Shares Rally After New Award"),
    ("INSIDER_BUY", 1): ("{s} Up on Insider Purchases",),
    ("ANALYST", 1): ("{s} Higher on Analyst Upgrade",),
    ("ANALYST", -1): ("{s} Lower on Analyst Downgrade",),
    ("LEGAL", -1): ("{s} Slumps on Legal Worries", "{c} Stock Under Pressure After Disclosure"),
    ("LEGAL", 1): ("{s} Gains on Court Win",),
    ("DIVIDEND", 1): ("{s} Edges Up on Payout Increase",),
    ("PERSONNEL", -1): ("{s} Retreats as Executive Departs",),
    ("PRODUCT", 1): ("{s} Pops on Product Launch",),
}

NEUTRAL = (
    "{c} to Present at {month} Investor Conference",
    "{c} Schedules Second-Quarter Earnings Call",
    "{c} Names New Head of Investor Relations",
    "{c} to Ring Closing Bell",
    "{c} Publishes Annual Sustainability Report",
    "{c} Holds Annual Meeting of Shareholders",
    "{bank} Maintains Neutral on {c}, Keeps ${price} Target",
    "{c} Appoints {person} to Board of Directors",
    "{c} Opens New Office in {city}",
    "{c} Declares Regular Quarterly Dividend",
    "How {c} Compares With Its Peers in {industry}",
    "A Look at {c}'s Institutional Ownership",
    "{c} and {o}: What Investors Should Know",
    "{c} Completes Previously Announced Debt Refinancing",
    "{industry} Stocks Mixed in Quiet Trading",
    "{c} Files Quarterly Report With SEC",
)
HALTED = "{c} Trading Halted, News Pending"
RESUMED = "{c} Trading Resumes"
DELISTED = "Exchange Suspends Trading in {c}; Delisting to Follow"

DRUGS = ("CX-101", "velorotide", "tarlimab", "QN-4417", "besivastat", "ZL-220", "ormatinib")
ILLNESSES = ("Lung Cancer", "Psoriasis", "Type 2 Diabetes", "Heart Failure", "Migraine", "Ulcerative Colitis")
DEVICES = ("Glucose Monitor", "Vision System", "Power Module", "Imaging Platform", "Edge Processor")
BANKS = ("Marlowe Securities", "Hartwell & Co.", "Northgate Capital", "Beacon Research", "Old Harbor")
PEOPLE = ("Dana Whitfield", "Luis Ortega", "Mei Tanaka", "Robert Hale", "Amara Osei")
CITIES = ("Austin", "Dublin", "Singapore", "Toronto", "Denver")
MONTHS = ("June", "July", "September")
WIRES = ("benzinga", "harbor newswire", "street ledger", "market brief")
