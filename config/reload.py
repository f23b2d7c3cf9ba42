"""Reading the two YAML files, and what holds of them.

Files are proposals: the risk manager looks at a change, refuses it or writes it into the journal as accepted, and every
service holds what was accepted last. See Documentation/decisions/0009.
"""

import hashlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from config.numbers import fault_of, shown
from config.settings import Settings
from config.trading import Config, HeldLimit, Part, RiskFile, TradingFile
from config.yaml_file import MOST_CHARACTERS, Misfit, Place, read_yaml


class ConfigFileError(ValueError):
    """A file that cannot be used; the message names file, place and cure."""


F = TypeVar("F", bound=Part)
TRADING_FILE, RISK_FILE = "trading_config.yaml", "risk_parameters.yaml"
Texts = Mapping[str, str]
"""The two files' contents by name."""


def parse(model: type[F], name: str, text: str) -> F:
    """The typed contents of one file. Raises ConfigFileError naming the line or the key."""
    try:
        raw, lines = read_yaml(text)
    except Misfit as error:
        raise ConfigFileError(f"{name} line {error.line}: {error}") from error
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = tuple(first["loc"])
        key = ".".join(str(part) for part in place)
        line = next((lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines), 1)
        found = "" if first["type"] in ("missing", "extra_forbidden") else f" (found {shown(first['input'])})"
        fault = fault_of(first) + _cure(model, place, first["type"])
        raise ConfigFileError(f"{name} line {line}: {key}: {fault}{found}") from error


def _cure(model: type[BaseModel], place: Place, kind: str) -> str:
    """What to do about a key that is missing, or that nobody knows."""
    for part in place[:-1]:
        field = model.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return ""
        model = field.annotation
    if kind == "missing":
        return ": add it"
    if kind != "extra_forbidden":
        return ""
    near = get_close_matches(str(place[-1]), model.model_fields, n=1)
    return f": did you mean {near[0]}?" if near else f": take it out; known here are {', '.join(model.model_fields)}"


def _strictest(name: str, said: dict[str, Any], warnings: list[str]) -> Any:
    """The smallest of the limits that were set; a disagreement is put into words."""
    given = {source: value for source, value in said.items() if value is not None}
    least = min(given.values(), key=lambda value: Decimal(str(value)))
    if len({Decimal(str(value)) for value in given.values()}) > 1:
        listed = ", ".join(f"{source} says {value}" for source, value in given.items())
        warnings.append(f"{name}: {listed}; {least} holds")
    return least


def _is_autonomous(trading: TradingFile, settings: Settings, warnings: list[str]) -> bool:
    """True when every switch that was set says so; a switch that stands alone is put into words."""
    switches: dict[str, bool | None] = {
        "session.mode": trading.session.mode == "autonomous",
        "workflow.auto_execute": trading.workflow.auto_execute,
        "ENABLE_AUTONOMOUS_TRADING": settings.enable_autonomous_trading,
        "TRADING_SESSION_MODE": settings.trading_session_mode and settings.trading_session_mode == "autonomous",
        "WORKFLOW_AUTO_EXECUTE": settings.workflow_auto_execute,
    }
    given = {name: value for name, value in switches.items() if value is not None}
    if len(set(given.values())) > 1:
        off = ", ".join(name for name, value in given.items() if not value)
        warnings.append(f"autonomous trading stays off: {off} would have to agree")
    return all(given.values())


def combine(trading: TradingFile, risk: RiskFile, settings: Settings, digest: str) -> Config:
    """Fold files and environment into one set of limits, the stricter of each."""
    entries, warnings = risk.position_limits, list[str]()
    said = {
        "max_positions": (trading.risk.max_positions, entries.max_positions, settings.max_positions),
        "max_position_size": (trading.risk.max_position_size, entries.max_position_size, settings.max_position_size),
        "max_daily_loss": (trading.risk.max_daily_loss, risk.daily_limits.max_loss, settings.max_daily_loss),
        "max_sector_exposure_pct": (
            trading.risk.max_sector_exposure_pct,
            risk.sector_limits.max_exposure_pct,
            None,
        ),
        "max_correlation": (trading.risk.max_correlation, risk.correlation.max_correlation, None),
    }
    sources = ("trading_config.yaml", "risk_parameters.yaml", "the environment")
    strictest = {
        name: _strictest(name, dict(zip(sources, values, strict=True)), warnings) for name, values in said.items()
    }
    autonomous = _is_autonomous(trading, settings, warnings)
    limits = tuple(_held(name, strictest[name], *values) for name, values in said.items())
    return Config(
        trading=trading,
        risk=risk,
        autonomous=autonomous,
        hash=digest,
        limits=limits,
        warnings=tuple(warnings),
        **strictest,
    )


def _held(name: str, holds: Any, trading: Any, risk: Any, environment: Any) -> HeldLimit:
    return HeldLimit(name=name, holds=holds, trading_config=trading, risk_parameters=risk, environment=environment)


def _check_silence(trading: TradingFile, risk: RiskFile) -> None:
    """Silence must last longer than the time between two scans. Raises ConfigFileError with both values."""
    most, every = risk.watch.no_scan_minutes, trading.workflow.scan_frequency_minutes
    if most is not None and most <= every:
        cure = f"scans are {every:g} minutes apart in {TRADING_FILE}; set more than that, or leave the line out"
        raise ConfigFileError(f"{RISK_FILE}: watch.no_scan_minutes: {cure} (found {most:g})")


def read_texts(folder: Path) -> dict[str, str]:
    """Both files as they lie there. Raises ConfigFileError."""
    return {name: _text_of(folder / name) for name in (TRADING_FILE, RISK_FILE)}


def _text_of(path: Path) -> str:
    """A file's text, of which no more is read than such a file may hold."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigFileError(f"{path}: cannot be read (it is no file)")
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8; save it as plain UTF-8 text"
        raise ConfigFileError(f"{path}: cannot be read ({why})") from error
    if len(text) > MOST_CHARACTERS:
        raise ConfigFileError(f"{path}: longer than {MOST_CHARACTERS:,} characters, which no configuration is")
    return text


def digest_of(texts: Texts) -> str:
    return hashlib.sha256("\0".join((texts[TRADING_FILE], texts[RISK_FILE])).encode()).hexdigest()[:16]


def build(texts: Texts, settings: Settings) -> Config:
    """The values of two files. Raises ConfigFileError with the file, the line and the cure."""
    if set(texts) != {TRADING_FILE, RISK_FILE}:
        raise ConfigFileError(f"both files are needed: {TRADING_FILE} and {RISK_FILE}")
    trading = parse(TradingFile, TRADING_FILE, texts[TRADING_FILE])
    risk = parse(RiskFile, RISK_FILE, texts[RISK_FILE])
    _check_silence(trading, risk)
    return combine(trading, risk, settings, digest_of(texts))


def load(folder: Path, settings: Settings) -> Config:
    """Read both files. Raises ConfigFileError with the file, the line and the cure."""
    return build(read_texts(folder), settings)


def _flat(part: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in part.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def changes_between(old: Config, new: Config) -> tuple[str, ...]:
    """What differs, each as "key: old -> new"; the sections of the two files have different names."""
    was, now = (
        dict(_flat(one.trading.model_dump(mode="json") | one.risk.model_dump(mode="json"))) for one in (old, new)
    )
    return tuple(f"{key}: {was.get(key)} -> {value}" for key, value in now.items() if was.get(key) != value)


class LiveConfig:
    """What holds now. The files are read at the start of a system that has accepted nothing yet, and then no more.

    `problem` says why the files as they are now do not hold, where they do not. Raises ConfigFileError.
    """

    def __init__(self, folder: Path, settings: Settings, accepted: Texts | None = None) -> None:
        self.folder, self._settings = folder, settings
        self.texts: Texts = dict(accepted) if accepted is not None else read_texts(folder)
        self._config = build(self.texts, settings)
        self.problem: str | None = None

    def current(self) -> Config:
        """The values that hold now."""
        return self._config

    def hold(self, texts: Texts) -> None:
        """From now on these hold. Raises ConfigFileError, and then changes nothing."""
        self._config, self.texts = build(texts, self._settings), dict(texts)

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """Times and sizes of the files on disk: another one means that somebody has written."""
        stamps = []
        for name in (TRADING_FILE, RISK_FILE):
            try:
                status = (self.folder / name).stat()
                stamps.append((status.st_mtime_ns, status.st_size))
            except OSError:
                stamps.append((0, 0))
        return tuple(stamps)
