"""How it trades: typos are refused with their place, the stricter limit holds, a broken file changes nothing."""

import shutil
from pathlib import Path

import pytest

from config.reload import ConfigFileError, LiveConfig, changes_between, digest_of, load, read_texts
from config.settings import Settings

FILES = Path(__file__).parents[2] / "config"


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, **given)


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
        ("risk_parameters.yaml", "halt_new_trades: true", "halt_new_trades: false", "always refuses new trades"),
        ("trading_config.yaml", "timezone: US/Eastern", "timezone: US/Pacific", "New York's"),
        ("trading_config.yaml", 'market_open: "09:30"', 'market_open: "10:00"', "session.market_open"),
        ("trading_config.yaml", 'market_close: "16:00"', 'market_close: "99:99"', "session.market_close"),
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


def test_a_file_that_changes_holds_only_when_it_is_accepted(folder: Path) -> None:
    live = LiveConfig(folder, settings())
    stamp, hash_before = live.stamp(), live.current().hash
    edit(folder, "trading_config.yaml", "execute_top_n: 3", "execute_top_n: 2")
    assert live.stamp() != stamp
    assert live.current().trading.workflow.execute_top_n == 3
    live.hold(read_texts(folder))
    assert live.current().trading.workflow.execute_top_n == 2
    assert live.current().hash == digest_of(live.texts) != hash_before


def test_what_cannot_be_used_does_not_hold(folder: Path) -> None:
    live = LiveConfig(folder, settings())
    before = live.current()
    edit(folder, "trading_config.yaml", "execute_top_n: 3", "execute_top_n: [3")
    with pytest.raises(ConfigFileError, match=r"trading_config\.yaml line"):
        live.hold(read_texts(folder))
    assert live.current() is before
    assert live.texts["trading_config.yaml"].count("execute_top_n: 3") == 1


def test_what_was_accepted_holds_whatever_lies_on_disk(folder: Path) -> None:
    accepted = read_texts(folder)
    edit(folder, "risk_parameters.yaml", "max_positions: 5", "max_positions: : 5")
    live = LiveConfig(folder, settings(), accepted)
    assert live.current().max_positions == 5


@pytest.mark.parametrize(
    ("name", "old", "new", "where"),
    [
        ("trading_config.yaml", "  auto_execute: false", "  auto_exekute: false", "workflow:"),
        ("trading_config.yaml", "  max_positions: 5", "  max_positions: 500", "  max_positions: 500"),
        ("risk_parameters.yaml", "check_enabled: true", "check_enabled: perhaps", "  check_enabled: perhaps"),
    ],
)
def test_the_line_of_a_key_is_told(folder: Path, name: str, old: str, new: str, where: str) -> None:
    """A key that is missing has no line; its section has."""
    edit(folder, name, old, new)
    line = (folder / name).read_text().splitlines().index(where) + 1
    with pytest.raises(ConfigFileError, match=f"{name} line {line}: "):
        load(folder, settings())


def test_changes_are_told_by_key(folder: Path) -> None:
    old = load(folder, settings())
    edit(folder, "risk_parameters.yaml", "max_positions: 5", "max_positions: 3")
    edit(folder, "trading_config.yaml", "news: 0.30", "news: 0.25")
    edit(folder, "trading_config.yaml", "# How Catalyst trades", "# How this one trades")
    new = load(folder, settings())
    assert changes_between(old, new) == ("funnel.weights.news: 0.3 -> 0.25", "position_limits.max_positions: 5 -> 3")
    assert changes_between(old, old) == ()
