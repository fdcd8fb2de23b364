"""Every sentence of the key doctor, and that it says no more than that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kucoin.api.keycheck import Diagnosis, diagnose

SAMPLE = json.loads((Path(__file__).parents[1] / "samples" / "api_key.json").read_text())["data"]
NOW_MS = 1_770_120_000_000  # 2026-02-03 12:00:00 UTC
DAY_MS = 86_400_000
READER = {**SAMPLE, "permission": "General", "ipWhitelist": "203.0.113.7"}


def look(
    info: Any = READER, *, offset_ms: int = 0, key_version: str = "3", withdrawals_enabled: bool = False, **changes: Any
) -> Diagnosis:
    given = {name: value for name, value in {**info, **changes}.items() if value is not ...}
    return diagnose(
        given,
        offset_ms=offset_ms,
        now_ms=NOW_MS,
        key_version=key_version,
        withdrawals_enabled=withdrawals_enabled,
    )


def test_a_key_for_reading_only_is_healthy_and_has_its_facts_told() -> None:
    found = look()
    assert found.is_healthy
    assert (found.warnings, found.problems) == ([], [])
    assert str(found).splitlines() == [
        "KuCoin accepts the key: uid 165111215, master account, key version 3",
        "permissions: General",
        "IP whitelist: 203.0.113.7",
        "clock: KuCoin is +0 ms from this machine",
    ]


def test_the_documented_sample_can_be_used_and_could_withdraw() -> None:
    found = look(SAMPLE)
    assert found.is_healthy
    [warning] = found.warnings
    assert "could also withdraw" in warning


@pytest.mark.parametrize(
    ("info", "account"),
    [
        ({"isMaster": False, "subName": "robot1"}, "sub-account robot1"),
        ({"isMaster": False}, "sub-account ?"),
        ({"isMaster": ...}, "master account"),
    ],
    ids=["named", "nameless", "old answer"],
)
def test_the_kind_of_account_is_told(info: dict[str, Any], account: str) -> None:
    assert account in look(**info).facts[0]


def test_an_answer_of_nothing_is_survived_and_no_permission_is_a_problem() -> None:
    found = look({})
    assert not found.is_healthy
    assert "uid ?" in str(found)
    assert "permissions: none" in str(found)
    [problem] = found.problems
    assert "General" in problem


@pytest.mark.parametrize(
    ("offset_ms", "words"),
    [
        (1000, None),
        (-1000, None),
        (1001, "clock is -1001 ms off: set it by NTP"),
        (-5000, "clock is +5000 ms off: set it by NTP"),
        (5001, "clock is -5001 ms off, KuCoin allows 5000 ms"),
        (-60_000, "clock is +60000 ms off, KuCoin allows 5000 ms"),
    ],
)
def test_a_clock_deserves_a_word_when_it_is_off(offset_ms: int, words: str | None) -> None:
    found = look(offset_ms=offset_ms)
    assert found.is_healthy
    assert [words in warning for warning in found.warnings] == ([True] if words else [])


def test_a_key_that_cannot_read_is_a_problem() -> None:
    found = look(permission="Spot,Futures")
    assert not found.is_healthy
    assert "PROBLEM: the key lacks the permission 'General'" in str(found)


@pytest.mark.parametrize(
    ("permission", "enabled", "warnings", "problems"),
    [
        ("General", False, 0, 0),
        ("General,Transfer", False, 1, 0),
        ("General, Transfer", False, 1, 0),
        ("General,InnerTransfer", False, 0, 0),
        ("General,Transfer", True, 0, 0),
        ("General", True, 0, 1),
        ("General,InnerTransfer", True, 0, 1),
    ],
)
def test_the_permission_to_withdraw_is_to_be_there_exactly_when_it_is_wanted(
    permission: str, enabled: Any, warnings: int, problems: int
) -> None:
    found = look(permission=permission, withdrawals_enabled=enabled)
    assert (len(found.warnings), len(found.problems)) == (warnings, problems)
    assert found.is_healthy == (not problems)


@pytest.mark.parametrize("addresses", ["", None, ..., " , "], ids=["empty", "null", "absent", "commas"])
def test_a_key_without_an_ip_whitelist_deserves_a_word(addresses: Any) -> None:
    found = look(ipWhitelist=addresses)
    assert "IP whitelist: none" in str(found)
    [warning] = found.warnings
    assert "no IP whitelist" in warning


@pytest.mark.parametrize(
    ("version", "sent", "warned"), [(3, "3", False), (2, "3", True), (3, "2", True), (..., "3", False)]
)
def test_a_key_of_another_version_than_is_sent_deserves_a_word(version: Any, sent: str, warned: Any) -> None:
    found = look(apiVersion=version, key_version=sent)
    assert [f"of version {version}, the connection sends {sent}" in warning for warning in found.warnings] == (
        [True] if warned else []
    )


@pytest.mark.parametrize(
    "never", [None, ..., 0, -1, "never", 9_999_999_999_999_999], ids=["null", "absent", "0", "-1", "text", "9999..."]
)
def test_a_key_that_never_expires_has_no_expiry_told(never: Any) -> None:
    assert "expire" not in str(look(expiredAt=never))


def test_a_key_that_expires_late_has_its_expiry_told() -> None:
    found = look(expiredAt=NOW_MS + 14 * DAY_MS)
    assert "expires: 2026-02-17T12:00:00Z" in found.facts
    assert found.warnings == []


def test_a_key_that_expires_soon_deserves_a_word() -> None:
    found = look(expiredAt=NOW_MS + 14 * DAY_MS - 1)
    assert found.is_healthy
    assert "WARNING: the key expires at 2026-02-17T11:59:59.999Z: make a new one before that" in str(found)


def test_a_key_that_has_expired_is_a_problem() -> None:
    found = look(expiredAt=NOW_MS)
    assert not found.is_healthy
    assert "the key expired at 2026-02-03T12:00:00Z" in str(found)


def test_the_key_itself_is_not_told() -> None:
    assert SAMPLE["apiKey"] not in str(look())
