"""Files made of answers' bytes are the files that are made of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.blocks import is_block
from airflow_provider_kucoin.api.errors import UnexpectedData
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
CONTEXTS = (
    st.sampled_from(["", "{}", "{'symbol':'A-B'}", '{"orderId":5}', '{"txId":"a@b","transactionId":"c"}']) | TEXTS
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
