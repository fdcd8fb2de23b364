"""Proof that no key was written twice, in constant memory."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.blocks import LONGEST_NUMBER
from airflow_provider_kucoin.api.errors import Incomplete

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import BufferedRandom
    from pathlib import Path

    import pyarrow as pa

#: Keys that are looked at together: 2 MiB of their marks.
KEYS_AT_ONCE = 1 << 18


def mark(key: str) -> int:
    """Return 64 bits that stand for a key: a number stands for itself, any other text is hashed."""
    is_number = len(key) <= LONGEST_NUMBER and key.isascii() and key.isdigit() and (key[0] != "0" or len(key) == 1)
    return int(key) if is_number else hash(key)


class Keys:
    """
    Remembers keys by their marks, in memory as long as they are few and on disk beyond that.

    Two different keys with one hash would be taken for one key, and the piece be refused: for ten million keys that are
    no numbers a chance of 3 in a million. A key that really is there twice is always found.

    :param path: of the file to use when memory is not enough
    :param at_once: how many keys may be held in memory
    """

    def __init__(self, path: Path, at_once: int = KEYS_AT_ONCE) -> None:
        self._path = path
        self._at_once = at_once
        self._total = 0
        self._recent = array("q")
        self._file: BufferedRandom | None = None

    def add(self, keys: Iterable[str]) -> None:
        """Remember keys."""
        self.add_marks(array("q", map(mark, keys)).tobytes())

    def add_marks(self, marks: bytes) -> None:
        """Remember keys by their marks, each a whole number of 64 bits as this machine writes it."""
        self._recent.frombytes(marks)
        if len(self._recent) >= self._at_once:
            self._file = self._file or self._path.open("w+b")
            self._file.write(self._recent.tobytes())
            self._total += len(self._recent)
            self._recent = array("q")

    def check(self) -> None:
        """
        Check that all keys differ.

        :raise Incomplete: when one was there twice
        """
        parts = self._parts()
        for part in range(parts):
            if repeated := self._repeated(parts, part):
                raise Incomplete(f"{repeated} rows were listed twice: rows moved while they were being read")

    def repeats(self) -> set[int]:
        """Return the marks of keys that were there more than once."""
        import pyarrow.compute as pc

        parts = self._parts()
        found: set[int] = set()
        for part in range(parts):
            marks = self._part(parts, part)
            same = pc.equal(marks.slice(1), marks.slice(0, max(0, len(marks) - 1)))
            found.update(marks.slice(1).filter(same).to_pylist())
        return found

    def _parts(self) -> int:
        # Equal keys have equal marks and so share a part, wherever they are; a part fits into memory.
        return 1 << ((self._total + len(self._recent)) // self._at_once).bit_length()

    def _repeated(self, parts: int, part: int) -> int:
        """Return how many keys of one part of all were there before."""
        import pyarrow.compute as pc

        marks = self._part(parts, part)
        same = pc.equal(marks.slice(1), marks.slice(0, max(0, len(marks) - 1)))
        return pc.sum(same).as_py() or 0

    def _part(self, parts: int, part: int) -> pa.Array:
        """Return one part of all marks, sorted."""
        import pyarrow as pa
        import pyarrow.compute as pc

        chunks = []
        for marks in self._chunks():
            values = pa.Array.from_buffers(pa.int64(), len(marks), [None, pa.py_buffer(marks)])
            chunks.append(values if parts == 1 else values.filter(pc.equal(pc.bit_wise_and(values, parts - 1), part)))
        return pa.concat_arrays(chunks).sort()

    def _chunks(self) -> Iterable[array[int]]:
        yield self._recent
        if self._file is None:
            return
        self._file.seek(0)
        while data := self._file.read(self._at_once * self._recent.itemsize):
            yield array("q", data)

    def close(self) -> None:
        """Forget all keys."""
        if self._file is not None:
            self._file.close()
