"""The tree of errors answers one question: what now?"""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from airflow_provider_kucoin.api import errors
from airflow_provider_kucoin.api.errors import (
    AuthenticationFailed,
    ClockSkewed,
    FatalError,
    Incomplete,
    InvalidInput,
    KucoinError,
    OutcomeUnknown,
    OutOfRetention,
    PermissionDenied,
    RateLimited,
    RequestRefused,
    RetryableError,
    Unavailable,
    UnexpectedData,
)

AGAIN = (RateLimited, ClockSkewed, Unavailable, Incomplete)
NEVER = (InvalidInput, RequestRefused, AuthenticationFailed, PermissionDenied, OutOfRetention, UnexpectedData)


@pytest.mark.parametrize("kind", AGAIN, ids=lambda kind: kind.__name__)
def test_what_may_be_asked_again_is_retryable_and_not_fatal(kind: type[Any]) -> None:
    assert issubclass(kind, RetryableError)
    assert not issubclass(kind, FatalError)


@pytest.mark.parametrize("kind", NEVER, ids=lambda kind: kind.__name__)
def test_what_will_be_refused_again_is_fatal_and_not_retryable(kind: type[Any]) -> None:
    assert issubclass(kind, FatalError)
    assert not issubclass(kind, RetryableError)


def test_an_unknown_outcome_is_neither_retryable_nor_fatal() -> None:
    assert issubclass(OutcomeUnknown, KucoinError)
    assert not issubclass(OutcomeUnknown, RetryableError | FatalError)


def test_invalid_input_can_be_caught_as_a_value_error() -> None:
    assert issubclass(InvalidInput, ValueError)


def test_every_error_of_the_module_is_exported_and_in_the_tree_that_its_first_lines_draw() -> None:
    kinds = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert kinds == set(errors.__all__)
    assert all(name in errors.__doc__ for name in kinds)


def test_an_error_carries_kucoins_code_and_the_http_status() -> None:
    problem = RequestRefused("no", code="400100", http_status=200)
    assert (str(problem), problem.code, problem.http_status) == ("no", "400100", 200)


def test_a_rate_limit_carries_the_pause_and_whose_quota_it_is() -> None:
    problem = RateLimited("slow down", code="429000", http_status=429, retry_after=1.5, quota_used_up=True)
    assert (problem.retry_after, problem.quota_used_up, problem.code, problem.http_status) == (1.5, True, "429000", 429)


def test_an_error_survives_the_way_between_processes() -> None:
    problem = pickle.loads(pickle.dumps(RateLimited("slow down", code="429000", retry_after=2.0)))  # noqa: S301 - ours
    assert (type(problem), str(problem), problem.code, problem.retry_after) == (
        RateLimited,
        "slow down",
        "429000",
        2.0,
    )
