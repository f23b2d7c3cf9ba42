"""TA-Lib without its optional wrappers: the usual way it loads pandas and polars, 70 MB that nobody here uses."""

import importlib
import sys
from types import ModuleType


def _load() -> ModuleType:
    if "talib" in sys.modules:
        return sys.modules["talib"]
    hidden = [name for name in ("pandas", "polars") if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # what Python calls "known to be absent"
    try:
        return importlib.import_module("talib")
    finally:
        for name in hidden:
            del sys.modules[name]


talib = _load()
