"""
What of a dataset is asked for: from a DAG author's parameters to KuCoin's queries.

KuCoin takes several values of some parameters in one call, and one of others; where it takes one, each value is a query
of its own, and together they bring what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kucoin.api.datasets import Dataset, Parameter

#: Stands for every symbol that the account may have used.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Selection:
    """
    What is asked for.

    :param queries: KuCoin's parameters, one mapping for each query
    :param shown: the same for people, as KuCoin's parameters; empty when everything is asked for
    """

    queries: tuple[Mapping[str, str], ...]
    shown: Mapping[str, str]


def select(dataset: Dataset, given: Mapping[str, str | Sequence[str] | None]) -> Selection:
    """
    Return the queries that bring what is asked for.

    :param given: values by the parameters' names; a value is a text, several with commas between, or a list of texts.
        What is empty is taken for not given
    :raise InvalidInput: for a parameter that the dataset does not take, one that it needs and did not get, and values
        that KuCoin documents as not accepted
    """
    wanted = {name: value for name, value in given.items() if value}
    known = {parameter.name: parameter for parameter in dataset.parameters}
    if unknown := [name for name in wanted if name not in known]:
        takes = ", ".join(map(repr, known)) or "no parameters of its own"
        raise InvalidInput(f"{unknown[0]}={wanted[unknown[0]]!r}: the {dataset} does not take it. It takes {takes}")
    found = {name: _values(parameter, wanted.get(name)) for name, parameter in known.items()}
    for name, parameter in known.items():
        if parameter.required and not found[name]:
            more = f", or {ALL!r}" if name == "symbol" else ""
            raise InvalidInput(
                f"{name} is missing: KuCoin's {dataset} answers for one {name} at a time. Give one, or a list{more}"
            )
    shown = {known[name].sent_as: ",".join(values) for name, values in found.items() if values and name in wanted}
    ways = [_ways(known[name], values) for name, values in found.items() if values or known[name].default]
    implied = [pair for name, values in found.items() if values for pair in known[name].implies]
    queries = tuple(dict([*dataset.fixed, *implied, *way]) for way in product(*ways))
    return Selection(queries, shown)


def needs_all_symbols(dataset: Dataset, given: Mapping[str, str | Sequence[str] | None]) -> bool:
    """Return whether somebody has to find out which symbols there are first."""
    takes = {parameter.name for parameter in dataset.parameters}
    return "symbol" in takes and given.get("symbol") in (ALL, [ALL], (ALL,))


def _ways(parameter: Parameter, values: Sequence[str]) -> list[tuple[str, str]]:
    if parameter.most > 1:
        return [(parameter.sent_as, ",".join(values))]
    return [(parameter.sent_as, value) for value in values or parameter.default]


def _values(parameter: Parameter, value: object) -> list[str]:
    if not value:
        return []
    given = value.split(",") if isinstance(value, str) else value if isinstance(value, Iterable) else [value]
    found = [one.strip() if isinstance(one, str) else "" for one in given]
    if not all(one and "," not in one for one in found):
        raise InvalidInput(f"{parameter.name}={value!r}: {_example(parameter.name)}")
    if parameter.name == "symbol" and ALL in map(str.lower, found):
        raise InvalidInput(f"symbol={value!r}: {ALL!r} stands for every symbol, in small letters and alone")
    if 1 < parameter.most < len(found):
        raise InvalidInput(
            f"{parameter.name}: {len(found)} codes given, KuCoin takes {parameter.most} in one call. "
            f"Leave {parameter.name} out to read all, or use several tasks"
        )
    if len(set(found)) < len(found):
        raise InvalidInput(f"{parameter.name}={value!r}: a value is there twice, and its rows would be")
    if parameter.values and (bad := [one for one in found if one not in parameter.values]):
        rest = "" if parameter.required else "; leave it out for all"
        raise InvalidInput(f"{parameter.name}={bad[0]!r} is not one of {', '.join(map(repr, parameter.values))}{rest}")
    return [one.upper() for one in found] if parameter.upper else found


def _example(name: str) -> str:
    return {
        "currency": "give codes such as 'USDT' or ['BTC', 'USDT']",
        "symbol": "give symbols such as 'BTC-USDT' or ['BTC-USDT', 'ETH-USDT']",
    }.get(name, "give a text or a list of texts")
