"""The catalogue of mistakes fits the tree, and making one of them is noticed."""

from collections import Counter
from pathlib import Path

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]


def test_every_fragment_is_found_exactly_once() -> None:
    assert [why for mutant in MUTANTS if (why := mutant.stale(ROOT))] == []


def test_every_mutant_is_another_one_and_python() -> None:
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1
    for mutant in MUTANTS:
        text = (ROOT / mutant.file).read_text()
        changed = text.replace(mutant.old, mutant.new)
        assert changed != text
        compile(changed, mutant.name, "exec")


def test_a_fragment_that_is_gone_or_double_is_stale(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("one = 1\ntwo = 2\ntwo = 2\n")
    fits, double, gone = (
        Mutant(name, "code.py", old, "", ()) for name, old in (("a", "one"), ("b", "two"), ("c", "three"))
    )
    assert fits.stale(tmp_path) is None
    assert "2 times" in str(double.stale(tmp_path))
    assert "0 times" in str(gone.stale(tmp_path))
    assert "no other.py" in str(Mutant("d", "other.py", "", "", ()).stale(tmp_path))
