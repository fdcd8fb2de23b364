"""The official client, in as many threads as calls at once: it has no asynchronous interface."""

from __future__ import annotations

from typing import Any

from kucoin_universal_sdk.api import DefaultClient
from kucoin_universal_sdk.generate.account.account import (
    GetSpotHfLedgerReqBuilder,
    GetSpotLedgerReqBuilder,
)
from kucoin_universal_sdk.model import ClientOptionBuilder, TransportOptionBuilder
from work import CALLS_AT_ONCE, PAGE, Call, Job, Report, work_off_in_threads


def main() -> None:
    """Read, and report."""
    job = Job.given()
    transport = (
        TransportOptionBuilder().set_max_pool_size(CALLS_AT_ONCE).set_max_connection_per_pool(CALLS_AT_ONCE).build()
    )
    options = (
        ClientOptionBuilder()
        .set_key(job.key)
        .set_secret(job.secret)
        .set_passphrase(job.passphrase)
        .set_spot_endpoint(job.url)
        .set_futures_endpoint(job.futures_url)
        .set_broker_endpoint(job.url)
        .set_transport_option(transport)
        .build()
    )
    account = DefaultClient(options).rest_service().get_account_service().get_account_api()

    def ask(call: Call) -> Any:
        if job.ledger == "spot":
            asked = GetSpotLedgerReqBuilder().set_start_at(call.start_at).set_end_at(call.end_at)
            page = account.get_spot_ledger(asked.set_current_page(call.page).set_page_size(PAGE["spot"]).build())
            return {"items": page.items, "totalPage": page.total_page}
        asked = GetSpotHfLedgerReqBuilder().set_start_at(call.start_at).set_end_at(call.end_at)
        if call.last_id:
            asked = asked.set_last_id(int(call.last_id))
        rows = account.get_spot_hf_ledger(asked.set_limit(PAGE["trade_hf"]).build())
        return [{"id": row.id} for row in rows.data]

    report = Report()
    work_off_in_threads(job, ask, report)
    report.print()


main()
