"""Symbols and contracts: what there is to ask histories about."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

SAMPLES = Path(__file__).parents[1] / "samples"
SYMBOLS = "/api/v2/symbols"
CONTRACTS = "/api/v1/contracts/active"


def sample(name: str) -> Any:
    text = SAMPLES.joinpath(f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text, parse_float=Decimal)["data"]


def test_the_symbols_hold_the_documented_one(ask: Any) -> None:
    found = ask(SYMBOLS).data
    (documented,) = sample("symbols")
    assert documented in found
    assert [set(one) for one in found] == [set(documented)] * len(found)
    assert len({one["symbol"] for one in found}) == len(found)


def test_symbols_may_be_renamed_and_no_longer_traded(ask: Any) -> None:
    (odd,) = [one for one in ask(SYMBOLS).data if not one["enableTrading"]]
    assert odd["name"] != odd["symbol"]


def test_symbols_go_by_market(ask: Any) -> None:
    assert [one["symbol"] for one in ask(SYMBOLS, {"market": "BTC"}).data] == ["ETH-BTC"]
    assert ask(SYMBOLS, {"market": "ALTS"}).data == []


def test_a_symbol_may_be_added(exchange: Exchange, ask: Any) -> None:
    exchange.histories.symbols.clear()
    exchange.histories.symbols["A-B"] = {"symbol": "A-B", "market": "ALTS"}
    assert ask(SYMBOLS).data == [{"symbol": "A-B", "market": "ALTS"}]


def test_the_contracts_hold_the_documented_one(ask: Any) -> None:
    found = json.loads(ask(CONTRACTS, futures=True).body, parse_float=Decimal)["data"]
    (documented,) = sample("contracts")
    assert documented in found
    assert [set(one) for one in found] == [set(documented)] * len(found)
    assert [one["symbol"] for one in found] == ["XBTUSDTM", "ETHUSDTM", "XBTUSDM"]


def test_a_contract_may_go(exchange: Exchange, ask: Any) -> None:
    del exchange.histories.contracts["XBTUSDTM"]
    assert "XBTUSDTM" not in {one["symbol"] for one in ask(CONTRACTS, futures=True).data}


def test_contracts_are_on_the_futures_host_and_symbols_on_the_other(ask: Any) -> None:
    assert (ask(CONTRACTS).code, ask(SYMBOLS, futures=True).code) == ("404000", "404000")


def test_they_need_no_key(ask: Any) -> None:
    headers = {"KC-API-KEY": None, "KC-API-SIGN": None}
    assert ask(SYMBOLS, headers=headers).code == ask(CONTRACTS, headers=headers, futures=True).code == "200000"
