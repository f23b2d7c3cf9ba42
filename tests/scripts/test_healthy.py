"""The containers' own health check asks its service, and no proxy for it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.child import inherited

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_no_proxy_is_asked_for_loopback(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        environment = inherited() | {name: f"http://127.0.0.1:{proxy.getsockname()[1]}"}
        command = [sys.executable, "-m", "scripts.healthy", "scanner"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)
        assert done.stderr == b""
        with pytest.raises(BlockingIOError):
            proxy.accept()
