"""Every ledger lands in S3 row by row and field by field, in one declared schema, in every format."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from moments import DAY, TODAY, YESTERDAY

from airflow_provider_kucoin.testing import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Copy = Callable[..., list[dict[str, Any]]]
    Exactly = Callable[..., None]

TEXT, AMOUNT, MOMENT = "string", "decimal128(38, 18)", "timestamp[ms, tz=UTC]"

PATHS = {
    "spot": "/api/v1/accounts/ledgers",
    "trade_hf": "/api/v1/hf/accounts/ledgers",
    "margin_hf": "/api/v3/hf/margin/account/ledgers",
    "futures": "/api/v1/transaction-history",
    "unified": "/api/ua/v1/account/ledger",
}
#: More than two answers hold, so that ties lie across their ends.
BUSY = {"spot": 1100, "trade_hf": 450, "margin_hf": 450, "futures": 160, "unified": 700}

_HF = {
    "account_uid": TEXT,
    "id": TEXT,
    "currency": TEXT,
    "amount": AMOUNT,
    "fee": AMOUNT,
    "tax": AMOUNT,
    "balance": AMOUNT,
    "account_type": TEXT,
    "biz_type": TEXT,
    "direction": TEXT,
    "created_at": MOMENT,
    "context": TEXT,
    "order_id": TEXT,
    "trade_id": TEXT,
    "tx_id": TEXT,
    "symbol": TEXT,
    "_extra": TEXT,
}
SCHEMAS = {
    "trade_hf": _HF,
    "margin_hf": _HF,
    "futures": {
        "account_uid": TEXT,
        "currency": TEXT,
        "offset": TEXT,
        "amount": AMOUNT,
        "fee": AMOUNT,
        "account_equity": AMOUNT,
        "biz_type": TEXT,
        "status": TEXT,
        "created_at": MOMENT,
        "remark": TEXT,
        "_extra": TEXT,
    },
    "unified": {
        "account_uid": TEXT,
        "account_type": TEXT,
        "id": TEXT,
        "currency": TEXT,
        "amount": AMOUNT,
        "fee": AMOUNT,
        "tax": AMOUNT,
        "balance": AMOUNT,
        "biz_type": TEXT,
        "direction": TEXT,
        "created_at": "timestamp[ns, tz=UTC]",
        "remark": TEXT,
        "_extra": TEXT,
    },
}

every_ledger = pytest.mark.parametrize("ledger", list(PATHS))
every_other = pytest.mark.parametrize("ledger", list(SCHEMAS))


@pytest.fixture
def account(exchange: Exchange) -> Callable[[str], None]:
    """Give the account the mode that a ledger needs."""

    def account(ledger: str) -> None:
        exchange.account_mode = "unified" if ledger == "unified" else "classic"

    return account


@pytest.fixture
def busy(exchange: Exchange, account: Callable[[str], None]) -> Callable[[str], list[dict[str, Any]]]:
    """Fill three days of a ledger and return what yesterday has."""

    def busy(ledger: str) -> list[dict[str, Any]]:
        account(ledger)
        rows = BUSY[ledger]
        exchange.seed_ledger(YESTERDAY - DAY, TODAY, rows_per_day=rows, ledger=ledger)
        exchange.seed_ledger(TODAY, TODAY + DAY // 4, rows_per_day=40, ledger=ledger, seed=8)
        return list(exchange.entries(YESTERDAY, TODAY, ledger=ledger))

    return busy


# --------------------------------------------------------------------------------------------------------------- rows


@every_ledger
def test_every_row_of_a_day_is_in_its_object_field_by_field(
    copy: Copy, busy: Callable[[str], list[dict[str, Any]]], bucket: Any, exactly: Exactly, ledger: str
) -> None:
    truth = busy(ledger)
    [result] = copy(ledger=ledger)
    assert result["rows"] == len(truth) >= BUSY[ledger]
    exactly(ledger, result["uri"], truth)
    assert bucket.keys == [
        f"kucoin/ledger={ledger}/account=165111215/date=2026-02-02/20260202T000000Z_20260203T000000Z.parquet"
    ]


@every_other
def test_the_edges_of_a_day_are_in_it_once_however_kucoin_reads_its_bounds_and_orders_ties(
    copy: Copy, exchange: Exchange, account: Callable[[str], None], bucket: Any, exactly: Exactly, ledger: str
) -> None:
    account(ledger)
    for midnight in (YESTERDAY, TODAY):
        for offset in (-2, -1, 0, 0, 1, 2):
            exchange.book(ledger=ledger, created_at=midnight + offset, tag="BTC-USDT")
    truth = list(exchange.entries(YESTERDAY, TODAY, ledger=ledger))
    bodies = set()
    for inclusive in (True, False):
        for ties in ("id_descending", "id_ascending", "shuffled"):
            exchange.readings.start_inclusive = exchange.readings.end_inclusive = inclusive
            exchange.readings.exactly_24h_allowed = inclusive
            exchange.readings.ties = ties
            exchange.readings.empty_items = "null" if inclusive else "absent"
            [result] = copy(ledger=ledger)
            exactly(ledger, result["uri"], truth)
            bodies.add(bucket.read(result["uri"]))
    assert len(bodies) == 1, "the same rows are the same bytes"


@every_other
def test_rows_whose_ids_do_not_rise_with_time_are_all_there(
    copy: Copy,
    exchange: Exchange,
    busy: Callable[[str], list[dict[str, Any]]],
    exactly: Exactly,
    ledger: str,
) -> None:
    exchange.readings.ids_rise_with_time = False
    exchange.readings.ties = "shuffled"
    truth = busy(ledger)
    [result] = copy(ledger=ledger)
    exactly(ledger, result["uri"], truth)


@every_other
def test_more_rows_on_one_millisecond_than_an_answer_holds_are_all_there(
    copy: Copy, exchange: Exchange, account: Callable[[str], None], exactly: Exactly, ledger: str
) -> None:
    account(ledger)
    for _ in range(230):
        exchange.book(ledger=ledger, created_at=YESTERDAY + 5000, amount="0.1")
    exchange.book(ledger=ledger, created_at=YESTERDAY + 4999)
    exchange.book(ledger=ledger, created_at=YESTERDAY + 5001)
    [result] = copy(ledger=ledger)
    exactly(ledger, result["uri"], list(exchange.entries(YESTERDAY, TODAY, ledger=ledger)))


@every_other
def test_a_row_that_comes_while_a_day_is_read_is_there_after_the_next_run_with_lookback(
    copy: Copy, exchange: Exchange, busy: Callable[[str], list[dict[str, Any]]], exactly: Exactly, ledger: str
) -> None:
    """No answer counts the rows, so one that comes into what has been read already is not missed at once."""
    busy(ledger)
    fault = exchange.faults.inject(Fault.LATE_ROW, path=PATHS[ledger], after=2, created_at=TODAY - 2)
    copy(ledger=ledger)
    assert fault.hits == 1
    exchange.clock_offset_ms += DAY
    _, *again = copy(ledger=ledger, window_start=TODAY, window_end=TODAY + DAY, lookback=timedelta(days=1))
    key = f"kucoin/ledger={ledger}/account=165111215/date=2026-02-02/20260202T000000Z_20260203T000000Z.parquet"
    exactly(ledger, key, list(exchange.entries(YESTERDAY, TODAY, ledger=ledger)))
    assert sum(one["late_rows"] for one in again) <= 1


@every_other
def test_fields_that_nobody_knows_are_kept_and_those_that_are_missing_are_nothing(
    copy: Copy, exchange: Exchange, account: Callable[[str], None], bucket: Any, exactly: Exactly, ledger: str
) -> None:
    account(ledger)
    exchange.book(ledger=ledger, created_at=YESTERDAY, extra={"news": {"n": 12345678901234567890}, "fee": None})
    exchange.book(ledger=ledger, created_at=YESTERDAY + 1, biz_type="SOMETHING_NEW")
    [result] = copy(ledger=ledger)
    exactly(ledger, result["uri"], list(exchange.entries(YESTERDAY, TODAY, ledger=ledger)))
    first, second = bucket.table(result["uri"]).drop_columns("created_at").to_pylist()
    assert (first["_extra"], first["fee"]) == ('{"news":{"n":12345678901234567890}}', None)
    assert (second["_extra"], second["biz_type"]) == (None, "SOMETHING_NEW")


@every_other
def test_only_the_rows_that_are_asked_for_arrive(
    copy: Copy, exchange: Exchange, account: Callable[[str], None], bucket: Any, ledger: str
) -> None:
    account(ledger)
    biz_type = "TransferOut" if ledger == "futures" else "TRANSFER"
    for currency in ("USDT", "BTC"):
        for direction in ("in", "out"):
            for kind in (biz_type, "OTHER"):
                exchange.book(
                    ledger=ledger, created_at=YESTERDAY, currency=currency, direction=direction, biz_type=kind
                )
    direction = {} if ledger == "futures" else {"direction": "out"}
    [result] = copy(ledger=ledger, currency="BTC", biz_type=biz_type, **direction, s3_key="part/{date}.{ext}")
    found = {
        (row["currency"], row["biz_type"], row.get("direction", "out").lower())
        for row in bucket.table(result["uri"]).drop_columns("created_at").to_pylist()
    }
    assert found == {("BTC", biz_type, "out")}
    assert result["rows"] == (2 if ledger == "futures" else 1)


@every_other
def test_another_accounts_rows_are_not_mixed_in(
    copy: Copy, exchange: Exchange, account: Callable[[str], None], exactly: Exactly, ledger: str
) -> None:
    account(ledger)
    exchange.book(ledger=ledger, created_at=YESTERDAY, uid=42)
    mine = exchange.book(ledger=ledger, created_at=YESTERDAY)
    [result] = copy(ledger=ledger)
    exactly(ledger, result["uri"], [mine])


# ------------------------------------------------------------------------------------------------------ schema, formats


@every_other
@pytest.mark.parametrize("items", ["list", "null", "absent"])
def test_a_day_without_rows_has_the_declared_schema(
    copy: Copy, exchange: Exchange, account: Callable[[str], None], bucket: Any, ledger: str, items: Any
) -> None:
    account(ledger)
    exchange.readings.empty_items = items
    [result] = copy(ledger=ledger)
    table = bucket.table(result["uri"])
    assert (result["rows"], table.num_rows) == (0, 0)
    assert {field.name: str(field.type) for field in table.schema} == SCHEMAS[ledger]


@every_other
def test_a_busy_day_has_the_declared_schema_too(
    copy: Copy, exchange: Exchange, account: Callable[[str], None], bucket: Any, ledger: str
) -> None:
    account(ledger)
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=30, ledger=ledger)
    [result] = copy(ledger=ledger)
    assert {field.name: str(field.type) for field in bucket.table(result["uri"]).schema} == SCHEMAS[ledger]


@every_other
def test_text_formats_say_the_same_as_parquet(
    copy: Copy,
    exchange: Exchange,
    account: Callable[[str], None],
    same_as_text: Callable[[str, str], None],
    ledger: str,
) -> None:
    account(ledger)
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=120, ledger=ledger)
    exchange.book(
        ledger=ledger,
        created_at=YESTERDAY + 7,
        context='"quoted", and\r\nbroken; é✓\t\\',
        amount="0.000000000000000001",
    )
    [parquet] = copy(ledger=ledger)
    for file_format, compression in (("jsonl", "gzip"), ("jsonl", "none"), ("csv", "zstd"), ("csv", None)):
        [text] = copy(ledger=ledger, file_format=file_format, compression=compression)
        assert text["rows"] == parquet["rows"]
        same_as_text(text["uri"], parquet["uri"])


@every_other
def test_an_object_says_what_it_holds(
    copy: Copy, exchange: Exchange, account: Callable[[str], None], bucket: Any, ledger: str
) -> None:
    account(ledger)
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=30, ledger=ledger)
    [result] = copy(ledger=ledger)
    about = bucket.head(result["uri"])["Metadata"]
    assert (
        about.items()
        >= {
            "kucoin.ledger": ledger,
            "kucoin.account-uid": "165111215",
            "kucoin.window-start": "2026-02-02T00:00:00Z",
            "kucoin.window-end": "2026-02-03T00:00:00Z",
            "kucoin.rows": str(result["rows"]),
            "kucoin.filters": "{}",
        }.items()
    )
    assert about["kucoin.content"].startswith("sha256:")
    footer = bucket.footer(result["uri"])
    assert {name: footer[name] for name in about} == about


# -------------------------------------------------------------------------------------------------------------- futures


@pytest.mark.parametrize(
    "amount",
    ["0.1", "0.000641", "6.41E-4", "-0.000017105", "1E-18", "-0.000000000000000001", "8060.7899305281",
     "0.30000000000000004", "12345678901234567890.123456789012345678", "1.5E8", "0", "-0.0"],
)  # fmt: skip
def test_a_json_number_of_the_futures_ledger_keeps_every_digit(
    copy: Copy, exchange: Exchange, bucket: Any, amount: str
) -> None:
    number = Decimal(amount)
    exchange.book(
        ledger="futures",
        created_at=YESTERDAY,
        extra={"amount": number, "fee": -number, "accountEquity": number},
    )
    [result] = copy(ledger="futures")
    [row] = bucket.table(result["uri"]).to_pylist()
    assert (row["amount"], row["fee"], row["account_equity"]) == (number, -number, number)


@pytest.mark.parametrize("shown", ["always", "in_window", "never"])
def test_rows_that_are_not_settled_are_held_back_and_said_to_be(
    copy: Copy,
    exchange: Exchange,
    exactly: Exactly,
    capfd: pytest.CaptureFixture[str],
    shown: Any,
) -> None:
    exchange.readings.pending_shown = shown
    exchange.clock_offset_ms -= DAY // 2 - 600_000  # ten minutes past midnight, in the period that began at 20:00
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=120, ledger="futures")
    exchange.set_pending("USDT", "1.5", at_ms=TODAY - 1000)
    exchange.set_pending("USDT", "2.5", symbol="ETHUSDTM", at_ms=TODAY - 900)
    [result] = copy(ledger="futures")
    exactly("futures", result["uri"], list(exchange.entries(YESTERDAY, TODAY, ledger="futures")))
    held = "2 row(s) of [2026-02-02T00:00:00Z, 2026-02-03T00:00:00Z) are not settled yet and were held back"
    assert (held in "".join(capfd.readouterr())) == (shown != "never")


def test_what_was_held_back_is_complete_after_the_next_run_with_lookback(
    copy: Copy, exchange: Exchange, exactly: Exactly, bucket: Any
) -> None:
    exchange.clock_offset_ms -= DAY // 2 - 600_000
    exchange.seed_ledger(YESTERDAY, TODAY - 7_200_000, rows_per_day=60, ledger="futures")
    exchange.set_pending("USDT", "1.5", at_ms=TODAY - 1000)
    copy(ledger="futures")
    settled = exchange.settle_pending(at_ms=TODAY - 1000)
    exchange.book(ledger="futures", created_at=TODAY + 5)
    exchange.clock_offset_ms += DAY
    today, yesterday = copy(ledger="futures", window_start=TODAY, window_end=TODAY + DAY, lookback=timedelta(days=1))
    assert (yesterday["late_rows"], yesterday["changed_rows"]) == (1, 0)
    truth = list(exchange.entries(YESTERDAY, TODAY, ledger="futures"))
    assert settled[0] in truth
    exactly("futures", yesterday["uri"], truth)
    exactly("futures", today["uri"], list(exchange.entries(TODAY, TODAY + DAY, ledger="futures")))
    assert len(bucket.keys) == 2


def test_offsets_that_each_currency_counts_from_one_are_no_repetition(
    copy: Copy, exchange: Exchange, exactly: Exactly
) -> None:
    exchange.readings.offsets = "per_currency"
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=200, ledger="futures")
    truth = list(exchange.entries(YESTERDAY, TODAY, ledger="futures"))
    assert len({row["offset"] for row in truth}) < len(truth)
    [result] = copy(ledger="futures")
    exactly("futures", result["uri"], truth)


@pytest.mark.parametrize("inclusive", [True, False])
def test_offsets_that_come_again_are_no_repetition(
    copy: Copy,
    exchange: Exchange,
    exactly: Exactly,
    inclusive: bool,  # noqa: FBT001 - a reading
) -> None:
    exchange.readings.offset_inclusive = inclusive
    for _ in range(120):
        exchange.book(ledger="futures", created_at=YESTERDAY)
    [result] = copy(ledger="futures")
    exactly("futures", result["uri"], list(exchange.entries(YESTERDAY, TODAY, ledger="futures")))


# -------------------------------------------------------------------------------------------------------------- unified


def test_every_account_type_is_read_with_its_nanoseconds(
    copy: Copy, exchange: Exchange, bucket: Any, exactly: Exactly
) -> None:
    exchange.account_mode = "unified"
    kinds = ("FUNDING", "SPOT", "FUTURES", "CROSS", "ISOLATED", "UNIFIED")
    for number, kind in enumerate(kinds):
        exchange.book(
            ledger="unified",
            created_at=YESTERDAY + number // 2,
            account_type=kind,
            tag="BTC-USDT",
            extra={"ts": (YESTERDAY + number // 2) * 1_000_000 + 123_456 + number},
        )
    [result] = copy(ledger="unified")
    exactly("unified", result["uri"], list(exchange.entries(YESTERDAY, TODAY, ledger="unified")))
    table = bucket.table(result["uri"])
    assert set(table.column("account_type").to_pylist()) == set(kinds)


def test_one_account_type_alone_can_be_read(copy: Copy, exchange: Exchange, exactly: Exactly) -> None:
    exchange.account_mode = "unified"
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=100, ledger="unified")
    [result] = copy(ledger="unified", account_type=["CROSS", "FUNDING"], s3_key="some/{date}.{ext}")
    truth = [
        row
        for row in exchange.entries(YESTERDAY, TODAY, ledger="unified")
        if row["accountType"] in {"CROSS", "FUNDING"}
    ]
    exactly("unified", result["uri"], truth)


@pytest.mark.parametrize("ids", ["text", "number"])
@pytest.mark.parametrize("at_end", ["null", "same"])
@pytest.mark.parametrize("amount", ["positive", "signed"])
def test_the_unified_ledger_is_whole_under_its_readings(
    copy: Copy, exchange: Exchange, exactly: Exactly, ids: Any, at_end: Any, amount: Any
) -> None:
    exchange.account_mode = "unified"
    exchange.readings.unified_ids, exchange.readings.unified_last_id_at_end = ids, at_end
    exchange.readings.unified_amount = amount
    exchange.seed_ledger(YESTERDAY, TODAY, rows_per_day=400, ledger="unified")
    [result] = copy(ledger="unified")
    exactly("unified", result["uri"], list(exchange.entries(YESTERDAY, TODAY, ledger="unified")))


def test_a_result_is_of_json_types(copy: Copy, exchange: Exchange) -> None:
    exchange.book(ledger="futures", created_at=YESTERDAY)
    result = copy(ledger="futures")
    assert json.loads(json.dumps(result)) == result
