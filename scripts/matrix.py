"""
Run the tests on every Airflow and every Python that the provider supports, and write the tables of what came of it.

Each pair has a virtual environment of its own, .venv-<airflow>-<python>, made by uv from the pins of that Airflow, and
runs the tests that an Airflow can break, or with --all every test that knows Airflow. What knows none (api/, client/,
lake/, the sandbox) runs once per Python, with the newest.

Results are kept in build/matrix.json, so that a part of the matrix can be run and the table still shows the others.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from page_parts import Part

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "matrix.json"
PART = Part("docs/versions.md", "<!-- matrix: begin -->", "<!-- matrix: end -->")
SHORT_PART = Part("README.md", "<!-- matrix: begin -->", "<!-- matrix: end -->")
TOOLS = ROOT / ".venv-checks"

PYTHONS = ("3.11", "3.12", "3.13")
UNSUPPORTED = "not supported by that Airflow"
NO_AIRFLOW = "what knows no Airflow"
#: Asks an environment which versions of Python its Airflow says that it is for.
DECLARED = "import importlib.metadata as m; print(*m.metadata('apache-airflow').get_all('Classifier'), sep='\\n')"
#: Beside the provider with its extras; what checks the code rather than runs it is left out.
NEEDED = (
    "apache-airflow-providers-standard",
    "duckdb",
    "editables",
    "hatchling",
    "hypothesis",
    "import-linter",
    "jsonschema",
    "kucoin-universal-sdk",
    "moto[s3,server]",
    "psutil",
    "pytest-xdist",
)
#: What an Airflow can break.
FACING = (
    "tests/test_example_dags.py",  # first, since it takes longest
    "tests/hooks/test_connection.py",
    "tests/hooks/test_secrets.py",
    "tests/links",
    "tests/operators/test_cancel.py",
    "tests/operators/test_in_a_dag.py",
    "tests/operators/test_once.py",
    "tests/operators/test_refusals.py",
    "tests/operators/test_transfer.py",
    "tests/operators/test_waiting.py",
    "tests/sensors",
    "tests/test_provider_info.py",
    "tests/transfers/test_in_a_dag.py",
    "tests/triggers",
)
#: Everything that knows Airflow.
ALL = (
    *("tests/hooks", "tests/links", "tests/operators", "tests/sensors", "tests/transfers", "tests/triggers"),
    *("tests/test_example_dags.py", "tests/test_provider_info.py"),
)
#: Everything that does not.
REST = ("tests/api", "tests/client", "tests/lake", "tests/testing")


@dataclass(frozen=True)
class Version:
    """An Airflow: its newest patch, the file with its pins, and the warnings that are its own."""

    name: str
    patch: str
    constraints: str
    #: Filters as pytest takes them, each for one warning that Airflow or its parts cause themselves.
    warnings: tuple[str, ...] = ()
    #: Packages as of this day, as a user of that Airflow has them; its providers are always the newest.
    until: str = ""


VERSIONS = (
    Version(
        "2.11",
        "2.11.2",
        "constraints-2.11.txt",
        warnings=(
            # said when airflow.metrics is imported, by Airflow's own default configuration
            r"ignore:Timer and timing metrics publish in seconds:DeprecationWarning",
            # Flask-SQLAlchemy 2.5, which Airflow 2.11 demands, and Flask 2.3
            r"ignore:'_(app|request)_ctx_stack' is deprecated:DeprecationWarning",
            # tests hand over connections whose extra is none, which Airflow 3 refuses and 2.11 announces to refuse
            r"ignore:Encountered (JSON value|non-JSON) in `extra`:DeprecationWarning",
        ),
    ),
    Version(
        "3.0",
        "3.0.6",
        "constraints-3.0.txt",
        warnings=(
            # the standard provider asks Airflow's own module for it, by way of the compatibility provider
            r"ignore:The `airflow.operators.branch.BaseBranchOperator` class is deprecated:DeprecationWarning",
        ),
        until="2025-10-15",
    ),
    Version(
        "3.1",
        "3.1.8",
        "constraints-3.1.txt",
        # as on 3.0
        warnings=(r"ignore:The `airflow.operators.branch.B\w+` attribute is deprecated:FutureWarning",),
        until="2026-04-30",
    ),
    Version("3.2", "3.2.2", "constraints-3.2.txt", until="2026-07-15"),
    Version("3.3", "3.3.2", "constraints.txt"),
)
#: Not bound to the day of an Airflow: what this project demands in a version that is younger, and providers.
YOUNG = (
    *(f"apache-airflow-providers-{name}" for name in ("amazon", "common-compat", "common-io", "common-sql", "http")),
    *(f"apache-airflow-providers-{name}" for name in ("smtp", "standard")),
    *("aiohttp", "asgiref", "boto3", "botocore", "duckdb", "hypothesis", "import-linter", "jmespath", "msgspec"),
    *("moto", "pyarrow", "pytest", "pytest-xdist", "requests", "s3transfer"),
)


def main(wanted: list[Version], pythons: list[str], tests: tuple[str, ...], *, rest: bool) -> int:
    """Run the parts that are wanted, and show the table of all."""
    kept: dict[str, str] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    failed = False
    for python in pythons:
        interpreter = find(python)
        if interpreter is None:
            kept |= {_key(version.name, python): "no such Python here" for version in wanted}
            continue
        for version in wanted:
            environment = install(version, python, interpreter)
            if environment is None:
                kept[_key(version.name, python)] = UNSUPPORTED
                continue
            kept[_key(version.name, python)], passed = run(environment, version, tests)
            failed |= not passed
            if rest and version is VERSIONS[-1]:
                kept[_key("none", python)], passed = run(environment, version, REST)
                failed |= not passed
            _keep(kept)
    _keep(kept)
    print("\n".join(table(kept)))
    return int(failed)


def find(python: str) -> str | None:
    """Return an interpreter of that version: the one on the path, or one that pyenv has."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{python}"), *map(str, sorted(pyenv.glob(f"{python}.*/bin/python"), reverse=True))]
    for interpreter in filter(None, found):
        # What is on the path may be pyenv's stand-in for a version that is not switched on.
        if subprocess.run([interpreter, "-V"], check=False, capture_output=True).returncode == 0:
            return interpreter
    return None


def install(version: Version, python: str, interpreter: str) -> Path | None:
    """Make the environment of an Airflow and a Python, or renew it; return None where that Airflow is not for it."""
    folder = ROOT / f".venv-{version.name}-{python}"
    print(f"Airflow {version.patch}, Python {python}: installing into {folder.name}", flush=True)
    uv = [str(TOOLS / "bin" / "uv"), "--native-tls", "--quiet"]
    if not folder.exists():
        subprocess.run([*uv, "venv", "--python", interpreter, str(folder)], check=True)
    pins = ["--constraints", version.constraints, "--build-constraints", version.constraints]
    airflow, interpreter = f"apache-airflow=={version.patch}", str(folder / "bin" / "python")
    command = [*uv, "pip", "install", "--python", interpreter]
    # Its classifiers decide: uv installs it in spite of an upper bound of Requires-Python.
    subprocess.run([*command, "--no-deps", airflow], check=True)
    declared = subprocess.run([interpreter, "-c", DECLARED], check=True, stdout=subprocess.PIPE, text=True).stdout
    if f"Programming Language :: Python :: {python}" not in declared.splitlines():
        return None
    # Compiled now, as pip does: Python warns of escapes in the official client's texts, and tests fail for warnings.
    wanted = ["--compile-bytecode", *pins, "-e", ".[s3,testing]", airflow, *NEEDED]
    subprocess.run([*command, *wanted], check=True, cwd=ROOT)
    return folder


def run(environment: Path, version: Version, tests: tuple[str, ...]) -> tuple[str, bool]:
    """Run tests, and return what came of them in a few words, and whether they passed."""
    report = RESULTS.with_name(f"{environment.name}.xml")
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    filters = "\n".join(["error", *version.warnings])
    options = ["-q", "-n", "2", "--dist", "loadfile", "-o", f"filterwarnings={filters}", f"--junitxml={report}"]
    # A plugin that nobody asked for: those that are as old as Airflow 3.1 and 3.2 warn with a new pytest.
    options += ["-p", "no:anyio", "--no-loadscope-reorder"]
    began = time.monotonic()
    done = subprocess.run(
        [environment / "bin" / "python", "-m", "pytest", *options, *tests],
        cwd=ROOT,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    )
    took = f"{time.monotonic() - began:.0f} s"
    if not report.exists():
        return f"**did not run** (pytest ended with {done.returncode})", False
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - pytest wrote it a moment ago
        counts = {name: count + int(suite.get(name, 0)) for name, count in counts.items()}
    broken = counts["failures"] + counts["errors"]
    passed = counts["tests"] - broken - counts["skipped"]
    parts = [f"**{broken} failed**"] * bool(broken) + [f"{passed:,} passed"]
    parts += [f"{counts['skipped']} skipped"] * bool(counts["skipped"])
    return ", ".join([*parts, took]), done.returncode == 0


def table(kept: dict[str, str]) -> list[str]:
    """Return the lines of the table."""
    rows = [(f"Airflow {version.patch}", version.name) for version in reversed(VERSIONS)]
    lines = [f"| | {' | '.join(f'Python {python}' for python in PYTHONS)} |", "| --- |" + " --- |" * len(PYTHONS)]
    for label, name in [*rows, (NO_AIRFLOW, "none")]:
        cells = [kept.get(_key(name, python), "not run") for python in PYTHONS]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _keep(kept: dict[str, str]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True))


def _key(version: str, python: str) -> str:
    return f"{version} {python}"


def compact(lines: list[str]) -> list[str]:
    """Return the lines of README's table, from those of the other one: a row for each Python, without times."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head, *columns = [row for row in rows if set(row[0]) != {"-"}]
    found = [["", *(column[0].removeprefix("what knows ") for column in columns)], ["---"] * (len(columns) + 1)]
    for number, python in enumerate(head[1:], start=1):
        # What comes first in a cell decides: how many failed, or how many passed.
        found.append([python, *(column[number].split(", ")[0].replace(UNSUPPORTED, "-") for column in columns)])
    return [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in found]


def write(lines: list[str]) -> None:
    """Put the table into the documentation, and a short form of it into README."""
    PART.write("\n".join(lines))
    SHORT_PART.write("\n".join(compact(lines)))


def pin(version: Version) -> None:
    """Renew the pins of an Airflow: its own packages as of its day, providers and what this project demands anew."""
    path = ROOT / version.constraints
    head = [line for line in path.read_text().splitlines() if line.startswith("#")] if path.exists() else []
    days = ["--exclude-newer", f"{version.until}T00:00:00Z"] if version.until else []
    for name in YOUNG if version.until else ():
        days += ["--exclude-newer-package", f"{name}={time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}"]
    uv = [str(TOOLS / "bin" / "uv"), "--native-tls", "--quiet", "pip", "compile", "--universal", "--no-header"]
    wanted = [f"airflow-provider-kucoin[s3,testing] @ {ROOT.as_uri()}", f"apache-airflow=={version.patch}", *NEEDED]
    # What has pins already keeps them where no day says what they are to be.
    kept = [] if version.until else [line for line in path.read_text().splitlines() if "==" in line]
    done = subprocess.run(
        [*uv, "--no-annotate", "--python-version", PYTHONS[0], *days, "-"],
        input="\n".join([*wanted, *kept]),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        cwd=ROOT,
    )
    pins = [line for line in done.stdout.splitlines() if "==" in line]
    path.write_text("\n".join([*head, "", *pins, ""]))
    print(f"{path.name}: {len(pins)} pins")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [version.name for version in VERSIONS]
    parser.add_argument("--airflow", action="append", choices=names, help="only this one; can be repeated")
    parser.add_argument("--python", action="append", choices=PYTHONS, help="only this one; can be repeated")
    parser.add_argument("--all", action="store_true", help="every test that knows Airflow, not only what it can break")
    parser.add_argument("--without-rest", action="store_true", help="leave out the tests that know no Airflow")
    parser.add_argument(
        "--write",
        action="store_true",
        help=f"put the table into {PART.page} and {SHORT_PART.page}, run nothing",
    )
    parser.add_argument("--pin", action="store_true", help="renew the pins, run nothing")
    given = parser.parse_args()
    chosen = [version for version in VERSIONS if version.name in (given.airflow or names)]
    if given.write:
        write(table(json.loads(RESULTS.read_text())))
    elif given.pin:
        for one in chosen:
            if one.constraints != "constraints.txt":
                pin(one)
    else:
        tests = ALL if given.all else FACING
        sys.exit(main(chosen, given.python or list(PYTHONS), tests, rest=not given.without_rest))
