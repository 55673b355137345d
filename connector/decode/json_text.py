"""A JSON file as a window of text that grows at its end and is cut at its start.

So an array of any length is read element by element in the memory of its largest one.
"""

import json
from typing import Any, BinaryIO

from connector import unpack

SPACE = " \t\r\n"
LOOKAHEAD = len("\\ud800\\udc00")  # so many characters more tell whether a value ends here
MOST_TEXT = 1 << 26  # characters one record may take


def _keep_first(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a key that occurs twice the first value counts, as of a CSV column."""
    kept = dict(members)
    return kept if len(kept) == len(members) else kept | dict(reversed(members))


# Numbers stay the text they are: money is exact and ids keep every digit.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_keep_first, parse_float=str, parse_int=str, parse_constant=str, strict=False
)


class Window:
    """The window; `at` is the place reading has come to."""

    def __init__(self, stream: BinaryIO, line: int, offset: int) -> None:
        self._stream = stream
        self._bytes_left = b""
        self._line, self._offset = line, offset
        self._is_ended = False
        self.text = ""
        self.at = 0

    def grow(self) -> bool:
        """Cut off what lies behind and read another block; False, with nothing moved, when there
        is no more text or no room for it.
        """
        if self._is_ended or len(self.text) - self.at >= MOST_TEXT:
            return False
        block = self._stream.read(unpack.BLOCK_BYTES)
        self._is_ended = not block
        self._line, self._offset = self.place(self.at)
        self.text = self.text[self.at :] + self._decode(block)
        self.at = 0
        return True

    def _decode(self, block: bytes) -> str:
        """Text of whole characters; the bytes of a split one wait for the next block."""
        data = self._bytes_left + block
        keep = 0 if self._is_ended else _split_character(data)
        self._bytes_left = data[len(data) - keep :] if keep else b""
        return data[: len(data) - keep].decode("utf-8", "surrogateescape")

    def peek(self) -> str:
        """The next character that is no white space, "" at the end; `at` stands on it."""
        while True:
            while self.at < len(self.text):
                if self.text[self.at] not in SPACE:
                    return self.text[self.at]
                self.at += 1
            if not self.grow():
                return ""

    def place(self, at: int) -> tuple[int, int]:
        """(line, byte offset) of the character at `at`."""
        before = self.text[:at]
        return self._line + before.count("\n"), self._offset + len(to_bytes(before))

    def read(self) -> tuple[Any, int]:
        """The value at the window's place and where it ends, which the place does not move to.

        Raises ValueError where there is none.
        """
        while True:
            try:
                value, end = decode(self.text, self.at)
            except json.JSONDecodeError as error:
                is_at_end = error.pos >= len(self.text) - LOOKAHEAD
                if (is_at_end or "Unterminated" in error.msg) and self.grow():
                    continue
                raise
            if len(self.text) - end < LOOKAHEAD and self.grow():
                continue  # a number could go on in the next block
            return value, end

    def take(self) -> Any:
        """The value at the window's place, which moves past it."""
        value, self.at = self.read()
        return value


def decode(text: str, at: int = 0) -> tuple[Any, int]:
    """The JSON value at `at` and where it ends; raises ValueError."""
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def explain(error: ValueError, start: int) -> str:
    """What is wrong with the record that begins at `start`."""
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON: {error.msg}, character {error.pos - start + 1} of the record"
    return f"is no JSON: {error}"


def to_bytes(text: str) -> bytes:
    """The bytes the text was read from; a lone surrogate spelled as an escape keeps its code."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _split_character(data: bytes) -> int:
    """How many bytes at the end begin a UTF-8 character whose rest has not come yet."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0
