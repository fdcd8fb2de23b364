"""Files of a piece: the same rows give the same file, whatever the pages were; nothing is left behind."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

import pyarrow as pa  # noqa: TID253 - this is where Arrow is looked at
import pyarrow.parquet as pq  # noqa: TID253 - the same
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.errors import Incomplete, UnexpectedData
from airflow_provider_kucoin.api.ledgers import SPOT
from airflow_provider_kucoin.api.objects import COMPRESSIONS
from airflow_provider_kucoin.lake.batches import schema
from airflow_provider_kucoin.lake.files import OutOfOrder, PieceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

T0 = 1_770_120_000_000
FORMATS = [(file_format, known) for file_format, several in COMPRESSIONS.items() for known in several]
IDS = [f"{file_format} {compression}" for file_format, compression in FORMATS]


def item(number: int, ms: int | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(265_000_000_000_000 + number),
        "currency": ("USDT", "BTC", "KCS")[number % 3],
        "amount": f"{number}.{number:08}",
        "fee": "0",
        "balance": "0",
        "accountType": "MAIN",
        "bizType": "Deposit",
        "direction": "in",
        "createdAt": T0 + (number if ms is None else ms),
        "context": f'{{"orderId":"{number}"}}' if number % 2 else "",
        **changes,
    }


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert list(tmp_path.iterdir()) == []


def write(
    pages: list[list[dict[str, Any]]],
    file_format: str = "parquet",
    compression: str = "none",
    metadata: Any = None,
    **options: Any,
) -> bytes:
    """Return the bytes of the file made from pages of items."""
    with PieceFile(SPOT, "165111215", file_format, compression, **options) as file:
        for page in pages:
            file.add(page)
        done = file.finish(metadata or {})
        content = done.path.read_bytes()
        assert (done.size, done.rows) == (len(content), sum(map(len, pages)))
    return content


def table(content: Any) -> pa.Table:
    return pq.read_table(io.BytesIO(content))


def ids(content: Any) -> list[int]:
    return [int(text) - 265_000_000_000_000 for text in table(content).column("id").to_pylist()]


def paged(items: list[dict[str, Any]], sizes: Any) -> list[list[dict[str, Any]]]:
    """Cut items into pages of the given sizes, again and again."""
    pages, start, number = [], 0, 0
    while start < len(items):
        size = sizes[number % len(sizes)]
        pages.append(items[start : start + size])
        start, number = start + size, number + 1
    return pages


# --------------------------------------------------------------------------------------------------------- what is in


def test_every_row_is_in_the_file_oldest_first() -> None:
    assert ids(write([[item(1), item(2)], [item(3)], [], [item(4), item(5)]])) == [1, 2, 3, 4, 5]


def test_rows_of_one_millisecond_are_in_order_of_their_ids_also_across_pages() -> None:
    pages = [[item(5, 0), item(11, 0)], [item(7, 0)], [item(1, 0), item(2, 9)]]
    assert ids(write(pages)) == [1, 5, 7, 11, 2]


def test_a_longer_number_is_a_later_id() -> None:
    pages = [[item(0, 0, id="1000"), item(0, 0, id="999")], [item(0, 0, id="611a1e7c6a053300067a88d9")]]
    assert table(write(pages)).column("id").to_pylist() == ["999", "1000", "611a1e7c6a053300067a88d9"]


def test_a_file_without_rows_has_the_same_schema() -> None:
    empty, full = write([]), write([[item(1)]])
    assert table(empty).num_rows == 0
    assert pq.read_schema(io.BytesIO(empty)).equals(pq.read_schema(io.BytesIO(full)))
    assert pq.read_schema(io.BytesIO(empty)).equals(schema(SPOT.columns))


def test_metadata_is_in_parquet_with_the_number_of_rows() -> None:
    metadata = pq.read_metadata(io.BytesIO(write([[item(1)], [item(2)]], metadata={"kucoin.ledger": "spot"}))).metadata
    assert (metadata[b"kucoin.ledger"], metadata[b"kucoin.rows"]) == (b"spot", b"2")


@pytest.mark.parametrize(("file_format", "compression"), FORMATS, ids=IDS)
def test_every_format_with_every_compression_can_be_read_again(file_format: str, compression: str) -> None:
    content = write([[item(1), item(2)]], file_format, compression)
    if file_format == "parquet":
        assert ids(content) == [1, 2]
        return
    text = pa.CompressedInputStream(io.BytesIO(content), compression).read() if compression != "none" else content
    assert text.decode().count("265000000000001") == 1
    if compression == "gzip":
        assert gzip.decompress(content) == text


def test_json_lines_are_text_plain_and_exact() -> None:
    [line, last] = write([[item(1, amount="1e-18", context=None, tax="0")], [item(2)]], "jsonl").decode().splitlines()
    assert json.loads(line) == {
        "account_uid": "165111215",
        "id": "265000000000001",
        "currency": "BTC",
        "amount": "0.000000000000000001",
        "fee": "0",
        "balance": "0",
        "account_type": "MAIN",
        "biz_type": "Deposit",
        "direction": "in",
        "created_at": "2026-02-03T12:00:00.001Z",
        "context": None,
        "order_id": None,
        "trade_id": None,
        "tx_id": None,
        "symbol": None,
        "_extra": '{"tax":"0"}',
    }
    assert json.loads(last)["amount"] == "2.00000002"


def test_csv_keeps_null_and_empty_text_apart() -> None:
    head, first, second = write([[item(2, bizType=None), item(4, bizType="")]], "csv").decode().splitlines()
    place = next(csv.reader([head])).index("biz_type")
    assert [first.split(",")[place], second.split(",")[place]] == ["", '""']


def test_csv_of_awkward_text_can_be_read_again() -> None:
    awkward = 'a,"b"\r\nc;\t漢🪙'
    content = write([[item(1, bizType=awkward)]], "csv").decode()
    head, row = csv.reader(io.StringIO(content, newline=""))
    assert row[head.index("biz_type")] == awkward
    assert Decimal(row[head.index("amount")]) == Decimal("1.00000001")


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_text_of_nothing_is_a_header_at_the_most(file_format: str) -> None:
    content = write([], file_format).decode()
    assert len(content.splitlines()) == (1 if file_format == "csv" else 0)


# ------------------------------------------------------------------------------------------- same rows, same file


@pytest.mark.parametrize(("file_format", "compression"), FORMATS, ids=IDS)
@pytest.mark.parametrize("rows_per_group", [7, 50, 10_000])
def test_the_same_rows_give_the_same_bytes_whatever_the_pages(
    file_format: str, compression: str, rows_per_group: int
) -> None:
    # Three to a millisecond, so that groups end between rows of one moment.
    items = [item(number, number // 3) for number in range(200)]
    found = {
        hashlib.sha256(write(paged(items, sizes), file_format, compression, rows_per_group=rows_per_group)).hexdigest()
        for sizes in ([200], [1], [7], [50], [1, 60, 3], [199, 1])
    }
    assert len(found) == 1


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=60).map(sorted),
    st.lists(st.integers(1, 20), min_size=1, max_size=5),
    st.integers(1, 25),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=60)
def test_ties_in_any_order_and_pages_of_any_size_give_the_same_file(
    times: list[int], sizes: Any, rows_per_group: Any, random: Any
) -> None:
    items = [item(number, ms) for number, ms in enumerate(times)]
    shuffled = sorted(items, key=lambda one: (one["createdAt"], random.random()))
    expected = write([items], rows_per_group=rows_per_group)
    assert write(paged(shuffled, sizes), rows_per_group=rows_per_group) == expected
    assert ids(expected) == list(range(len(items)))


def test_row_groups_are_full_but_for_the_last() -> None:
    content = write(paged([item(number) for number in range(100)], [9]), rows_per_group=30)
    metadata = pq.read_metadata(io.BytesIO(content))
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [30, 30, 30, 10]


def test_a_millisecond_with_more_rows_than_a_group_is_kept_together_until_it_is_complete() -> None:
    items = [item(number, 5) for number in range(100)]
    content = write(paged(items[::-1], [10]), rows_per_group=8)
    assert ids(content) == list(range(100))


# --------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "pages",
    [[[item(1), item(1)]], [[item(1)], [item(2)], [item(3, id=item(1)["id"])]]],
    ids=["on one page", "pages apart"],
)
@pytest.mark.parametrize("file_format", ["parquet", "jsonl", "csv"])
def test_a_row_that_is_there_twice_makes_no_file(pages: list[Any], file_format: str) -> None:
    with pytest.raises(Incomplete, match="listed twice"):
        write(pages, file_format)


OUT_OF_ORDER = [[item(number) for number in range(10, 20)], [item(30)], [item(12, id="x")]]


def test_a_page_older_than_what_is_written_is_out_of_order() -> None:
    with pytest.raises(OutOfOrder, match=r"a row of 2026-02-03T12:00:00.012Z was listed beyond"):
        write(OUT_OF_ORDER, rows_per_group=5)


def test_a_page_of_the_very_moment_that_is_written_already_is_out_of_order_too() -> None:
    with pytest.raises(OutOfOrder):
        write([[item(number) for number in range(10)], [item(20)], [item(21, 4)]], rows_per_group=5)


def test_any_order_is_put_in_order_when_that_is_asked_for() -> None:
    in_order = sorted((row for page in OUT_OF_ORDER for row in page), key=lambda row: row["createdAt"])
    assert write(OUT_OF_ORDER, rows_per_group=5, any_order=True) == write([in_order], rows_per_group=5)


def test_pages_out_of_order_that_are_all_at_hand_are_put_in_order() -> None:
    assert ids(write([[item(3)], [item(1)], [item(2)]])) == [1, 2, 3]


@pytest.mark.parametrize("file_format", ["parquet", "jsonl", "csv"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_row_that_cannot_be_held_leaves_nothing_behind(file_format: str, compression: str) -> None:
    pages = [[item(number) for number in range(20)], [item(21, amount="1e30")]]
    with pytest.raises(UnexpectedData):
        write(pages, file_format, compression, rows_per_group=5)


def test_whoever_is_interrupted_leaves_nothing_behind() -> Never:
    def be_interrupted() -> None:
        with PieceFile(SPOT, "1", "csv", "gzip") as file:
            file.add([item(1)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_interrupted()


def test_a_file_that_cannot_be_begun_leaves_nothing_behind() -> None:
    with pytest.raises(ValueError, match=r"compression|codec|Unsupported"), PieceFile(SPOT, "1", "csv", "nonsense"):
        pass


def test_the_file_is_gone_when_it_is_left() -> None:
    with PieceFile(SPOT, "1", "parquet", "zstd") as file:
        path = file.finish({}).path
        assert path.exists()
    assert not Path(path).exists()
