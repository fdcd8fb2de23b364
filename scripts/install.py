"""
Install the project into a virtual environment, with all versions pinned.

By itself it installs everything that the checks and the demo need; other constraints and requirements can be named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import venv
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Seconds between two lines of progress, where they cannot be written over each other.
QUIET = 15


def main(folder: Path, constraints: str, extras: str, requirements: list[str]) -> int:
    """Make the environment, or bring it up to date."""
    began = time.monotonic()
    print(f"Installing into {folder} (Python {sys.version.split()[0]}); this takes some minutes the first time.")
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    # By environment, because so the pins also hold for the isolated environment in which the project is built; which
    # of the two names counts there depends on the version of pip.
    pins = dict.fromkeys(("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"), str(ROOT / constraints))
    pip_install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--progress-bar", "off"]
    command = [*pip_install, "-e", f"{ROOT}{extras}", *requirements]
    with subprocess.Popen(
        command,
        env={**os.environ, **pins, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as pip:
        last_lines = _follow(pip, began)
    if pip.returncode:
        print("\nThe installation failed. The last that pip said:\n", *last_lines, sep="\n", file=sys.stderr)
        return 1
    print(f"Installed in {time.monotonic() - began:.0f} s.")
    return 0


def _follow(pip: subprocess.Popen[str], began: float) -> deque[str]:
    """Show how far pip is, and return the last lines that it wrote."""
    last_lines: deque[str] = deque(maxlen=25)
    found, doing, shown_at = 0, "looking for packages", began
    rewrite = sys.stdout.isatty()
    for line in pip.stdout or ():
        last_lines.append(line.rstrip())
        if line.startswith("Collecting"):
            found += 1
            doing = f"{found} packages found"
        elif line.startswith("Installing collected packages"):
            doing = f"installing {line.count(',') + 1} packages"
        else:
            continue
        now = time.monotonic()
        if rewrite or now - shown_at >= QUIET or doing.startswith("installing"):
            start, end = ("\r", "") if rewrite else ("", "\n")
            print(f"{start}  {now - began:4.0f} s  {doing:<40}", end=end, flush=True)
            shown_at = now
    if rewrite:
        print()
    return last_lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of the virtual environment")
    parser.add_argument("--constraints", default="constraints.txt", help="file of pins (default: %(default)s)")
    parser.add_argument("--extras", default="[dev]", help="of the project (default: %(default)s)")
    parser.add_argument("requirements", nargs="*", help="what else to install")
    given = parser.parse_intermixed_args()
    sys.exit(main(given.folder, given.constraints, given.extras, given.requirements))
