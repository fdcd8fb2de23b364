"""What holds for the code as a whole: who imports whom, what a DAG file costs, and what the README shows."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()

#: Packages that a DAG file must not bring in by way of this one: each costs a good part of a second, or memory.
HEAVY = {"aiohttp", "boto3", "botocore", "moto", "numpy", "pandas", "pyarrow", "airflow.providers.amazon"}
#: What the HTTP provider's hook and Airflow's own classes bring in anyway.
GIVEN = """
import airflow.providers.http.hooks.http
import airflow.triggers.base
from airflow.providers.common.compat.sdk import (
    DAG, Asset, BaseOperator, BaseOperatorLink, BaseSensorOperator, Connection, mask_secret
)
"""
OURS = """
import importlib, pkgutil, airflow_provider_kucoin
for found in pkgutil.walk_packages(airflow_provider_kucoin.__path__, "airflow_provider_kucoin."):
    if not found.name.startswith("airflow_provider_kucoin.testing"):
        importlib.import_module(found.name)
"""
SNIPPET = re.compile(r"<!-- (dags_examples/\w+\.py) (\w+) -->\n```python\n(.*?)```\n", re.DOTALL)


def _imported(code: str) -> set[str]:
    """Return the modules that are there after some code has run in a fresh interpreter."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_layers_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout


def test_a_dag_file_pays_for_nothing_heavier_than_airflow_and_the_http_provider() -> None:
    brought = _imported(GIVEN + OURS) - _imported(GIVEN)
    assert "airflow_provider_kucoin.transfers.ledger_to_s3" in brought
    assert HEAVY & brought == set()


@pytest.mark.parametrize(
    ("path", "name", "shown"), SNIPPET.findall(README), ids=lambda value: value.split("\n")[0][:60]
)
def test_what_the_readme_shows_is_what_the_example_does(path: str, name: str, shown: str) -> None:
    text = (ROOT / path).read_text()
    _, _, rest = text.partition(f"# [START {name}]\n")
    wanted, found, _ = rest.rpartition(f"# [END {name}]")
    assert found, f"{path} has no range {name}"
    assert shown == dedent(wanted.rstrip(" "))


def test_the_readme_shows_the_ledger_example_in_one_sitting() -> None:
    assert "howto_kucoin_ledger_dag" in {name for _, name, _ in SNIPPET.findall(README)}
    assert len(README.splitlines()) <= 200


def test_the_planners_help_waits_for_nothing_but_the_tables() -> None:
    brought = _imported("import airflow_provider_kucoin.planning")
    ours = {name.split(".")[1] for name in brought if name.startswith("airflow_provider_kucoin.")}
    assert ours <= {"api", "planning", "provider"}
    assert not any(name == "airflow" or name.startswith("airflow.") for name in brought)


def test_a_dataset_is_named_in_the_tables_and_nowhere_else() -> None:
    tables = {"ledgers.py", "histories.py", "endpoints.py", "endpoint_table.py"}
    # What is known of a ledger beside how it is read: what its balances mean, and its columns in the view over all.
    tables |= {"balances.py", "continuity.py", "common.py"}
    names = re.compile(r"[\"'](?:trade_hf|margin_hf|spot_fills|hist_deposits|funding|lending_\w+|klines)[\"']")
    package = ROOT / "airflow_provider_kucoin"
    strays = [
        str(path.relative_to(package))
        for layer in ("api", "client", "lake", "hooks", "transfers", "operators")
        for path in (package / layer).glob("*.py")
        if not (layer == "api" and path.name in tables) and names.search(_code(path))
    ]
    assert strays == []


def _code(path: Path) -> str:
    """Return a module without its docstrings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node) is not None
        ):
            node.body[0] = ast.Pass()
    return ast.unparse(tree)
