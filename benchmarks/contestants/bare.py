"""
The floor: aiohttp, orjson and KuCoin's headers, nothing else.

No checks, no files, no second attempt, and alone on its key: whoever uses the same key beside it is not seen.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp  # noqa: TID253 - a command, not a DAG file
import orjson
from work import PATH, Call, Job, Report, work_off

if TYPE_CHECKING:
    from collections.abc import Callable

WEIGHT = 2


class Quota:
    """What the last answers said is left, less what is under way."""

    def __init__(self) -> None:
        self.limit: int | None = None
        self.left = 0
        self.ends_at = 0.0
        self.under_way = 0

    async def take(self) -> None:
        """Wait until there is quota for a call."""
        while True:
            now = time.monotonic()
            if self.limit is not None and now >= self.ends_at:
                self.left = max(self.left, self.limit if not self.under_way else 0)
            if self.left - self.under_way >= WEIGHT or not (self.limit or self.under_way):
                self.under_way += WEIGHT
                return
            sleep = 0.005 if self.under_way or now >= self.ends_at else self.ends_at - now
            await asyncio.sleep(sleep)

    def told(self, headers: Any) -> None:
        """Take in what an answer says."""
        self.under_way -= WEIGHT
        now = time.monotonic()
        self.limit, left = int(headers["gw-ratelimit-limit"]), int(headers["gw-ratelimit-remaining"])
        self.left = left if now >= self.ends_at else min(self.left, left)
        self.ends_at = now + int(headers["gw-ratelimit-reset"]) / 1000


async def main(
    keep: Callable[[dict[str, Any]], object] = lambda _: None, end: Callable[[], object] = lambda: None
) -> None:
    """
    Read, and report.

    :param keep: is given the data of every answer
    :param end: is called when there are no more
    """
    job = Job.given()
    quota, secret = Quota(), job.secret.encode()

    def digest(text: str) -> str:
        return base64.b64encode(hmac.digest(secret, text.encode(), hashlib.sha256)).decode()

    fixed = {
        "KC-API-KEY": job.key,
        "KC-API-PASSPHRASE": digest(job.passphrase),
        "KC-API-KEY-VERSION": "3",
        "Content-Type": "application/json",
    }
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(call: Call) -> Any:
            target = f"{PATH[job.ledger]}?{urlencode(job.params(call))}"
            if job.limited:
                await quota.take()
            stamp = str(time.time_ns() // 1_000_000)
            headers = {**fixed, "KC-API-TIMESTAMP": stamp, "KC-API-SIGN": digest(f"{stamp}GET{target}")}
            async with session.get(job.url + target, headers=headers) as answer:
                body = await answer.read()
            if job.limited:
                quota.told(answer.headers)
            data = orjson.loads(body)["data"]
            keep(data)
            return data

        report = Report()
        await work_off(job, ask, report)
        end()
        report.print()


if __name__ == "__main__":
    asyncio.run(main())
