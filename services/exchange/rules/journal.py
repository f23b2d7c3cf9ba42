"""The journal of accepted commands: one JSON object a line, in the order they were accepted.

Replayed against the same tape it gives the same accounts, bit for bit: ids are made of account and sequence, chance of
seed and sequence, time is in the line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """One accepted command. `at` epoch seconds of the exchange's clock; `account` is empty for the venue's own."""

    at: float
    account: str
    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)


class JournalError(ValueError):
    """A line inside the journal, not its torn end, cannot be read."""


def encode(command: Command) -> str:
    """The command as one line, newline included. Floats keep every digit."""
    fields = {"at": command.at, "account": command.account, "verb": command.verb, "args": dict(command.args)}
    return json.dumps(fields, separators=(",", ":"), sort_keys=True) + "\n"


def heading(tape: str, day: str) -> str:
    """The first line: what the commands were given against."""
    return json.dumps({"tape": tape, "day": day}, separators=(",", ":")) + "\n"


def decode(lines: Iterable[str]) -> Iterator[Command]:
    """The commands of whole lines. A last line without its newline was torn by a crash and is left out.

    Raises JournalError for any other line that is not a command.
    """
    for number, line in enumerate(lines, start=1):
        if not line.endswith("\n"):
            return
        try:
            raw = json.loads(line)
            yield Command(float(raw["at"]), raw["account"], raw["verb"], raw["args"])
        except (ValueError, KeyError, TypeError) as error:
            raise JournalError(f"line {number} is not a command") from error
