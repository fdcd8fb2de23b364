"""Where a piece of a window is written: the key of its object."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from airflow_provider_kucoin.api.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_provider_kucoin.api.windows import Window

DEFAULT_KEY = "kucoin/ledger={ledger}/account={account}/date={date}/{start}_{end}.{ext}"
DEFAULT_HISTORY_KEY = "kucoin/dataset={dataset}/account={account}/date={date}/{start}_{end}.{ext}"
PLACEHOLDERS = ("ledger", "dataset", "account", "date", "start", "end", "ext")

#: Endings by format, and what each compression adds. Parquet compresses inside the file.
EXTENSIONS = {"parquet": "parquet", "jsonl": "jsonl", "csv": "csv"}
SUFFIXES = {"none": "", "gzip": ".gz", "zstd": ".zst"}
CONTENT_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
}
CONTENT_TYPES_COMPRESSED = {"gzip": "application/gzip", "zstd": "application/zstd"}
COMPRESSIONS = {
    "parquet": ("zstd", "snappy", "gzip", "none"),
    "jsonl": ("gzip", "zstd", "none"),
    "csv": ("gzip", "zstd", "none"),
}


def compression_of(file_format: str, compression: str | None) -> str:
    """
    Return the compression to use: the format's first when none is given.

    :raise InvalidInput: for an unknown format, or a compression that it does not have
    """
    if file_format not in COMPRESSIONS:
        raise InvalidInput(f"file_format={file_format!r} is not one of {', '.join(map(repr, COMPRESSIONS))}")
    known = COMPRESSIONS[file_format]
    if compression is None:
        return known[0]
    if compression not in known:
        raise InvalidInput(
            f"compression={compression!r}: {file_format} takes one of {', '.join(map(repr, known))}, "
            f"or None for {known[0]!r}"
        )
    return compression


def extension(file_format: str, compression: str) -> str:
    """Return the file name's ending, without a dot in front."""
    return EXTENSIONS[file_format] + ("" if file_format == "parquet" else SUFFIXES[compression])


def content_type(file_format: str, compression: str) -> str:
    """Return the media type of an object."""
    compressed = None if file_format == "parquet" else CONTENT_TYPES_COMPRESSED.get(compression)
    return compressed or CONTENT_TYPES[file_format]


def check_template(template: str) -> None:
    """
    Check that a key template can be filled in.

    :raise InvalidInput: for an unknown placeholder, stray braces, or a key that is empty or begins with a slash
    """
    try:
        fields = [
            (name, spec, conversion) for _, name, spec, conversion in Formatter().parse(template) if name is not None
        ]
    except ValueError as problem:
        raise InvalidInput(f"s3_key={template!r}: {problem}; placeholders look like {{date}}") from None
    for name, spec, conversion in fields:
        if name not in PLACEHOLDERS or spec or conversion:
            shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise InvalidInput(
                f"s3_key={template!r}: unknown placeholder {{{shown}}}; known are "
                f"{', '.join('{' + known + '}' for known in PLACEHOLDERS)}"
            )
    if not template.strip() or template.startswith("/"):
        raise InvalidInput(f"s3_key={template!r}: give a key relative to the bucket, without a slash in front")


def key(template: str, piece: Window, *, name: str, account: str, ext: str) -> str:
    """
    Return the key of one piece's object.

    :param name: of the ledger or dataset, for either placeholder
    """
    return template.format(
        ledger=name,
        dataset=name,
        account=account,
        date=piece.start.date().isoformat(),
        start=_compact(piece.start),
        end=_compact(piece.end),
        ext=ext,
    )


def check_distinct(template: str, found: Sequence[Window]) -> None:
    """
    Check that no two pieces of one window get the same key. Needs no account: it is the same for all of them.

    :raise InvalidInput: when a later piece would overwrite an earlier one
    """
    taken: dict[str, Window] = {}
    for piece in found:
        name = key(template, piece, name="name", account="account", ext="ext")
        if name in taken:
            raise InvalidInput(
                f"s3_key={template!r}: the pieces {taken[name]} and {piece} would both be written to one object; "
                "put {date} or {start} into the key (a window is cut at UTC midnights, one object per piece)"
            )
        taken[name] = piece


def static_prefix(template: str, name: str) -> str:
    """Return the part of a key template before its first placeholder but the name's, up to the last slash."""
    template = template.replace("{ledger}", name).replace("{dataset}", name)
    return template.partition("{")[0].rpartition("/")[0]


def _compact(moment: datetime) -> str:
    """Return a moment in a form that is safe in keys and sorts by time: ``20261120T000000Z``."""
    milliseconds = f".{moment.microsecond // 1000:03}" if moment.microsecond else ""
    return f"{moment:%Y%m%dT%H%M%S}{milliseconds}Z"
