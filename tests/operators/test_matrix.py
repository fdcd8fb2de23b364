"""Every fault at every request, under every reading, then retries and clears: one withdrawal at the most."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).parents[2] / "scripts" / "withdrawals_matrix.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("withdrawals_matrix", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


matrix = load()
CASES = list(matrix.cases())
try:
    from airflow.sdk import NEVER_EXPIRE  # noqa: F401 - since 3.3, as task state stores are
except ImportError:
    STORES = {False}
else:
    STORES = {False, True}
# Here every fault meets every request and every reading; `make test-withdrawals` plays all combinations.
PLAYED = CASES[::5]


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    with matrix.bench() as found:
        yield found


@pytest.mark.parametrize("case", PLAYED, ids=lambda case: case.name)
def test_there_is_one_withdrawal_at_the_most_and_no_success_that_the_exchange_does_not_know(
    bench: Any, case: Any
) -> None:
    if case.has_store not in STORES:
        pytest.skip("Airflow has task state stores since 3.3")
    found = bench.play(case)
    assert found.broken == []
    assert found.struck
    assert found.sent <= 1


def test_the_cases_played_here_meet_every_fault_request_and_reading() -> None:
    for part in ("fault", "step", "reading", "has_store", "lost"):
        assert {getattr(case, part) for case in PLAYED} == {getattr(case, part) for case in CASES}, part


def test_the_tables_in_the_documentation_are_those_of_all_cases() -> None:
    """Their contents are checked by `make test-withdrawals`."""
    assert f"{len(CASES)} cases; without anybody's help they end" in matrix.PART.read()
    assert "The rule is broken in 0." in matrix.PART.read()
