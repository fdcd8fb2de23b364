"""What Airflow is told about the package is valid, true, and arrives."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import airflow_provider_kucoin
from airflow_provider_kucoin import get_provider_info

if TYPE_CHECKING:
    from collections.abc import Iterator

INFO = get_provider_info()
[CONNECTION] = INFO["connection-types"]

#: Asks Airflow's command line in one process, whose start is what takes its time.
ASK = """
import contextlib, io, json, sys
from airflow.cli.cli_parser import get_parser
for question in (["list"], ["hooks"], ["get", "airflow-provider-kucoin"]):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        arguments = get_parser().parse_args(["providers", *question, "--output", "json"])
        arguments.func(arguments)
    text = said.getvalue()
    print("ANSWER", json.dumps(json.loads(text[text.index("[{"):])))
"""


def _names(value: Any) -> Iterator[str]:
    """Yield every module and class that is named somewhere."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _names(part)
    elif isinstance(value, list):
        for part in value:
            yield from _names(part)
    elif isinstance(value, str) and value.startswith("airflow_provider_kucoin."):
        yield value


def test_it_is_valid_by_airflows_own_schema() -> None:
    schema = json.loads(resources.files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


@pytest.mark.parametrize("name", sorted(set(_names(INFO))))
def test_every_module_and_class_that_it_names_is_there(name: str) -> None:
    parent, _, last = name.rpartition(".")
    if last[0].isupper():
        assert isinstance(getattr(import_module(parent), last), type)
    elif parent.endswith(".assets.kucoin"):
        assert callable(getattr(import_module(parent), last))
    else:
        import_module(name)


@pytest.mark.parametrize("kind", ["hooks", "notifications", "operators", "sensors", "transfers", "triggers"])
def test_every_class_for_dag_authors_is_in_a_module_that_it_names(kind: str) -> None:
    package = import_module(f"airflow_provider_kucoin.{kind}")
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        here = vars(import_module(found.name)).items()
        if any(name.startswith("Kucoin") and value.__module__ == found.name for name, value in here):
            assert any(name.startswith(found.name) for name in _names(INFO))


def test_every_way_into_the_lake_is_a_transfer_from_kucoin_to_s3() -> None:
    known = {integration["integration-name"] for integration in INFO["integrations"]}
    assert {one["python-module"].rpartition(".")[2] for one in INFO["transfers"]} == {
        "balances_to_s3",
        "history_to_s3",
        "ledger_to_s3",
    }
    assert {one["source-integration-name"] for one in INFO["transfers"]} == known == {"KuCoin"}
    # As the Amazon provider, whose it is, calls it.
    targets = {one["target-integration-name"] for one in INFO["transfers"]}
    amazon = import_module("airflow.providers.amazon.get_provider_info").get_provider_info()
    assert targets <= {integration["integration-name"] for integration in amazon["integrations"]}


def test_the_form_has_a_field_for_everything_that_a_connection_can_say() -> None:
    assert {
        "passphrase",
        "futures_host",
        "key_version",
        "site_type",
        "timeout",
        "withdrawals_enabled",
        "withdraw_destinations",
        "withdraw_limits",
    } <= set(CONNECTION["conn-fields"])
    assert set(CONNECTION["ui-field-behaviour"]["relabeling"]) == {"login", "password", "host"}


def test_the_passphrase_is_hidden_in_the_form() -> None:
    assert CONNECTION["conn-fields"]["passphrase"]["schema"]["format"] == "password"


def test_withdrawals_are_off_in_a_new_form() -> None:
    assert CONNECTION["conn-fields"]["withdrawals_enabled"]["schema"]["default"] is False


def test_airflow_lists_the_provider_and_its_hook() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line[7:]) for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    providers, hooks, [ours] = answers
    [listed] = [row for row in providers if row["package_name"] == "airflow-provider-kucoin"]
    assert listed["version"] == airflow_provider_kucoin.__version__
    [hook] = [row for row in hooks if row["connection_type"] == "kucoin"]
    assert hook["class"] == "airflow_provider_kucoin.hooks.kucoin.KucoinHook"
    assert hook["conn_id_attribute_name"] == "kucoin_conn_id"
    assert ours["Version"] == airflow_provider_kucoin.__version__
