"""Starting a service by hand: what it refuses, what it waits for, and what it says."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from scripts.child import free_ports
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def started(name: str, folder: Path, module: str = "services", **settings: Any) -> subprocess.Popen[str]:
    """`python -m services <name>`, or another module, with exactly these settings."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}  # noqa: TID251
    told = {key.upper(): str(value) for key, value in settings.items()}
    environment = kept | {"LOG_FOLDER": str(folder), "PYTHONPATH": str(ROOT)} | told
    return subprocess.Popen(
        [sys.executable, "-m", *module.split(), *name.split()],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, _ = process.communicate(timeout=60)
    return process.returncode, out


def test_a_name_that_is_none_lists_those_that_are(tmp_path: Path) -> None:
    code, said = ended(started("scaner", tmp_path))
    assert code == 2
    assert "known services: orchestration, scanner" in said


def test_settings_that_do_not_fit_are_named(tmp_path: Path) -> None:
    code, said = ended(started("reporting", tmp_path, trading_mode="live"))
    assert code == 2
    assert "TRADING_MODE say live" in said
    assert "Traceback" not in said
    code, said = ended(started("reporting", tmp_path, redis_port="many"))
    assert (code, "REDIS_PORT" in said) == (2, True)


def test_a_dead_database_is_waited_for_and_then_said(tmp_path: Path) -> None:
    nobody = f"postgresql://catalyst_app:pw@127.0.0.1:{free_ports(1)[0]}/catalyst"
    code, said = ended(started("reporting", tmp_path, database_url=nobody, database_wait_seconds=1))
    assert code == 1
    assert "waiting_for_database" in said
    assert "the database did not answer within 1 s" in said
    assert "pw@" not in said


def test_a_schema_that_is_not_there_yet_is_said(tmp_path: Path, admin_database_url: str) -> None:
    empty = admin_database_url.rsplit("/", 1)[0] + "/postgres"
    code, said = ended(
        started("reporting", tmp_path, database_url=empty, database_wait_seconds=1, config_folder=ROOT / "config")
    )
    assert code == 1
    assert "python -m database.migrate" in said


def test_broken_yaml_keeps_a_service_from_starting_and_names_the_line(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "trading_config.yaml").write_text("session:\n  mode: [supervised\nrisk: 1\n")
    (tmp_path / "risk_parameters.yaml").write_text("daily_limits: {}\n")
    code, said = ended(started("workflow", tmp_path, database_url=database_url, config_folder=tmp_path))
    assert code == 1
    assert "trading_config.yaml line 3" in said


def test_a_taken_port_is_said(tmp_path: Path, database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f'{{"reporting": "http://127.0.0.1:{taken.getsockname()[1]}"}}'
        code, said = ended(
            started(
                "reporting", tmp_path, database_url=database_url, service_urls=address, config_folder=ROOT / "config"
            )
        )
    assert code != 0
    assert "address already in use" in said


def test_it_serves_logs_to_its_file_and_stops_cleanly_on_sigterm(tmp_path: Path, database_url: str) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    process = started(
        "reporting",
        tmp_path,
        database_url=database_url,
        service_urls=f'{{"reporting": "{url}"}}',
        config_folder=ROOT / "config",
        redis_port=free_ports(1)[0],
        log_format="json",
    )
    try:
        with httpx.Client(timeout=5, trust_env=False) as http:
            answer = until(lambda: http.get(f"{url}/health"), httpx.TransportError)
            assert answer.json()["redis"] == "unreachable (not needed)"
            assert http.get(f"{url}/api/v1/about").json()["not_served_yet"]
            assert http.get(f"{url}/openapi.json").status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        code, _ = ended(process)
    assert code == 0
    assert (tmp_path / "reporting.log").exists()


def test_each_wrong_setting_is_one_line_without_its_content(tmp_path: Path) -> None:
    says = {"max_daily_loss": "-500", "max_positions": "hunter2", "service_urls": '{"hunter2'}
    code, said = ended(started("risk-manager", tmp_path, **says))
    assert (code, "hunter2" in said, "Traceback" in said) == (2, False, False)
    assert [line.split(": ")[1] for line in said.splitlines()] == ["MAX_DAILY_LOSS", "MAX_POSITIONS", "SERVICE_URLS"]
    code, said = ended(started("trading", tmp_path, alpaca_base_url="https://user:hunter2@paper-api.alpaca.markets"))
    assert (code, len(said.splitlines()), "hunter2" in said) == (2, 1, False)
    assert said.startswith("configuration: ALPACA_BASE_URL: it holds a user or a password; set https://paper-api.")
    code, said = ended(started("risk-manager", tmp_path, max_daily_los="500"))
    assert (code, len(said.splitlines()), "MAX_DAILY_LOSS is meant" in said) == (2, 1, True)


def test_a_file_of_settings_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    for content, says in (
        ("MAX_DAILY_LOSS=500\r\nSMTP_PASSWORD=hunter2\r\n".encode("utf-16"), "UTF-16"),
        (b"SMTP_PASSWORD=hunter2\nMAX_DAILY_LOS=500\n", "MAX_DAILY_LOSS is meant"),
        (b"MAX_DAILY_LOSS=500\nMAX_DAILY_LOSS=2000\n", "lines 1 and 2: MAX_DAILY_LOSS is set twice"),
    ):
        (tmp_path / ".env").write_bytes(content)
        for module in ("services reporting", "database.migrate", "scripts.catalyst status"):
            code, said = ended(started("", tmp_path, module=module))
            assert code == 2, (module, said)
            assert says in said, (module, said)
            assert (len(said.splitlines()), "hunter2" in said) == (1, False), (module, said)


def test_a_name_that_nothing_reads_is_said_loudly(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SMTP_HOTS=mail.example.org\n")
    nobody = f"postgresql://catalyst_app:pw@127.0.0.1:{free_ports(1)[0]}/catalyst"
    code, said = ended(started("reporting", tmp_path, database_url=nobody, database_wait_seconds=0))
    assert code == 1
    (line,) = [line for line in said.splitlines() if "setting_unknown" in line]
    assert "SMTP_HOTS" in line
    assert "SMTP_HOST" in line.replace("SMTP_HOTS", "")
