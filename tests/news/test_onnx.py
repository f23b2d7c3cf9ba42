"""An operator's own classifier, where onnxruntime is installed; and what is said where it is not."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from services.news.sources.readers.onnx import OnnxReader
from shared.domain.news import Question
from shared.errors import Unavailable

WORDS = {"[UNK]": 0, "acme": 1, "soars": 2, "crashes": 3, "meets": 4}
SCORES = np.array([[0, 0, 0], [0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 6]], dtype=np.float32)
"""What each word adds to positive, negative, neutral."""


def build(folder: Path, labels: dict[str, str] | None = None) -> Path:
    """A transformer's inputs and outputs around a table of words: the mean of the words' scores."""
    onnx = pytest.importorskip("onnx")
    tokenizers = pytest.importorskip("tokenizers")
    pytest.importorskip("onnxruntime")
    make = onnx.helper
    ids = make.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, [1, None])
    logits = make.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, 3])
    nodes = [
        make.make_node("Gather", ["table", "input_ids"], ["rows"]),
        make.make_node("ReduceMean", ["rows"], ["logits"], axes=[1], keepdims=0),
    ]
    graph = make.make_graph(nodes, "words", [ids], [logits], [onnx.numpy_helper.from_array(SCORES, "table")])
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 13)], ir_version=8)
    path = folder / "model.onnx"
    onnx.save(model, path)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    if labels:
        (folder / "config.json").write_text(json.dumps({"id2label": labels}))
    return path


async def test_a_classifiers_odds_become_a_reading(tmp_path: Path) -> None:
    reader = OnnxReader(build(tmp_path))
    assert reader.off is None
    good, bad, dull = [await reader.read(Question(text=f"Acme {verb}")) for verb in ("soars", "crashes", "meets")]
    assert (good.sentiment > 0.85, good.reason, good.method) == (True, "classified as positive", "onnx")
    assert bad.sentiment == pytest.approx(-good.sentiment)
    assert abs(dull.sentiment) < 0.01
    assert dull.confidence == good.confidence
    assert (await reader.read(Question(text=""))).sentiment == pytest.approx(0, abs=1e-6)
    await reader.close()


async def test_the_order_of_labels_is_the_models_own(tmp_path: Path) -> None:
    reader = OnnxReader(build(tmp_path, {"0": "Negative", "1": "Positive", "2": "Neutral"}))
    assert (await reader.read(Question(text="Acme soars"))).sentiment < -0.85
    other = OnnxReader(build(tmp_path, {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}))
    with pytest.raises(Unavailable, match="3 numbers for the labels label_0"):
        await other.read(Question(text="Acme soars"))


async def test_a_file_that_is_no_model_is_unavailable(tmp_path: Path) -> None:
    path = build(tmp_path)
    path.write_bytes(b"not a model")
    with pytest.raises(Unavailable, match="cannot be loaded"):
        await OnnxReader(path).read(Question(text="Acme soars"))
    assert "no file" in (OnnxReader(tmp_path / "absent.onnx").off or "")


def test_without_the_packages_it_is_off_and_says_which_to_install(tmp_path: Path) -> None:
    missing = OnnxReader(tmp_path / "any.onnx", needed=("no_such_runtime", "no_such_tokenizers"))
    assert missing.off == (
        "NEWS_ONNX_PATH is set but no_such_runtime and no_such_tokenizers cannot be imported: install the group onnx"
    )


def test_the_heavy_packages_are_not_loaded_before_they_are_used() -> None:
    program = (
        "import sys, services.news.sources.wired\n"
        "print(sorted({'onnxruntime', 'tokenizers', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
