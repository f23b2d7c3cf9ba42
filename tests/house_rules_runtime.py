"""The rules of the house about what runs for ever: one loop, one follower of the journal."""

import ast
from collections.abc import Iterator

from config.services import SERVICES
from tests.house_rules import Check, Tree

LOOPS, FOLLOWER = "shared/runtime/loops.py", "shared/runtime/journal_follower.py"
BROAD = {"Exception", "BaseException"}
CODE = ("config", "shared", "services", "database", "scripts")
WAITS = {
    "services/exchange/api/data_stream.py": "one connection's commands, until it closes",
    "services/scanner/flow/asking.py": "until workflow has answered, or a timeout",
}
"""Files of services that may repeat without end: each waits for something that ends it, and outlives no error."""


def _caught(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"BaseException"}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind) for kind in kinds}


def errors_have_names(tree: Tree) -> list[str]:
    """Every error is caught in the one loop alone; elsewhere who catches all raises again."""
    found = []
    for below in CODE:
        for name, module in tree.python(below):
            for node in ast.walk(module):
                if not isinstance(node, ast.ExceptHandler) or not _caught(node) & BROAD:
                    continue
                if name != LOOPS and not isinstance(node.body[-1], ast.Raise):
                    found.append(f"{name}:{node.lineno}: catches every error; run it in {LOOPS}, or name the error")
    return found


def _endless(module: ast.Module) -> Iterator[int]:
    for node in ast.walk(module):
        if isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and node.test.value:
            yield node.lineno


def one_loop(tree: Tree) -> list[str]:
    """A service writes no endless loop of its own."""
    return [
        f"{name}:{line}: an endless loop; make it a Loop of {LOOPS}"
        for name, module in tree.python("services")
        if name.split("/")[2:3] and name.split("/")[2].split(".")[0] in {"api", "flow"} and name not in WAITS
        for line in _endless(module)
    ]


def one_follower(tree: Tree) -> list[str]:
    """The journal is listened to in one place."""
    return [
        f"{name}:{node.lineno}: listens to the database; use {FOLLOWER}"
        for below in CODE
        for name, module in tree.python(below)
        if name != FOLLOWER
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and node.attr == "add_listener"
    ]


ALWAYS = {"settings", "pool", "cache"}
NEED_OF = {
    "broker": "broker", "stream": "broker", "client": "calls", "clock": "clock", "config": "config", "mailer": "mail",
    "webhook": "mail", "market": "market", "news": "news", "readers": "readers",
}  # fmt: skip


def needs_are_named(tree: Tree) -> list[str]:
    """A service uses of its Deps what its registry entry names under `needs`, all of that, and nothing else."""
    found = []
    for service in SERVICES:
        used = dict[str, str]()
        for name, module in tree.python(f"services/{service.package}"):
            for node in ast.walk(module):
                if isinstance(node, ast.Attribute) and ast.unparse(node.value).rpartition(".")[2] == "deps":
                    used.setdefault(NEED_OF.get(node.attr, node.attr), f"{name}:{node.lineno}")
        unnamed = sorted(used.keys() - ALWAYS - set(service.needs))
        found += [f"{used[one]}: {service.name} does not name {one} in its needs" for one in unnamed]
        unused = sorted(set(service.needs) - used.keys())
        found += [f"config/services.py: {service.name} needs {one} and never uses it" for one in unused]
    return found


RUNTIME_CHECKS: tuple[Check, ...] = (errors_have_names, one_loop, one_follower, needs_are_named)
