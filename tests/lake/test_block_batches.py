"""Files made of answers' bytes are the files that are made of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow.parquet as pq  # noqa: TID253 - this is where files are looked at
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.blocks import is_block
from airflow_provider_kucoin.api.errors import Incomplete, UnexpectedData
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.lake.files import OutOfOrder, PieceFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kucoin.api.datasets import Dataset

NOON = 1_770_033_600_000


def row(number: int, **other: str) -> dict[str, Any]:
    return {
        "id": str(10**14 + number),
        "currency": "USDT",
        "amount": f"{number}.25",
        "fee": "0",
        "tax": "0",
        "balance": "7",
        "accountType": "TRADE",
        "bizType": "Exchange",
        "direction": "in",
        "createdAt": NOON + number,
        "context": f'{{"symbol":"BTC-USDT","orderId":"6{number}"}}',
        **other,
    }


def sent(dataset: Dataset, items: Sequence[dict[str, Any]]) -> bytes:
    """Return the rows as KuCoin sends them: newest first, and with the fields of their ledger."""
    fields = [column.source for column in dataset.fields]
    listed = [{field: item[field] for field in fields} for item in reversed(items)]
    text = msgspec.json.encode(listed)
    if dataset.name == "spot":
        text = b'{"currentPage":1,"pageSize":500,"totalNum":%d,"totalPage":1,"items":%s}' % (len(items), text)
    return b'{"code":"200000","data":%s}' % text


def as_block(dataset: Dataset, items: Sequence[dict[str, Any]]) -> Any:
    data = dataset.decode(sent(dataset, items))
    rows = data["items"] if isinstance(data, dict) else data
    assert is_block(rows)
    return rows.take(range(len(rows) - 1, -1, -1))


def as_rows(dataset: Dataset, items: Sequence[dict[str, Any]]) -> Any:
    data = msgspec.json.decode(sent(dataset, items))["data"]
    return (data["items"] if isinstance(data, dict) else data)[::-1]


def written(dataset: Dataset, *pages: Any, **options: Any) -> tuple[int, str]:
    with PieceFile(dataset, "1", "parquet", "zstd", **options) as file:
        for page in pages:
            file.add(page)
        done = file.finish({})
        return done.rows, done.digest


TEXTS = st.text(
    st.characters(codec="ascii", min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), max_size=9
)
AMOUNTS = st.decimals(-(10**19), 10**19, places=18).map(str) | st.sampled_from(
    ["1e3", "-0", "+5", "0.10", ".5", "1E-7"]
)
PLAIN = TEXTS.filter(lambda text: '"' not in text)
ORDERS = st.builds('{{"symbol":"{}","orderId":"{}","tradeId":"{}"}}'.format, PLAIN, PLAIN, PLAIN)
TRANSFERS = st.builds('{{"{}":"{}","transactionId":"{}"}}'.format, st.sampled_from(["txId", "to"]), PLAIN, PLAIN)
CONTEXTS = (
    st.sampled_from(["", "{}", "{'symbol':'A-B'}", '{"orderId":5}', '{"orderId":"1"}{"orderId":"2"}', '{"orderId":"1"'])
    | st.sampled_from(['{"orderId":"1","orderId":"2"}', '"}', '{"', '{"orderId":"1"},', '{"orderId": "1"}', "}"])
    | ORDERS
    | TRANSFERS
    | TEXTS
)


@pytest.mark.parametrize("name", ["spot", "trade_hf"])
@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(
        st.fixed_dictionaries({"bizType": TEXTS, "amount": AMOUNTS, "fee": AMOUNTS, "context": CONTEXTS}),
        min_size=1,
        max_size=7,
    )
)
def test_whatever_the_values_are_the_files_are_the_same(name: str, values: list[dict[str, str]]) -> None:
    dataset = LEDGERS[name]
    items = [row(number, **some) for number, some in enumerate(values)]
    if '"' in "".join(some["bizType"] for some in values):
        return  # such answers do not come in blocks
    assert written(dataset, as_block(dataset, items)) == written(dataset, as_rows(dataset, items))


@settings(max_examples=300, deadline=None)
@given(contexts=st.lists(CONTEXTS, min_size=1, max_size=9))
def test_contexts_are_read_alike_whether_they_are_of_one_shape_or_of_many(contexts: list[str]) -> None:
    spot = LEDGERS["spot"]
    items = [row(number, context=context) for number, context in enumerate(contexts)]
    assert written(spot, as_block(spot, items)) == written(spot, as_rows(spot, items))


@pytest.mark.parametrize("shown", [("as_block", "as_rows"), ("as_rows", "as_block"), ("as_block", "as_block")])
@pytest.mark.parametrize("key", ["123456", "0123", "0", "12ab", "1" * 19, ""])
def test_a_row_that_is_there_twice_is_found_however_it_was_read(shown: tuple[str, str], key: str) -> None:
    spot, make = LEDGERS["spot"], {"as_block": as_block, "as_rows": as_rows}
    pages = [make[how](spot, [row(number, id=key)]) for number, how in enumerate(shown)]
    with pytest.raises(Incomplete, match="1 rows were listed twice"):
        written(spot, *pages, rows_per_group=1)


def test_ids_that_differ_by_a_zero_in_front_are_two_rows() -> None:
    spot = LEDGERS["spot"]
    items = [[row(1, id="12"), row(2, id="13")], [row(3, id="012"), row(4, id="013")]]
    assert written(spot, *(as_block(spot, page) for page in items))[0] == 4


def test_statistics_are_kept_of_what_rows_are_looked_up_by() -> None:
    spot = LEDGERS["spot"]
    with PieceFile(spot, "1", "parquet", "zstd") as file:
        file.add(as_block(spot, [row(number) for number in range(5)]))
        group = pq.ParquetFile(file.finish({}).path).metadata.row_group(0)
        found = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert (found["id"].statistics.min, found["id"].statistics.max) == (str(10**14), str(10**14 + 4))
    assert found["created_at"].statistics.has_min_max
    assert not found["context"].is_stats_set


@pytest.mark.parametrize("rows_per_group", [7, 64, 4096])
def test_answers_and_rows_may_take_turns(rows_per_group: int) -> None:
    spot = LEDGERS["spot"]
    pages = [[row(number) for number in range(start, start + 50)] for start in range(0, 500, 50)]
    mixed = [(as_block if number % 3 else as_rows)(spot, page) for number, page in enumerate(pages)]
    plain = [as_rows(spot, page) for page in pages]
    found = written(spot, *mixed, rows_per_group=rows_per_group)
    assert found == written(spot, *plain, rows_per_group=rows_per_group)
    assert found[0] == 500


def test_answers_may_come_in_any_order_and_with_any_order_inside() -> None:
    spot = LEDGERS["spot"]
    pages = [[row(number) for number in range(start, start + 50)] for start in range(0, 200, 50)]
    shuffled = [as_block(spot, page).take([*range(10, 50), *range(10)]) for page in reversed(pages)]
    assert written(spot, *shuffled, any_order=True) == written(spot, *(as_rows(spot, page) for page in pages))


def test_an_answer_that_is_older_than_what_was_written_is_refused() -> None:
    spot = LEDGERS["spot"]
    late, early = [row(number) for number in range(50, 100)], [row(number) for number in range(50)]
    with pytest.raises(OutOfOrder):
        written(spot, as_block(spot, late), as_block(spot, early), rows_per_group=16)


@pytest.mark.parametrize("amount", ["1e30", "0." + "1" * 19, "9" * 21, "abc", "", "1_000", "NaN"])
def test_an_amount_that_does_not_fit_is_refused_as_it_is_in_rows(amount: str) -> None:
    spot = LEDGERS["spot"]
    items = [row(1), row(2, amount=amount)]
    for make in (as_block, as_rows):
        with pytest.raises(UnexpectedData, match="column amount"):
            written(spot, make(spot, items))


def test_a_time_that_no_clock_shows_is_refused() -> None:
    spot = LEDGERS["spot"]
    items = [row(1, createdAt="9" * 18)]  # type: ignore[arg-type]
    for make in (as_block, as_rows):
        with pytest.raises(UnexpectedData, match="column created_at"):
            written(spot, make(spot, items))
