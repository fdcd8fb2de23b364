"""
Install the wheel of dist/ as users do, and ask Airflow what it sees: `make test-wheel`.

Once with the newest and once with the oldest supported Airflow, each in an empty environment in which the sources are
nowhere. The example DAG then copies a day from the sandbox, which comes with the wheel, to a local S3 server, in a
folder that holds the DAG and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo import BUCKET, airflow_settings, isolate, process, s3_server
from terminal import step

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv-checks" / "bin" / "uv"
EXAMPLE = ROOT / "dags_examples" / "example_kucoin_ledger_to_s3.py"
#: Runs in the new environment: what of the package can be found and imported there.
LOOK = """
import importlib, json, sys
import airflow_provider_kucoin
from airflow.providers_manager import ProvidersManager
from airflow_provider_kucoin import get_provider_info
from pathlib import Path

info = get_provider_info()
kinds = [row for kind in ("operators", "sensors", "triggers", "hooks") for row in info[kind]]
modules = [name for row in kinds for name in row["python-modules"]]
modules += [row["python-module"] for row in info["transfers"]]
classes = [
    f"{name}.{kind}" for name in modules for kind, found in vars(importlib.import_module(name)).items()
    if isinstance(found, type) and found.__module__ == name and kind.startswith("Kucoin")
]
for path in info["extra-links"]:
    module, _, kind = path.rpartition(".")
    classes.append(getattr(importlib.import_module(module), kind).__name__)
hook = ProvidersManager().hooks["kucoin"]
folder = Path(airflow_provider_kucoin.__file__).parent
json.dump({
    "folder": str(folder), "typed": (folder / "py.typed").is_file(), "classes": classes,
    "hook": f"{hook.hook_class_name}, {hook.connection_id_attribute_name}, {hook.connection_type}",
}, sys.stdout)
"""


class Failed(Exception):
    """Something is not as users need it; the message is for the person before the terminal."""


@dataclass(frozen=True)
class Target:
    """One Airflow to install into."""

    name: str
    constraints: tuple[str, ...]


TARGETS = (
    Target("newest", ("constraints.txt",)),
    # What an installation for this version does not pin itself, the newest does.
    Target("2.11", ("constraints-2.11.txt", "constraints.txt")),
)


def main() -> int:
    """Check the wheel in each environment that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="newest, 2.11 (default: both)")
    wanted = parser.parse_args().targets or [target.name for target in TARGETS]
    wheels = list((ROOT / "dist").glob("*.whl"))
    if len(wheels) != 1:
        sys.exit("there is not one wheel in dist/: run make dist")
    isolate()
    try:
        for target in TARGETS:
            if target.name in wanted:
                check(target, wheels[0])
    except Failed as problem:
        print(f"The wheel is not as it should be: {problem}", file=sys.stderr)
        return 1
    return 0


def check(target: Target, wheel: Path) -> None:
    """Install the wheel beside one Airflow, and look at it from there."""
    with tempfile.TemporaryDirectory(prefix="kucoin-wheel-") as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        with step(f"Install the wheel with the {target.name} Airflow that is supported") as this:
            install(target, wheel, Path(folder))
            version = said(python, "-c", "import airflow; print(airflow.__version__)", folder=folder).splitlines()[-1]
            this.result = f"Airflow {version}, {said(python, '--version', folder=folder).strip()}"
        with step("Ask Airflow what it sees of it") as this:
            this.result = look(python, folder, wheel)
        with step("Copy a day with the example, in an empty folder") as this:
            this.result = copy_a_day(python, Path(folder))


def install(target: Target, wheel: Path, folder: Path) -> None:
    """Make an environment with the wheel, Airflow and what writing to S3 needs, and nothing else."""
    pins, environment = folder / "constraints.txt", str(folder / "venv")
    pins.write_text("\n".join(merged([ROOT / name for name in target.constraints])))
    wanted = (f"{wheel}[s3]", "apache-airflow", "apache-airflow-providers-standard")
    for command in (
        ("venv", "--python", sys.executable, environment),
        ("pip", "install", "--python", environment, "--constraints", str(pins), *wanted),
    ):
        # With pip this takes minutes.
        run(str(UV), "--native-tls", "--quiet", *command, folder=str(folder))


def merged(files: list[Path]) -> list[str]:
    """Return the pins of several files; of a name that is in two of them the first file's."""
    found: dict[str, str] = {}
    for path in files:
        for line in path.read_text().splitlines():
            name, is_pin, _ = line.partition("==")
            if is_pin and not line.startswith("#"):
                found.setdefault(name.lower().replace("_", "-"), line)
    return list(found.values())


def look(python: Path, folder: str, wheel: Path) -> str:
    """Ask Airflow, and the package, what there is of it."""
    version = wheel.name.split("-")[1]
    listed = json.loads(last_json(said(python, "-m", "airflow", "providers", "list", "-o", "json", folder=folder)))
    [ours] = [row for row in listed if "kucoin" in row["package_name"]] or [None]
    expect(ours is not None, "airflow providers list does not name it")
    expect(ours["version"] == version, f"airflow providers list shows version {ours['version']}, not {version}")
    hooks = json.loads(last_json(said(python, "-m", "airflow", "providers", "hooks", "-o", "json", folder=folder)))
    [hook] = [row for row in hooks if row["connection_type"] == "kucoin"] or [None]
    expect(hook is not None, "airflow providers hooks does not name the connection type kucoin")

    found = json.loads(said(python, "-c", LOOK, folder=folder).splitlines()[-1])
    expect(folder in found["folder"], f"it was imported from {found['folder']}, not from the environment")
    expect(found["typed"], "py.typed is missing")
    expect(
        found["hook"] == "airflow_provider_kucoin.hooks.kucoin.KucoinHook, kucoin_conn_id, kucoin",
        f"the hook that Airflow finds is {found['hook']}",
    )
    sources = json.loads(said(Path(sys.executable), "-c", LOOK, folder=folder).splitlines()[-1])
    expect(found["classes"] == sources["classes"], f"{found['classes']} can be imported, not {sources['classes']}")
    for command in ("-m airflow_provider_kucoin.testing --help", "-m airflow_provider_kucoin.planning --help"):
        expect("usage" in said(python, *command.split(), folder=folder), f"python {command} does not run")
    return f"version {version}, connection type kucoin, its hook, {len(found['classes'])} classes, two commands"


def copy_a_day(python: Path, folder: Path) -> str:
    """Run the example DAG for yesterday, against the sandbox that came with the wheel."""
    home = folder / "home"
    (home / "dags").mkdir(parents=True)
    shutil.copy(EXAMPLE, home / "dags")
    midnight = (datetime.now(UTC) - timedelta(minutes=6)).replace(hour=0, minute=0, second=0, microsecond=0)
    with ExitStack() as running:
        sandbox = running.enter_context(
            process(
                *(
                    str(python),
                    "-m",
                    "airflow_provider_kucoin.testing",
                    "--json",
                    "--port",
                    "0",
                    "--rows-per-day",
                    "500",
                ),
                stdout=subprocess.PIPE,
                cwd=home,
            )
        )
        told = json.loads(sandbox.stdout.readline() if sandbox.stdout else "null")
        url, s3 = running.enter_context(s3_server())
        settings = {
            **airflow_settings(str(home), told["connection"], url),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        }
        for command in (("db", "migrate"), ("dags", "test", "kucoin_ledger_to_s3", f"{midnight:%Y-%m-%d}")):
            said(python, "-m", "airflow", *command, folder=str(home), **settings)
        keys = sorted(entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []))
    day = f"{midnight - timedelta(days=1):%Y-%m-%d}"
    tasks = ("kucoin/ledger=spot/", "kucoin/stablecoins/")
    beginnings = tuple(key.partition("account=")[0] for key in keys if f"date={day}/" in key)
    expect(beginnings == tasks, f"the example did not write an object of {day} for each task, but {keys}")
    return ", ".join(key.rpartition("/")[2] for key in keys)


def said(python: Path, *arguments: str, folder: str, **environment: str) -> str:
    """Run the environment's Python as a user of Airflow does, and return what it wrote."""
    home = {"AIRFLOW_HOME": f"{folder}/airflow", "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    return run(str(python), *arguments, folder=folder, **{**home, **environment})


def run(*command: str, folder: str, **environment: str) -> str:
    """Run a command away from the sources, and return what it wrote."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if done.returncode:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise Failed(f"{' '.join(command)[:200]} failed; the end of what it said:\n{end}")
    return done.stdout


def last_json(text: str) -> str:
    """Return the JSON at the end of a command's output; Airflow writes warnings in front of it."""
    return text[text.index("[{") if "[{" in text else 0 :]


def expect(is_so: bool, problem: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise :class:`Failed` unless something is so."""
    if not is_so:
        raise Failed(problem)


if __name__ == "__main__":
    sys.exit(main())
