"""The order of imports between the folders of the package, checked in the source."""

from __future__ import annotations

import ast
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(str(resources.files("astroquery_mast")))
# From the bottom to the top: a module imports from its own folder and from those listed before it, never later ones.
ORDER = [
    "deferred",
    "exceptions",
    "config",
    "warn",
    "tables",
    "query",
    "sky",
    "footprints",
    "service",
    "products",
    "downloads",
    "targets",
    "display",
    "vo",
    "casjobs",
    "engineering",
]
ORDER += ["cutouts", "missions", "catalogs", "observations", "programs", "jwst_files", "citations", "searches"]
ORDER += ["readers", "utils", "compat", "demo", "cli", "__main__"]
PURE = {"tables", "query", "sky"}
NETWORK = {"requests", "urllib3", "socket", "http", "tenacity"}


def imports(path: Path) -> tuple[set[str], set[str]]:
    """Return the modules of the package that a module imports, and the others."""
    here, inside, outside = path.relative_to(ROOT).parts[:-1], set(), set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            outside |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            outside.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = [*here[: len(here) - node.level + 1], *(node.module or "").split(".")]
            for alias in node.names:
                whole = ".".join(filter(None, [*base, alias.name]))
                is_module = ROOT.joinpath(*whole.split(".")).with_suffix(".py").is_file()
                inside.add(whole if is_module else ".".join(filter(None, base)))
    return inside, outside


MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): imports(path)
    for path in sorted(ROOT.rglob("*.py"))
    if path != ROOT / "__init__.py"
}
CLIENT = [name for name in MODULES if not name.startswith("sandbox")]


@pytest.mark.parametrize("module", CLIENT)
def test_imports_go_down_only(module: str) -> None:
    """A module imports from its own folder and those below; only the demo and the command line import the sandbox."""
    place = module.split(".", maxsplit=1)[0]
    below = {*ORDER[: ORDER.index(place) + 1], *(["sandbox"] if place in {"demo", "cli"} else [])}
    assert not {name for name in MODULES[module][0] if name.split(".")[0] not in below}


@pytest.mark.parametrize("module", [name for name in CLIENT if name.split(".")[0] in PURE])
def test_pure_modules_never_see_the_network(module: str) -> None:
    """Modules that decide and parse do not import requests or sockets."""
    assert not {name.split(".")[0] for name in MODULES[module][1]} & NETWORK


def test_only_core_derives_from_base_query() -> None:
    """Only one module handles the pitfalls of BaseQuery."""
    assert [name for name in MODULES if any(i.startswith("astroquery.query") for i in MODULES[name][1])] == [
        "service.core"
    ]


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("sandbox")])
def test_the_sandbox_knows_nothing_of_the_client(module: str) -> None:
    """The sandbox cannot share a misreading of the protocol with the client, and only sets its addresses."""
    inside, outside = MODULES[module]
    assert all(name.startswith("sandbox") or name == "config" for name in inside)
    assert not any(name.startswith("astroquery_mast") for name in outside)
