"""The documentation says what the code does: tables, commands, snippets, names and links."""

from __future__ import annotations

import contextlib
import io
import pkgutil
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from airflow_provider_kucoin.api.ledgers import SPOT, TRADE_HF
from airflow_provider_kucoin.api.pages import Candles, Numbered, Stretches
from airflow_provider_kucoin.api.plans import Asked, plan, rendered
from airflow_provider_kucoin.api.windows import Window, pieces
from airflow_provider_kucoin.planning import NAMES, _parser

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "airflow_provider_kucoin"
PAGES = {path.name: path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))}
EXAMPLES = {path.name: path.read_text() for path in ROOT.glob("dags_examples/*.py")}


def test_the_tables_of_the_datasets_page_are_those_of_the_code() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "datasets_table.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this project's
    assert done.returncode == 0, done.stderr


def test_the_check_of_the_tables_sees_a_change_and_leaves_the_page_alone(tmp_path: Path) -> None:
    page = PAGES["datasets.md"].replace("| **spot** |", "| **sport** |")
    (tmp_path / "docs").mkdir()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "docs" / "datasets.md").write_text(page)
    script = tmp_path / "scripts" / "datasets_table.py"
    script.write_text((ROOT / "scripts" / "datasets_table.py").read_text())
    command = [sys.executable, str(script)]
    checked = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)  # noqa: S603
    assert (checked.returncode, checked.stderr) == (1, "datasets.md is not up to date: run datasets_table.py\n")
    assert (tmp_path / "docs" / "datasets.md").read_text() == page
    subprocess.run(command, check=True)  # noqa: S603
    assert (tmp_path / "docs" / "datasets.md").read_text() == PAGES["datasets.md"]


def test_the_view_of_the_datasets_page_is_what_its_snippet_prints() -> None:
    import duckdb

    [snippet] = re.findall(r"```python\n(.*?)```", PAGES["datasets.md"], re.DOTALL)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(snippet, {})  # noqa: S102 - the documentation's own code
    [statement] = duckdb.extract_statements(said.getvalue())
    assert statement.type is duckdb.StatementType.CREATE


#: How the guarantees page calls those that it does not call by their names.
CALLED = {
    "spot": "spot ledger",
    "futures": "futures and unified ledgers",
    "unified": "futures and unified ledgers",
    "hist_deposits": "deposits",
    "hist_withdrawals": "withdrawals",
    "lending_purchases": "lending",
    "lending_redemptions": "lending",
    "futures_fills": "futures fills and orders",
    "futures_orders": "futures fills and orders",
    "convert_orders": "convert",
    "convert_limit_orders": "convert",
    **dict.fromkeys(
        ("spot_fills", "spot_orders", "margin_fills", "margin_orders"), "fills and orders of spot and margin"
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_completeness_rests_on_is_said_of_every_list(name: str) -> None:
    lines = PAGES["guarantees.md"].splitlines()
    begins = {Numbered: "| with a count: ", Stretches: "| without a count: ", Candles: "| klines |"}
    [line] = [line for line in lines if line.startswith(begins[type(NAMES[name].style)])]
    assert CALLED.get(name, name) in line.split("|")[1]


@pytest.mark.parametrize(
    "line",
    [
        line
        for text in (*PAGES.values(), *EXAMPLES.values())
        for line in re.findall(r"(?m)^`?\s*(?:\S.*?`)?(kucoin-plan [^`#\n]*--end [^`#\n]*)", text)
    ],
)
def test_every_plan_that_is_shown_is_one_that_the_command_understands(line: str) -> None:
    found = _parser().parse_args(shlex.split(line)[1:])
    assert [name for name in found.names if name not in NAMES] == []


def test_plans_are_shown_in_readme_datasets_page_and_example() -> None:
    shown = [name for name, text in (PAGES | EXAMPLES).items() if re.search(r"kucoin-plan [^`\n]*--end", text)]
    assert {"README.md", "datasets.md", "example_kucoin_backfill.py"} <= set(shown)


def test_the_plan_that_the_readme_shows_is_what_the_command_would_say() -> None:
    now_ms = 1_795_240_800_000  # 2026-11-21 06:00 UTC
    found = pieces(Window(1_793_491_200_000, 1_795_219_200_000))  # 2026-11-01 to 2026-11-21
    plans = [
        plan(table, found, {Asked(rows, table.page_size): 1}, now_ms, quota=quota)
        for table, rows, quota in ((SPOT, 150_000, 2000), (TRADE_HF, 90_000, 4000))
    ]
    [shown] = re.findall(r"<!-- kucoin-plan -->\n```\n(.*?)\n```\n", PAGES["README.md"], re.DOTALL)
    assert shown == rendered(plans, now_ms)


def _public() -> list[str]:
    """Return the classes that DAG authors use."""
    found = []
    for kind in ("operators", "sensors", "transfers"):
        package = import_module(f"airflow_provider_kucoin.{kind}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            here = vars(import_module(module.name)).items()
            found += [name for name, value in here if name.startswith("Kucoin") and value.__module__ == module.name]
    return found


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_every_class_for_dag_authors_is_named(page: str) -> None:
    assert len(_public()) >= 9
    assert [name for name in _public() if name not in PAGES[page]] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_class_that_is_named_exists(page: str) -> None:
    named = set(re.findall(r"`(Kucoin\w+)", PAGES[page]))
    known = {*_public(), "KucoinHook"}
    assert named <= known


@pytest.mark.parametrize("page", PAGES)
def test_every_module_that_is_named_exists(page: str) -> None:
    named = re.findall(r"`((?:[\w.]+/)*\w+\.py)`", PAGES[page])
    places = (ROOT, PACKAGE, PACKAGE / "api")
    assert [path for path in named if not any((place / path).exists() for place in places)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_dotted_name_exists(page: str) -> None:
    for name in re.findall(r"`((?:api|client|lake|hooks)\.\w+\.\w+)`", PAGES[page]):
        module, _, last = name.rpartition(".")
        assert hasattr(import_module(f"airflow_provider_kucoin.{module}"), last), name


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    here = ROOT if (ROOT / page).exists() else ROOT / "docs"
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", PAGES[page]):
        target = (here / path).resolve() if path else here / page
        assert target.exists(), path
        if anchor:
            titles = re.findall(r"(?m)^#+ (.*)$", target.read_text())
            assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}, anchor


def test_the_architecture_page_draws_every_layer() -> None:
    drawn = PAGES["architecture.md"].partition("## What is where")[0]
    layers = [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    assert {"api", "client", "hooks", "lake", "transfers"} <= set(layers)
    assert [layer for layer in layers if not re.search(rf"\b{layer}\b", drawn)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_place_of_the_machine_that_it_was_written_on(page: str) -> None:
    assert re.findall(r"(?<![\w.])/(?:work|home|root|tmp)/\S*", PAGES[page]) == []
