"""The loops that live as long as the scanner does."""

from functools import partial

from services.scanner.flow import asking, desk, learning, sectors
from services.scanner.flow.desk import Scanner
from shared.runtime.loops import Loop

NAME = "scanner"


def loops(scanner: Scanner) -> tuple[Loop, ...]:
    """The universe kept fresh, the volume curve learned, workflow's answers followed, and, where that is allowed, names
    without a sector looked up.
    """
    again, rest = learning.LOOK_EVERY_SECONDS, sectors.EVERY_SECONDS
    fresh, trouble = partial(desk.keep_fresh, scanner), partial(desk.note_trouble, scanner)
    always = (
        Loop(NAME, "universe", fresh, desk.FIRST_PAUSE_SECONDS, desk.CHECK_SECONDS, trouble),
        Loop(NAME, "volume-curve", partial(learning.keep_learning, scanner), again, again),
        Loop(NAME, "answers", partial(asking.follow_answers, scanner)),
    )
    if not sectors.allowed(scanner.deps):
        return always
    return (*always, Loop(NAME, "sectors", partial(sectors.classify_next, scanner), rest, rest))
