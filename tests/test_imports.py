"""The house's arrows: what each module may know, and that importing one does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

HOME = Path(__file__).parents[1]

READ = "access audit queries forecast vocabulary periods exports exporting charts boards explain budgets alerts bills"
WRITE = "ingest sample pricing pricebook annotations"  # the write side's front doors

ALLOWED = {
    # who        may import
    "app":      f"start ui {READ} {WRITE}",
    "pages":    f"start ui {READ} {WRITE}",
    "start":    "",
    "ui":       f"start {READ} engine lake memory schema toml_lines {WRITE}",
    "charts":    "vocabulary periods",
    "queries":   "explain forecast vocabulary periods engine lake memory schema",
    "memory":    "",
    "forecast":  "explain periods",
    "budgets":   "forecast queries vocabulary periods lake toml_lines toml_tables",
    "alerts":    "budgets explain forecast queries vocabulary periods engine lake schema",
    "bills":    "queries vocabulary periods lake schema pricing pricebook sources exports toml_lines toml_tables",
    "reports":   "boards charts exports explain forecast queries budgets alerts vocabulary periods engine lake schema",
    "exports":   "",
    "exporting": "exports vocabulary engine lake schema",
    "boards":    "charts queries vocabulary periods lake toml_lines",
    "explain":   "vocabulary schema",
    "vocabulary": "periods schema",
    "periods":   "",
    "engine":    "lake vocabulary periods schema",
    "lake":      "vocabulary periods schema",
    "schema":    "",
    "sources":   "schema toml_lines",
    "pricing":   "periods schema toml_lines",
    "pricebook": "pricing lake",
    "toml_lines": "",
    "toml_tables": "",
    "access":    "vocabulary lake schema toml_lines toml_tables",
    "audit":     "access lake schema toml_lines",
    "annotations": "vocabulary periods lake toml_lines toml_tables",
    "ingest":    "sources pricebook pricing lake schema vocabulary periods",
    "sample":    "ingest sources lake periods schema",
    "serve":    f"{READ} reports engine lake schema toml_lines toml_tables",
    "cli":      f"serve {READ} reports engine lake schema sources toml_lines {WRITE}",
    "__main__": "cli",
}  # fmt: skip
"""Room -> the rooms it may import from, besides itself. A room is a module or a package."""

STREAMLIT = {"app", "pages", "start", "ui"}
"""The rooms that may import Streamlit: pages and what they share."""

FILES = [HOME / "app.py", *sorted((HOME / "pages").glob("*.py")), *sorted((HOME / "usagecost").rglob("*.py"))]


def module(file: Path) -> str:
    """usagecost/ui/frame.py -> usagecost.ui.frame."""
    return ".".join(file.relative_to(HOME).with_suffix("").parts).removesuffix(".__init__")


def room(name: str) -> str:
    """usagecost.lake.merge -> lake, usagecost.ui.frame -> ui, pages.traces -> pages."""
    return name.removeprefix("usagecost.").split(".")[0]


@cache
def imports(file: Path) -> set[str]:
    """Every module that a file imports, wherever in it; ``from package import name`` counts as the module of that name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports relative to itself; the full name says where it lives"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else str(node.module) for name in names}
    return found


MODULES = {module(file): file for file in FILES}


@cache
def ours() -> dict[str, set[str]]:
    """Module -> the modules of ours that it imports."""
    return {name: {other for other in imports(file) if other in MODULES and other != "usagecost"} for name, file in MODULES.items()}


def test_a_module_knows_only_what_stands_before_it():
    may_know = {name: {room(name), *ALLOWED[room(name)].split()} for name in MODULES if name != "usagecost"}

    assert not [
        f"{name} must not import {other}" for name in may_know for other in ours()[name] if room(other) not in may_know[name]
    ]


def test_only_pages_and_the_cache_know_streamlit():
    knowing = {room(name) for name, file in MODULES.items() if any(other.split(".")[0] == "streamlit" for other in imports(file))}

    assert knowing <= STREAMLIT


def test_the_table_of_arrows_has_no_way_back():
    assert_no_cycle({who: set(may_know.split()) for who, may_know in ALLOWED.items()})


def test_no_modules_import_each_other_in_a_circle():
    assert_no_cycle(ours())


def assert_no_cycle(arrows: dict[str, set[str]]) -> None:
    left = dict(arrows)
    while left:
        free = [name for name, known in left.items() if not known & set(left) - {name}]
        assert free, f"these import each other in a circle: {', '.join(sorted(left))}"
        left = {name: known for name, known in left.items() if name not in free}


WATCHED = """
import importlib, sys
others, ours = (names.split() for names in sys.argv[1:])
for name in others:
    importlib.import_module(name)

def refuse(*args, **kwargs):
    raise AssertionError("connected to a database")
import duckdb
duckdb.connect = refuse

def watch(event, details):
    if event == "open" and isinstance(details[0], str) and ".py" not in details[0]:
        seen.append(f"opened {details[0]}")
    elif event in ("socket.connect", "subprocess.Popen", "glob.glob"):
        seen.append(f"{event} {details}")

seen = []
sys.addaudithook(watch)
for name in ours:
    importlib.import_module(name)
    assert not seen, f"{name} {seen}"
"""
"""Imports what is not ours first, then each of our modules while every file and connection that is opened is noted."""


def test_commands_start_without_pandas():
    """It takes as long to load as all the rest."""
    loaded = "import sys, usagecost.cli; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=HOME, capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_importing_a_module_opens_no_file_and_no_connection():
    others = {name for file in MODULES.values() for name in imports(file) if not name.startswith(("usagecost", "__future__"))}
    watched = [name for name in MODULES if room(name) not in ("app", "pages")]  # a page is run, not imported

    done = subprocess.run(
        [sys.executable, "-c", WATCHED, " ".join(sorted(others)), " ".join(watched)],
        cwd=HOME, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr.splitlines()[-1]
