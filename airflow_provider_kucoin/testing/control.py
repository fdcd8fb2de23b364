"""
Paths under `/__sandbox__/`: how another process looks into the exchange and breaks it. Nothing here exists at KuCoin.

====================================  ==============================================================================
GET /__sandbox__/ledger               what the exchange holds, `?start=<ms>&end=<ms>` (half-open; `&uid=`, `&ledger=`,
                                      `&account_type=`), oldest first, one JSON object per line
POST /__sandbox__/book                `{"ledger": "trade_hf", "created_at": …, "amount": "1.5"}`, and what else
                                      `Exchange.book` takes
POST /__sandbox__/settle-pending      `{}`, or what `Exchange.settle_pending` takes
GET /__sandbox__/stats                requests by path, status and code; how many were limited; weight used per pool
POST /__sandbox__/reset-stats         count from zero
POST /__sandbox__/faults              `{"fault": "SLOW", "path": null, "times": 1, "after": 0, "seconds": 0.2}`
DELETE /__sandbox__/faults            let everything work again
GET /__sandbox__/withdrawals          every withdrawal that was accepted, in that order
POST /__sandbox__/withdrawals         `{"id": "…", "status": "SUCCESS", "wallet_tx_id": null}`, or "FAILURE" with
                                      `reason`, `message` and `returned`, or any other status alone
POST /__sandbox__/deposits            `{"currency": "USDT", "amount": "5", "chain": "trx"}`, and what else
                                      `Exchange.deposit` takes
====================================  ==============================================================================

They ask for no key: whoever reaches the port may use them.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kucoin.testing import wire
from airflow_provider_kucoin.testing.faults import Fault
from airflow_provider_kucoin.testing.withdrawals import FAILURE, SUCCESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from airflow_provider_kucoin.testing.deposits import Deposit
    from airflow_provider_kucoin.testing.exchange import Exchange
    from airflow_provider_kucoin.testing.wire import Request
    from airflow_provider_kucoin.testing.withdrawals import Withdrawal

PREFIX: Final = "/__sandbox__/"


async def answer(exchange: Exchange, request: Request, incoming: web.BaseRequest) -> web.StreamResponse:
    """Answer a request to the control paths."""
    from aiohttp import web

    action = _ACTIONS.get((request.method, request.path.removeprefix(PREFIX)))
    try:
        if action is not None:
            return _json(action(exchange, request) or {})
        if (request.method, request.path) == ("GET", f"{PREFIX}ledger"):
            return await _ledger(exchange, request.params, incoming)
    except (KeyError, TypeError, ValueError) as error:
        return _json({"error": f"{type(error).__name__}: {error}"}, status=400)
    return web.Response(status=404, text=f"there is no {request.method} {request.path}\n{__doc__}")


def _stats(exchange: Exchange, _: Request) -> dict[str, Any]:
    return exchange.requests.totals()


def _reset_stats(exchange: Exchange, _: Request) -> None:
    exchange.requests.clear()


def _inject(exchange: Exchange, request: Request) -> None:
    wanted = json.loads(request.body)
    exchange.faults.inject(Fault[wanted.pop("fault")], **wanted)


def _clear_faults(exchange: Exchange, _: Request) -> None:
    exchange.faults.clear()


def _withdrawals(exchange: Exchange, _: Request) -> dict[str, Any]:
    return {"withdrawals": [_as_json(withdrawal) for withdrawal in exchange.withdrawals]}


def _tell_withdrawal(exchange: Exchange, request: Request) -> dict[str, Any]:
    wanted = json.loads(request.body)
    withdrawal_id, status = wanted.pop("id"), wanted.pop("status")
    if status == SUCCESS:
        return _as_json(exchange.settle(withdrawal_id, **wanted))
    if status == FAILURE:
        return _as_json(exchange.fail(withdrawal_id, **wanted))
    return _as_json(exchange.set_status(withdrawal_id, status, **wanted))


def _deposit(exchange: Exchange, request: Request) -> dict[str, Any]:
    return _as_json(exchange.deposit(**json.loads(request.body)))


def _book(exchange: Exchange, request: Request) -> dict[str, Any]:
    return _plain(exchange.book(**json.loads(request.body)))


def _settle_pending(exchange: Exchange, request: Request) -> dict[str, Any]:
    return {"rows": [_plain(row) for row in exchange.settle_pending(**json.loads(request.body or b"{}"))]}


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in fields.items()}


def _as_json(record: Withdrawal | Deposit) -> dict[str, Any]:
    return _plain(asdict(record))


_ACTIONS: Final[dict[tuple[str, str], Callable[[Exchange, Request], dict[str, Any] | None]]] = {
    ("GET", "stats"): _stats,
    ("POST", "reset-stats"): _reset_stats,
    ("POST", "faults"): _inject,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "withdrawals"): _withdrawals,
    ("POST", "withdrawals"): _tell_withdrawal,
    ("POST", "deposits"): _deposit,
    ("POST", "book"): _book,
    ("POST", "settle-pending"): _settle_pending,
}


async def _ledger(exchange: Exchange, params: dict[str, str], incoming: web.BaseRequest) -> web.StreamResponse:
    from aiohttp import web

    uid = int(params["uid"]) if "uid" in params else None
    chunks = exchange.entry_texts(
        int(params["start"]), int(params["end"]), uid, params.get("ledger", "spot"), params.get("account_type")
    )
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(incoming)
    for texts in chunks:
        await response.write(("\n".join(texts) + "\n").encode())
    await response.write_eof()
    return response


def _json(value: Any, status: int = 200) -> web.Response:
    from aiohttp import web

    return web.Response(body=wire.encode(value), status=status, content_type=wire.JSON_TYPE)
