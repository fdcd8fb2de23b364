"""What has changed between two writings of the same piece."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from airflow_provider_kucoin.api.datasets import Dataset


@dataclass(frozen=True, slots=True)
class Changes:
    """
    How two writings differ.

    :param late: rows that are new
    :param changed: rows that were there with another content
    :param gone: rows that are there no more
    """

    late: int
    changed: int
    gone: int


def changes(dataset: Dataset, old: Iterable[pa.RecordBatch], new: Iterable[pa.RecordBatch]) -> Changes:
    """
    Compare two writings of a piece.

    Where rows have no key, a row that changed cannot be told from one that went while another came: then only a row
    less than before counts as gone.
    """
    before, after = _Hashes(dataset, old), _Hashes(dataset, new)
    if not dataset.key:
        less, more = _surplus(before.rows, after.rows), _surplus(after.rows, before.rows)
        changed = min(less, more)
        return Changes(more - changed, changed, less - changed)
    gone, came = before.keys_of_others(after), after.keys_of_others(before)
    changed = _count(gone, came)
    return Changes(len(came) - changed, changed, len(gone) - changed)


class _Hashes:
    """The hash of each row's key, and of all of it: 16 bytes instead of a row."""

    def __init__(self, dataset: Dataset, batches: Iterable[pa.RecordBatch]) -> None:
        keys, rows = array("q"), array("q")
        for batch in batches:
            names = batch.schema.names
            key_places = [names.index(name) for name in dataset.key]
            for row in zip(*(_hashable(column).to_pylist() for column in batch.columns), strict=True):
                keys.append(hash(tuple(row[place] for place in key_places)))
                rows.append(hash(row))
        self.keys, self.rows = _numbers(keys), _numbers(rows)

    def keys_of_others(self, than: _Hashes) -> pa.Array:
        """Return the keys of the rows that are not in another writing as they are here."""
        import pyarrow.compute as pc

        return self.keys.filter(pc.invert(pc.is_in(self.rows, value_set=than.rows)))


def _numbers(values: array[int]) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])


def _count(these: pa.Array, among: pa.Array) -> int:
    import pyarrow.compute as pc

    return pc.sum(pc.is_in(these, value_set=among)).as_py() or 0


def _surplus(these: pa.Array, others: pa.Array) -> int:
    """Return how many values are here that are not there, where the same may be there several times."""
    import pyarrow.compute as pc

    here, there = pc.value_counts(these), pc.value_counts(others)
    place = pc.index_in(here.field("values"), value_set=there.field("values"))
    more = pc.subtract(here.field("counts"), pc.fill_null(there.field("counts").take(place), 0))
    return pc.sum(pc.max_element_wise(more, 0)).as_py() or 0


def _hashable(column: pa.Array) -> pa.Array:
    """Return values whose hashes in Python differ where they do."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        # Python's datetimes do not hold nanoseconds.
        return column.cast(pa.int64())
    # hash(Decimal(-1)) is hash(Decimal(-2)); texts have no such pairs.
    return column.cast(pa.string()) if pa.types.is_decimal(column.type) else column
