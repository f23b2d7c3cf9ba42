"""The check from its guards to its report. Live accounts are refused before anything is asked of them."""

import json
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from config.settings import Settings
from scripts.flattening.hands_off import Trading, trading_now
from scripts.paper_check.questions import QUESTIONS, Finding, findings
from scripts.paper_check.trials import WITH_MONEY, Trial, close_out, without_orders
from scripts.paper_check.wire import CheckError, Paper, paper_account

PAPER_NUMBER = "PA"
"""How the numbers of paper accounts begin."""


class Refused(RuntimeError):
    """The check is not made here; the text says why. Nothing was sent."""


async def check(
    settings: Settings, symbol: str, most_usd: Decimal, patience: float
) -> tuple[tuple[Finding, ...], list[dict[str, Any]], list[str]]:
    """Findings, the record of everything that was answered, and what went wrong on the way. Raises Refused."""
    if settings.broker == "live":
        raise Refused("this is the live account (ALPACA_BASE_URL); the check is made on a paper account only")
    if await trading_now(settings) is Trading.AT_WORK:
        raise Refused("trading is at work and would take the check's shares into its books: stop it (`make down`)")
    trouble = list[str]()
    async with paper_account(settings, most_usd) as paper:
        await _may_check(paper)
        trial = Trial(paper, symbol, patience)
        try:
            await without_orders(trial)
            await _with_money(trial, trouble)
        except CheckError as error:
            trouble.append(str(error))
        record = paper.record
    return findings(trial.seen, trial.why_not), record, trouble


async def _may_check(paper: Paper) -> None:
    """The account's own word that it is a paper account, and empty. Raises Refused."""
    account = await paper.ask("GET", "/v2/account")
    if account.status != 200 or not isinstance(account.body, dict):
        raise Refused(f"the account does not answer: {account.refusal}")
    if not str(account.body.get("account_number", "")).startswith(PAPER_NUMBER):
        raise Refused(f"the account's number does not begin with {PAPER_NUMBER}: this is no paper account")
    held, working = await paper.ask("GET", "/v2/positions"), await paper.ask("GET", "/v2/orders", status="open")
    if not isinstance(held.body, list) or not isinstance(working.body, list):
        raise Refused("positions or open orders cannot be read")
    if held.body or working.body:
        there = f"{len(held.body)} positions and {len(working.body)} open orders"
        raise Refused(f"the account has {there}; the check needs an empty one (`make flatten`)")


async def _with_money(trial: Trial, trouble: list[str]) -> None:
    """The trials that send orders, each on its own: one that breaks is said, and the others go on. Always cleans up."""
    clock = (await trial.paper.ask("GET", "/v2/clock")).body
    if not clock["is_open"]:
        for one in QUESTIONS:
            trial.why_not.setdefault(one.key, f"the market is closed; it opens at {clock['next_open']}")
        return
    try:
        for work in WITH_MONEY:
            try:
                await work(trial)
            except CheckError as error:
                trouble.append(f"{work.__name__}: {error}")
                await close_out(trial)
    finally:
        await close_out(trial)


def write(path: Path, found: tuple[Finding, ...], record: list[dict[str, Any]], trouble: list[str]) -> None:
    """Findings and raw answers as one JSON document, account numbers masked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"findings": [asdict(one) for one in found], "trouble": trouble, "answers": record}
    path.write_text(json.dumps(document, indent=2, default=str), encoding="utf-8")
