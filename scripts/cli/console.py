"""What all commands share: where the services are, how an answer or an error is shown."""

import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx
import typer
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from config.settings import read_settings
from shared.domain.session import MARKET_ZONE

LOCAL = Path(".local")
PIPED_WIDTH = 200
out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(text: str, code: int = 1) -> NoReturn:
    """Say on stderr what went wrong and what to do, and end."""
    err.print(f"[red]catalyst:[/red] {escape(text)}")
    raise typer.Exit(code)


def url_of(service: str) -> str:
    """The running embedded system's address when there is one, else that of .env or the standard port."""
    try:
        known = json.loads((LOCAL / "addresses.json").read_text())["services"]
    except (OSError, ValueError, KeyError):
        known = {}
    return str(known.get(service) or read_settings().url_of(service))


def call(
    method: str, service: str, path: str, body: dict[str, Any] | None = None, timeout: float = 120, otherwise: str = ""
) -> Any:
    """Ask a service; its refusal or absence ends the command with the reason and what to do, `otherwise` last."""
    otherwise = otherwise and f" {otherwise}"
    key = read_settings().catalyst_api_key
    url = url_of(service)
    try:
        answer = httpx.request(
            method,
            url + path,
            json=body,
            headers={"X-API-Key": key} if key else {},
            timeout=httpx.Timeout(timeout, connect=2),
            trust_env=False,
        )
    except httpx.ConnectError:
        start = "Start the system with `make up`, or look at `catalyst status`."
        fail(f"{service} is not running at {url}. {start}{otherwise}")
    except httpx.HTTPError as error:
        fail(f"{service} did not answer {path} within {timeout:.0f} s ({type(error).__name__}).{otherwise}")
    if answer.is_success:
        return answer.json()
    try:
        problem = answer.json()
    except ValueError:
        problem = {"detail": answer.text[:200]}
    when = problem.get("possible_at")
    fail(f"{problem.get('detail', answer.status_code)}" + (f" Possible at {when}." if when else "") + otherwise)


def show(data: Any, as_json: bool, table: RenderableType) -> None:
    """JSON for programs, a table for people."""
    if as_json:
        out.print_json(json.dumps(data, default=str))
    else:
        out.print(table)


def table_of(title: str, columns: list[str], rows: list[list[Any]]) -> RenderableType:
    """A table whose number-like columns align to the right; a line that says so when it has no rows."""
    if not rows:
        return Text(f"{title}: none")
    table = Table(header_style="bold")
    cells = [["-" if value is None else _cell(value) for value in row] for row in rows]
    for index, column in enumerate(columns):
        filled = [row[index] for row in cells if row[index] != "-"]
        numeric = bool(filled) and all(re.fullmatch(r"[+-]?[\d,]*\.?\d+", text) for text in filled)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(escape, row))
    return Group(Text(title, style="bold"), table)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def money(value: str | float | None) -> str | None:
    """A price or an amount with two decimals, or as many as it has up to four."""
    if value is None:
        return None
    whole, _, decimals = f"{float(value):.4f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def market_time(moment: str | None) -> str | None:
    """An ISO moment on the market's clock."""
    return f"{datetime.fromisoformat(moment).astimezone(MARKET_ZONE):%H:%M:%S}" if moment else None
