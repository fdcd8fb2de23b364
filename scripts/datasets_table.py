"""Write the tables of docs/datasets.md from the tables of the code; with --check, only compare."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from page_parts import Part, command

from airflow_provider_kucoin.api.common import COLUMNS
from airflow_provider_kucoin.api.histories import HISTORIES
from airflow_provider_kucoin.api.ledgers import LEDGERS
from airflow_provider_kucoin.api.windows import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_kucoin.api.datasets import Dataset, Kept

PART = Part("docs/datasets.md", "<!-- tables of the code -->", "<!-- end of the tables -->")


def tables() -> str:
    """Return all tables as Markdown."""
    every = {**LEDGERS, **HISTORIES}
    parts = ["### Ledgers", overview(LEDGERS.values()), "### Histories", overview(HISTORIES.values()), "## Columns"]
    for found in every.values():
        parts += [f"### {found.name}", columns(found)]
    parts += ["### kucoin_ledger", "The view over all ledgers.", view()]
    return "\n\n".join(parts)


def overview(found: Iterable[Dataset]) -> str:
    """Return one line for each dataset."""
    head = [
        "| name | endpoint | weight | rows a call | kept | takes | unique by |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *(_line(one) for one in found)])


def columns(dataset: Dataset) -> str:
    """Return one line for each column."""
    head = ["| column | KuCoin's field | type | meaning |", "| --- | --- | --- | --- |"]
    lines = [
        f"| {column.name} | {column.source} | {column.kind.name.lower()}{'' if column.required else ', nullable'} "
        f"| {column.meaning} |"
        for column in dataset.columns
    ]
    return "\n".join([*head, *lines])


def view() -> str:
    """Return one line for each column of the view over all ledgers."""
    return "\n".join(
        ["| column | meaning |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in COLUMNS.items())]
    )


def _line(found: Dataset) -> str:
    sizes = {size for *_, size in found.page_sizes} | {found.page_size}
    cells = (
        f"**{found.name}**",
        f"`{found.endpoint.method} {found.endpoint.path}`{' (futures host)' if found.endpoint.futures else ''}",
        f"{found.endpoint.weight} {found.endpoint.pool or '?'}",
        "-".join(map(str, sorted({min(sizes), max(sizes)}))),
        _kept(found.kept),
        ", ".join(f"{one.name}{' (required)' if one.required else ''}" for one in found.parameters) or "nothing",
        ", ".join(found.key) or "nothing: rows may be equal",
    )
    return f"| {' | '.join(cells)} |"


def _kept(kept: Kept) -> str:
    found = []
    if kept.span:
        hours = int(kept.span.total_seconds() // 3600)
        found.append(f"{hours // 24} days" if hours >= 7 * 24 else f"{hours} h")
    if kept.since_ms is not None:
        found.append(f"since {stamp(kept.since_ms)[:10]}")
    if kept.until_ms is not None:
        found.append(f"until {stamp(kept.until_ms)[:10]}")
    if kept.doubtful_after is not None:
        found.append(
            f"not documented; empty after {kept.doubtful_after.total_seconds() / 86400:.0f} days counts as lost"
        )
    return ", ".join(found) or "not documented"


if __name__ == "__main__":
    sys.exit(command(__doc__, PART, tables))
