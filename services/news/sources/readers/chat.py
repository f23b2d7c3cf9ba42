"""Language models as readers: OpenAI-compatible chat completions and Anthropic's messages.

One text for each request: texts that share a prompt could speak for each other.
"""

import msgspec

from services.news.rules.prompt import MOST_TOKENS, RULES, SCHEMA, envelope, reading_from
from services.news.sources.vendor import Vendor
from shared.domain.news import Question, Reading
from shared.errors import Unavailable

OPENAI_URL, ANTHROPIC_URL, ANTHROPIC_VERSION = "https://api.openai.com/v1", "https://api.anthropic.com", "2023-06-01"
METHOD = "llm"


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Said


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class _Block(msgspec.Struct):
    type: str
    input: msgspec.Raw = msgspec.Raw(b"null")


class _Message(msgspec.Struct):
    content: list[_Block]


_COMPLETION, _MESSAGE = msgspec.json.Decoder(_Completion), msgspec.json.Decoder(_Message)


class OpenAiReader:
    """Any server that speaks `POST /chat/completions` with structured output (OpenAI, vLLM, Ollama, llama.cpp)."""

    def __init__(self, vendor: Vendor, model: str, most: int, off: str | None = None) -> None:
        self.name, self.off, self.most = f"openai:{model}", off, most
        self._vendor, self._model = vendor, model

    async def read(self, question: Question) -> Reading:
        """Raises Unavailable, NotNow."""
        body = {
            "model": self._model,
            "messages": [{"role": "system", "content": RULES}, {"role": "user", "content": envelope(question)}],
            "temperature": 0,
            "max_tokens": MOST_TOKENS,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "reading", "strict": True, "schema": SCHEMA},
            },
        }
        answer = self._vendor.decoded(await self._vendor.post("/chat/completions", body), _COMPLETION)
        return _reading(answer.choices[0].message.content or "" if answer.choices else "", self.name)

    async def close(self) -> None:
        await self._vendor.close()


class AnthropicReader:
    """Anthropic's messages; the answer is the input of a tool that the model must call."""

    def __init__(self, vendor: Vendor, model: str, most: int, off: str | None = None) -> None:
        self.name, self.off, self.most = f"anthropic:{model}", off, most
        self._vendor, self._model = vendor, model

    async def read(self, question: Question) -> Reading:
        """Raises Unavailable, NotNow."""
        body = {
            "model": self._model,
            "system": RULES,
            "messages": [{"role": "user", "content": envelope(question)}],
            "temperature": 0,
            "max_tokens": MOST_TOKENS,
            "tools": [{"name": "reading", "description": "Give the reading.", "input_schema": SCHEMA}],
            "tool_choice": {"type": "tool", "name": "reading"},
        }
        answer = self._vendor.decoded(await self._vendor.post("/v1/messages", body), _MESSAGE)
        called = next((bytes(block.input) for block in answer.content if block.type == "tool_use"), b"null")
        return _reading(called, self.name)

    async def close(self) -> None:
        await self._vendor.close()


def _reading(answer: bytes | str, name: str) -> Reading:
    try:
        return reading_from(answer, METHOD)
    except ValueError as error:
        raise Unavailable(f"{name}: {error}") from error
