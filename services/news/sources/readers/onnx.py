"""An operator's own classifier: a transformer exported to ONNX, with its tokenizer.json (and config.json for the order
of its labels) beside it, as FinBERT and its kin are published. `onnxruntime` and `tokenizers` are loaded at first use:
they are in the optional dependency group `onnx` and cost more than 100 MB of memory."""

import asyncio
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from services.news.rules.plain import clean
from shared.domain.news import Question, Reading
from shared.errors import Unavailable

NEEDED = ("onnxruntime", "tokenizers")
LABELS = ("positive", "negative", "neutral")
"""FinBERT's own order, where config.json does not say."""
MOST_TOKENS, MOST_TEXTS = 256, 200


class OnnxReader:
    """Sentiment of a text: P(positive) - P(negative). It knows no catalysts and no companies: our rules add those."""

    name = "onnx"
    most = MOST_TEXTS

    def __init__(self, model: Path, needed: Sequence[str] = NEEDED) -> None:
        self._path = model
        self._loaded: tuple[Any, Any, tuple[str, ...]] | None = None
        self._lock = asyncio.Lock()
        missing = [package for package in needed if importlib.util.find_spec(package) is None]
        self.off: str | None = None
        if missing:
            self.off = f"NEWS_ONNX_PATH is set but {' and '.join(missing)} cannot be imported: install the group onnx"
        elif not model.is_file():
            self.off = f"NEWS_ONNX_PATH: no file {model}"

    async def read(self, question: Question) -> Reading:
        """Raises Unavailable for a model that cannot be loaded or answers in another form."""
        async with self._lock:
            return await asyncio.to_thread(self._read, clean(question.text))

    async def close(self) -> None:
        self._loaded = None

    def _read(self, text: str) -> Reading:
        session, tokenizer, labels = self._loaded or self._load()
        try:
            coded = tokenizer.encode(text)
            given = {
                "input_ids": np.array([coded.ids], dtype=np.int64),
                "attention_mask": np.array([coded.attention_mask], dtype=np.int64),
                "token_type_ids": np.array([coded.type_ids], dtype=np.int64),
            }
            asked = {one.name: given[one.name] for one in session.get_inputs()}
            logits = np.asarray(session.run(None, asked)[0], dtype=np.float64).ravel()
        except (KeyError, RuntimeError, ValueError, IndexError) as error:
            raise Unavailable(f"onnx: the model cannot be run: {type(error).__name__} {error}") from error
        return _reading(logits, labels)

    def _load(self) -> tuple[Any, Any, tuple[str, ...]]:
        import onnxruntime
        import tokenizers

        try:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(self._path, options, providers=["CPUExecutionProvider"])
            tokenizer = tokenizers.Tokenizer.from_file(str(self._path.with_name("tokenizer.json")))
            tokenizer.enable_truncation(MOST_TOKENS)
            labels = _labels(self._path.with_name("config.json"))
        # Both libraries raise bare Exceptions of their own.
        except Exception as error:
            raise Unavailable(f"onnx: the model cannot be loaded: {type(error).__name__} {error}"[:300]) from error
        self._loaded = session, tokenizer, labels
        return self._loaded


def _labels(config: Path) -> tuple[str, ...]:
    if not config.is_file():
        return LABELS
    named: dict[str, str] = orjson.loads(config.read_bytes()).get("id2label", {})
    return tuple(named[key].lower() for key in sorted(named, key=int)) or LABELS


def _reading(logits: np.ndarray[Any, np.dtype[np.float64]], labels: tuple[str, ...]) -> Reading:
    if len(logits) != len(labels) or not {"positive", "negative"} <= set(labels) or not np.isfinite(logits).all():
        raise Unavailable(f"onnx: {len(logits)} numbers for the labels {', '.join(labels)}")
    odds = np.exp(logits - logits.max())
    share = dict(zip(labels, (odds / odds.sum()).tolist(), strict=True))
    return Reading(
        sentiment=round(share["positive"] - share["negative"], 4),
        confidence=round(max(share.values()), 4),
        reason=f"classified as {max(share, key=lambda label: share[label])}",
        method="onnx",
    )
