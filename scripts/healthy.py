"""`python -m scripts.healthy <service>`: exit code 0 when the service in this container answers that it is healthy."""

import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from config.services import BY_NAME

ANSWER_SECONDS = 4


def is_healthy(service: str) -> bool:
    """/health needs no key, and answers 503 when the service cannot do its job. No proxy is asked for 127.0.0.1."""
    straight = build_opener(ProxyHandler({}))
    try:
        with straight.open(f"http://127.0.0.1:{BY_NAME[service].port}/health", timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(sys.argv[1]) else 1)
