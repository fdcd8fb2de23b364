"""Files of a piece: the same rows give the same file, whatever the pages were; nothing is left behind."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import resource
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
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import FUTURES, SPOT, UNIFIED
from airflow_provider_kucoin.api.objects import COMPRESSIONS
from airflow_provider_kucoin.lake.batches import schema
from airflow_provider_kucoin.lake.files import OutOfOrder, PieceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kucoin.api.datasets import Dataset

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
    of: Dataset = SPOT,
    **options: Any,
) -> bytes:
    """Return the bytes of the file made from pages of items."""
    with PieceFile(of, "165111215", file_format, compression, **options) as file:
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


# ------------------------------------------------------------------------------------------------- every kind of row

DEPOSITS, FILLS, KLINES = HISTORIES["deposits"], HISTORIES["futures_fills"], HISTORIES["klines"]


def deposit(number: int, ms: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "currency": "USDT",
        "chain": "trx",
        "status": "SUCCESS",
        "memo": "" if number % 2 else None,
        "isInner": (True, False, None)[number % 3],
        "amount": "6.00000000",
        "fee": "0",
        "createdAt": T0 + ms,
        "updatedAt": T0 + number,
        "arrears": False,
        **changes,
    }


def fill(number: int, ms: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": "XBTUSDTM",
        "tradeId": str(1_828_954_878_212 + number),
        "orderId": "284486580251463680",
        "side": "buy",
        "forceTaker": bool(number % 2),
        "price": "86275.1",
        "size": number,
        "fee": Decimal("-0.000000000000000001"),
        "tradeTime": (T0 + ms) * 1_000_000 + number,
        "createdAt": T0 + ms,
        **changes,
    }


def transfer(number: int, ns: int = 0, **changes: Any) -> dict[str, Any]:
    row = {"accountType": "SPOT", "id": str(number), "currency": "USDT", "amount": "-1.5", "ts": T0 * 1_000_000 + ns}
    return {**row, **changes}


def candle(number: int, **changes: Any) -> dict[str, Any]:
    row = dict.fromkeys(("open", "close", "high", "low", "volume", "turnover"), f"{number}.5")
    return {**row, "symbol": "BTC-USDT", "type": "1min", "time": str(T0 // 1000 + 60 * number), **changes}


def text_rows(content: bytes, file_format: str) -> list[dict[str, Any]]:
    """Read a text file with nothing of Arrow: nulls and empty text are the same in CSV for this reader."""
    if file_format == "jsonl":
        return [json.loads(line) for line in content.decode().splitlines()]
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@pytest.mark.parametrize(
    ("dataset", "item", "expected"),
    [
        (DEPOSITS, deposit(1), {"is_inner": False, "arrears": False, "memo": "", "created_at": 0, "updated_at": 1}),
        (DEPOSITS, deposit(2), {"is_inner": None, "arrears": False, "memo": None, "created_at": 0, "updated_at": 2}),
        (DEPOSITS, deposit(3), {"is_inner": True, "amount": "6", "account_uid": "165111215"}),
        (FILLS, fill(1), {"force_taker": True, "size": "1", "fee": "-0.000000000000000001", "created_at": 0}),
        (FILLS, fill(7), {"trade_time": "2026-02-03T12:00:00.000000007Z", "stop": None}),
        (UNIFIED, transfer(1, 5), {"created_at": "2026-02-03T12:00:00.000000005Z", "amount": "-1.5"}),
        (KLINES, candle(1), {"created_at": "2026-02-03T12:01:00.000Z", "open": "1.5", "symbol": "BTC-USDT"}),
    ],
    ids=["false", "null", "true", "number", "nanoseconds", "time in nanoseconds", "seconds"],
)
@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_every_kind_of_value_is_plain_in_text(
    dataset: Dataset, item: dict[str, Any], expected: dict[str, Any], file_format: str
) -> None:
    [row] = text_rows(write([[item]], file_format, of=dataset), file_format)
    assert list(row) == [column.name for column in dataset.columns]
    for name, value in expected.items():
        wanted = f"2026-02-03T12:00:00.{value:03}Z" if name.endswith("_at") and isinstance(value, int) else value
        if file_format == "csv":
            wanted = {True: "true", False: "false", None: ""}.get(wanted, wanted)
        assert (name, row[name]) == (name, wanted)


@pytest.mark.parametrize(
    ("dataset", "item"),
    [(DEPOSITS, deposit(3)), (FILLS, fill(3)), (UNIFIED, transfer(3)), (KLINES, candle(3))],
    ids=["deposits", "futures_fills", "unified", "klines"],
)
def test_every_kind_of_value_is_typed_in_parquet(dataset: Dataset, item: dict[str, Any]) -> None:
    found = table(write([[item]], of=dataset))
    assert found.schema.equals(schema(dataset.columns))
    assert found.num_rows == 1


# --------------------------------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize("rows_per_group", [3, 100])
def test_rows_without_a_key_may_be_equal_and_are_all_kept(rows_per_group: int) -> None:
    items = [deposit(1)] * 5 + [deposit(2)] * 4
    assert table(write(paged(items, [2]), of=DEPOSITS, rows_per_group=rows_per_group)).num_rows == 9


@given(st.randoms(use_true_random=False), st.integers(1, 9), st.integers(2, 30))
@settings(deadline=None, max_examples=30)
def test_rows_without_a_key_give_the_same_file_in_whatever_order_they_came(
    random: Any, size: int, rows_per_group: int
) -> None:
    # They differ in nothing but a flag, a time, or a text that is null or empty.
    items = [
        deposit(0, isInner=inner, arrears=arrears, updatedAt=updated, memo=memo)
        for inner in (True, False, None)
        for arrears in (True, False)
        for updated in (T0, T0 + 1, None)
        for memo in (None, "", "0")
    ]
    shuffled = random.sample(items, len(items))
    expected = write([items], of=DEPOSITS, rows_per_group=rows_per_group)
    assert write(paged(shuffled, [size]), of=DEPOSITS, rows_per_group=rows_per_group) == expected


@pytest.mark.parametrize(
    ("dataset", "first", "second"),
    [
        (UNIFIED, transfer(1), transfer(1, accountType="FUNDING")),
        (FUTURES, {"currency": "XBT", "offset": 1}, {"currency": "USDT", "offset": 1}),
        (FILLS, fill(1), fill(1, side="sell")),
        (FILLS, fill(1), fill(1, orderId="1")),
        (KLINES, candle(1), candle(2)),
    ],
    ids=["account type", "currency", "side", "order", "time"],
)
def test_rows_that_differ_in_a_part_of_their_key_are_two(dataset: Dataset, first: Any, second: Any) -> None:
    if dataset is FUTURES:
        first, second = ({"amount": 1, "time": T0, **row} for row in (first, second))
    assert table(write([[first, second]], of=dataset)).num_rows == 2
    with pytest.raises(Incomplete, match="listed twice"):
        write([[first, second], [first]], of=dataset)


def test_rows_of_one_moment_are_in_order_of_all_parts_of_their_key() -> None:
    items = [fill(number % 4, side=side) for number in (3, 0, 2, 1) for side in ("sell", "buy")]
    found = table(write([items], of=FILLS)).select(["trade_id", "side"]).to_pylist()
    keys = [(row["trade_id"], row["side"]) for row in found]
    assert keys == sorted(keys)
    assert len(keys) == 8


def test_rows_of_one_millisecond_are_in_order_of_their_nanoseconds() -> None:
    items = [transfer(number, ns) for number, ns in enumerate([999_999, 0, 500_000, 1, 1_000_000])]
    found = table(write([items], of=UNIFIED))
    assert found.column("id").to_pylist() == ["1", "3", "2", "0", "4"]
    assert found.column("created_at").cast(pa.int64()).to_pylist()[1] == T0 * 1_000_000 + 1


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


@pytest.mark.parametrize("dataset", [DEPOSITS, FILLS, UNIFIED, KLINES], ids=lambda dataset: dataset.name)
@pytest.mark.parametrize("file_format", ["parquet", "jsonl", "csv"])
def test_rows_of_any_dataset_give_the_same_bytes_whatever_the_pages(dataset: Dataset, file_format: str) -> None:
    items = {
        "deposits": [deposit(number, number // 3) for number in range(50)],
        "futures_fills": [fill(number, number // 3) for number in range(50)],
        "unified": [transfer(number, number // 3) for number in range(50)],
        "klines": [candle(number) for number in range(50)],
    }[dataset.name]
    found = {
        write(paged(items, sizes), file_format, of=dataset, rows_per_group=11) for sizes in ([50], [1], [7, 3], [49, 1])
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


def test_rows_of_a_type_of_their_own_and_objects_may_come_in_turns() -> None:
    odd = {3, 4, 9, 17}
    items = [item(number, tax="0") if number in odd else item(number) for number in range(20)]
    pages = [decoded(items[start : start + 2]) for start in range(0, 20, 2)]
    assert len({type(page[0]) for page in pages}) == 2
    for rows_per_group in (3, 8, 100):
        assert write(pages, rows_per_group=rows_per_group) == write([items], rows_per_group=rows_per_group)


def decoded(items: list[dict[str, Any]]) -> list[Any]:
    """Return rows as the bulk reads have them: of a type of their own if they have all known fields and no others."""
    data = {"currentPage": 1, "pageSize": 500, "totalNum": len(items), "items": items}
    found = SPOT.decode(json.dumps({"code": "200000", "data": data}).encode())
    return found["items"] if found else items


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
    with pytest.raises(OutOfOrder, match=r"rows that are later than it: .* not in order of created_at"):
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


@pytest.fixture
def little_disk() -> Iterator[None]:
    """No file may grow beyond 20,000 bytes."""
    _, most = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, most))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("rows_per_group", [100, 100_000], ids=["in the midst of it", "at the end"])
@pytest.mark.parametrize("file_format", ["parquet", "jsonl", "csv"])
@pytest.mark.usefixtures("little_disk")
def test_a_disk_that_is_full_fails_the_file_and_leaves_nothing_behind(file_format: str, rows_per_group: int) -> None:
    pages = [[item(number) for number in range(start, start + 100)] for start in range(0, 1000, 100)]
    with pytest.raises(OSError, match="too large"):
        write(pages, file_format, "none", rows_per_group=rows_per_group)


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
