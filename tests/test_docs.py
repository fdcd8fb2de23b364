"""The documentation says what the code does: tables, commands, snippets, names and links."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

import matrix
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from moments import DAY
from public import classes

from airflow_provider_kucoin.api import endpoints, errors
from airflow_provider_kucoin.api.balances import LIVE, SOURCES
from airflow_provider_kucoin.api.calls import Retry
from airflow_provider_kucoin.api.ledgers import LEDGERS, SPOT, TRADE_HF
from airflow_provider_kucoin.api.pages import Candles, Numbered, Stretches
from airflow_provider_kucoin.api.plans import Asked, plan, rendered
from airflow_provider_kucoin.api.windows import Window, pieces
from airflow_provider_kucoin.hooks.failing import no_retry_when_fatal
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.lake.batches import schema
from airflow_provider_kucoin.planning import NAMES, _parser
from airflow_provider_kucoin.provider import CONNECTION_FIELDS
from airflow_provider_kucoin.transfers.ledger_to_s3 import KucoinLedgerToS3Operator

if TYPE_CHECKING:
    from airflow_provider_kucoin.testing import Exchange

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "airflow_provider_kucoin"
DOCS = ROOT / "docs"
#: By their place below docs/, or their name where they are beside it.
PLACES = {path.name: path for path in ROOT.glob("*.md")}
PLACES |= {path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*.md")}
PAGES = {name: path.read_text() for name, path in PLACES.items()}
EXAMPLES = {path.name: path.read_text() for path in ROOT.glob("dags_examples/*.py")}


@pytest.mark.parametrize("script", ["datasets_table.py", "errors_table.py"])
def test_the_tables_that_are_made_from_the_code_are_those_of_the_code(script: str) -> None:
    command = [sys.executable, str(ROOT / "scripts" / script), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this project's
    assert done.returncode == 0, done.stderr


def test_the_check_of_the_tables_sees_a_change_and_leaves_the_page_alone(tmp_path: Path) -> None:
    page = PAGES["datasets.md"].replace("| **spot** |", "| **sport** |")
    (tmp_path / "docs").mkdir()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "docs" / "datasets.md").write_text(page)
    for name in ("datasets_table.py", "page_parts.py"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    command = [sys.executable, str(tmp_path / "scripts" / "datasets_table.py")]
    checked = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)  # noqa: S603
    assert (checked.returncode, checked.stderr) == (1, "docs/datasets.md is not up to date: run datasets_table.py\n")
    assert (tmp_path / "docs" / "datasets.md").read_text() == page
    subprocess.run(command, check=True)  # noqa: S603
    assert (tmp_path / "docs" / "datasets.md").read_text() == PAGES["datasets.md"]


def test_readme_shows_in_short_what_the_page_of_versions_shows() -> None:
    assert matrix.SHORT_PART.read().splitlines() == matrix.compact(matrix.PART.read().splitlines())


def test_the_short_table_says_what_failed_and_what_cannot_be() -> None:
    found = {
        "3.3 3.13": "**2 failed**, 7 passed, 9 s",
        "2.11 3.13": matrix.UNSUPPORTED,
        "none 3.13": "6,936 passed, 9 s",
    }
    assert matrix.compact(matrix.table(found))[-1] == (
        "| Python 3.13 | **2 failed** | not run | not run | not run | - | 6,936 passed |"
    )


def test_the_page_of_versions_shows_the_airflows_and_pythons_that_are_tested() -> None:
    shown = matrix.PART.read().splitlines()
    assert [line.split("|")[1] for line in shown] == [line.split("|")[1] for line in matrix.table({})]


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


def _public() -> dict[str, str]:
    """Return the modules of the classes that DAG authors use."""
    return _modules("operators", "sensors", "transfers")


def _behind() -> dict[str, str]:
    """Return the modules of the other public classes: those without a page of their own."""
    beside = {"api", "client", "lake", "operators", "sensors", "testing", "transfers"}
    return _modules(*(path.parent.name for path in PACKAGE.glob("*/__init__.py") if path.parent.name not in beside))


def _modules(*kinds: str) -> dict[str, str]:
    return {name: found.__module__ for name, found in classes(*kinds).items()}


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_every_class_for_dag_authors_is_named(page: str) -> None:
    assert len(_public()) >= 9
    assert [name for name in _public() if name not in PAGES[page]] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_class_that_is_named_exists(page: str) -> None:
    named = set(re.findall(r"`(Kucoin\w+)", PAGES[page]))
    assert named <= {*_public(), *_behind()} | set(errors.__all__)


@pytest.mark.parametrize("page", PAGES)
def test_every_module_that_is_named_exists(page: str) -> None:
    named = re.findall(r"`((?:[\w.]+/)*\w+\.py)`", PAGES[page])
    places = (ROOT, PACKAGE, PACKAGE / "api", ROOT / "dags_examples")
    assert [path for path in named if not any((place / path).exists() for place in places)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_dotted_name_exists(page: str) -> None:
    for name in re.findall(r"`((?:api|client|lake|hooks)\.\w+\.\w+)`", PAGES[page]):
        module, _, last = name.rpartition(".")
        assert hasattr(import_module(f"airflow_provider_kucoin.{module}"), last), name


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", PAGES[page]):
        target = (PLACES[page].parent / path).resolve() if path else PLACES[page]
        assert target.exists(), path
        if anchor:
            titles = re.findall(r"(?m)^#+ (.*)$", target.read_text())
            assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}, anchor


# --------------------------------------------------------------------------------------------- a page for everything


@pytest.mark.parametrize(("name", "module"), _public().items())
def test_every_operator_and_sensor_has_a_page_with_an_example_and_its_reference(name: str, module: str) -> None:
    [page] = [page for page, text in PAGES.items() if page.startswith("operators/") and f"# {name}\n" in text]
    assert f".. autoclass:: {module}.{name}\n" in PAGES[page]
    [found, *_] = INCLUDED.findall(PAGES[page])
    path, mark = found
    assert f"{name}(" in _shown(path, mark) or f"{name}.partial(" in _shown(path, mark)
    which = PAGES["operators/index.md"]
    assert (
        f"[`{name}`]({page.removeprefix('operators/')}) | `{module.removeprefix('airflow_provider_kucoin.')}` |"
        in which
    )


@pytest.mark.parametrize(("name", "module"), _behind().items())
def test_every_other_public_class_is_in_the_reference(name: str, module: str) -> None:
    assert f".. autoclass:: {module}.{name}\n" in PAGES["reference.md"]


#: What is taken out of an example: its file, and the name of the range.
INCLUDED = re.compile(
    r"```\{literalinclude\} ([\w./]+)\n\s*:language: python\n\s*:start-after: \"\[START (\w+)\]\""
    r"\n\s*:end-before: \"\[END \2\]\"\n"
)


def _shown(path: str, mark: str) -> str:
    text = EXAMPLES[path.rpartition("/")[2]]
    _, _, rest = text.partition(f"# [START {mark}]\n")
    shown, ends, _ = rest.partition(f"# [END {mark}]\n")
    assert ends, f"{path} has no range {mark}"
    return shown


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_range_of_an_example_is_shown_by_itself_on_some_page(name: str) -> None:
    marks = re.findall(r"# \[START (\w+)\]", EXAMPLES[name])
    assert marks == re.findall(r"# \[END (\w+)\]", EXAMPLES[name])  # so none is in another, and none is open
    shown = {mark for page in PAGES.values() for path, mark in INCLUDED.findall(page) if path.endswith(f"/{name}")}
    assert set(marks) - UNSHOWN == shown
    assert any(f"dags_examples/{name})" in page for page in PAGES.values())


#: Ranges that the code has for people who read the example itself.
UNSHOWN = {"howto_kucoin_treasury_question", "howto_kucoin_payouts_list"}


def test_every_field_of_the_connection_is_described_where_it_is_filled_in() -> None:
    page = PAGES["connection.md"]
    for name, field in CONNECTION_FIELDS.items():
        assert re.search(rf"(?m)^\| {re.escape(field['label'].partition(' (')[0])} \| extra `{name}` \| ", page), name
    read = re.findall(r"extra(?:\.get\(|, )\"(\w+)\"", (PACKAGE / "hooks" / "connection.py").read_text())
    assert len(read) > 5
    assert [name for name in read if f"`{name}`" not in page] == []


# ------------------------------------------------------------------------------------------------- errors, permissions


@pytest.mark.parametrize("name", errors.__all__)
def test_what_a_task_does_with_an_error_is_what_the_page_says(name: str) -> None:
    [row] = re.findall(rf"(?m)^\| `{name}` \|(.*)\|$", PAGES["errors.md"])
    _, task, _ = row.split(" | ")
    with pytest.raises((AirflowFailException, errors.KucoinError)) as raised, no_retry_when_fatal():
        raise getattr(errors, name)("problem")
    if name == "KucoinError":
        assert task == "as above"
    else:
        assert task.startswith("fails at once") == isinstance(raised.value, AirflowFailException)
        assert task.startswith(("fails at once", "is retried by Airflow"))


def _permissions(job: str) -> set[str]:
    [row] = re.findall(rf"(?m)^\| {job}[^|]*\| (.*) \|$", PAGES["cookbook/least_privilege.md"])
    return set(re.findall(r"\*(\w+)\*", row))


#: KuCoin's two names of a permission: in the key's own description, and where it is granted.
TAGS = {"Transfer": "Withdrawal", "InnerTransfer": "FlexTransfers"}


@pytest.mark.parametrize("name", NAMES)
def test_what_reading_needs_of_a_key_is_what_the_page_says(name: str) -> None:
    [job] = re.findall(rf"(?m)^\| ((?!the proof)[^|]*`{name}`)", PAGES["cookbook/least_privilege.md"]) or [
        "histories, but for those below"
    ]
    wanted = NAMES[name].endpoint.permission
    assert _permissions(re.escape(job)) == ({"General", wanted} if wanted else set())


@pytest.mark.parametrize("name", NAMES)
def test_a_key_with_what_the_page_says_reads_and_one_with_less_does_not(
    name: str, exchange: Exchange, connection: dict[str, Any]
) -> None:
    assert connection
    exchange.readings.unified_api_for_classic = "served"
    table, hook = NAMES[name], KucoinHook(retry=Retry(attempts=1))
    values = {"symbol": "XBTUSDTM" if table.endpoint.futures else "BTC-USDT", "currency": "USDT", "interval": "1day"}
    given = {one.name: values[one.name] for one in table.parameters if one.name in values and not one.default}
    end = OLD_DAY if name.startswith("hist_") else exchange.now_ms() // DAY * DAY
    read = hook.iter_ledger if table.kind == "ledger" else hook.iter_history
    needed = tuple(filter(None, dict.fromkeys(("General", table.endpoint.permission))))
    exchange.replace_key(replace(exchange.key, permissions=needed))
    assert list(read(name, end - DAY, end, **given)) == []
    if table.endpoint.permission:
        exchange.replace_key(replace(exchange.key, permissions=needed[:-1]))
        with pytest.raises(errors.PermissionDenied):
            list(read(name, end - DAY, end, **given))


OLD_DAY = 1_548_979_200_000  # 2019-02-01


@pytest.mark.parametrize(
    ("job", "used"),
    [
        ("balances: accounts", [one.endpoint for one in SOURCES.values() if one.name != "futures"]),
        ("balances of futures", [SOURCES["futures"].endpoint]),
        ("the proof of `spot`", [SOURCES[one].endpoint for name in LIVE if name != "futures" for one in LIVE[name]]),
        ("the proof of `futures`", [SOURCES[one].endpoint for one in LIVE["futures"]]),
        ("withdraw, rehearse, cancel", [endpoints.WITHDRAW_V3, endpoints.CANCEL_WITHDRAWAL, endpoints.WITHDRAWALS]),
        ("wait for a withdrawal", [endpoints.WITHDRAWALS, endpoints.DEPOSITS]),
        ("transfer between accounts", [endpoints.FLEX_TRANSFER, endpoints.SPOT_LEDGER]),
    ],
)
def test_what_a_job_needs_of_a_key_is_what_the_page_says(job: str, used: list[endpoints.Endpoint]) -> None:
    assert _permissions(job) == {"General", *(TAGS.get(str(one.permission), one.permission) for one in used)}


# ----------------------------------------------------------------------------------------------------------------- code

BLOCK = re.compile(r"(?m)^(?:<!-- (.*) -->\n)?(?P<indent> *)```(\w+)\n((?:.*\n)*?)(?P=indent)```$")


def _blocks(page: str, language: str, mark: str = "") -> list[str]:
    return [dedent(code) for said, _, kind, code in BLOCK.findall(PAGES[page]) if kind == language and mark in said]


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "python")])
def test_python_that_is_shown_compiles(page: str) -> None:
    for said, _, kind, code in BLOCK.findall(PAGES[page]):
        if kind == "python" and ", below: " not in said:
            compile(dedent(code), page, "exec", dont_inherit=True)


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "json")])
def test_json_that_is_shown_is_json(page: str) -> None:
    for code in _blocks(page, "json"):
        json.loads(code)


def test_what_the_page_of_queries_runs_runs_on_what_the_operators_wrote(
    exchange: Exchange, connection: dict[str, Any], bucket: Any, tmp_path: Path
) -> None:
    assert connection
    end = exchange.now_ms() // 86_400_000 * 86_400_000
    for name in ("spot", "trade_hf"):
        exchange.seed_ledger(end - 86_400_000, end, rows_per_day=80, ledger=name)
        KucoinLedgerToS3Operator(
            task_id="copy", ledger=name, s3_bucket=bucket.name, window_start=end - 86_400_000, window_end=end
        ).execute({})
    for key in bucket.keys:
        path = tmp_path / key
        path.parent.mkdir(parents=True)
        path.write_bytes(bucket.read(key))
    snippets = _blocks("cookbook/query.md", "python", "run: duckdb")
    assert len(snippets) == 2
    for snippet in snippets:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(snippet.replace("s3://kucoin-lake", str(tmp_path)), {})  # noqa: S102 - the documentation's own code
        assert "USDT" in said.getvalue()
        assert "2026-02-02" in said.getvalue()


def test_what_the_page_of_sub_accounts_shows_finds_and_collects(exchange: Exchange, connection: dict[str, Any]) -> None:
    assert connection
    exchange.allow_withdrawals()
    uid = exchange.key.uid + 1
    exchange.add_sub_account(uid, name="desk1")
    exchange.balances.set("USDT", "main", "150", uid=uid)
    shown: dict[str, Any] = {}
    collect, find = _blocks("cookbook/sub_accounts.md", "python")
    exec(find, shown)  # noqa: S102 - the documentation's own code
    [sub] = shown["sub_accounts"].execute({})["items"]
    exec(collect.replace("<the sub-account's user id>", sub["userId"]), shown)  # noqa: S102 - the same
    collect = shown["collect"]
    names = ("currency", "amount", "from_account_type", "to_account_type", "transfer_type", "from_user_id")
    collect.hook.transfer(**{name: getattr(collect, name) for name in names}, client_oid="1")
    assert exchange.balances.balance("USDT", "main", uid) == 50


def test_the_table_for_athena_has_the_columns_of_the_ledger() -> None:
    [text] = _blocks("cookbook/query.md", "sql", "ddl: spot")
    shown = re.findall(r"(?m)^    `?(\w+)`? ([\w(, )]+?),?$", text.partition("PARTITIONED")[0])
    types = {"decimal128(38, 18)": "decimal(38, 18)", "timestamp[ms, tz=UTC]": "timestamp"}
    wanted = [(field.name, types.get(str(field.type), str(field.type))) for field in schema(LEDGERS["spot"].columns)]
    assert shown == wanted


def test_the_tests_that_the_page_of_testing_shows_pass(tmp_path: Path) -> None:
    snippets = _blocks("cookbook/testing.md", "python", "run: pytest")
    for number, snippet in enumerate(snippets):
        (tmp_path / f"test_shown_{number}.py").write_text(snippet)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error::DeprecationWarning"]
    done = subprocess.run(  # noqa: S603 - this project's
        [*command, "--rootdir", str(tmp_path), str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    tests = sum(snippet.count("\ndef test_") for snippet in snippets)
    assert (done.returncode, f"{tests} passed" in done.stdout) == (0, True), done.stdout[-3000:]


def test_a_dataset_that_is_added_as_the_page_says_can_be_read(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=ignored)
    added = re.findall(
        r"(?m)^<!-- ([\w/]+\.py), (new|below: .*) -->\n```python\n((?:.*\n)*?)```$", PAGES["add_a_dataset.md"]
    )
    assert len(added) == 6
    for path, where, code in added:
        target = tmp_path / path
        if where == "new":
            target.write_text(code)
            continue
        anchor = where.removeprefix("below: ")
        lines = target.read_text().splitlines(keepends=True)
        [number] = [number for number, line in enumerate(lines) if line.strip().startswith(anchor)]
        deep = len(lines[number]) - len(lines[number].lstrip()) + 4 * lines[number].rstrip().endswith(("(", "{"))
        lines.insert(number + 1, indent(code, " " * deep))
        target.write_text("".join(lines))
    [read] = [code for code in _blocks("add_a_dataset.md", "python") if "iter_history" in code]
    (tmp_path / "read.py").write_text(READ.format(code=indent(read, "    ")))
    done = subprocess.run(
        [sys.executable, "read.py"],
        cwd=tmp_path,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path / "airflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, [f"{tmp_path} 700"]), done.stderr[-3000:]


#: Reads a dataset of the copied package from the copied sandbox.
READ = """
import json, os, sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))
import airflow_provider_kucoin
from airflow_provider_kucoin.hooks.kucoin import KucoinHook
from airflow_provider_kucoin.testing import Exchange, Server

exchange = Exchange()
end_ms = exchange.now_ms() // 86_400_000 * 86_400_000
start_ms = end_ms - 86_400_000
with Server(exchange) as server:
    os.environ["AIRFLOW_CONN_KUCOIN_DEFAULT"] = json.dumps(server.connection())
{code}
print(Path(airflow_provider_kucoin.__file__).parent.parent, len(found))
"""


def test_the_architecture_page_draws_every_layer() -> None:
    drawn = PAGES["architecture.md"].partition("## What is where")[0]
    layers = [path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()]
    assert {"api", "client", "hooks", "lake", "transfers"} <= set(layers)
    assert [layer for layer in layers if not re.search(rf"\b{layer}\b", drawn)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_place_of_the_machine_that_it_was_written_on(page: str) -> None:
    assert re.findall(r"(?<![\w.])/(?:work|home|root|tmp)/\S*", PAGES[page]) == []
