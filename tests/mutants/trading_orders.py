"""Mistakes in what trading sends and does: entries, protection, exits."""

from tests.mutants.mutant import Mutant, named

SEND, STEPS = "services/trading/flow/send.py", "services/trading/rules/steps.py"
EXITS_FLOW, ORDERS = "services/trading/flow/exits.py", "services/trading/rules/orders.py"
POSITIONS, EXITS = "services/trading/rules/positions.py", "services/trading/rules/exits.py"
ENTRY_TESTS = ("tests/trading/test_entries.py",)
EXIT_TESTS = ("tests/trading/test_exits.py",)
BOUNDED_TESTS = ("tests/trading/test_bounded_entries.py",)
EXITS_IN_TROUBLE = ("tests/trading/test_exits_in_trouble.py",)
RULE_TESTS = ("tests/trading/test_rules.py",)

ORDER_MUTANTS = (
    Mutant(
        "the bracket's stop 10 % lower",
        ORDERS,
        "target, guard = to_tick(order.decision_target), to_tick(order.decision_stop)",
        "target, guard = to_tick(order.decision_target), to_tick(order.decision_stop * Decimal('0.9'))",
        named("day: normal"),
    ),
    Mutant(
        "the bracket's target 1 % higher",
        ORDERS,
        "target, guard = to_tick(order.decision_target), to_tick(order.decision_stop)",
        "target, guard = to_tick(order.decision_target * Decimal('1.01')), to_tick(order.decision_stop)",
        named("day: normal"),
    ),
    Mutant(
        "the entry's limit 1 % higher",
        ORDERS,
        "limit = to_tick(order.limit_price)",
        "limit = to_tick(order.limit_price * Decimal('1.01'))",
        named("day: normal"),
    ),
    Mutant(
        "exits do not say that they close",
        ORDERS,
        'position_intent="buy_to_open" if order.is_entry else CLOSED_BY[order.side],',
        "position_intent=None,",
        named("day: normal"),
    ),
    Mutant(
        "no hard limits in trading",
        SEND,
        "if (broken := limits.exceeded(approved, at_work, desk.deps.config.current())) is not None:",
        "if (broken := None) is not None:",
        BOUNDED_TESTS,
    ),
    Mutant(
        "own protection with its stop 10 % lower",
        EXITS_FLOW,
        "        decision_stop=position.stop_price,\n        decision_target=position.take_profit_price,",
        '        decision_stop=position.stop_price * type(position.stop_price)("0.9"),\n'
        "        decision_target=position.take_profit_price,",
        named("day: normal"),
    ),
    Mutant(
        "shares bought by hand are guarded too low",
        POSITIONS,
        "return to_tick(entry_price * (1 - stop)",
        "return to_tick(entry_price * (1 - 2 * stop)",
        ("tests/trading/test_reconcile.py",),
    ),
    Mutant(
        "a leg is protection before its entry has filled",
        ORDERS,
        'parent.order_class != "oco" and parent.status != "filled"',
        "False",
        RULE_TESTS,
    ),
    Mutant(
        "a bracket without legs accepted",
        SEND,
        "not rule.has_both_legs(told):",
        "False:",
        named("a bracket taken without its legs"),
    ),
    Mutant(
        "a partly filled entry is not cancelled for its stop",
        STEPS,
        "    if entries:\n        return _partial_entry(scene, entries)\n",
        "    if entries:\n        return Rest()\n",
        (*RULE_TESTS, *named("an entry hangs")),
    ),
    Mutant(
        "the rest of an entry is waited for a minute",
        STEPS,
        "PARTIAL_GRACE = timedelta(seconds=1)",
        "PARTIAL_GRACE = timedelta(seconds=60)",
        named("day: normal"),
    ),
    Mutant(
        "an exit that hangs is waited for for ever",
        STEPS,
        "hanging = tuple(order for order in exits if _hangs(scene, order))",
        "hanging: tuple[OrderRow, ...] = ()",
        named("an exit hangs"),
    ),
    Mutant(
        "an entry outlives its approval at the broker",
        STEPS,
        "    if expired:\n        return _leave",
        "    if False:\n        return _leave",
        (*RULE_TESTS, *BOUNDED_TESTS),
    ),
    Mutant(
        "protection stays away while exits are refused",
        STEPS,
        "return Protect(scene.quantity) if bare and long and not scene.protection_refused else later",
        "return later",
        ("tests/trading/test_second_looks.py",),
    ),
    Mutant(
        "protection is cancelled though nothing can be sold",
        EXITS_FLOW,
        "        await _put_back(desk, scene)\n        raise\n",
        "        raise\n",
        EXITS_IN_TROUBLE,
    ),
    Mutant(
        "orphans left",
        STEPS,
        'return _leave(scene, orphans, "nothing left to sell") or Rest()',
        "return Rest()",
        RULE_TESTS,
    ),
    Mutant(
        "a refused exit is repeated at once",
        STEPS,
        "return Rest(again) if again > scene.now else None",
        "return None",
        RULE_TESTS,
    ),
    Mutant(
        "refused protection is not the end of a position",
        STEPS,
        'return GiveUp("unprotected")',
        "return Rest()",
        RULE_TESTS,
    ),
    Mutant(
        "a short not bought back",
        EXITS,
        '    if position.side == "short":\n        return "oversold"\n',
        '    if position.side == "short":\n        return None\n',
        RULE_TESTS,
    ),
    Mutant(
        "closing for the day begins at the close",
        EXITS,
        "return session.close - timedelta(minutes=how.close_before_minutes)",
        "return session.close - timedelta(seconds=how.close_before_minutes)",
        EXIT_TESTS,
    ),
    Mutant(
        "the longest hold is twice as long",
        EXITS,
        "timedelta(minutes=how.max_hold_time_minutes)",
        "timedelta(minutes=2 * how.max_hold_time_minutes)",
        RULE_TESTS,
    ),
    Mutant(
        "a position without an end has one",
        EXITS,
        'return "max_hold" if now >= hold_ends(position, how) else None',
        'return "max_hold"',
        named("day: normal"),
    ),
)
