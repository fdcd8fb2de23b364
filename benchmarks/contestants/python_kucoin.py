"""
python-kucoin, asynchronous, by the call below its methods: that for the spot ledger asks for a path that is none.

It sends the passphrase in clear and no key version, as keys of version 1 wanted it. Both are put right here.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

from kucoin.async_client import AsyncClient
from work import Call, Job, Report, work_off

PATH = {"spot": "accounts/ledgers", "trade_hf": "hf/accounts/ledgers"}


class Client(AsyncClient):  # type: ignore[misc]
    """One that can use a key of today."""

    def _get_headers(self) -> dict[str, str]:
        digest = hmac.digest(self.API_SECRET.encode(), self.API_PASSPHRASE.encode(), hashlib.sha256)
        passphrase = base64.b64encode(digest).decode()
        return {**super()._get_headers(), "KC-API-PASSPHRASE": passphrase, "KC-API-KEY-VERSION": "3"}


async def main() -> None:
    """Read, and report."""
    job = Job.given()
    client = Client(job.key, job.secret, job.passphrase)
    client.API_URL, client.FUTURES_API_URL = job.url, job.futures_url

    async def ask(call: Call) -> Any:
        return await client._get(PATH[job.ledger], True, data=job.params(call))  # noqa: SLF001

    report = Report()
    try:
        await work_off(job, ask, report)
    finally:
        await client.close_connection()
    report.print()


asyncio.run(main())
