"""What Airflow is told about this package: its modules, and the connection form as data."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_kucoin"
_INTEGRATION = "KuCoin"


def _field(label: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """Return one field of the connection form; every one of them may be left empty."""
    return {"label": label, "schema": {**schema, "type": [schema["type"], "null"]}, "description": description}


#: Extra fields of the connection form, in the order in which they are shown.
CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    "passphrase": {
        "label": "API passphrase",
        "schema": {"type": "string", "format": "password"},
        "description": "Chosen when the key was made. Leaves Airflow as an HMAC only.",
    },
    "futures_host": _field("Futures base URL", {"type": "string"}, "Default: https://api-futures.kucoin.com"),
    "key_version": _field(
        "Key version",
        {"type": "string", "enum": ["2", "3"], "default": "3"},
        "As KuCoin's API-management page shows it.",
    ),
    "site_type": _field(
        "Site type", {"type": "string"}, "Sent as X-SITE-TYPE; 'australia' for accounts of the Australian entity."
    ),
    "timeout": _field(
        "Timeout (seconds)",
        {"type": "number", "minimum": 1, "maximum": 300, "default": 20},
        "Seconds without an answer after which a request counts as lost.",
    ),
    "withdrawals_enabled": _field(
        "Withdrawals enabled",
        {"type": "boolean", "default": False},
        "Whether this connection may move money out of the account. Leave it off for ingestion.",
    ),
    "withdraw_destinations": _field(
        "Withdrawal destinations",
        {"type": "string", "format": "json"},
        "Address book as JSON: when present, nothing outside it can be paid.",
    ),
    "withdraw_limits": _field(
        "Withdrawal limits",
        {"type": "string", "format": "json"},
        'Per currency, as JSON: {"USDT": {"per_withdrawal": "5000", "per_day": "20000"}}',
    ),
    "remark_limit": _field(
        "Remark limit",
        {"type": "integer", "minimum": 14, "maximum": 100, "default": 20},
        "Characters that a withdrawal's remark may have; KuCoin documents no limit.",
    ),
}


def provider_info() -> dict[str, Any]:
    """Return the provider's description."""
    return {
        "package-name": "airflow-provider-kucoin",
        "name": _INTEGRATION,
        "description": "KuCoin account ledgers in S3, complete and exact; withdrawals, once and only once.",
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://www.kucoin.com/docs-new",
                "tags": ["service"],
            }
        ],
        "connection-types": [
            {
                "connection-type": "kucoin",
                "hook-class-name": f"{_PACKAGE}.hooks.kucoin.KucoinHook",
                "hook-name": _INTEGRATION,
                "ui-field-behaviour": {
                    # The base URL may have its port in it. It is shown all the same, because Airflow 3.3's button that
                    # tests a connection refuses those whose port is empty.
                    "hidden-fields": ["schema"],
                    "relabeling": {"login": "API key", "password": "API secret", "host": "Base URL"},
                    "placeholders": {"host": "https://api.kucoin.com", "port": "443"},
                },
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
        "operators": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [
                    f"{_PACKAGE}.operators.ledger_check",
                    f"{_PACKAGE}.operators.request",
                    f"{_PACKAGE}.operators.transfer",
                    f"{_PACKAGE}.operators.withdrawal",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [f"{_PACKAGE}.sensors.deposit", f"{_PACKAGE}.sensors.withdrawal"],
            }
        ],
        "triggers": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [f"{_PACKAGE}.triggers.deposit", f"{_PACKAGE}.triggers.withdrawal"],
            }
        ],
        "extra-links": [
            f"{_PACKAGE}.links.withdrawal.KucoinTransactionLink",
            f"{_PACKAGE}.links.withdrawal.KucoinWithdrawalLink",
        ],
        "notifications": [f"{_PACKAGE}.notifications.withdrawal.KucoinWithdrawalNotifier"],
        "asset-uris": [
            {
                "schemes": ["kucoin"],
                "handler": f"{_PACKAGE}.assets.kucoin.sanitize_uri",
                "factory": f"{_PACKAGE}.assets.kucoin.create_asset",
                "to_openlineage_converter": f"{_PACKAGE}.assets.kucoin.convert_asset_to_openlineage",
            }
        ],
        "hooks": [{"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.hooks.kucoin"]}],
        "transfers": [
            {
                "source-integration-name": _INTEGRATION,
                "target-integration-name": "Amazon Simple Storage Service (S3)",
                "python-module": f"{_PACKAGE}.transfers.{name}",
            }
            for name in ("balances_to_s3", "history_to_s3", "ledger_to_s3")
        ],
    }
