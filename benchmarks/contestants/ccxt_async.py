"""ccxt, asynchronous, by its implicit calls, which are its fastest; its own limiter where the quota is enforced."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt.async_support as ccxt
from work import Call, Job, Report, work_off


async def main() -> None:
    """Read, and report."""
    job = Job.given()
    exchange = ccxt.kucoin(
        {
            "apiKey": job.key,
            "secret": job.secret,
            "password": job.passphrase,
            "enableRateLimit": job.limited,
            "options": {"uta": False, "hf": False},
        }
    )
    for name in exchange.urls["api"]:
        exchange.urls["api"][name] = job.url
    # Without these it loads all markets first.
    exchange.markets, exchange.markets_by_id, exchange.currencies, exchange.currencies_by_id = {}, {}, {}, {}
    read = exchange.privateGetAccountsLedgers if job.ledger == "spot" else exchange.privateGetHfAccountsLedgers

    async def ask(call: Call) -> Any:
        return (await read(job.params(call)))["data"]

    report = Report()
    try:
        await work_off(job, ask, report)
    finally:
        await exchange.close()
    report.print()


asyncio.run(main())
