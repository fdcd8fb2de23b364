"""
What consumers of an asset are told: one event for a run, with its totals and a list of its objects.

An asset is the prefix under which objects stand, so that a schedule can wait for it. Of a task's asset Airflow makes
one event per run, so the objects are in its ``extra``. A task whose outlets hold an ``AssetAlias`` makes one event for
each object as well, all of them of the asset of the prefix; also where that is known only when the task runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Asset, AssetAlias

from airflow_provider_kucoin.transfers.assets import asset_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.sources import Source
    from airflow_provider_kucoin.api.totals import Totals

#: The most characters of an event's extra: Airflow shows it in its interface and sends it to every consumer.
LONGEST_EXTRA = 60_000
#: Totals of more kinds of rows than this are left out: of a market maker's thousand currencies they would be all of it.
MOST_TOTALS = 200


@dataclass(frozen=True, slots=True)
class Published:
    """
    One object that was published.

    :param result: as the task returns it
    :param totals: what its rows add up to
    """

    result: dict[str, Any]
    totals: Totals


@dataclass(frozen=True, slots=True)
class Told:
    """
    What a run published.

    :param account: the uid of the account whose rows they are, or ``public``
    :param source: what lineage calls where they come from
    """

    dataset: Dataset
    account: str
    source: Source
    published: Sequence[Published]

    @property
    def about(self) -> dict[str, Any]:
        """What holds for all of it."""
        dataset = self.dataset
        return {dataset.noun: dataset.name, "account": self.account, "schema_version": dataset.schema_version}

    def of_run(self) -> dict[str, Any]:
        """Return the extra of the run's event."""
        results = [one.result for one in self.published]
        return _fitting(
            {
                **self.about,
                "rows": sum(result["rows"] for result in results),
                "bytes": sum(result["bytes"] for result in results),
                **_span(results),
                "totals": _totals(self.published),
            },
            [one.result | {"totals": one.totals.as_rows()} for one in self.published],
        )

    def of_objects(self) -> list[dict[str, Any]]:
        """Return the extra of each object's event: plain values, because Airflow 2 takes no others there."""
        return [
            {**self.about, **one.result, "totals": json.dumps(_totals([one]), separators=(",", ":"))}
            for one in self.published
        ]


def tell(context: Context, outlets: Sequence[Any], told: Told, *, bucket: str, key: str) -> None:
    """
    Tell the consumers of a task's outlets.

    :param bucket: where the objects stand; as ``key``, by now without templates
    :param key: template of the objects' keys
    """
    events = context.get("outlet_events")
    if events is None or not told.published:
        return
    for outlet in outlets:
        if isinstance(outlet, Asset):
            events[outlet].extra = told.of_run()
        elif isinstance(outlet, AssetAlias) and (asset := asset_of(bucket, key, told.dataset.name)) is not None:
            for extra in told.of_objects():
                events[outlet].add(asset, extra=extra)


def _span(results: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the window of all objects; of a snapshot its moment."""
    edges = (("window_start", min), ("window_end", max), ("taken_at", max))
    return {name: pick(one[name] for one in results) for name, pick in edges if all(name in one for one in results)}


def _totals(published: Sequence[Published]) -> list[dict[str, Any]] | None:
    """Return what all rows add up to; ``None`` where that is too much to tell."""
    first, *others = [one.totals for one in published]
    together = type(first)(first.by, first.summed)
    for one in (first, *others):
        together.include(one)
    rows = together.as_rows()
    return rows if len(rows) <= MOST_TOTALS else None


def _fitting(about: dict[str, Any], objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an event's extra that is not too long: if need be without the objects' totals, or some of them."""
    extra = {**about, "objects": objects}
    if _length(extra) <= LONGEST_EXTRA:
        return extra
    bare = [{name: value for name, value in one.items() if name != "totals"} for one in objects]
    extra["objects"] = bare
    if _length(extra) <= LONGEST_EXTRA:
        return extra
    room = LONGEST_EXTRA - _length({**about, "objects": [], "objects_left_out": len(bare)})
    kept = 0
    for one in bare:
        room -= _length(one) + 2
        if room < 0:
            break
        kept += 1
    return {**about, "objects": bare[:kept], "objects_left_out": len(bare) - kept}


def _length(value: Any) -> int:
    return len(json.dumps(value))
