"""What is refused of histories: with the rule, the value and what to do; with nothing sent where it can be known."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from moments import TODAY, YESTERDAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kucoin.testing import Exchange

    Take = Callable[..., list[dict[str, Any]]]

HOUR, DAY = 3_600_000, 86_400_000
#: 2019-02-18: where the old lists end and the present ones begin.
OLD_UNTIL = 1_550_448_000_000
#: 2023-03-31 16:00 UTC.
MARGIN_SINCE = 1_680_278_400_000

BY_SYMBOL = ("spot_fills", "spot_orders", "margin_fills", "margin_orders", "funding", "klines")

#: Refused before any request at all.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"dataset": "trades"}, "dataset='trades' is not one of 'deposits', 'withdrawals'"),
    "ledger": ({"dataset": "spot"}, "dataset='spot' is not one of"),
    "not-taken": (
        {"dataset": "futures_fills", "currency": "USDT"},
        (
            "currency='USDT': the futures_fills history does not take it. It takes 'symbol', 'side', 'order_type', "
            "'trade_types'"
        ),
    ),
    "not-taken-by-lending": (
        {"dataset": "lending_purchases", "symbol": "BTC-USDT"},
        "symbol='BTC-USDT': the lending_purchases history does not take it. It takes 'status', 'currency'",
    ),
    "not-taken-by-deposits": ({"dataset": "deposits", "side": "buy"}, "side='buy': the deposits history does not"),
    **{
        f"no-symbol-of-{dataset}": (
            {"dataset": dataset, **({"interval": "1hour"} if dataset == "klines" else {})},
            (
                f"symbol is missing: KuCoin's {dataset} history answers for one symbol at a time. "
                "Give one, or a list, or 'all'"
            ),
        )
        for dataset in BY_SYMBOL
    },
    **{
        f"no-currency-of-{dataset}": (
            {"dataset": dataset},
            f"currency is missing: KuCoin's {dataset} history answers for one currency at a time. Give one, or a list",
        )
        for dataset in ("borrow", "repay")
    },
    "no-interval": ({"dataset": "klines", "symbol": "BTC-USDT"}, "interval is missing: KuCoin's klines history"),
    "interval": (
        {"dataset": "klines", "symbol": "BTC-USDT", "interval": "1week"},
        "interval='1week' is not one of '1min', '3min'",
    ),
    "side": ({"dataset": "spot_fills", "symbol": "BTC-USDT", "side": "Buy"}, "side='Buy' is not one of 'buy', 'sell'"),
    "trade-type": (
        {"dataset": "margin_fills", "symbol": "BTC-USDT", "trade_type": "TRADE"},
        "trade_type='TRADE' is not one of 'MARGIN_TRADE', 'MARGIN_ISOLATED_TRADE'",
    ),
    "status": ({"dataset": "lending_purchases", "status": "done"}, "status='done' is not one of 'PENDING', 'DONE'"),
    "symbol-twice": (
        {"dataset": "spot_fills", "symbol": ["BTC-USDT", "BTC-USDT"]},
        "symbol=.*: a value is there twice, and its rows would be",
    ),
    "empty-symbol": ({"dataset": "spot_fills", "symbol": "BTC-USDT,,"}, "give symbols such as 'BTC-USDT'"),
    "symbol-of-numbers": ({"dataset": "spot_fills", "symbol": [1]}, "give symbols such as 'BTC-USDT'"),
    "all-and-more": ({"dataset": "spot_fills", "symbol": ["all", "BTC-USDT"]}, "'all' stands for every symbol"),
    "all-in-capitals": ({"dataset": "spot_fills", "symbol": "ALL"}, "'all' stands for every symbol, in small letters"),
    "candles-off-the-grid": (
        {
            "dataset": "klines",
            "symbol": "BTC-USDT",
            "interval": "4hour",
            "window_start": YESTERDAY + HOUR,
            "window_end": YESTERDAY + 5 * HOUR,
        },
        (
            r"window \[2026-02-02T01:00:00Z, 2026-02-02T05:00:00Z\) does not begin and end where candles of "
            r"interval='4hour' do.*Choose another window, or a shorter interval"
        ),
    ),
    "key": ({"dataset": "deposits", "s3_key": "{day}"}, r"unknown placeholder \{day\}"),
    "format": ({"dataset": "deposits", "file_format": "orc"}, "file_format='orc' is not one of"),
    "window": ({"dataset": "deposits", "window_end": None}, "window_start is given and window_end is not"),
}


@pytest.mark.parametrize(("arguments", "message"), list(BAD.values()), ids=list(BAD))
def test_it_is_refused_before_any_request_with_the_rule_the_value_and_what_to_do(
    take: Take, exchange: Exchange, bucket: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(AirflowFailException, match=f"(?s){message}"):
        take(**arguments)
    assert (len(exchange.requests), bucket.keys) == (0, [])


# ----------------------------------------------------------------------------------------------------- out of retention


#: A window of which KuCoin no longer has all, and in which words that is said.
GONE: dict[str, tuple[dict[str, Any], int, str]] = {
    "spot_fills": ({"symbol": "BTC-USDT"}, TODAY - 4 * DAY, "spot_fills history for 72 hours, that is since"),
    "margin_fills": ({"symbol": "BTC-USDT"}, TODAY - 4 * DAY, "margin_fills history for 72 hours"),
    "spot_orders": ({"symbol": "BTC-USDT"}, TODAY - 3 * DAY, "spot_orders history for 48 hours"),
    "margin_orders": ({"symbol": "BTC-USDT"}, TODAY - 3 * DAY, "margin_orders history for 48 hours"),
    "futures_fills": ({}, TODAY - 90 * DAY, "futures_fills history for 89 days"),
    "futures_orders": ({}, TODAY - 90 * DAY, "futures_orders history for 89 days"),
    "borrow": ({"currency": "USDT"}, MARGIN_SINCE - DAY, "borrow history begins at 2023-03-31T16:00:00Z"),
    "repay": ({"currency": "USDT"}, MARGIN_SINCE - DAY, "repay history begins at 2023-03-31T16:00:00Z"),
    "interest": ({}, MARGIN_SINCE - DAY, "interest history begins at 2023-03-31T16:00:00Z"),
    "deposits": ({}, OLD_UNTIL - DAY, "deposits history begins at 2019-02-18T00:00:00Z.*or read hist_deposits for"),
    "withdrawals": ({}, OLD_UNTIL - DAY, "withdrawals history begins at 2019-02-18.*or read hist_withdrawals for"),
    "hist_deposits": ({}, OLD_UNTIL, "hist_deposits history ends at 2019-02-18T00:00:00Z.*or read deposits for"),
    "hist_withdrawals": ({}, OLD_UNTIL, "hist_withdrawals history ends at 2019-02-18T00:00:00Z.*read withdrawals for"),
}


@pytest.mark.parametrize(("dataset", "arguments", "start", "words"), [(name, *one) for name, one in GONE.items()])
def test_a_window_that_is_gone_fails_or_is_skipped_and_the_list_is_not_asked_for(
    take: Take, exchange: Exchange, bucket: Any, dataset: str, arguments: dict[str, Any], start: int, words: str
) -> None:
    arguments = {"dataset": dataset, "window_start": start, "window_end": start + DAY, **arguments}
    with pytest.raises(AirflowFailException, match=rf"KuCoin.*{words}") as caught:
        take(**arguments)
    assert "set on_out_of_retention='skip' to write the rest only" in str(caught.value)
    with pytest.raises(AirflowSkipException, match=words):
        take(**arguments, on_out_of_retention="skip")
    assert bucket.keys == []
    assert {record.path for record in exchange.requests} <= {"/api/v1/timestamp", "/api/v1/user/api-key"}


@pytest.mark.parametrize(
    ("dataset", "arguments", "days"),
    [("spot_fills", {"symbol": "BTC-USDT"}, 3), ("spot_orders", {"symbol": "BTC-USDT"}, 2)],
)
@pytest.mark.parametrize("beyond", ["clamped", "whole_range"])
def test_of_a_window_that_is_partly_gone_the_rest_can_be_written_whole(
    take: Take,
    exchange: Exchange,
    exactly: Callable[..., None],
    bucket: Any,
    dataset: str,
    arguments: dict[str, Any],
    days: int,
    beyond: Any,
) -> None:
    from airflow_provider_kucoin.testing.history_limits import Limits

    exchange.readings.history_limits[dataset] = Limits(kept_ms=days * DAY, beyond=beyond)
    start = TODAY - (days + 1) * DAY
    exchange.histories.seed(dataset, start, TODAY, rows=60 * (days + 1), among=[{"symbol": "BTC-USDT"}])
    with pytest.raises(AirflowFailException, match="2 of the window's days are beyond it"):
        take(dataset=dataset, window_start=start, window_end=TODAY, **arguments)
    take(dataset=dataset, window_start=start, window_end=TODAY, on_out_of_retention="skip", **arguments)
    exactly(dataset, bucket.keys, exchange.histories.rows(dataset, start + 2 * DAY, TODAY))


@pytest.mark.parametrize("dataset", ["futures_fills", "futures_orders"])
def test_a_range_that_kucoin_would_cut_is_not_asked_for(
    take: Take, exchange: Exchange, exactly: Callable[..., None], bucket: Any, dataset: str
) -> None:
    """Seven days at a time, and what is longer is cut without a word or refused: a day is asked for at a time."""
    from airflow_provider_kucoin.testing.history_limits import ALTERNATIVES

    start = TODAY - 9 * DAY
    exchange.histories.seed(dataset, start, TODAY, rows=90)
    for limits in (exchange.readings.history_limits[dataset], *ALTERNATIVES[dataset]):
        exchange.readings.history_limits[dataset] = limits
        take(dataset=dataset, window_start=start, window_end=TODAY)
        exactly(dataset, bucket.keys, exchange.histories.rows(dataset, start, TODAY))


@pytest.mark.parametrize(
    ("dataset", "arguments", "days"),
    [
        ("funding", {"symbol": "XBTUSDTM"}, 90),
        ("positions", {}, 90),
        ("convert_orders", {}, 4),
        ("convert_limit_orders", {}, 4),
    ],
)
def test_an_old_day_that_comes_back_empty_where_no_source_says_how_long_is_not_written_as_if_it_were(
    take: Take, bucket: Any, dataset: str, arguments: dict[str, Any], days: int
) -> None:
    start = TODAY - days * DAY
    arguments = {"dataset": dataset, "window_start": start, "window_end": start + DAY, **arguments}
    with pytest.raises(AirflowFailException, match=rf"{dataset} history of .* came back empty.*nothing was written"):
        take(**arguments)
    with pytest.raises(AirflowSkipException):
        take(**arguments, on_out_of_retention="skip")
    assert bucket.keys == []


# ------------------------------------------------------------------------------------------------------------ exactness


@pytest.mark.parametrize(
    ("dataset", "field", "column", "arguments"),
    [
        ("interest", "interestAmount", "interest_amount", {"currency": "USDT"}),
        ("lending_purchases", "incomeSize", "income_size", {}),
        ("funding", "funding", "funding", {"symbol": "XBTUSDTM"}),
    ],
)
def test_a_number_that_the_column_cannot_hold_exactly_fails_the_task(
    take: Take, exchange: Exchange, bucket: Any, dataset: str, field: str, column: str, arguments: dict[str, Any]
) -> None:
    from decimal import Decimal

    time = {"interest": "createdTime", "lending_purchases": "applyTime", "funding": "timePoint"}[dataset]
    number = "0.12345678901234567890123"
    value = Decimal(number) if dataset == "funding" else number
    exchange.histories.add(dataset, {time: YESTERDAY, field: value})
    with pytest.raises(AirflowFailException, match=f"column {column}: .*{number}.* does not fit.*is not rounded"):
        take(dataset=dataset, **arguments)
    assert bucket.keys == []


@pytest.mark.parametrize("dataset", ["spot_fills", "borrow", "futures_fills", "convert_orders"])
def test_a_history_of_the_other_account_mode_fails_with_kucoins_code(
    take: Take, exchange: Exchange, bucket: Any, dataset: str
) -> None:
    exchange.account_mode = "unified"
    arguments = {"spot_fills": {"symbol": "BTC-USDT"}, "borrow": {"currency": "USDT"}}.get(dataset, {})
    with pytest.raises(AirflowFailException, match=r"KuCoin code (116104|112010)"):
        take(dataset=dataset, **arguments)
    assert bucket.keys == []


def test_a_key_without_the_permission_fails_with_what_to_do(take: Take, exchange: Exchange, bucket: Any) -> None:
    from dataclasses import replace

    exchange.replace_key(replace(exchange.key, permissions=("General",)))
    with pytest.raises(AirflowFailException, match=r"margin/borrow.*400007.*grant the permission"):
        take(dataset="borrow", currency="USDT")
    assert bucket.keys == []


def test_part_of_a_dataset_under_the_key_of_all_of_it_is_warned_of(
    take: Take, exchange: Exchange, capfd: pytest.CaptureFixture[str]
) -> None:
    exchange.histories.add("futures_fills", {"createdAt": YESTERDAY})
    take(dataset="futures_fills", side="buy", lookback=timedelta(0))
    warning = "only part of the futures_fills history is asked for"
    assert warning in "".join(capfd.readouterr())
    take(dataset="futures_fills")
    assert warning not in "".join(capfd.readouterr())
