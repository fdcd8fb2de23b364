"""Keys of objects: every piece its own, and nothing in them that somebody did not mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_kucoin.api.errors import InvalidInput
from airflow_provider_kucoin.api.objects import (
    COMPRESSIONS,
    DEFAULT_HISTORY_KEY,
    DEFAULT_KEY,
    check_distinct,
    check_template,
    compression_of,
    content_type,
    extension,
    key,
    static_prefix,
)
from airflow_provider_kucoin.api.windows import Window, pieces

DAY = Window.between(datetime(2026, 2, 3, tzinfo=UTC), datetime(2026, 2, 4, tzinfo=UTC))


def filled(template: Any, piece: Any = DAY) -> str:
    return key(template, piece, name="spot", account="165111215", ext="parquet")


def test_the_default_key_names_ledger_account_day_and_window() -> None:
    assert filled(DEFAULT_KEY) == (
        "kucoin/ledger=spot/account=165111215/date=2026-02-03/20260203T000000Z_20260204T000000Z.parquet"
    )


def test_a_history_has_a_default_key_of_its_own() -> None:
    assert filled(DEFAULT_HISTORY_KEY) == (
        "kucoin/dataset=spot/account=165111215/date=2026-02-03/20260203T000000Z_20260204T000000Z.parquet"
    )


def test_milliseconds_are_in_a_key_only_where_there_are_any() -> None:
    piece = Window(DAY.start_ms + 1, DAY.start_ms + 120)
    assert filled("{start}_{end}", piece) == "20260203T000000.001Z_20260203T000000.120Z"


def test_keys_sort_as_their_pieces_do() -> None:
    found = [filled("{start}", piece) for piece in pieces(Window.between(DAY.start, DAY.start + timedelta(days=40)))]
    assert found == sorted(found)


@pytest.mark.parametrize(
    "template",
    [DEFAULT_KEY, "plain.parquet", "a/{date}/{{literal}}.{ext}", "{ledger}{account}{date}{start}{end}{ext}", "{date:}"],
)
def test_a_template_of_known_placeholders_passes(template: str) -> None:
    check_template(template)
    assert filled(template)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{day}", id="unknown"),
        pytest.param("{}", id="without a name"),
        pytest.param("{0}", id="by number"),
        pytest.param("{date.year}", id="attribute"),
        pytest.param("{date[0]}", id="item"),
        pytest.param("{ledger.__class__}", id="prying"),
        pytest.param("{date!r}", id="conversion"),
        pytest.param("{date:>10}", id="format"),
        pytest.param("{date:{start}}", id="nested"),
        pytest.param("{ date }", id="blanks"),
        pytest.param("{date", id="open"),
        pytest.param("date}", id="closed"),
        pytest.param("", id="empty"),
        pytest.param("  ", id="blank"),
        pytest.param("/{date}", id="slash in front"),
    ],
)
def test_any_other_template_is_refused_and_shown(template: str) -> None:
    with pytest.raises(InvalidInput, match="s3_key="):
        check_template(template)


def test_the_refusal_shows_the_placeholder_as_it_was_written() -> None:
    with pytest.raises(InvalidInput, match=r"unknown placeholder \{date!r:>5\}; known are \{ledger\}, "):
        check_template("{date!r:>5}")


@pytest.mark.parametrize("template", ["{date}", "{start}", "{end}", "x/{date}/{ext}"])
def test_pieces_with_keys_of_their_own_pass(template: str) -> None:
    check_distinct(template, pieces(Window(DAY.start_ms - 5, DAY.end_ms + 5)))


@pytest.mark.parametrize("template", ["all.parquet", "{ledger}/{account}.{ext}"])
def test_pieces_that_would_overwrite_each_other_are_refused(template: str) -> None:
    with pytest.raises(InvalidInput, match="would both be written to one object"):
        check_distinct(template, pieces(Window(DAY.start_ms, DAY.end_ms + 1)))
    check_distinct(template, [DAY])


@pytest.mark.parametrize(
    ("template", "prefix"),
    [
        (DEFAULT_KEY, "kucoin/ledger=spot"),
        (DEFAULT_HISTORY_KEY, "kucoin/dataset=spot"),
        ("a/b/c-{date}", "a/b"),
        ("{date}/x", ""),
        ("plain.parquet", ""),
        ("a/plain.parquet", "a"),
        ("a/{{b}}/{date}", "a"),
    ],
)
def test_what_stands_before_the_first_placeholder_is_the_prefix(template: str, prefix: str) -> None:
    assert static_prefix(template, "spot") == prefix


@pytest.mark.parametrize(("file_format", "first"), [("parquet", "zstd"), ("jsonl", "gzip"), ("csv", "gzip")])
def test_each_format_has_a_compression_of_its_own(file_format: str, first: str) -> None:
    assert compression_of(file_format, None) == first
    assert all(compression_of(file_format, known) == known for known in COMPRESSIONS[file_format])


@pytest.mark.parametrize(
    ("file_format", "compression"),
    [("xml", None), ("Parquet", None), ("csv", "snappy"), ("parquet", "lz4"), ("jsonl", ""), ("csv", "GZIP")],
)
def test_an_unknown_format_or_compression_is_refused_with_the_known_ones(
    file_format: str, compression: str | None
) -> None:
    with pytest.raises(InvalidInput, match=r"one of '\w+', '\w+'"):
        compression_of(file_format, compression)


@pytest.mark.parametrize(
    ("file_format", "compression", "expected"),
    [
        ("parquet", "zstd", "parquet"),
        ("parquet", "gzip", "parquet"),
        ("jsonl", "gzip", "jsonl.gz"),
        ("jsonl", "none", "jsonl"),
        ("csv", "zstd", "csv.zst"),
    ],
)
def test_the_ending_tells_format_and_compression(file_format: str, compression: str, expected: str) -> None:
    assert extension(file_format, compression) == expected


@pytest.mark.parametrize(
    ("file_format", "compression", "expected"),
    [
        ("parquet", "zstd", "application/vnd.apache.parquet"),
        ("jsonl", "none", "application/x-ndjson"),
        ("csv", "none", "text/csv"),
        ("jsonl", "gzip", "application/gzip"),
        ("csv", "zstd", "application/zstd"),
    ],
)
def test_the_media_type_is_that_of_the_bytes(file_format: str, compression: str, expected: str) -> None:
    assert content_type(file_format, compression) == expected
