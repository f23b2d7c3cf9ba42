"""The trained model: what it looks at, that it ships small and answers alike everywhere, and that it is any good."""

import contextlib
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from scripts.models import labelled
from scripts.models.sentences import sentences
from scripts.models.train_sentiment import main as train
from services.news.rules.aggregate import label
from services.news.rules.model import PACKAGE, WEIGHTS, Model, trained
from services.news.rules.model_features import Rules, Seen, change, masked, seen
from services.news.rules.model_verdict import GRAVE_CONFIDENCE, SUREST, Said, heard, verdict
from services.news.rules.read import judged, look, read

SILENT = Rules(None, 0.0, "None", told=False, dated=False)
SAMPLE = (
    "Operating profit rose to EUR 9.4 mn from EUR 6.1 mn",
    "Acme slides as Globex takes its largest customer",
    "The meeting will be held in Helsinki",
)


def concepts(text: str, *spans: tuple[int, int]) -> set[str]:
    return set(seen(text, spans, SILENT).concepts)


def shipped() -> Model:
    model = trained()
    assert model is not None
    return model


def test_the_weights_are_small_and_load() -> None:
    assert resources.files(PACKAGE).joinpath(WEIGHTS).is_file()
    assert len(resources.files(PACKAGE).joinpath(WEIGHTS).read_bytes()) < 5_000_000
    assert len(shipped().votes) > 5_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net sales grew to eur 212.4 million from eur 186.3 million", "=C+"),
        ("net sales went from eur 10.8 mn to eur 9.2 mn", "=C-"),
        ("the net loss was eur 2.1 mn, compared with eur 6.3 mn a year ago", "=C+"),
        ("costs went up from eur 4 mn to eur 5 mn", "=C-"),
        ("a profit of eur 5 mn compared to a loss of eur 1 mn", "=C+"),
        ("a loss of eur 5 mn compared with a profit of eur 1 mn", "=C-"),
        ("earnings were $1.00 versus $1.00", "=C="),
        ("it moved from oslo to bergen", None),
    ],
)
def test_two_figures_are_compared(text: str, expected: str | None) -> None:
    assert change(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("profit rises", "=M+"),
        ("costs rise", "=M-"),
        ("loss narrows", "=M+"),
        ("margin shrinks", "=M-"),
        ("the tower rises", "=U"),
        ("sales did not rise", "=!M+"),
    ],
)
def test_more_is_good_or_bad_by_what_there_is_more_of(text: str, expected: str) -> None:
    assert expected in concepts(text)


def test_what_stands_in_another_clause_is_not_the_companys() -> None:
    text = "acme soars while globex slumps"
    assert "@oD" in concepts(text, (0, 4))
    assert "@aD" in concepts(text, (17, 23))


def test_the_company_is_hidden_so_that_no_name_is_learned() -> None:
    assert masked("acme and acme again http://x.y/z", [(0, 4), (9, 13)]).split() == ["_t_", "and", "_t_", "again"]


def test_odds_sum_to_one_and_heat_makes_them_less_sure() -> None:
    given = seen("profit soars to record", (), SILENT)
    cool, hot = shipped().odds(given), shipped()._replace(temperature=5.0).odds(given)
    assert sum(cool) == pytest.approx(1)
    assert cool.positive > hot.positive > 1 / 3
    assert shipped().telling(given, good=True) in {"profit soars", "soars", "record", "to record"}
    assert shipped().telling(Seen([], []), good=True) == ""


def test_a_grave_phrase_decides_whatever_the_words_say() -> None:
    given = seen("record profit soars on strong growth", (), SILENT)
    said = Said(-0.7, 3.0, -0.8, "share offering dilutes")
    reading = verdict(shipped(), given, said, None, told=False, dated=False, share=1.0, note="")
    assert (reading.sentiment, reading.method) == (-0.7, "rules")
    assert GRAVE_CONFIDENCE <= reading.confidence <= SUREST
    elsewhere = verdict(shipped(), given, said, None, told=False, dated=False, share=0.25, note="another's")
    assert elsewhere.sentiment > -0.3
    assert elsewhere.reason.endswith("(another's)")


def test_phrases_move_the_odds_their_way() -> None:
    odds = shipped().odds(seen("the company said on tuesday", (), SILENT))
    better = heard(odds, Said(0.6, 2.0, 0.6, ""), told=False, dated=False)
    told = heard(odds, Said(0.6, 2.0, 0.6, ""), told=True, dated=False)
    assert better.positive > told.positive > odds.positive
    assert heard(odds, None, told=False, dated=True).neutral > odds.neutral
    assert heard(odds, None, told=False, dated=False) == pytest.approx(odds)


def test_without_weights_the_lexicon_answers() -> None:
    words, event = look("Acme had a wonderful, upbeat day"), look("Acme files for bankruptcy")
    assert words is not None
    assert event is not None
    by_words, by_rule = judged(words, None, None, None, 1), judged(event, None, None, None, 1)
    assert (by_words.method, label(by_words)) == ("lexicon", "positive")
    assert (by_rule.method, label(by_rule)) == ("rules", "negative")


def test_the_same_bits_under_any_hash_seed() -> None:
    code = f"from services.news.rules.read import read\nfor t in {SAMPLE!r}: print(read(t, 'ACME', 'Acme Corp'))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_sentences_written_for_the_evaluation_are_read_rightly() -> None:
    rows = labelled.written()
    right = Counter(
        row.group for row in rows if labelled.LABELS[label(read(row.text, row.symbol, row.company))] == row.label
    )
    asked = Counter(row.group for row in rows)
    assert sum(right.values()) / len(rows) >= 0.8
    assert all(right[group] / count >= 0.65 for group, count in asked.items())


def test_written_sentences_are_the_same_each_time_and_balanced() -> None:
    once, again = list(sentences(2, 1)), list(sentences(2, 1))
    assert once == again
    counts = Counter(one.label for one in once)
    assert min(counts.values()) > len(once) / 5
    assert not any("{" in one.text for one in once)


def test_training_says_that_it_skips_without_the_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.chdir(tmp_path):
        assert train() == 0
    assert "skipped" in capsys.readouterr().out


@pytest.mark.market_data
def test_headlines_of_the_tape_are_read_rightly() -> None:
    rows = labelled.tape()
    if not rows:
        pytest.skip("the recorded tapes are not beside the checkout")
    right = [labelled.LABELS[label(read(row.text, row.symbol, row.company))] == row.label for row in rows]
    assert sum(right) / len(right) >= 0.75
