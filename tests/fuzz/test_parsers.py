"""Whatever KuCoin sends, each parser returns a value or raises an error of ours that is fit for a log."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api import balances, deposits, withdrawals
from airflow_provider_kucoin.api.codes import CODES
from airflow_provider_kucoin.api.columns import context_columns, rows
from airflow_provider_kucoin.api.envelope import Answer, unwrap
from airflow_provider_kucoin.api.explorers import explorer_url
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.keycheck import diagnose
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.api.pages import Numbered, listing, parse_page, parse_stretch
from airflow_provider_kucoin.api.payments import Journal
from airflow_provider_kucoin.api.ratelimits import Quota

if TYPE_CHECKING:
    from airflow_provider_kucoin.api.datasets import Dataset

# What is wrong with some examples is their size.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
fuzz = settings.get_profile("fuzz")
SAMPLES = Path(__file__).parents[1] / "samples"
DATASETS = {**LEDGERS, **HISTORIES}
# As the envelope decodes: numbers with a fraction are decimals.
decode = msgspec.json.Decoder(float_hook=Decimal).decode
seeds = st.integers(0, 2**32)
statuses = st.sampled_from([200, 200, 200, 204, 301, 400, 401, 403, 404, 429, 500, 502, 503, 599])


def decoded(body: bytes) -> Any:
    """Return JSON as the envelope does, or None for what never gets past it."""
    try:
        return decode(body)
    except (ValueError, ArithmeticError, RecursionError):
        return None


@fuzz
@given(body=st.binary(max_size=300), status=statuses)
def test_bytes(garbage: Any, body: bytes, status: int) -> None:
    garbage.survives(lambda: unwrap(Answer(status, {}, body)))


@fuzz
@given(data=st.data(), status=statuses)
def test_an_envelope_of_anything(garbage: Any, data: st.DataObject, status: int) -> None:
    body = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "code": st.sampled_from([*CODES, "200000"]) | garbage.json,
                "msg": garbage.json,
                "data": garbage.json,
            },
        )
    )
    limits = st.dictionaries(
        st.sampled_from(["gw-ratelimit-limit", "gw-ratelimit-remaining", "gw-ratelimit-reset"]), garbage.texts
    )
    garbage.survives(lambda: unwrap(Answer(status, data.draw(limits), garbage.as_json(body))))


@fuzz
@given(data=st.data())
def test_quota_headers(garbage: Any, data: st.DataObject) -> None:
    names = [f"gw-ratelimit-{part}" for part in ("limit", "remaining", "reset")]
    headers = data.draw(
        st.fixed_dictionaries({}, optional=dict.fromkeys(names, garbage.texts | st.integers().map(str)))
    )
    found = Quota.from_headers(headers)
    assert found is None or (found.limit > 0 and found.reset_ms >= 0)


@fuzz
@given(data=st.data(), size=st.integers(1, 500), number=st.integers(1, 9))
def test_numbered_pages(garbage: Any, data: st.DataObject, size: int, number: int) -> None:
    names = ("totalNum", "pageSize", "currentPage", "items", "totalPage")
    page = garbage.json | st.fixed_dictionaries({}, optional=dict.fromkeys(names, garbage.json | st.integers(0, 600)))
    told = decoded(garbage.as_json(data.draw(page)))
    garbage.survives(lambda: parse_page(told, number, size).count)


STYLES = {name: dataset.style for name, dataset in DATASETS.items() if not isinstance(dataset.style, Numbered)}


@pytest.mark.parametrize("name", STYLES)
@fuzz
@given(data=st.data(), size=st.integers(1, 500))
def test_stretches(garbage: Any, name: str, data: st.DataObject, size: int) -> None:
    style: Any = STYLES[name]
    names = [getattr(style, field, "") for field in ("items", "last", "more")]
    told = st.fixed_dictionaries({}, optional={found: garbage.json for found in names if found})
    value = decoded(garbage.as_json(data.draw(garbage.json | told)))
    garbage.survives(lambda: parse_stretch(style, value, size).is_whole)


def row_of(dataset: Dataset, random: Random) -> dict[str, Any]:
    """Return a row that is right, or nearly so."""
    right = {"TEXT": "abc", "AMOUNT": "1.5", "FLAG": True, "INSTANT": 1_770_000_000_000, "SECONDS": 1_770_000_000}
    return {
        column.source: right.get(column.kind.name, 1_770_000_000_000_000_000)
        for column in dataset.fields
        if column.required or random.random() < 0.9
    }


@pytest.mark.parametrize("name", DATASETS)
@fuzz
@given(seed=seeds, wrong=st.integers(0, 3))
def test_rows_of_a_dataset(garbage: Any, name: str, seed: int, wrong: int) -> None:
    dataset, random = DATASETS[name], Random(seed)  # noqa: S311 - repeatable, not secret
    items: Any = [row_of(dataset, random) for _ in range(random.randrange(4))]
    for _ in range(wrong):
        items = garbage.mangled(items, random)
    body = garbage.as_json({"code": "200000", "data": items})
    known = dataset.decode(body)
    told = known if known is not None else (decoded(body) or {}).get("data")

    def all_of_it() -> None:
        found = dataset.table(told, "1")
        dataset.keys(told)
        dataset.times_ms(told)
        rows(dataset.columns, found)

    if type(told) is list:  # which the pages see to
        garbage.survives(all_of_it)


@fuzz
@given(data=st.data())
def test_contexts(garbage: Any, data: st.DataObject) -> None:
    texts = garbage.texts | garbage.json.map(lambda value: garbage.as_json(value).decode(errors="replace"))
    contexts = data.draw(st.lists(texts | st.none(), max_size=4))
    found = context_columns(contexts)
    assert all(len(column) == len(contexts) for column in found.values())
    assert all(value is None or type(value) is str for column in found.values() for value in column)


BALANCES = {
    "accounts": "accounts",
    "cross_margin": "cross_margin",
    "isolated_margin": "isolated_margin",
    "futures": "futures_account",
    "earn": "earn_holdings",
    "sub_accounts": "sub_accounts",
    "sub_futures": "futures_sub_accounts",
}


@pytest.mark.parametrize("name", BALANCES)
@fuzz
@given(seed=seeds)
def test_balances(garbage: Any, name: str, seed: int) -> None:
    sample = json.loads((SAMPLES / f"{BALANCES[name]}.json").read_text())["data"]
    sample = sample.get("items", sample) if isinstance(sample, dict) else sample
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    told = decoded(garbage.as_json(garbage.mangled(sample, random)))
    right = decoded(garbage.as_json(sample))
    assert balances.BALANCES.table(balances.parse(balances.SOURCES[name], right, 1), "1")

    def all_of_it() -> None:
        found = balances.parse(balances.SOURCES[name], told, 1)
        balances.BALANCES.table(found, "1")
        for ledger in balances.LIVE:
            balances.live(ledger, found)

    garbage.survives(all_of_it)


@fuzz
@given(data=st.data())
def test_what_a_key_may_do(garbage: Any, data: st.DataObject) -> None:
    names = ("permission", "ipWhitelist", "apiVersion", "isMaster", "subName", "uid", "expiredAt", "siteType")
    info = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, garbage.json)))
    told = decoded(garbage.as_json(info))
    if told is not None:
        found = diagnose(told, offset_ms=0, now_ms=1_770_120_000_000, key_version="3", withdrawals_enabled=True)
        assert str(found)


MONEY = ("id", "createdAt", "amount", "fee", "currency", "status", "remark", "walletTxId", "address", "memo", "chain")


def let_through(rows: list[Any]) -> list[Any]:
    """Return rows of a listing, as all who use them get them."""
    steps = listing({}, 500)
    next(steps)
    try:
        steps.send({"totalNum": len(rows), "items": rows})
    except StopIteration as end:
        return list(end.value)
    raise AssertionError("there is one page")


@fuzz
@given(data=st.data())
def test_deposits_and_withdrawals(garbage: Any, data: st.DataObject) -> None:
    field = garbage.json | st.sampled_from(["USDT", "SUCCESS", "PROCESSING", "FAILURE", "1.5", "@@1770120000000@@"])
    listed = data.draw(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(MONEY, field)), max_size=4))
    told = decoded(garbage.as_json(listed)) or []
    if garbage.survives(lambda: let_through(told)):
        return
    waited_for = deposits.expected(currency="USDT", since_ms=0, min_amount="1")
    garbage.survives(lambda: deposits.judge(waited_for, told))
    for row in told:
        garbage.survives(lambda row=row: withdrawals.outcome(row.get("status")))
        garbage.survives(lambda row=row: withdrawals.wallet_tx_id(row))
    garbage.survives(lambda: withdrawals.spent(told, "USDT"))


@fuzz
@given(data=st.data())
def test_the_journal_of_a_payment(garbage: Any, data: st.DataObject) -> None:
    """Anybody who may edit the DAG's state may have edited it."""
    names = ("stage", "marker", "fingerprint", "stamp_ms", "summary", "withdrawal_id", "version")
    kept = data.draw(garbage.json | st.fixed_dictionaries({}, optional=dict.fromkeys(names, garbage.json)))
    garbage.survives(lambda: Journal.from_dict(decoded(garbage.as_json(kept))))


@fuzz
@given(chain=st.text() | st.sampled_from(["trx", "eth", "btc"]), wallet_tx_id=st.text())
def test_links_to_explorers(chain: str, wallet_tx_id: str) -> None:
    found = explorer_url(chain, wallet_tx_id)
    assert found is None or found.startswith("https://")
