from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kucoin.testing import Exchange
from airflow_provider_kucoin.testing.limits import Pools

ACCOUNTS = "/api/v1/accounts"


def remaining(answer: Any) -> int:
    return int(answer.headers["gw-ratelimit-remaining"])


@pytest.mark.parametrize(
    ("vip", "pool", "limit", "window_ms"),
    [
        (0, "Management", 2000, 30_000),
        (0, "Spot", 4000, 30_000),
        (5, "Futures", 7000, 30_000),
        (12, "Spot", 40000, 30_000),
        (12, "Earn", 2000, 30_000),
        (0, "Unified", 200, 3_000),
    ],
)
def test_quotas_go_by_vip_level(vip: int, pool: str, limit: int, window_ms: int) -> None:
    quota = Exchange(vip=vip).quota(pool)
    assert (quota.limit, quota.window_ms) == (limit, window_ms)


def test_a_private_answer_tells_limit_rest_and_milliseconds_until_reset(ask: Any, clock: Any) -> None:
    ask(ACCOUNTS)
    clock.now_ms += 1_234
    assert ask("/api/v1/accounts/ledgers").headers == {
        "gw-ratelimit-limit": "2000",
        "gw-ratelimit-remaining": "1993",
        "gw-ratelimit-reset": "28766",
    }


def test_a_refusal_after_the_signature_tells_them_too(ask: Any) -> None:
    assert remaining(ask("/api/v1/accounts/ledgers", {"pageSize": 501})) == 1998


def test_a_refusal_before_it_tells_nothing_and_costs_nothing(ask: Any, exchange: Exchange) -> None:
    assert ask(ACCOUNTS, headers={"KC-API-SIGN": "wrong"}).headers == {}
    assert exchange.quota_used("Management") == 0


def test_a_used_up_quota_is_429000_until_the_window_ends(ask: Any, exchange: Exchange, clock: Any) -> None:
    exchange.set_quota("Management", limit=12, window_ms=300)
    assert [ask(ACCOUNTS).code for _ in range(3)] == ["200000", "200000", "429000"]
    clock.now_ms += 299
    refused = ask("/api/v1/accounts/ledgers")
    assert (refused.status, refused.code, refused.headers["gw-ratelimit-reset"]) == (429, "429000", "1")
    assert remaining(refused) == 0
    clock.now_ms += 1
    assert remaining(ask(ACCOUNTS)) == 7


def test_a_window_starts_with_its_first_request_not_with_the_clock() -> None:
    pools = Pools(vip=0)
    assert pools.charge("Spot", "1", 100, now=29_999).reset_ms == 30_000
    assert pools.charge("Spot", "1", 100, now=59_998).remaining == 3800
    assert pools.charge("Spot", "1", 100, now=59_999).remaining == 3900


def test_the_quota_can_be_used_to_the_last_unit() -> None:
    pools = Pools(vip=0)
    assert pools.charge("Spot", "1", 4000, now=0).granted
    assert not pools.charge("Spot", "1", 1, now=0).granted


def test_pools_and_users_have_windows_of_their_own() -> None:
    pools = Pools(vip=0)
    pools.charge("Spot", "1", 4000, now=0)
    assert pools.charge("Spot", "2", 1, now=0).granted
    assert pools.charge("Management", "1", 1, now=0).granted


def test_the_public_pool_is_by_address(ask: Any, exchange: Exchange) -> None:
    exchange.set_quota("Public", limit=3)
    assert ask("/api/v1/timestamp", remote="192.0.2.1").code == "200000"
    assert ask("/api/v1/timestamp", remote="192.0.2.1").code == "429000"
    assert ask("/api/v1/timestamp", remote="192.0.2.2").code == "200000"


def test_an_address_costs_nothing_to_ask_for(ask: Any, exchange: Exchange) -> None:
    exchange.set_quota("Public", limit=0)
    assert ask("/api/v1/my-ip", remote="192.0.2.1").data == "192.0.2.1"


def test_limits_may_be_counted_without_being_enforced(clock: Any) -> None:
    pools = Pools(vip=0)
    charge = pools.charge("Earn", "1", 5000, now=0, enforce=False)
    assert (charge.granted, charge.remaining) == (True, 0)
    assert pools.used("Earn", "1", clock()) == 0


def test_an_unknown_pool_has_no_quota(exchange: Exchange) -> None:
    with pytest.raises(KeyError):
        exchange.set_quota("Swimming", 1)
