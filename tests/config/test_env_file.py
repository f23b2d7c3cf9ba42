"""The file .env: readable, each setting once, no typing error in what bounds the money; and nothing of it repeated."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.env_file import BESIDE, LIMITS, MONEY, faults_in, strays_in, typing_errors_in
from config.settings import Settings, complaints, setting_names

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def refusal(file: Path) -> str:
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=file)
    lines = list(complaints(caught.value))
    assert all("\n" not in line and line.startswith(f"{file}") for line in lines), lines
    assert "hunter2" not in "".join(lines) + str(caught.value)
    return "\n".join(lines)


def test_a_file_as_it_should_be_is_read(file: Path) -> None:
    file.write_text(
        "# limits\nexport MAX_DAILY_LOSS=500 # USD\n\nMAX_POSITIONS = 3\nSMTP_PASSWORD='a b#c'\nMAX_POSITION_SIZE=\n"
    )
    read = Settings(_env_file=str(file))
    assert (read.max_daily_loss, read.max_positions) == (Decimal(500), 3)
    assert (read.max_position_size, read.smtp_password) == (None, "a b#c")
    assert Settings(_env_file=file.with_name("none")).max_daily_loss is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_of_powershell_is_refused(file: Path, encoding: str) -> None:
    file.write_bytes("MAX_DAILY_LOSS=500\r\nSMTP_PASSWORD=hunter2\r\n".encode(encoding))
    assert "UTF-16" in refusal(file)


def test_a_byte_order_mark_would_hide_the_first_setting(file: Path) -> None:
    file.write_text("MAX_DAILY_LOSS=500\n", encoding="utf-8-sig")
    assert "line 1: begins with a byte order mark" in refusal(file)


def test_a_file_that_is_no_utf8_names_the_line(file: Path) -> None:
    file.write_bytes(b"MAX_DAILY_LOSS=500\nSMTP_PASSWORD=hunter2\xe9\n")
    assert "line 2: is not UTF-8" in refusal(file)
    file.write_bytes(b"A" * 300_000)
    assert "longer than" in refusal(file)


@pytest.mark.parametrize(
    "name",
    ["MAX_DAILY_LOS", "MAX_DAILY_LOSSS", "MAX_DIALY_LOSS", "MAXDAILYLOSS", "MAX-DAILY-LOSS", "max_daily_los",
     "DAILY_MAX_LOSS", "MAX_LOSS", "DAILY_LOSS_LIMIT", "CATALYST_MAX_DAILY_LOSS", "MAX_DAILY_LOSS_USD",
     "MAX_POSITON_SIZE", "MAX_POSITION", "MAX_POSITIONS_SIZE", "POSITION_SIZE", "MAX_POSTIONS",
     "WORKFLOW_EXECUTE_TOPN", "WORKFLOW_SCAN_FREQUENCY", "TRADING_SESION_MODE", "ENABLE_LIVE_TRADNG",
     "ALPACA_BASEURL", "ALPACA_API_BASE_URL", "ENABLE_PAPER_TRADIN"],
)  # fmt: skip
def test_a_typing_error_in_what_bounds_money_refuses_to_start(file: Path, name: str) -> None:
    file.write_text(f"LOG_LEVEL=INFO\n\n{name}=hunter2\n")
    said = refusal(file)
    assert f"line 3: {name.upper()} is no setting" in said
    meant = re.search(r"; (\w+) is meant", said)
    assert meant[1] in MONEY if meant else "is set in config/" in said


@pytest.mark.parametrize(
    "name", ["MAX_RISK_PER_TRADE", "MAX_TOTAL_EXPOSURE", "MIN_POSITION_SIZE", "CLOSE_BEFORE_MINUTES"]
)
def test_a_limit_of_the_yaml_is_not_set_here(file: Path, name: str) -> None:
    file.write_text(f"{name}=100\n")
    assert f"{name} is no setting; {name.lower()} is set in config/" in refusal(file)


def test_other_names_that_nothing_reads_are_listed_with_the_nearest(file: Path) -> None:
    file.write_text(
        "SMTP_HOTS=x\nCATALYST_SPEED=2\nEDITOR=vi\nPOSTGRES_PASSWORD=p\nREDIS_HOST=r\nCOMPOSE_PROJECT_NAME=c\nTZ=UTC\n"
    )
    Settings(_env_file=file)
    found = strays_in(file, setting_names())
    assert [(one.name, one.line, one.nearest) for one in found] == [
        ("SMTP_HOTS", 1, "SMTP_HOST"), ("CATALYST_SPEED", 2, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "second", ["MAX_DAILY_LOSS=500", "MAX_DAILY_LOSS=", "max_daily_loss=9", "export MAX_DAILY_LOSS=2000"]
)
def test_a_setting_twice_is_refused_with_both_lines(file: Path, second: str) -> None:
    file.write_text(f"MAX_DAILY_LOSS=2000\n\n# more\n{second}\n")
    assert "lines 1 and 4: MAX_DAILY_LOSS is set twice" in refusal(file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("MAX_DAILY_LOSS: 500\n", "line 1: is not NAME=value"),
        ("MAX_DAILY_LOSS 500\n", "line 1: is not NAME=value"),
        ("A=1\nMAX_DAILY_LOSS\n", "line 2: MAX_DAILY_LOSS has no value"),
        ("MAX_DAILY_LOSS=${NOT_THERE_AT_ALL}\n", "line 1: MAX_DAILY_LOSS refers to something empty"),
        ("A='hunter2\nMAX_DAILY_LOSS=500\nB='\n", "line 1: goes on over several lines"),
        ('A="hunter2\nMAX_DAILY_LOSS=500\n', "line 1: is not NAME=value"),
        ("MÄX_DAILY_LOSS=500\n", "line 1: a name is made of"),
        ("MAX_DAILY_LOSS=500\\", "MAX_DAILY_LOSS"),
    ],
)  # fmt: skip
def test_a_line_that_would_be_passed_over_is_refused(file: Path, text: str, says: str) -> None:
    file.write_text(text)
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=file)
    assert says in "\n".join(complaints(caught.value))


def test_a_folder_and_a_link_to_nowhere_are_no_file(file: Path) -> None:
    file.symlink_to(file.with_name("gone"))
    assert "leads nowhere" in refusal(file)
    file.unlink()
    file.mkdir()
    assert "is a folder" in refusal(file)


def test_a_limit_may_refer_to_another_setting(file: Path) -> None:
    file.write_text("LEAST=500\nMAX_DAILY_LOSS=${LEAST}\n")
    assert Settings(_env_file=file).max_daily_loss == 500


def test_the_environment_of_the_process_is_looked_at_for_what_bounds_money_alone() -> None:
    others = ["PATH", "HISTORY_MAX_SIZE", "LOG_LEVELS", "MAX_POSITIONS", "MAX_LINES", "TRADING_PORT"]
    wrong = ["MAX_DAILY_LOS", "max_position_sise", "TRADING_SESION_MODE"]
    told = typing_errors_in([*others, *wrong], setting_names())
    assert [one.text.split(" is no setting; ")[0].split(": ")[1] for one in told] == wrong


def test_every_name_of_the_template_and_of_compose_is_known() -> None:
    assert faults_in(ROOT / ".env.template", setting_names()) == []
    assert strays_in(ROOT / ".env.template", setting_names()) == []
    compose = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{([A-Z_]+)", compose)) <= setting_names() | BESIDE
    assert setting_names() >= MONEY
    assert LIMITS <= MONEY
