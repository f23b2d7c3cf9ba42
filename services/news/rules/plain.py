"""Plain text out of what the wires send, and its words."""

import html
import re
import unicodedata

MOST_CHARACTERS = 600
_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-", "…": " "})
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^<>]{0,400}>", re.DOTALL | re.IGNORECASE)
_OF_WORDS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
_BLANKED = bytes(code if code in _OF_WORDS else ord(" ") for code in range(256))


def clean(text: str) -> str:
    """One line of plain ASCII without markup, at most MOST_CHARACTERS long; may be empty."""
    bare = text[: MOST_CHARACTERS * 8]
    bare = html.unescape(bare) if "&" in bare else bare
    plain = _TAG.sub(" ", bare) if "<" in bare else bare
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain.translate(_PLAIN)).encode("ascii", "ignore").decode()
    return " ".join(plain.split())[:MOST_CHARACTERS]


def words_of(low: str) -> list[str]:
    """The words and numbers of lower-case ASCII text, as they stand."""
    return low.encode("ascii", "replace").translate(_BLANKED).decode("ascii").split()
