"""The venue: all accounts, one schedule. It is the clock's Agenda and the one door for commands.

`execute` and `process` together are a pure function of the tape, the settings and the commands given: feeding the
journal to a new venue rebuilds it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from services.exchange.rules import amendments, bending, commands, fees, mishaps, transfers
from services.exchange.rules.book import Book, Schedule, Update, open_book
from services.exchange.rules.commands import Part
from services.exchange.rules.fault_kinds import FAULT, BookFault, Gap, Halt, VanishedLeg
from services.exchange.rules.faults import Roster, Standing
from services.exchange.rules.journal import Command
from services.exchange.rules.knobs import PRESETS, AccountConfig, VenueSettings
from services.exchange.rules.ledger import Position, Transfer, after_close
from services.exchange.rules.lifecycle import happen
from services.exchange.rules.orders import Order, Refusal
from services.exchange.rules.tape import Tape
from services.exchange.rules.validation import boolean, malformed, number

Listener = Callable[[Update], None]
Outcome = (
    Order | Position | Transfer | Refusal | list[Part] | AccountConfig | VenueSettings | Standing | list[BookFault]
)
CLOSING_BELL = "closing_bell"
TICK = "tick"


class Venue:
    """Accounts come into being when first named, with the starting cash."""

    def __init__(self, tape: Tape, settings: VenueSettings | None = None) -> None:
        self.tape = tape
        self.settings = settings or VenueSettings()
        self.books: dict[str, Book] = {}
        self.schedule = Schedule()
        self.mishaps = Roster()
        self._halts: dict[str, tuple[str, bending.Span]] = {}
        self.witness: Callable[[float], None] = lambda at: None
        """Told the time of every update before any listener is: what was told must survive a restart."""
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        self._told: dict[str, int] = defaultdict(int)
        self.schedule.add(tape.session.close, "", CLOSING_BELL, "")
        for charging, at in fees.due_at(tape).items():
            self.schedule.add(at, "", fees.FEES_DUE, "", charging)

    def book(self, account: str) -> Book:
        """The account's book, opened when it is new."""
        if account not in self.books:
            self.books[account] = open_book(account, self.tape, self.settings, self.schedule, self.mishaps)
        return self.books[account]

    def next_event(self, after: float, until: float) -> float | None:
        """See clock.Agenda. Events whose plan was dropped are cleared on the way."""
        first = self.schedule.first()
        return None if first is None or first.at > until else max(first.at, after)

    def process(self, at: float) -> bool:
        """Do everything due at or before `at`, in time order. True when a trade update was told."""
        while (first := self.schedule.first()) is not None and first.at <= at:
            due = self.schedule.take()
            if due.kind == CLOSING_BELL:
                self._ring_closing_bell(due.at)
            elif due.kind == fees.FEES_DUE:
                for book in self.books.values():
                    fees.charge_due(book, due.note, due.at)
            else:
                happen(self.books[due.account], due)
        return self._tell_listeners(at)

    def _ring_closing_bell(self, at: float) -> None:
        for book in self.books.values():
            book.ledger = after_close(book.ledger, lambda symbol, book=book: book.price(symbol, at))  # type: ignore[misc]

    def _tell_listeners(self, at: float) -> bool:
        told = False
        for key, book in self.books.items():
            fresh = book.updates[self._told[key] :]
            self._told[key] = len(book.updates)
            if fresh and not told:
                self.witness(at)
            told = told or bool(fresh)
            for update in fresh:
                for listener in tuple(self._listeners[key]):
                    listener(update)
        return told

    def listen(self, account: str, listener: Listener) -> Callable[[], None]:
        """Tell `listener` every trade update of the account from now on; the answer ends that. There is no replay."""
        self._listeners[account].append(listener)
        return lambda: self._listeners[account].remove(listener)

    def execute(self, command: Command) -> Outcome:
        """Carry out a command at its time. A Refusal means nothing has changed and nothing needs to be journaled."""
        return _VERBS[command.verb](self, command)

    def replay(self, history: Iterable[Command]) -> float | None:
        """Live through recorded commands; returns the time of the last."""
        last = None
        for command in history:
            self.process(command.at)
            self.execute(command)
            last = command.at
        return last

    def change_settings(self, settings: VenueSettings) -> VenueSettings:
        """For every account, from the next event on. Cash of accounts that exist stays."""
        self.settings = settings
        for book in self.books.values():
            book.settings = settings
        return settings

    def change_tape(self, tape: Tape, symbol: str, at: float) -> None:
        """The symbol goes another way from `at` on."""
        self.tape = tape
        for book in self.books.values():
            book.tape = tape
            mishaps.look_again(book, symbol, at)

    def begin(self, fault: BookFault, at: float) -> Standing | Refusal:
        """A fault of the book is in force. Refused for a symbol that the tape does not have."""
        if fault.symbol is not None and not self.tape.has(fault.symbol):
            return malformed(f'asset "{fault.symbol}" not found')
        if isinstance(fault, Gap):
            tape = bending.gapped(self.tape, fault, at)
            if isinstance(tape, Refusal):
                return tape
            self.change_tape(tape, fault.symbol, at)
        self.mishaps.add(fault)
        if isinstance(fault, Halt):
            self._halts[fault.id] = fault.symbol, (span := bending.span_of(self.tape, fault, at))
            self.change_tape(bending.halted(self.tape, fault.symbol, span), fault.symbol, at)
        if isinstance(fault, Gap | Halt):
            self.mishaps.standing[fault.id].hits = 1
        if isinstance(fault, VanishedLeg):
            for book in self.books.values():
                mishaps.vanish_armed(book, fault, at)
        return self.mishaps.standing[fault.id]

    def end(self, fault_id: str, at: float) -> list[BookFault]:
        """One fault is over, or all when none is named; what it held up goes on."""
        gone: list[BookFault] = [fault for fault in self.mishaps.clear(fault_id) if isinstance(fault, BookFault)]
        for fault in gone:
            if fault.id in self._halts:
                symbol, span = self._halts.pop(fault.id)
                self.change_tape(bending.resumed(self.tape, symbol, span, at), symbol, at)
            for book in self.books.values():
                mishaps.lift(book, fault, at)
        return gone


def _submit(venue: Venue, c: Command) -> Outcome:
    return commands.submit(venue.book(c.account), c.at, c.args)


def _cancel(venue: Venue, c: Command) -> Outcome:
    return commands.cancel(venue.book(c.account), c.at, c.args["order_id"])


def _cancel_all(venue: Venue, c: Command) -> Outcome:
    return commands.cancel_all(venue.book(c.account), c.at)


def _replace(venue: Venue, c: Command) -> Outcome:
    return amendments.amend(venue.book(c.account), c.at, c.args["order_id"], c.args["body"])


def _close(venue: Venue, c: Command) -> Outcome:
    qty, percentage = number(c.args.get("qty"), "qty"), number(c.args.get("percentage"), "percentage")
    for read in (qty, percentage):
        if isinstance(read, Refusal):
            return read
    assert not isinstance(qty, Refusal)
    assert not isinstance(percentage, Refusal)
    return commands.close(venue.book(c.account), c.at, c.args["symbol"], qty, percentage)


def _close_all(venue: Venue, c: Command) -> Outcome:
    return commands.close_all(venue.book(c.account), c.at, boolean(c.args.get("cancel_orders", False)))


def _hold(venue: Venue, c: Command) -> Outcome:
    qty, price = number(c.args.get("qty"), "qty"), number(c.args.get("price"), "price")
    for read in (qty, price):
        if isinstance(read, Refusal):
            return read
    if qty is None or price is None or isinstance(qty, Refusal) or isinstance(price, Refusal):
        return malformed("hold needs qty and price")
    return commands.hold(venue.book(c.account), str(c.args.get("symbol") or ""), qty, price)


def _transfer(venue: Venue, c: Command) -> Outcome:
    return transfers.transfer(venue.book(c.account), c.at, c.args)


def _configure(venue: Venue, c: Command) -> Outcome:
    """Names the account does not have are passed over: the SDK still sends the settings that Alpaca dropped."""
    book = venue.book(c.account)
    known = {name: value for name, value in c.args.items() if name in AccountConfig.model_fields}
    try:
        book.config = AccountConfig.model_validate({**book.config.model_dump(), **known})
    except ValidationError as error:
        return malformed(_first_problem(error))
    return book.config


def _settings(venue: Venue, c: Command) -> Outcome:
    asked = dict(c.args)
    preset = asked.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        return malformed(f"preset: there is no {preset}; there are {', '.join(PRESETS)}")
    known = {**venue.settings.model_dump(mode="json"), **PRESETS.get(preset, {})}
    try:
        return venue.change_settings(VenueSettings.model_validate({**known, **asked}))
    except ValidationError as error:
        return malformed(_first_problem(error))


def _begin_fault(venue: Venue, c: Command) -> Outcome:
    fault = FAULT.validate_python(c.args)
    assert isinstance(fault, BookFault)
    return venue.begin(fault, c.at)


def _end_fault(venue: Venue, c: Command) -> Outcome:
    return venue.end(c.args["id"], c.at)


def _tick(venue: Venue, c: Command) -> Outcome:
    """Time passed, and something was told: in the journal it keeps the clock from going back behind that."""
    return venue.settings


def _first_problem(error: ValidationError) -> str:
    problem: Mapping[str, Any] = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


_VERBS: dict[str, Callable[[Venue, Command], Outcome]] = {
    "submit": _submit,
    "cancel": _cancel,
    "cancel_all": _cancel_all,
    "replace": _replace,
    "close": _close,
    "close_all": _close_all,
    "hold": _hold,
    "transfer": _transfer,
    "configure": _configure,
    "settings": _settings,
    "begin_fault": _begin_fault,
    "end_fault": _end_fault,
    TICK: _tick,
}
