"""Mistakes in the broker's adapter, in risk, and in what workflow sends."""

from tests.mutants.mutant import Mutant

ALPACA, CACHE = "shared/adapters/alpaca.py", "shared/adapters/redis_cache.py"
CHECKS, DAY = "services/risk_manager/rules/checks.py", "services/risk_manager/rules/day.py"
RISK_STORE, STOP = "services/risk_manager/store/__init__.py", "services/risk_manager/rules/stop.py"
SCANNING, DECIDING = "services/workflow/flow/scanning.py", "services/workflow/flow/deciding.py"
CHECK_TESTS = ("tests/risk_manager/test_checks.py",)
DAY_TESTS = ("tests/risk_manager/test_rules.py", "tests/risk_manager/test_stop.py")
PROPOSAL_TESTS = ("tests/workflow/test_proposals.py", "tests/workflow/test_approvals.py")

OTHER_MUTANTS = (
    Mutant(
        "no time-outs at the broker",
        ALPACA,
        'return super().send(request, **{**options, "timeout": self._timeouts})',
        "return super().send(request, **options)",
        ("tests/shared/test_broker_patience.py",),
    ),
    Mutant(
        "the budget's reserve the wrong way round",
        ALPACA,
        'EXIT_RESERVE if request.order_class == "bracket" else 0,',
        '0 if request.order_class == "bracket" else EXIT_RESERVE,',
        ("tests/shared/test_broker_patience.py",),
    ),
    Mutant(
        "the reserve is added to the budget",
        CACHE,
        "ceiling = per_minute - reserve",
        "ceiling = per_minute + reserve",
        ("tests/shared/test_redis_cache.py",),
    ),
    Mutant(
        "a page that is missing is an order that is missing",
        ALPACA,
        "if refused.status == 404 and refused.code is not None:",
        "if refused.status == 404:",
        ("tests/shared/test_alpaca_broker.py",),
    ),
    Mutant(
        "a lost write is a plain failure",
        ALPACA,
        "kind = OutcomeUnknown if writes and sent else Unavailable",
        "kind = Unavailable",
        ("tests/shared/test_alpaca_broker.py",),
    ),
    Mutant(
        "two risk decisions at once",
        RISK_STORE,
        '    await connection.execute("SELECT pg_advisory_xact_lock($1)", DECIDING)\n',
        "    pass\n",
        ("tests/risk_manager/test_turns.py",),
    ),
    Mutant(
        "a limit is only held when it is passed by far",
        CHECKS,
        "    margin = float(Decimal(str(limit)) - Decimal(str(value)))\n",
        "    margin = float(Decimal(str(limit)) * 2 - Decimal(str(value)))\n",
        CHECK_TESTS,
    ),
    Mutant(
        "halted is said and passes",
        CHECKS,
        'return _says("halted", False, f"trading is halted: {case.book.halted}")',
        'return _says("halted", True, f"trading is halted: {case.book.halted}")',
        CHECK_TESTS,
    ),
    Mutant(
        "held twice is no matter",
        CHECKS,
        'return _says("duplicate_or_held", not kinds,',
        'return _says("duplicate_or_held", True,',
        CHECK_TESTS,
    ),
    Mutant(
        "the day's loss leaves out the stops that stand",
        CHECKS,
        "worst = case.book.day_loss + case.book.risk + case.risk",
        "worst = case.book.day_loss + case.risk",
        (*CHECK_TESTS, "tests/risk_manager/test_turns.py"),
    ),
    Mutant(
        "positions are counted without this one",
        CHECKS,
        "after = len(case.book.symbols | {case.subject.symbol})",
        "after = len(case.book.symbols)",
        CHECK_TESTS,
    ),
    Mutant(
        "the whole loss only warns",
        DAY,
        '"emergency" if _spent(loss, limit) else "warning"',
        '"warning" if _spent(loss, limit) else "warning"',
        DAY_TESTS,
    ),
    Mutant(
        "a refusal of trading is an order",
        SCANNING,
        '        return replace(pick, outcome="refused", reason=refusal.detail)\n',
        '        return replace(pick, outcome="order", reason=refusal.detail)\n',
        ("tests/workflow/test_scan.py", "tests/workflow/test_answers.py"),
    ),
    Mutant(
        "more are sent than were wanted",
        SCANNING,
        '        places -= sent.outcome == "order" and not was_sent\n',
        "        places -= 0\n",
        ("tests/workflow/test_scan.py", "tests/workflow/test_restart.py"),
    ),
    Mutant(
        "a stopped cycle goes on sending",
        SCANNING,
        "if not was_sent and not await store.is_running(deps.pool, run.cycle.cycle_id):",
        "if False:",
        ("tests/workflow/test_scan.py", "tests/workflow/test_cycle.py"),
    ),
    Mutant(
        "an answer about another order is taken",
        SCANNING,
        "    if (order.decision_id, order.symbol) != (approved.decision_id, approved.symbol):\n",
        "    if False:\n",
        ("tests/workflow/test_answers.py",),
    ),
    Mutant(
        "a proposal is sent however late",
        DECIDING,
        '    if late := ruling.no_longer_approvable(found, now, cycle.status == "running"):\n'
        "        return await _rule(deps, found, late, now)\n    if (taken",
        "    if (taken",
        PROPOSAL_TESTS,
    ),
    Mutant(
        "a proposal is sent however far the price moved",
        DECIDING,
        "    if moved := ruling.by_price(taken, market, rules.proposal_max_drift_pct):\n        return moved\n",
        "",
        PROPOSAL_TESTS,
    ),
    Mutant(
        "a proposal's lost answer is a refusal",
        DECIDING,
        '        return ruling.unknown(f"{detail}; {error.detail}")\n',
        '        return Ruling("refused", "trading_refused", detail)\n',
        PROPOSAL_TESTS,
    ),
)
