"""What clients have asked, for tests to look at."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request and what became of it. `http_status` is None when the connection broke before any answer."""

    method: str
    path: str
    params: dict[str, str]
    http_status: int | None
    code: str | None
    weight: int
    pool: str | None
    at_ms: int
    fault: str | None = None
    futures: bool = False
    """Whether it came to the futures host."""
    body: str = ""
    """What was sent to a path that the exchange knows; none of those takes a secret in its body."""

    @property
    def json(self) -> Any:
        """The body, decoded; fractions are `Decimal`."""
        return json.loads(self.body, parse_float=Decimal)


class RequestLog(Sequence[RequestRecord]):
    """The last requests, oldest first. Set `enabled` to False where only the totals matter, as in benchmarks."""

    def __init__(self, keep: int = 100_000) -> None:
        self.enabled = True
        self._records: deque[RequestRecord] = deque(maxlen=keep)
        self._totals: Counter[tuple[str, str, int | None, str | None]] = Counter()
        self._weights: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()

    @overload
    def __getitem__(self, index: int) -> RequestRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[RequestRecord]: ...
    def __getitem__(self, index: int | slice) -> RequestRecord | list[RequestRecord]:
        return list(self._records)[index] if isinstance(index, slice) else self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(tuple(self._records))

    def add(self, record: RequestRecord) -> None:
        """Take note of a request."""
        self._totals[record.method, record.path, record.http_status, record.code] += 1
        if record.pool and record.weight:
            self._weights[record.pool] += record.weight
        if record.fault:
            self._faults[record.fault] += 1
        if self.enabled:
            self._records.append(record)

    def clear(self) -> None:
        """Forget everything, the totals too."""
        self._records.clear()
        for counter in (self._totals, self._weights, self._faults):
            counter.clear()

    def totals(self) -> dict[str, Any]:
        """Return counts by path, status and code; weight by pool; how often limits and faults struck."""
        return {
            "requests": sum(self._totals.values()),
            "rate_limited": sum(count for (_, _, _, code), count in self._totals.items() if code == "429000"),
            "weight": dict(self._weights),
            "faults": dict(self._faults),
            "by_outcome": [
                {"method": method, "path": path, "http_status": status, "code": code, "count": count}
                for (method, path, status, code), count in sorted(self._totals.items(), key=repr)
            ],
        }
