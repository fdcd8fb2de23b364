"""How Sphinx builds these pages: `make docs`."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Airflow, which the documented modules import, makes its home when it is imported: a throw-away one.
_HOME = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ |= {"AIRFLOW_HOME": _HOME, "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# It greets on stderr; what Sphinx says is to be seen.
with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
    import airflow_provider_kucoin.hooks.kucoin


project = "airflow-provider-kucoin"
author = "the authors of airflow-provider-kucoin"
project_copyright = "the authors, Apache-2.0; not made by KuCoin"
release = version = airflow_provider_kucoin.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
root_doc = "index"
language = "en"
# What is checked must not depend on the network: no inventories of other projects are fetched.
nitpicky = True
nitpick_ignore_regex = [
    # Airflow's, and other people's, whose inventories are not fetched
    ("py:.*", r"(airflow|requests|datetime|decimal|collections|asyncio)\..*"),
    ("py:.*", r"(HttpHook|Context|Connection|Decimal|timedelta|datetime|AsyncIterator|TriggerEvent).*"),
    # values of arguments, and functions and tables for this project's own use
    ("py:.*", r"(Moment|Retry|Try|Treasury|Pool|Plan|Selection|Dataset|Window|PieceReader|Value|Settings).*"),
    ("py:.*", r"airflow_provider_kucoin\.api\.(?!errors).*"),
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_typehints = "none"  # the docstrings say it in words; annotations would say it again, and longer
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"

html_theme = "furo"
html_title = f"airflow-provider-kucoin {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]
