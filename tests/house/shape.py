"""The rules of the house about shape: small folders, pure rules, shared parts that are shared.

What breaks them today stands by name in offenders.py: that list may only shrink.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.house_rules import Check, Tree

CODE = ("config", "shared", "services", "database", "scripts", "benchmarks", "tests")
FOLDER_MODULES, USERS_MIN = 12, 2
ADAPTERS = "shared/adapters/"
"""Named where everything is wired, and nowhere else."""
MUTABLE = {"dict", "list", "set", "deque", "defaultdict", "OrderedDict"}
CLOCKS = {"perf_counter", "monotonic", "time", "time_ns"}


def small_folders(tree: Tree) -> list[str]:
    """At most a dozen modules in a folder: more than that nobody has before his eyes."""
    held: dict[str, int] = defaultdict(int)
    for below in CODE:
        for name, path in tree.files(below):
            if path.suffix == ".py" and path.name not in ("__init__.py", "__main__.py"):
                held[name.rpartition("/")[0]] += 1
    return [folder for folder, modules in sorted(held.items()) if modules > FOLDER_MODULES]


def no_wide_files(tree: Tree) -> list[str]:
    """120 columns without exemption of a whole file: tables of words are data."""
    return [
        name
        for below in CODE
        for name, path in tree.files(below)
        if path.suffix == ".py" and any(line.startswith("# ruff: noqa") for line in path.read_text().splitlines())
    ]


def _is_pure_place(name: str) -> bool:
    parts = name.split("/")
    return name.startswith("shared/domain/") or (parts[0] == "services" and parts[2:3] in (["rules"], ["rules.py"]))


def _mutable_state(module: ast.Module) -> Iterator[str]:
    """Dataclasses that change, names of the module that hold what changes, clocks."""
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            for mark in node.decorator_list:
                said = ast.unparse(mark)
                if said.startswith("dataclass") and "frozen=True" not in said:
                    yield f"class {node.name} changes"
        elif isinstance(node, ast.Global):
            yield f"global {', '.join(node.names)}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time" and {a.name for a in node.names} & CLOCKS:
            yield "reads a clock"
    for node in module.body:
        value = node.value if isinstance(node, ast.AnnAssign | ast.Assign) else None
        names = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        made = ast.unparse(value.func).partition("[")[0] if isinstance(value, ast.Call) else ""
        if not isinstance(value, ast.Dict | ast.List | ast.Set) and made not in MUTABLE:
            continue
        yield from (
            f"{one.id} may change" for one in names if isinstance(one, ast.Name) and one.id.strip("_").islower()
        )


def pure_rules(tree: Tree) -> list[str]:
    """Rules and the vocabulary hold nothing that changes and look at no clock."""
    return sorted(
        {
            f"{name}: {what}"
            for below in ("shared", "services")
            for name, module in tree.python(below)
            if _is_pure_place(name)
            for what in _mutable_state(module)
        }
    )


def _imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def shared_is_shared(tree: Tree) -> list[str]:
    """A module of shared/ has users in at least two packages; a service counts as one, shared/ itself as another."""
    modules = {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): name
        for name, path in tree.files("shared")
        if path.suffix == ".py" and path.name != "__init__.py" and not name.startswith(ADAPTERS)
    }
    users: dict[str, set[str]] = {name: set() for name in modules}
    for below in CODE[:-1]:
        for name, module in tree.python(below):
            parts = name.split("/")
            package = "/".join(parts[:2]) if parts[0] == "services" and len(parts) > 2 else parts[0]
            for target in _imported(module):
                if target in users and modules[target] != name:
                    users[target].add(package if package != "shared" else name)
    return [modules[name] for name, by in sorted(users.items()) if len(by) < USERS_MIN]


SHAPE_CHECKS: tuple[Check, ...] = (small_folders, no_wide_files, pure_rules, shared_is_shared)
