"""Lengths of time as DAG authors give them."""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_kucoin.api.errors import InvalidInput


def check_duration(name: str, value: object) -> None:
    """
    Check that an argument is a length of time.

    :raise InvalidInput: naming the argument: a number would not tell its unit
    """
    if not isinstance(value, timedelta):
        raise InvalidInput(f"{name}={repr(value)[:80]} is not a timedelta: give one, such as timedelta(minutes=5)")
