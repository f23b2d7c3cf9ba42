"""`make mutants`: put each mistake of the catalogue into a copy of the tree, and see whether its tests notice.

Prints the survivors and, as the last line, JSON: how many there are, how many were noticed, and the names of the rest.
Exit code 1 for survivors and for a stale catalogue, 2 when the tests fail without any mistake.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".local", "build", "logs", "__pycache__", ".mypy_cache", ".ruff_cache"
)
LONGEST_SECONDS = 420
PASSED, FAILED = 0, 1


def say(text: str) -> None:
    """A line for the person who waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def copy_of(root: Path, to: Path) -> Path:
    """The tree as it is, with the same virtual environment."""
    shutil.copytree(root, to, ignore=LEFT_OUT, symlinks=True)
    (to / ".venv").symlink_to((root / ".venv").resolve())
    return to


def tried(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Pytest's exit code and the end of what it printed. A run without end counts as a failing one."""
    command = [str(tree / ".venv/bin/python"), "-m", "pytest", "-x", "-q", *tests]
    try:
        ran = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return FAILED, f"no end within {LONGEST_SECONDS} s"
    return ran.returncode, ran.stdout[-2000:] + ran.stderr[-2000:]


def judged(mutant: Mutant, trees: "SimpleQueue[Path]") -> str:
    """`killed`, `survived`, or what hindered the trial."""
    tree = trees.get()
    try:
        before = mutant.put_into(tree)
        try:
            code, said = tried(tree, mutant.tests)
        finally:
            (tree / mutant.file).write_text(before)
    finally:
        trees.put(tree)
    outcome = {PASSED: "survived", FAILED: "killed"}.get(code, f"broken (pytest ended with {code}): {said}")
    say(f"{outcome.split(' ')[0]:9} {mutant.name}")
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose name or file contains this")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--no-baseline", action="store_true", help="do not run the tests without a mistake first")
    chosen = parser.parse_args()
    mutants = [mutant for mutant in MUTANTS if chosen.only in mutant.name or chosen.only in mutant.file]
    if stale := [why for mutant in mutants if (why := mutant.stale(ROOT))]:
        say("the catalogue is stale, tests/mutants/catalogue*.py:\n" + "\n".join(stale))
        return 1
    folder = Path(tempfile.mkdtemp(prefix="catalyst-mutants-"))
    folder.chmod(0o711)
    try:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(chosen.at_once):
            trees.put(copy_of(ROOT, folder / str(number)))
        if not chosen.no_baseline:
            every = sorted({test for mutant in mutants for test in mutant.tests})
            code, text = tried(folder / "0", every)
            if code != PASSED:
                say(f"the tests fail without any mistake:\n{text}")
                return 2
        with ThreadPoolExecutor(chosen.at_once) as pool:
            outcomes = list(pool.map(lambda mutant: judged(mutant, trees), mutants))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    left = {mutant.name: one for mutant, one in zip(mutants, outcomes, strict=True) if one != "killed"}
    for name, outcome in left.items():
        say(f"not noticed: {name} ({outcome})")
    say(json.dumps({"mutants": len(mutants), "killed": len(mutants) - len(left), "survivors": sorted(left)}))
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
