"""TA-Lib for arrays: its package imports two data-frame libraries where it finds them, worth 60 MB and a second.

Both are hidden while it loads (it then wraps nothing, which is its documented way without them); whatever the process
had already imported stays as it was.
"""

import sys
from typing import Any

_FRAMES = ("polars", "pandas")


def _load() -> Any:
    hidden = [name for name in _FRAMES if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own sign for "there is no such module"
    try:
        import talib
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
    return talib


ta: Any = _load()
"""TA-Lib's functions over float64 arrays; see https://ta-lib.org/functions."""
