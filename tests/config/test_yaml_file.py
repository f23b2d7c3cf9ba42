"""YAML that means two things, or more than it shows, is refused with its line; what the files need is read."""

import re
from pathlib import Path

import pytest

from config.reload import ConfigFileError, build, load, read_texts
from config.settings import Settings
from config.yaml_file import MOST_CHARACTERS, Misfit, read_yaml
from tests.config.test_reload import FILES, edit, folder, settings

__all__ = ["folder"]
RISK, TRADING = "risk_parameters.yaml", "trading_config.yaml"
LOSS = "max_loss: 2000.00"


def refused(old: str, new: str, name: str = RISK) -> str:
    """What is said of the delivered files with one thing changed; the other file is as delivered."""
    texts = read_texts(FILES)
    assert old in texts[name]
    with pytest.raises(ConfigFileError) as caught:
        build({**texts, name: texts[name].replace(old, new, 1)}, Settings(_env_file=None))
    said = str(caught.value)
    assert said.startswith(f"{name} line ")
    assert len(said) < 400
    assert "\n" not in said
    return said


def test_a_key_twice_is_refused_with_both_lines() -> None:
    assert "line 4: 'max_loss' is here twice, first on line 3" in refused(f"  {LOSS}", f"  max_loss: 500\n  {LOSS}")
    assert "'max_loss' is here twice" in refused(f"  {LOSS}", f'  "max_loss": 500\n  {LOSS}')
    assert "'daily_limits' is here twice, first on line 2" in refused(
        "\ncorrelation:", "\ndaily_limits:\n  x: 1\ncorrelation:"
    )
    flow = "weights: {news: 0.3, technical: 0.3, momentum: 0.2, volume: 0.2, news: 0.9}"
    deep = "weights:\n    news: 0.30\n    technical: 0.30\n    momentum: 0.20\n    volume: 0.20"
    assert "'news' is here twice" in refused(deep, flow, TRADING)


@pytest.mark.parametrize(
    "value",
    ["yes", "no", "on", "Off", "true", "False", "20:00", "1:30:00", "010", "0o10", "0x10", "0b1", "2_000", "2,000.00",
     "$500", ".inf", "-.inf", ".NaN", "inf", "nan", "1e400", "1e-400", "9" * 5000, "1." + "0" * 99, "2026-01-05",
     "2026-01-05 10:00:00", "2026-13-45", "'500'", '"500"', "５００", "-500", "0", "-0", "0.001", "1e10", "many",
     "[500]", "{a: 1}", "~", "null", "", "!!int 500", "!!python/object:os.system x", "&a 500", "*a", "500 600",
     "|\n    500"],
)  # fmt: skip
def test_what_is_no_plain_amount_is_no_limit(value: str) -> None:
    said = refused(LOSS, f"max_loss: {value}")
    assert said.startswith("risk_parameters.yaml line 3: "), said


@pytest.mark.parametrize("value", ["yes", "2.5", "0", "51", "true", "010", "5_0", "'5'", "1e9999", "null", "5:00"])
def test_what_is_no_count_is_no_number_of_positions(value: str) -> None:
    assert "line 8: " in refused("max_positions: 5", f"max_positions: {value}")


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("max_quote_age_seconds: 60", "max_quote_age_seconds: 1e14", RISK),
        ("max_spread_pct: 0.5", "max_spread_pct: 1000", RISK),
        ("loss_cooldown_minutes: 60", "loss_cooldown_minutes: 999999999", RISK),
        ("max_stop_pct: 5.0", "max_stop_pct: 100", RISK),
        ("default_stop_loss_pct: 2.0", "default_stop_loss_pct: 100", TRADING),
        ("max_price: 500.0", "max_price: 1e12", TRADING),
        ("stale_after_seconds: 120", "stale_after_seconds: 1e9", TRADING),
        ("min_history_days: 20", "min_history_days: 1000000", TRADING),
        ("scanner: 100", "scanner: 1000000000", TRADING),
    ],
)
def test_every_number_has_a_most(old: str, new: str, name: str) -> None:
    assert "must be at most" in refused(old, new, name)


@pytest.mark.parametrize("value", ["yes", "on", "1", "'true'", "2026-01-05", "perhaps"])
def test_a_switch_is_true_or_false(value: str) -> None:
    assert "line 20: " in refused("check_enabled: true", f"check_enabled: {value}")


@pytest.mark.parametrize("value", ["2026-13-45", "2026-01-05", "!!str x", "&a UTC", '"a\\0b"', "|\n    UTC", "x" * 65])
def test_a_text_is_a_short_plain_one(value: str) -> None:
    assert "line 4: " in refused("timezone: US/Eastern", f"timezone: {value}", TRADING)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "found nothing"),
        ("# nothing\n", 1, "found nothing"),
        ("- a\n", 1, "found a list"),
        ("words", 1, "found a single value"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("%YAML 1.1\n---\na: 1\n", 1, "directives"),
        ("a: &x 1\nb: *x\n", 1, "anchors"),
        ("a: &x {b: 1}\n", 1, "anchors"),
        ("&x\na: 1\n", 1, "anchors"),
        ("a: {b: 1}\nc:\n  <<: {d: 1}\n", 3, "merge keys"),
        ("a: !!binary aGk=\n", 1, "tags"),
        ("!!map\na: 1\n", 1, "tags"),
        ("1: 2\n", 1, "is no key"),
        ("true: 2\n", 1, "is no key"),
        ("on: 2\n", 1, "ambiguous"),
        ("? [a]\n: 2\n", 1, "plain word"),
        ("? {a: 1}\n: 2\n", 1, "plain word"),
        ("a:\n  - 1\n  -\n", 3, "no value"),
        ("a: 1\nb\0: 2\n", 2, "U+0000"),
        ("a: \x1b[31m\n", 1, "U+001B"),
        ("a: \ud800\n", 1, "U+D800"),
        ("a: [1\nb: 2\n", 2, "not valid YAML"),
        ("a:\n\t- b\n", 2, "not valid YAML"),
        ("a: 'open\n", 2, "not valid YAML"),
        ("a: " + "[" * 30_000, 1, "deeper than"),
        ("a: " + "{b: " * 5_000, 1, "deeper than"),
        ("\n".join(f"{' ' * depth}k:" for depth in range(200)), 7, "deeper than"),
        ("- " * 20_000, 1, "found a list"),
        ("a:\n" + "- 1\n" * 2_500, 2000, "more than 2,000 values"),
        ("x" * 70_000, 1, "longer than"),
        (f"{'k' * 65}: 1\n", 1, "is no key"),
        ("a: \ufffe\n", 1, "not valid YAML"),
    ],
)  # fmt: skip
def test_a_file_that_means_more_than_it_shows_is_refused(text: str, line: int, says: str) -> None:
    with pytest.raises(Misfit, match=re.escape(says)) as caught:
        read_yaml(text)
    assert caught.value.line in (line, line + 1)
    assert len(str(caught.value)) < 300


def test_billions_of_laughs_are_not_unfolded() -> None:
    text = "boom:\n" + "".join(f"  - &b{n} [{', '.join([f'*b{n - 1}' if n else 'x'] * 9)}]\n" for n in range(9))
    assert "anchors" in refused("correlation:", f"{text}correlation:")


def test_a_section_that_is_none_and_a_key_nobody_knows_say_what_to_do() -> None:
    assert "must be a section" in refused("daily_limits:\n  max_loss: 2000.00", "daily_limits: [1]\nother:\n  a: 1")
    assert "did you mean max_loss?" in refused(LOSS, "max_los: 2000.00\n  max_loss: 2000.00")
    assert "take it out; known here are max_loss" in refused(LOSS, "zzz: 1\n  max_loss: 2000.00")
    assert "max_loss: is missing: add it" in refused(f"  {LOSS}\n", "")
    assert "has no value" in refused("entry:\n  last_minutes_without_entries: 30\n", "entry:\nother:\n")


def test_what_is_found_is_shown_cut() -> None:
    said = refused(LOSS, f"max_loss: {'much ' * 5_000}")
    assert "much" in said
    assert "..." in said


def test_what_the_files_need_is_read() -> None:
    text = (
        "\ufeff---\r\na: 1\r\nb: .5\r\nc: -1.5e3\r\nd: US/Eastern\r\ne: '09:30'\r\nf: 09:30\r\n"
        "g: {h: true, i: [x, 'yes', False]}\r\nj: \"2026-01-05\"\r\nk: +5 # said\r\n...\r\n"
    )
    sections, lines = read_yaml(text)
    expected = {"h": True, "i": ["x", "yes", False]}
    assert sections == {
        "a": 1, "b": 0.5, "c": -1500.0, "d": "US/Eastern", "e": "09:30", "f": "09:30", "g": expected,
        "j": "2026-01-05", "k": 5,
    }  # fmt: skip
    assert (lines[("a",)], lines[("g", "i", 1)]) == (2, 8)


def test_a_file_on_disk_that_is_none_is_refused(folder: Path) -> None:
    (folder / RISK).write_bytes((folder / RISK).read_text().encode("utf-16"))
    with pytest.raises(ConfigFileError, match="not UTF-8"):
        load(folder, settings())
    (folder / RISK).write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigFileError, match="not UTF-8"):
        load(folder, settings())
    (folder / RISK).write_text("#" * (MOST_CHARACTERS + 1))
    with pytest.raises(ConfigFileError, match="longer than"):
        load(folder, settings())
    (folder / RISK).unlink()
    (folder / RISK).mkdir()
    with pytest.raises(ConfigFileError, match="no file"):
        load(folder, settings())


def test_windows_line_ends_change_nothing(folder: Path) -> None:
    before = load(folder, settings())
    for name in (RISK, TRADING):
        (folder / name).write_bytes((folder / name).read_bytes().replace(b"\n", b"\r\n"))
    assert load(folder, settings()) == before
    edit(folder, RISK, LOSS, "max_loss: 500")
    assert load(folder, settings()).max_daily_loss == 500


def test_the_farthest_stop_is_not_nearer_than_the_nearest() -> None:
    said = refused("max_stop_pct: 5.0", "max_stop_pct: 0.4")
    assert "line 32: entry.max_stop_pct: must be at least min_stop_pct, which is 0.5: raise this one" in said
    assert "lower that one" in refused("min_stop_pct: 0.5", "min_stop_pct: 6")
    assert "min_stop_pct, which is 6" in refused("  min_stop_pct: 0.5\n  max_stop_pct: 5.0", "  min_stop_pct: 6")
