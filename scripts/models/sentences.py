"""Sentences of the kinds that the labelled sets lack: reports, wires, posts. templates.txt, filled by chance."""
# ruff: noqa: E501, SIM905 - tables of sentences read better unbroken

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TEMPLATES = Path(__file__).with_name("templates.txt")
LABELS = {"positive": 1, "negative": -1, "neutral": 0}
SIGNS = {"p": 1, "n": -1, "0": 0}
SLOTS: dict[str, tuple[str, ...]] = {
    "co": tuple("Acastor;Belgrave Foods;Cindervale;Dorn Oyj;Elvira Systems;Fennmark;Garrow;Hollin Energy;Istra Pharma;Jolster Bank;Kaldera;Lorne Steel;Meridew;Nackros AB;Ostbrook;Pellmoor;Quarne Therapeutics;Rosvik;Sandhurst Retail;Tolvane;Ullmer;Vexley;Wrenfield;Xanthe Bio;Yarrowdale;Zendor".split(";")),
    "ot": tuple("Aldermoor;Brisk Capital;Castor Lane;Deltine;Everholt;Farnley;Granite Peak Advisors;Hexham Partners;Ingot Securities;Juniper Road".split(";")),
    "gq": tuple("net sales;operating profit;sales;revenue;turnover;EBIT;EBITDA;pretax profit;net profit;earnings;earnings per share;order intake;the order book;operating income;the gross margin;cash flow from operations;comparable sales;deliveries;sales volumes;production;market share;net interest income;profit before tax;the operating margin;passenger traffic;exports;the average selling price;net asset value per share;fee income;the occupancy rate".split(";")),
    "bq": tuple("the net loss;the operating loss;the loss before taxes;costs;operating expenses;net debt;credit losses;unit costs;interest-bearing debt;the pretax loss;administrative costs;loan losses;the loss per share;non-performing loans;the churn rate;the accident rate;warranty costs;interest expenses".split(";")),
    "rose": tuple("rose;increased;grew;climbed;went up;jumped;surged;advanced;was up;soared".split(";")),
    "fell": tuple("fell;decreased;declined;dropped;went down;slid;shrank;was down;slumped;contracted".split(";")),
    "rises": tuple("rises;jumps;climbs;grows;surges;gains;is up".split(";")),
    "falls": tuple("falls;drops;declines;slides;slumps;shrinks;is down".split(";")),
    "soars": tuple("soars;jumps;surges;rallies;climbs;pops;spikes;gains;rises;leaps;rockets".split(";")),
    "sinks": tuple("sinks;tumbles;plunges;slides;slumps;drops;falls;dives;tanks;plummets;slips".split(";")),
    "lo": tuple("2.1;3.4;4.8;5.6;6.7;7.9;8.3;9.2;10.4;11.7;12.5".split(";")),
    "hi": tuple("14.2;15.9;17.3;18.8;20.6;23.1;26.4;31.5;38.7;44.2".split(";")),
    "cur": ("EUR", "USD", "SEK", "EUR", "$", "NOK", "GBP"),
    "u": ("mn", "million", "m", "bn", "million"),
    "pct": tuple("3 %;4.5 %;6 per cent;7 %;8.2 %;9 percent;11 %;14 %;18%;22 %;27%;35 %;41%".split(";")),
    "n": tuple("35;48;60;85;110;140;200;260;320;450;600;900;1,300".split(";")),
    "per": tuple("in the third quarter;in January-September;in the first half;for the full year;in the second quarter of 2011;year on year;in the review period;from a year earlier;in 2009;in April-June".split(";")),
    "yr": ("a year earlier", "in the corresponding period", "a year ago", "the year before", "in the same quarter of last year", "in the comparison period"),
    "city": tuple("Oulu;Malmo;Gdansk;Leeds;Porto;Tartu;Ohio;Texas;Lyon;Riga;Utrecht;Shanghai;Vaasa".split(";")),
    "thing": tuple("valves;software licences;lifts;turbines;paper machines;mobile networks;school meals;medical devices;tyres;buses;power cables;mining trucks;drones;batteries".split(";")),
    "who": tuple("the city of Porto;a German utility;the Navy;a leading operator;the Ministry of Defence;a US retailer;NASA;an automotive customer;the national railway".split(";")),
    "name": tuple("Anna Berg;John Marsh;Petri Salo;Lena Quist;David Orr;Carla Nunez".split(";")),
    "role": tuple("chief financial officer;head of marketing;chief operating officer;board member;vice president, sales;general counsel;director of communications".split(";")),
    "mon": tuple("January;March;May;June;September;October;November".split(";")),
    "drug": tuple("asthma drug;gene therapy;cancer treatment;migraine pill;vaccine;insulin patch;eye drug".split(";")),
    "an": tuple("Harold Finch-Moore;Ines Kalbe;T. Raghav;Milan Stroud;Dora Anand;Per Lindqvist;Sunil Kapadia;Greta Vos;Owen Tull;Meera Joshi-Lane".split(";")),
    "fx": tuple("Norwegian crown;baht;rand;lira;zloty;Swiss franc;peso;real;krona;ringgit;shekel;forint".split(";")),
    "cm": tuple("tin;nickel;palladium;cocoa;coffee;cotton;soybeans;lead;platinum;iron ore;rubber;palm oil;natural gas;coal".split(";")),
    "sec": tuple("bank stocks;retailers;cement makers;airlines;chipmakers;miners;carmakers;power utilities;drugmakers;builders;insurers;steelmakers;telecoms;software names".split(";")),
    "ix": tuple("the DAX;the CAC;the Nikkei;the FTSE;the Nifty;the S&P 500;the Kospi;the Hang Seng;the Dow;the Sensex".split(";")),
    "lv": tuple("5,850;6,120;7,400;8,050;118;245;312;64;930;1,480".split(";")),
    "tk": tuple("$XVA;$QRT;$BLM;$KPO;$ZED;$MOL;$TRN;$WIX".split(";")),
}  # fmt: skip


class Sentence(NamedTuple):
    """A written sentence: text, the company it is judged for (None: no one in particular), label -1, 0, 1."""

    text: str
    company: str | None
    label: int


def _filled(template: str, dice: random.Random) -> tuple[str, dict[str, str]]:
    chosen: dict[str, str] = {}

    def one(match: re.Match[str]) -> str:
        slot = match.group(1)
        word = dice.choice(SLOTS[slot])
        return chosen.setdefault(slot, word) if slot in ("co", "ot", "cur", "u", "tk") else word

    text = re.sub(r"\{(\w+)\}", one, template)
    return text[0].upper() + text[1:], chosen


def _templates() -> Iterator[tuple[int, int | None, str]]:
    """Label for `co`, label for `ot` (None: not asked), template; in the order of the file."""
    heading = ""
    for line in TEMPLATES.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            heading = line.split()[1]
        elif heading in LABELS and line:
            yield LABELS[heading], None, line
        elif line:
            first, second, template = line.split("|")
            yield SIGNS[first], SIGNS[second], template


def sentences(copies: int, seed: int) -> Iterator[Sentence]:
    """`copies` fillings of every template. The same seed gives the same sentences."""
    dice = random.Random(seed)
    for label, other, template in _templates():
        for turn in range(copies):
            text, chosen = _filled(template, dice)
            company = chosen.get("co") or chosen.get("tk")
            yield Sentence(text, company if turn % 2 or other is not None else None, label)
            if other is not None and "ot" in chosen:
                yield Sentence(text, chosen["ot"], other)
