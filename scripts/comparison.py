"""Are the rows that were read back exactly what the exchange holds? A reading of its own: nothing of the provider."""

from __future__ import annotations

import ast
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXTS = {
    "id": "id",
    "currency": "currency",
    "account_type": "accountType",
    "biz_type": "bizType",
    "direction": "direction",
    "context": "context",
}
AMOUNTS = ("amount", "fee", "balance")
CONTEXT = {
    "order_id": ("orderId",),
    "trade_id": ("tradeId",),
    "tx_id": ("txId", "transactionId"),
    "symbol": ("symbol",),
}


def differences(entries: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], account_uid: str) -> list[str]:
    """
    Return what is wrong with the rows, in words; nothing when they are the entries, each once, oldest first.

    :param entries: as the exchange sends them
    :param rows: as they were read back: amounts as ``Decimal``, times with a zone
    """
    wanted = {entry["id"]: _expected(entry, account_uid) for entry in entries}
    times = Counter(row["id"] for row in rows)
    found = [f"row {key} is missing" for key in wanted if key not in times]
    found += [f"row {key} is there {count} times" for key, count in times.items() if count > 1]
    found += [f"row {key} is not one of the exchange's" for key in times if key not in wanted]
    for row in rows:
        want = wanted.get(row["id"], row)
        seen = {**row, "_extra": json.loads(row["_extra"] or "null", parse_float=Decimal)} if row is not want else row
        found += [
            f"row {row['id']}: {name} is {seen.get(name, 'absent')!r}, should be {want.get(name, 'absent')!r}"
            for name in {**want, **seen}
            if name not in want or name not in seen or seen[name] != want[name]
        ]
    found += [
        f"row {later['id']} comes after a newer one"
        for earlier, later in pairwise(rows)
        if earlier["created_at"] > later["created_at"]
    ]
    return found


def _expected(entry: dict[str, Any], account_uid: str) -> dict[str, Any]:
    context = _content(entry["context"])
    known = {*TEXTS.values(), *AMOUNTS, "createdAt"}
    return {
        "account_uid": account_uid,
        **{name: entry[source] for name, source in TEXTS.items()},
        **{name: Decimal(entry[name]) for name in AMOUNTS},
        "created_at": EPOCH + timedelta(milliseconds=entry["createdAt"]),
        **{name: next((context[key] for key in keys if context.get(key)), None) for name, keys in CONTEXT.items()},
        "_extra": {name: value for name, value in entry.items() if name not in known} or None,
    }


def _content(context: str | None) -> dict[str, str]:
    """Return what a context says: it comes as JSON, as a Python-like dictionary, empty, or not at all."""
    if not context:
        return {}
    try:
        return dict(json.loads(context))
    except ValueError:
        return dict(ast.literal_eval(context))
