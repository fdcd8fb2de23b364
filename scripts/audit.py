"""
Look for known vulnerabilities in the pinned packages, with pip-audit.

Ends with 0 when there are none, with 1 when there is one, and with 2, saying so, when not all could be looked up: a
check that did not take place must not look like one that was passed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIP_AUDIT = ROOT / ".venv-checks" / "bin" / "pip-audit"
#: Whom pip-audit can ask, in turn.
SERVICES = ("pypi", "osv")
FOUND, NOT_CHECKED = 1, 2


def main(constraints: list[Path]) -> int:
    """Check each file of pins, and return the worst that came of it."""
    found = [check(path) for path in constraints]
    return FOUND if FOUND in found else max(found)


def check(constraints: Path) -> int:
    """Ask about the pins of one file, the first service that knows them."""
    said = []
    for service in SERVICES:
        dependencies, problem = ask(constraints, service)
        if any("vulns" in one for one in dependencies):
            return tell(constraints.name, service, dependencies)
        reasons = [str(one["skip_reason"]) for one in dependencies if "skip_reason" in one]
        said.append(f"  {service}: {problem or next(iter(reasons), 'it looked nothing up')}")
    print(
        f"{constraints.name}: NOT CHECKED: no vulnerability database could be asked.", *said, sep="\n", file=sys.stderr
    )
    return NOT_CHECKED


def ask(constraints: Path, service: str) -> tuple[list[dict[str, Any]], str]:
    """Return what a service says of each package, or nothing and why."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            [
                *(str(PIP_AUDIT), "--requirement", str(constraints), "--no-deps", "--disable-pip"),
                *("--vulnerability-service", service, "--format", "json", "--output", str(report)),
                *("--progress-spinner", "off", "--timeout", "20"),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        if report.exists():
            return json.loads(report.read_text())["dependencies"], ""
    return [], " ".join(done.stderr.split())[-300:]


def tell(name: str, service: str, dependencies: list[dict[str, Any]]) -> int:
    """Print what was found, and return the exit code that it means."""
    skipped = [one for one in dependencies if "skip_reason" in one]
    bad = [one for one in dependencies if one.get("vulns")]
    print(
        f"{name}: {len(dependencies) - len(skipped)} packages looked up at {service}, {len(bad)} with vulnerabilities"
    )
    for one in skipped:
        print(f"  NOT CHECKED: {one['name']}: {one['skip_reason']}")
    for one in bad:
        for found in one["vulns"]:
            mended = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"  {one['name']} {one['version']}: {found['id']}, mended in {mended}")
    return FOUND if bad else NOT_CHECKED if skipped else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("constraints", type=Path, nargs="*", default=[ROOT / "constraints.txt"], help="files of pins")
    sys.exit(main(parser.parse_args().constraints))
