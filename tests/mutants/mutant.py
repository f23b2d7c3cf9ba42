"""What a mutant is: one exact replacement in the source, and the tests that must notice it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """`old` occurs exactly once in `file`; `tests` are pytest's arguments."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def stale(self, root: Path) -> str | None:
        """Why this mutant cannot be made of the tree at `root`, or None."""
        path = root / self.file
        if not path.is_file():
            return f"{self.name}: there is no {self.file}"
        found = path.read_text().count(self.old)
        if found != 1:
            return f"{self.name}: {self.file} has the fragment {found} times, not once: {self.old.strip()[:80]!r}"
        gone = [one for one in self.tests if not (root / one.partition("::")[0]).exists()]
        return f"{self.name}: there is no {', '.join(gone)}" if gone else None

    def put_into(self, root: Path) -> str:
        """Change the file below `root`; returns its text before."""
        path = root / self.file
        before = path.read_text()
        path.write_text(before.replace(self.old, self.new))
        return before


def named(*names: str) -> tuple[str, ...]:
    """The sweep's runs of these names, as pytest's arguments."""
    return tuple(f"tests/faults/test_named.py::test_a_run_with_a_name[{name}]" for name in names)
