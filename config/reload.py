"""Reading the two YAML files, and reading them again when they change."""

import hashlib
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
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigFileError(f"{name}: {key}: {first['msg']} (found {first.get('input')!r})") from error


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


def load(folder: Path, settings: Settings) -> Config:
    """Read both files. Raises ConfigFileError with the file, the place and the cure."""
    texts = {}
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigFileError(f"{folder / name}: cannot be read ({error.strerror})") from error
    digest = hashlib.sha256("\0".join(texts.values()).encode()).hexdigest()[:16]
    trading = parse(TradingFile, "trading_config.yaml", texts["trading_config.yaml"])
    risk = parse(RiskFile, "risk_parameters.yaml", texts["risk_parameters.yaml"])
    return combine(trading, risk, settings, digest)


class LiveConfig:
    """The configuration as it is now. `current()` looks at the files' times and sizes and re-reads what changed.

    A file that cannot be used changes nothing: the old values stay and `problem` says why until it is mended.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._stamp = self._look()
        self._config = load(folder, settings)
        self.problem: str | None = None

    def _look(self) -> tuple[tuple[int, int], ...]:
        stamps = []
        for name in ("trading_config.yaml", "risk_parameters.yaml"):
            try:
                status = (self._folder / name).stat()
                stamps.append((status.st_mtime_ns, status.st_size))
            except OSError:
                stamps.append((0, 0))
        return tuple(stamps)

    def current(self) -> Config:
        """The values that hold now."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._config, self.problem = load(self._folder, self._settings), None
            except ConfigFileError as error:
                self.problem = str(error)
        return self._config
