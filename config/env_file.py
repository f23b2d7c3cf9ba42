"""The file `.env` before anything in it is believed: readable, each setting once, and no name that is a typing error.

Contents are never repeated: names and lines alone are told.
"""

import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from config.trading import RiskFile, TradingFile

MOST_BYTES, LONGEST_NAME, ALIKE = 256 * 1024, 64, 0.85
LIMITS = frozenset(
    {
        "MAX_DAILY_LOSS",
        "MAX_POSITION_SIZE",
        "MAX_POSITIONS",
        "WORKFLOW_SCAN_FREQUENCY_MINUTES",
        "WORKFLOW_EXECUTE_TOP_N",
    }
)
MONEY = LIMITS | {
    "TRADING_MODE",
    "TRADING_SESSION_MODE",
    "WORKFLOW_AUTO_EXECUTE",
    "ENABLE_AUTONOMOUS_TRADING",
    "ENABLE_LIVE_TRADING",
    "ENABLE_PAPER_TRADING",
    "ALPACA_BASE_URL",
    "ALPACA_DATA_URL",
}
"""What bounds or switches trading: a name like one of these keeps the system from starting."""
BESIDE = frozenset({"POSTGRES_PASSWORD", "POSTGRES_PORT", "REDIS_HOST_PORT", "CATALYST_VERSION"})
"""What docker-compose.yml reads for itself."""
SAVE = "save it as UTF-8 text without a byte order mark"


@dataclass(frozen=True)
class Stray:
    """A name that no setting has, and the setting that looks like it, if one does."""

    name: str
    line: int
    nearest: str | None

    def __str__(self) -> str:
        meant = f": {self.nearest} is meant?" if self.nearest else ""
        return f".env line {self.line}: nothing reads {self.name}{meant}"


@dataclass(frozen=True)
class Fault:
    """Why a file may not be used, and the settings that it is about; none where it is about the whole file."""

    text: str
    about: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Entry:
    name: str
    line: int
    value: str | None


def faults_in(path: Path, settings: Collection[str]) -> list[Fault]:
    """Every reason why a file may not be used; nothing where there is no such file."""
    if path.is_dir() or (path.is_symlink() and not path.exists()):
        return [Fault(f"{path}: is a folder, or a link that leads nowhere; put a file there, or take it away")]
    try:
        text = _text_of(path) if path.is_file() else ""
        entries = _entries(path, text)
    except ValueError as error:
        return [Fault(str(error))]
    found, first = list[Fault](), dict[str, int]()
    resolved = {name.upper(): value for name, value in dotenv_values(stream=io.StringIO(text)).items()}
    for one in entries:
        where, about = f"{path} line {one.line}: {one.name}", frozenset({one.name})
        if one.name in first:
            lines = f"{path} lines {first[one.name]} and {one.line}"
            found.append(Fault(f"{lines}: {one.name} is set twice; keep one of them", about))
        elif one.name in settings:
            first[one.name] = one.line
        if one.value is None:
            found.append(Fault(f"{where} has no value; write {one.name}=value", about))
        elif one.name in MONEY and one.value.strip() and not (resolved.get(one.name) or "").strip():
            found.append(Fault(f"{where} refers to something empty; write the value itself", about))
    return found + [fault for stray in _strays(entries, settings) if (fault := _grave(path, stray))]


def strays_in(path: Path, settings: Collection[str]) -> list[Stray]:
    """Names in a usable file that look as if they were meant for this system, and that nothing reads."""
    prefixes = {name.split("_")[0] for name in settings} | {"APCA"}
    entries = _entries(path, _text_of(path)) if path.is_file() else []
    return [one for one in _strays(entries, settings) if one.nearest or one.name.split("_")[0] in prefixes]


def typing_errors_in(names: Iterable[str], settings: Collection[str]) -> list[Fault]:
    """The same for the process's environment: it holds names of others, so only what is close to MONEY is told."""
    return [
        Fault(
            f"the environment: {name[:LONGEST_NAME]} is no setting; {near} is meant? Mend the name", frozenset({near})
        )
        for name in names
        if name.upper() not in settings and (near := _alike(name.upper(), MONEY))
    ]


def _text_of(path: Path) -> str:
    """Raises ValueError with the cure."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    if len(raw) > MOST_BYTES:
        raise ValueError(f"{path}: longer than {MOST_BYTES:,} bytes, which no file of settings is")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw:
        raise ValueError(f"{path}: is UTF-16 or no text at all (PowerShell's > writes that); {SAVE}")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise ValueError(f"{path} line 1: begins with a byte order mark, which hides the first setting; {SAVE}")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path} line {line}: is not UTF-8; {SAVE}") from error


def _entries(path: Path, text: str) -> list[_Entry]:
    """Name, line and raw value of each setting. Raises ValueError naming the line that is none."""
    found = []
    for one in parse_stream(io.StringIO(text)):
        raw = one.original.string
        line = one.original.line + raw[: len(raw) - len(raw.lstrip())].count("\n")
        if one.error:
            raise ValueError(f"{path} line {line}: is not NAME=value; mend it, and look for a quote that is not closed")
        if one.key is None:
            continue
        if "\n" in raw.strip():
            raise ValueError(f"{path} line {line}: goes on over several lines; a quote is not closed there")
        name = one.key.upper()[:LONGEST_NAME]
        if not re.fullmatch(r"[A-Z_][A-Z0-9_.-]*", name, re.ASCII):
            raise ValueError(f"{path} line {line}: a name is made of letters, digits and _; mend it to NAME=value")
        found.append(_Entry(name, line, one.value))
    return found


def _strays(entries: Iterable[_Entry], settings: Collection[str]) -> list[Stray]:
    known = {*settings, *BESIDE}
    return [Stray(one.name, one.line, _nearest(one.name, settings)) for one in entries if one.name not in known]


def _grave(path: Path, stray: Stray) -> Fault | None:
    """Why a stray name keeps the system from starting, if it does."""
    where = f"{path} line {stray.line}: {stray.name} is no setting"
    if (key := stray.name.lower()) in _yaml_keys():
        files = "config/trading_config.yaml or config/risk_parameters.yaml"
        return Fault(f"{where}; {key} is set in {files}", frozenset({stray.name}))
    if stray.nearest not in MONEY or stray.nearest is None:
        return None
    return Fault(f"{where}; {stray.nearest} is meant? Mend the name", frozenset({stray.name, stray.nearest}))


def _nearest(name: str, settings: Collection[str]) -> str | None:
    """The setting that a name was probably meant for; one that bounds money first."""
    return _alike(name, MONEY) or _wordy(name) or _alike(name, settings)


def _alike(name: str, settings: Collection[str]) -> str | None:
    """By letters, or by the same words in another order."""
    words, letters = set(_words(name)), {one.replace("_", ""): one for one in sorted(settings)}
    same = next((one for one in sorted(settings) if set(_words(one)) == words), None)
    near = get_close_matches("".join(_words(name)), letters, n=1, cutoff=ALIKE)
    return same or (letters[near[0]] if near else None)


def _wordy(name: str) -> str | None:
    """A limit under another name, as DAILY_LOSS_LIMIT or CATALYST_MAX_POSITIONS."""
    words = set(_words(name))
    for limit in sorted(MONEY):
        meant = set(limit.split("_"))
        shared = words & meant
        if meant <= words or (limit in LIMITS and len(shared) > 1 and shared & {"LOSS", "POSITION", "POSITIONS"}):
            return limit
    return None


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[_.-]+", name) if word]


def _yaml_keys() -> set[str]:
    """Keys of the two files that no other program's setting is likely to be called."""
    sections = (field.annotation for file in (TradingFile, RiskFile) for field in file.model_fields.values())
    keys = {key for section in sections for key in getattr(section, "model_fields", {})}
    return {key for key in keys if "_" in key}
