"""Renew constraints.txt: install the newest of everything and write down what came."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "constraints.txt"
#: What builds the project; it comes into an environment of its own, so that listing this one would not name it.
BUILD = ("hatchling", "editables")


def main() -> None:
    """Write the file anew, below the head that it has."""
    lines = FILE.read_text().splitlines()
    head = [line for line in lines if line.startswith("#")]
    with tempfile.TemporaryDirectory() as folder:
        print("Installing the newest of everything; this takes some minutes.", flush=True)
        venv.create(folder, with_pip=True)
        pip = [str(Path(folder) / "bin" / "python"), "-m", "pip"]
        project = f"{ROOT}[dev,deployment]"
        subprocess.run([*pip, "install", "--quiet", "--progress-bar", "off", project, *BUILD], check=True)
        frozen = [*pip, "freeze", "--exclude", "airflow-provider-kucoin"]
        pins = subprocess.run(frozen, check=True, capture_output=True, text=True).stdout.splitlines()
    named = {line.partition("==")[0] for line in pins}
    kept = [line for line in lines if "==" in line and line.partition("==")[0] not in named and line not in head]
    FILE.write_text("\n".join([*head, "", *sorted(pins + kept, key=str.lower), ""]))
    print(f"{FILE.name}: {len(pins)} packages, from Python {sys.version.split()[0]}.")
    if kept:
        print(f"Kept as they were, not needed by this Python but perhaps by another: {', '.join(kept)}")


if __name__ == "__main__":
    main()
