"""The five ledgers: what is asked for, and that KuCoin's own rows come out of them exactly."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from airflow_provider_kucoin.api.columns import rows
from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.ledgers import (
    FUTURES,
    LEDGERS,
    SPOT,
    TRADE_HF,
    UNIFIED,
    UNIFIED_PAGES,
    ledger,
    symbols,
)
from airflow_provider_kucoin.api.selections import select

SAMPLES = Path(__file__).parents[1] / "samples"
UID = "165111215"
# As the envelope decodes: numbers with a fraction are decimals.
decode = msgspec.json.Decoder(float_hook=Decimal).decode


def sample(name: str) -> list[dict[str, Any]]:
    data = decode((SAMPLES / f"{name}.json").read_bytes())["data"]
    listed = data if isinstance(data, list) else data.get("items", data.get("dataList"))
    return list(listed)


@pytest.mark.parametrize("name", LEDGERS)
def test_every_ledger_is_found_by_its_name(name: str) -> None:
    assert ledger(name).name == name


def test_an_unknown_ledger_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"ledger='Spot' is not one of 'spot', 'trade_hf', 'margin_hf', "):
        ledger("Spot")


# ------------------------------------------------------------------------------------------------------------ filters


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({"currency": "USDT"}, {"currency": "USDT"}, id="one code"),
        pytest.param({"currency": " BTC , USDT "}, {"currency": "BTC,USDT"}, id="comma list"),
        pytest.param({"currency": ["BTC", "USDT"]}, {"currency": "BTC,USDT"}, id="list"),
        pytest.param({"currency": ("BTC",)}, {"currency": "BTC"}, id="tuple"),
        pytest.param({"currency": "", "direction": "", "biz_type": ""}, {}, id="empty"),
        pytest.param({"direction": "in"}, {"direction": "in"}, id="in"),
        pytest.param({"direction": "out"}, {"direction": "out"}, id="out"),
        pytest.param({"biz_type": "SOMETHING_NEW"}, {"bizType": "SOMETHING_NEW"}, id="business type"),
        pytest.param({"currency": list("ABCDEFGHIJ")}, {"currency": "A,B,C,D,E,F,G,H,I,J"}, id="ten codes"),
    ],
)
@pytest.mark.parametrize("table", [SPOT, TRADE_HF], ids=str)
def test_filters_become_query_parameters(table: Any, given: dict[str, Any], expected: dict[str, Any]) -> None:
    found = select(table, given)
    assert found.queries == (expected,)
    assert found.shown == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"currency": list("ABCDEFGHIJK")}, "11 codes given, KuCoin takes 10", id="eleven codes"),
        pytest.param({"currency": "A,B,C,D,E,F,G,H,I,J,K"}, "11 codes given", id="eleven codes in text"),
        pytest.param({"currency": "BTC,,USDT"}, "currency=", id="a code of nothing"),
        pytest.param({"currency": " "}, "currency=", id="blank"),
        pytest.param({"currency": ["BTC,USDT"]}, "currency=", id="a list in a list"),
        pytest.param({"direction": "IN"}, "direction='IN' is not one of", id="direction in capitals"),
        pytest.param({"account_type": "UNIFIED"}, "does not take it", id="another ledger's parameter"),
    ],
)
def test_what_kucoin_does_not_take_is_refused_before_it_is_asked(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        select(SPOT, given)


def test_the_futures_ledger_has_signs_instead_of_directions_and_is_asked_for_one_currency_at_a_time() -> None:
    with pytest.raises(InvalidInput, match=r"the futures ledger does not take it\. It takes 'currency', 'biz_type'"):
        select(FUTURES, {"direction": "in"})
    assert select(FUTURES, {"currency": ["XBT", "USDT"], "biz_type": "RealisedPNL"}).queries == (
        {"currency": "XBT", "type": "RealisedPNL"},
        {"currency": "USDT", "type": "RealisedPNL"},
    )


def test_the_unified_ledger_is_read_for_every_account_type_unless_one_is_named() -> None:
    everything = select(UNIFIED, {})
    assert [query["accountType"] for query in everything.queries] == list(UNIFIED_PAGES)
    assert not everything.shown
    assert select(UNIFIED, {"account_type": "FUNDING", "direction": "out"}).queries == (
        {"accountType": "FUNDING", "direction": "OUT"},
    )
    assert [UNIFIED.size_of(query) for query in everything.queries] == list(UNIFIED_PAGES.values())


# ----------------------------------------------------------------------------------------------------- KuCoin's rows


def test_the_documented_row_of_the_spot_ledger_becomes_a_row_of_exact_values() -> None:
    (row,) = rows(SPOT.columns, SPOT.table(sample("spot_ledger"), UID))
    assert row == {
        "account_uid": UID,
        "id": "265329987780896",
        "currency": "USDT",
        "amount": Decimal("0.01"),
        "fee": Decimal(0),
        "balance": Decimal(0),
        "account_type": "TRADE",
        "biz_type": "SUB_TRANSFER",
        "direction": "out",
        "created_at": datetime(2024, 10, 11, 14, 54, 41, 484000, tzinfo=UTC),
        "context": "",
        "order_id": None,
        "trade_id": None,
        "tx_id": None,
        "symbol": None,
        "_extra": None,
    }


def test_the_documented_row_of_the_high_frequency_ledger_has_its_context_taken_apart() -> None:
    found = rows(TRADE_HF.columns, TRADE_HF.table(sample("trade_hf_ledger"), UID))[0]
    assert found["amount"] == Decimal("1.5976008")
    assert found["balance"] == Decimal("26.73759503")
    assert found["tax"] == 0
    assert (found["symbol"], found["trade_id"]) == ("KCS-USDT", "10046097631627265")
    assert found["created_at"] == datetime(2024, 10, 9, 3, 19, 17, 539000, tzinfo=UTC)


def test_the_documented_row_of_the_futures_ledger_keeps_the_digits_of_its_numbers() -> None:
    found = rows(FUTURES.columns, FUTURES.table(sample("futures_ledger"), UID))[0]
    assert found["amount"] == Decimal("0.01")
    assert found["account_equity"] == Decimal("14.02924938")
    assert (found["offset"], found["status"]) == ("51360793", "Completed")


@pytest.mark.parametrize(
    ("changes", "changing"),
    [({}, False), ({"status": "Pending"}, True), ({"offset": -1}, True), ({"status": "Pending", "offset": -1}, True)],
)
def test_a_running_period_of_the_futures_ledger_is_told_from_a_settled_row(changes: Any, changing: bool) -> None:  # noqa: FBT001
    assert FUTURES.is_provisional is not None
    assert FUTURES.is_provisional({**sample("futures_ledger")[0], **changes}) is changing


def test_the_pairs_and_contracts_that_rows_name_are_found() -> None:
    assert symbols(TRADE_HF, sample("trade_hf_ledger")) == {"KCS-USDT"}
    settled = {**sample("futures_ledger")[0], "type": "RealisedPNL", "remark": "XBTUSDTM"}
    assert symbols(FUTURES, [*sample("futures_ledger"), settled]) == {"XBTUSDTM"}
    assert symbols(SPOT, []) == set()


def test_a_ledger_is_named_in_words() -> None:
    assert [str(table) for table in LEDGERS.values()][:2] == ["spot ledger", "trade_hf ledger"]
    assert json.dumps([table.noun for table in LEDGERS.values()]) == json.dumps(["ledger"] * len(LEDGERS))
