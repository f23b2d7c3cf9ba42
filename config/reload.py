"""Reading the two YAML files, and what holds of them.

Files are proposals: the risk manager looks at a change, refuses it or writes it into the journal as accepted, and every
service holds what was accepted last. See Documentation/decisions/0009.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from config.settings import Settings
from config.trading import Config, Part, RiskFile, TradingFile


class ConfigFileError(ValueError):
    """A file that cannot be used; the message names file, place and cure."""


F = TypeVar("F", bound=Part)
TRADING_FILE, RISK_FILE = "trading_config.yaml", "risk_parameters.yaml"
Texts = Mapping[str, str]
"""The two files' contents by name."""


def parse(model: type[F], name: str, text: str) -> F:
    """The typed contents of one file. Raises ConfigFileError naming the line or the key."""
    try:
        raw: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise ConfigFileError(f"{name}{where}: not valid YAML ({getattr(error, 'problem', error)})") from error
    if not isinstance(raw, dict):
        raise ConfigFileError(f"{name}: expected sections like 'risk:', found {type(raw).__name__}")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key, line = ".".join(str(part) for part in first["loc"]), _line_of(text, first["loc"])
        raise ConfigFileError(f"{name} line {line}: {key}: {first['msg']} (found {first.get('input')!r})") from error


def _line_of(text: str, place: Sequence[int | str]) -> int:
    """The line of a key, or of the deepest part of the way to it that is there."""
    node, line = yaml.compose(text), 1
    for part in place:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next((pair for pair in pairs if pair[0].value == str(part)), None)
        if found is None:
            break
        node, line = found[1], found[0].start_mark.line + 1
    return line


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
    limits, warnings = risk.position_limits, list[str]()
    said = {
        "max_positions": (trading.risk.max_positions, limits.max_positions, settings.max_positions),
        "max_position_size": (trading.risk.max_position_size, limits.max_position_size, settings.max_position_size),
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
    return Config(trading=trading, risk=risk, autonomous=autonomous, hash=digest, warnings=tuple(warnings), **strictest)


def read_texts(folder: Path) -> dict[str, str]:
    """Both files as they lie there. Raises ConfigFileError."""
    texts = {}
    for name in (TRADING_FILE, RISK_FILE):
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise ConfigFileError(f"{folder / name}: cannot be read ({why})") from error
    return texts


def digest_of(texts: Texts) -> str:
    return hashlib.sha256("\0".join((texts[TRADING_FILE], texts[RISK_FILE])).encode()).hexdigest()[:16]


def build(texts: Texts, settings: Settings) -> Config:
    """The values of two files. Raises ConfigFileError with the file, the line and the cure."""
    if set(texts) != {TRADING_FILE, RISK_FILE}:
        raise ConfigFileError(f"both files are needed: {TRADING_FILE} and {RISK_FILE}")
    trading = parse(TradingFile, TRADING_FILE, texts[TRADING_FILE])
    risk = parse(RiskFile, RISK_FILE, texts[RISK_FILE])
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
