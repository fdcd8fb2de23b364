"""OpenLineage: from which list at KuCoin which objects came, with their columns, rows and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kucoin.api.columns import DECIMAL_PRECISION, DECIMAL_SCALE, Kind
from airflow_provider_kucoin.api.objects import static_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.providers.common.compat.openlineage.facet import OutputDataset

    from airflow_provider_kucoin.api.datasets import Dataset
    from airflow_provider_kucoin.api.sources import Source
    from airflow_provider_kucoin.transfers.events import Published, Told

#: Of more objects than this only their prefix is told: an event about a year's backfill would be megabytes.
MOST_OBJECTS = 100

_TYPES = {
    Kind.TEXT: "string",
    Kind.AMOUNT: f"decimal({DECIMAL_PRECISION}, {DECIMAL_SCALE})",
    Kind.FLAG: "boolean",
    Kind.INSTANT: "timestamp[ms, tz=UTC]",
    Kind.SECONDS: "timestamp[ms, tz=UTC]",
    Kind.NANOSECONDS: "timestamp[ns, tz=UTC]",
}


def lineage(told: Told, *, bucket: str, key: str) -> Any:
    """
    Return what OpenLineage is told of a run; ``None`` where its provider is not installed.

    :param key: template of the objects' keys
    """
    try:
        from airflow.providers.common.compat.openlineage.facet import InputDataset
        from airflow.providers.openlineage.extractors import OperatorLineage  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    dataset, source, published = told.dataset, told.source, told.published
    found = [(one.result["uri"].removeprefix(f"s3://{bucket}/"), [one]) for one in published]
    if len(found) > MOST_OBJECTS:
        found = [(static_prefix(key, dataset.name) or "/", list(published))]
    return OperatorLineage(
        inputs=[InputDataset(source.namespace, source.name)],
        outputs=[_output(dataset, source, f"s3://{bucket}", name, objects) for name, objects in found],
    )


def _output(dataset: Dataset, source: Source, namespace: str, name: str, objects: Sequence[Published]) -> OutputDataset:
    from airflow.providers.common.compat.openlineage.facet import (
        ColumnLineageDatasetFacet,
        Fields,
        InputField,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
        SchemaDatasetFacet,
        SchemaDatasetFacetFields,
    )

    fields = [
        SchemaDatasetFacetFields(name=column.name, type=_TYPES[column.kind], description=column.meaning or None)
        for column in dataset.columns
    ]
    origins = {
        column.name: Fields([InputField(source.namespace, source.name, column.source)], "", "")
        for column in dataset.fields
        if column.source
    }
    rows, size = (sum(one.result[what] for one in objects) for what in ("rows", "bytes"))
    return OutputDataset(
        namespace,
        name,
        facets={"schema": SchemaDatasetFacet(fields), "columnLineage": ColumnLineageDatasetFacet(origins)},
        outputFacets={"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=rows, size=size)},
    )
