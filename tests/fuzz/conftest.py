"""
Answers that KuCoin never promised: arbitrary bytes, arbitrary JSON, and right answers with something wrong in them.

`KUCOIN_FUZZ` is how many examples each test tries; without it there are few, always the same, so that a run of all
tests stays short and does the same thing twice. `make fuzz` tries many, and others every time.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from airflow_provider_kucoin.api.codes import CODES
from airflow_provider_kucoin.api.envelope import Unreadable
from airflow_provider_kucoin.api.errors import KucoinError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

EXAMPLES = int(os.environ.get("KUCOIN_FUZZ", "0"))
settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES or 16,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    # Exchange and wire are made once for all examples of a test: each makes its own hook.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

#: What an error may say: what KuCoin said is cut at 256 characters, and some errors name several things.
LONGEST_MESSAGE = 2_000
#: Seconds; an example takes milliseconds, and what never ends must not keep everybody waiting.
HANGS = 120

#: Written as it stands, where JSON is made: what Python's own encoder would not write.
_RAW = re.compile(r'"@@([^"]*)@@"')
NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, -(2**63), "", " ", "0", "-0", "1.5", "-1", "null", "NaN"),
    *("Infinity", "1e5", "1e-400", "1e999999999", "1_000", "٣", "0x10", "1" * 40, "9" * 5000, "a" * 5000, "\x00"),
    *("'", "{}", "[]", "{'a': 1", "\U0001f511", "\u202e", "2026-02-03", [], {}, [[]], [None], [1], [{}], {"a": 1}),
    *("@@1e400@@", "@@1e99999999999999999999@@", "@@-0.0@@", "@@1.0@@", "@@0.1234567890123456789012345@@"),
    *(f"@@{'9' * 400}@@", f"@@{'9' * 5000}@@", f"@@{'[' * 3000}{']' * 3000}@@", "@@NaN@@", '@@"\\ud800"@@'),
)


def as_json(value: Any) -> bytes:
    """Return JSON, with what is not of Python's own encoding in it."""
    return _RAW.sub(lambda found: found[1].replace("\\\\", "\\").replace('\\"', '"'), json.dumps(value)).encode()


def mangled(value: Any, random: Random) -> Any:
    """Return a JSON value with one thing wrong in it."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.15:
        return random.choice(NASTY)
    return _in_list(value, random) if isinstance(value, list) else _in_dict(value, random)


def _in_list(value: list[Any], random: Random) -> list[Any]:
    at = random.randrange(len(value))
    match random.randrange(8):
        case 0:
            return [*value[:at], *value[at + 1 :]]
        case 1:
            return [*value, value[at]]
        case 2:
            return [*value[:at], random.choice(NASTY), *value[at:]]
        case _:
            return [*value[:at], mangled(value[at], random), *value[at + 1 :]]


def _in_dict(value: dict[str, Any], random: Random) -> dict[str, Any]:
    name = random.choice(list(value))
    match random.randrange(10):
        case 0:
            return {key: kept for key, kept in value.items() if key != name}
        case 1:
            return {**value, random.choice(["new", "id", "", "a" * 5000]): random.choice(NASTY)}
        case _:
            return {**value, name: mangled(value[name], random)}


def mangled_body(body: bytes, random: Random) -> bytes:
    """Return an answer's body with one thing wrong in it, or another body."""
    at = random.randrange(len(body) + 1)
    strange = (
        lambda: body[:at],
        lambda: body[:at] + random.randbytes(random.randrange(1, 5)) + body[at:],
        lambda: random.randbytes(random.randrange(200)),
        lambda: b"<html><title>Attention Required! | Cloudflare</title> 1015 </html>"[: random.choice([20, 200])],
        lambda: as_json(random.choice(NASTY)),
        lambda: as_json(
            {"code": random.choice([*CODES, *NASTY]), "msg": random.choice(NASTY), "data": random.choice(NASTY)}
        ),
    )
    if random.random() < 0.3:
        return random.choice(strange)()
    try:
        told = json.loads(body)
    except ValueError:
        return body
    if isinstance(told, dict) and "data" in told and random.random() < 0.9:
        return as_json({**told, "data": mangled(told["data"], random)})
    return as_json(mangled(told, random))


@dataclass(repr=False)
class Garbage:
    """What tests of this folder share."""

    json: st.SearchStrategy[Any]
    texts: st.SearchStrategy[str]
    mangled: Callable[[Any, Random], Any]
    mangled_body: Callable[[bytes, Random], bytes]
    as_json: Callable[[Any], bytes]

    @staticmethod
    def survives(action: Callable[[], object], *allowed: type[BaseException]) -> BaseException | None:
        """Assert that something ends, and in a value or an error that says something fit for a log; return that."""
        try:
            with ending():
                action()
        except (KucoinError, Unreadable, *allowed) as problem:
            found = problem
        else:
            return None
        assert 0 < len(str(found)) <= LONGEST_MESSAGE, f"{type(found)}: {str(found)[:300]!r}"
        return found


@contextmanager
def ending() -> Iterator[None]:
    """Fail when what is done in here does not end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hangs(*_: object) -> None:
        pytest.fail(f"it did not end in {HANGS} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _values() -> st.SearchStrategy[Any]:
    nasty = st.sampled_from(NASTY)
    leaves = nasty | st.integers() | st.decimals().map(str) | st.text(max_size=20) | st.floats(allow_nan=False)
    names = st.sampled_from(["id", "items", "totalNum", "pageSize", "currentPage", "code", "data", "createdAt"])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=8), inner, max_size=5),
        max_leaves=12,
    )


@pytest.fixture(scope="session")
def garbage() -> Garbage:
    """How to make garbage, and what is to become of it."""
    return Garbage(
        _values(), st.sampled_from([v for v in NASTY if isinstance(v, str)]) | st.text(), mangled, mangled_body, as_json
    )
