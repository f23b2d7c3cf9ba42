"""Mistakes in what trading makes of doubt: lost answers, expired approvals, failed passes, other hands, alerts."""

from tests.mutants.mutant import Mutant, named
from tests.mutants.trading_orders import ENTRY_TESTS, EXIT_TESTS, EXITS_FLOW, ORDERS, RULE_TESTS, SEND

SETTLE, RECONCILE = "services/trading/flow/settle.py", "services/trading/flow/reconcile.py"
WATCH, DESK = "services/trading/flow/watch.py", "services/trading/flow/desk.py"
SERVE, STORE = "services/trading/flow/serve.py", "services/trading/store/__init__.py"
COMPARE = "services/trading/rules/reconcile.py"
DOUBT_TESTS = ("tests/trading/test_doubts.py",)
RECONCILE_TESTS = ("tests/trading/test_reconcile.py",)

DOUBT_MUTANTS = (
    Mutant(
        "shares need not be free before an exit or stop is sent",
        EXITS_FLOW,
        "return abs(int(found.quantity)), abs(int(found.available))",
        "return abs(int(found.quantity)), abs(int(found.quantity))",
        named("shares are freed late"),
    ),
    Mutant(
        "an exit sells what our books say",
        EXITS_FLOW,
        '"exit", free, scene.now',
        '"exit", position.quantity, scene.now',
        ("tests/trading/test_second_looks.py",),
    ),
    Mutant(
        "no answer taken for a refusal",
        SEND,
        '        log.warning("order_outcome_unknown", client_order_id=order.client_order_id, error=error.detail)\n'
        "        return order\n",
        "        return await refuse(desk, order, BrokerRefused(error.detail, status=504, code=None))\n",
        named("a request lost, three times"),
    ),
    Mutant(
        "a repeat without looking the id up",
        SEND,
        "        except OutcomeUnknown:\n            found = await found_as(desk, order)\n",
        "        except OutcomeUnknown:\n            found = None\n",
        named("an answer lost"),
    ),
    Mutant(
        "expired approvals taken",
        SEND,
        "    if now >= approved.expires_at:",
        "    if False:",
        (*ENTRY_TESTS, *named("day: expired")),
    ),
    Mutant(
        "expired approvals sent",
        SEND,
        "if order.decision_expires_at is not None and now >= order.decision_expires_at:",
        "if False:",
        (*ENTRY_TESTS, *named("dead until the approval has expired")),
    ),
    Mutant(
        "entries while closing for the day",
        SEND,
        "    if entries_end(desk.session(now), desk.how, now):\n        upcoming",
        "    if False:\n        upcoming",
        EXIT_TESTS,
    ),
    Mutant(
        "entries while halted",
        STORE,
        "WHERE released_at IS NULL OR latched_at >=",
        "WHERE latched_at >=",
        named("day: halted"),
    ),
    Mutant(
        "a halt in between is not seen",
        SEND,
        "if (late := await store.forbidden(desk.deps.pool, approved.decision_id)) is not None:",
        "if (late := None) is not None:",
        DOUBT_TESTS,
    ),
    Mutant(
        "entries in a locked symbol",
        SEND,
        "    if symbol in desk.disagreements:",
        "    if False:",
        RECONCILE_TESTS,
    ),
    Mutant(
        "entries before the first reconciliation",
        SEND,
        "    if not desk.ready:\n        # Not a refusal",
        "    if False:\n        # Not a refusal",
        RECONCILE_TESTS,
    ),
    Mutant(
        "lost intents given up at once",
        SETTLE,
        "elif await desk.deps.clock.now() - row.created_at >= ON_ITS_WAY:",
        "else:",
        ("tests/trading/test_doubts.py",),
    ),
    Mutant(
        "another order under our id is ours",
        ORDERS,
        "    if (told.symbol, told.side, told.quantity) != (order.symbol, order.side, order.quantity):",
        "    if False:",
        (*RULE_TESTS, *DOUBT_TESTS),
    ),
    Mutant(
        "after a failed pass nothing is looked at anew",
        WATCH,
        "if again or slot_due or suspected or desk.blind or not desk.ready:",
        "if slot_due or suspected or not desk.ready:",
        ("tests/trading/test_second_looks.py",),
    ),
    Mutant(
        "after a reconnect nothing is looked at",
        "services/trading/flow/stream.py",
        "            _look_soon(desk)\n        else:\n",
        "            pass\n        else:\n",
        ("tests/trading/test_second_looks.py",),
    ),
    Mutant(
        "alerts never written",
        DESK,
        "    await raise_alert(connection, SERVICE, severity, kind, message, at)\n",
        "    pass\n",
        named("day: hand"),
    ),
    Mutant(
        "orders by hand are not taken in",
        RECONCILE,
        "    for told in resting:\n        if await",
        "    for told in ():\n        if await",
        named("day: hand"),
    ),
    Mutant(
        "a difference never locks",
        COMPARE,
        "locked=now - since >= CONFIRM_AFTER",
        "locked=False",
        (*RULE_TESTS, *RECONCILE_TESTS),
    ),
    Mutant(
        "an entry on its way survives close-all",
        SERVE,
        "    entries = await store.want_entries_cancelled(desk.deps.pool, None, reason)\n",
        "    entries: tuple[str, ...] = ()\n",
        ("tests/trading/test_second_looks.py",),
    ),
    Mutant(
        "a wish to close everything loses against a fill",
        SERVE,
        "    await store.want_bought_closed(desk.deps.pool, None, reason)\n",
        "",
        ("tests/trading/test_exits_in_trouble.py",),
    ),
    Mutant(
        "approvals outlive a close-all",
        SERVE,
        '        await append_event(connection, SERVICE, "everything.closing", now, {"reason": reason})\n',
        "        pass\n",
        EXIT_TESTS,
    ),
    Mutant(
        "old news turns an order back",
        ORDERS,
        "    if told.updated_at < order.updated_at:\n        return False\n",
        "",
        RULE_TESTS,
    ),
)
