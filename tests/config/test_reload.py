"""How it trades: typos are refused with their place, the stricter limit holds, a broken file changes nothing."""

import shutil
from pathlib import Path

import pytest

from config.reload import ConfigFileError, LiveConfig, load
from config.settings import Settings

FILES = Path(__file__).parents[2] / "config"


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("trading_config.yaml", "risk_parameters.yaml"):
        shutil.copy(FILES / name, tmp_path / name)
    return tmp_path


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_files_as_delivered_agree_and_wait_for_a_person(folder: Path) -> None:
    config = load(folder, settings())
    assert config.warnings == ()
    assert not config.autonomous
    assert config.max_positions == 5
    weights = config.trading.funnel.weights
    assert weights.news + weights.technical + weights.momentum + weights.volume == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("trading_config.yaml", "  max_positions: 5", "  max_positions: 5\n bad", "line"),
        ("trading_config.yaml", "  auto_execute: false", "  auto_exekute: false", "workflow.auto_execute"),
        ("risk_parameters.yaml", "  max_loss: 2000.00", "  max_loss: -5", "daily_limits.max_loss"),
        ("risk_parameters.yaml", "  max_loss: 2000.00", "  max_loss: many", "daily_limits.max_loss"),
        ("risk_parameters.yaml", "check_enabled: true", "check_enabld: true", "correlation.check_enabld"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(folder: Path, name: str, old: str, new: str, says: str) -> None:
    edit(folder, name, old, new)
    with pytest.raises(ConfigFileError, match=f"{name}.*{says}"):
        load(folder, settings())


def test_an_empty_and_a_missing_file_say_so(folder: Path) -> None:
    (folder / "trading_config.yaml").write_text("")
    with pytest.raises(ConfigFileError, match="expected sections"):
        load(folder, settings())
    (folder / "trading_config.yaml").unlink()
    with pytest.raises(ConfigFileError, match="cannot be read"):
        load(folder, settings())


def test_the_stricter_limit_holds_and_a_warning_names_both(folder: Path) -> None:
    edit(folder, "risk_parameters.yaml", "max_positions: 5", "max_positions: 3")
    config = load(folder, settings(max_daily_loss=500.0))
    assert config.max_positions == 3
    assert float(config.max_daily_loss) == 500.0
    assert any("max_positions" in warning and "5" in warning and "3" in warning for warning in config.warnings)


def test_autonomous_needs_every_switch(folder: Path) -> None:
    edit(folder, "trading_config.yaml", "mode: supervised", "mode: autonomous")
    edit(folder, "trading_config.yaml", "auto_execute: false", "auto_execute: true")
    assert not load(folder, settings()).autonomous
    assert load(folder, settings(enable_autonomous_trading=True)).autonomous
    held = load(folder, settings(enable_autonomous_trading=True, trading_session_mode="supervised"))
    assert not held.autonomous
    assert any("TRADING_SESSION_MODE" in warning for warning in held.warnings)


def test_a_change_is_taken_over_and_a_broken_one_is_not(folder: Path) -> None:
    live = LiveConfig(folder, settings())
    edit(folder, "trading_config.yaml", "execute_top_n: 3", "execute_top_n: 2")
    assert live.current().trading.workflow.execute_top_n == 2
    edit(folder, "trading_config.yaml", "execute_top_n: 2", "execute_top_n: [2")
    assert live.current().trading.workflow.execute_top_n == 2
    assert live.problem is not None
    assert "trading_config.yaml" in live.problem
    edit(folder, "trading_config.yaml", "execute_top_n: [2", "execute_top_n: 1 #")
    assert live.current().trading.workflow.execute_top_n == 1
    assert live.problem is None
