"""The sandbox's modules import one another in one direction only, held by reading the source."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from importlib import resources
from pathlib import Path

ROOT = Path(str(resources.files("astroquery_mast.sandbox")))
TYPE_CHECKING = "TYPE_CHECKING"


def imported(path: Path) -> set[Path]:
    """Return the modules of the sandbox that a module imports, early or late, apart from those for annotations."""
    tree = ast.parse(path.read_text("utf-8"))
    for_types = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == TYPE_CHECKING
    ]
    skipped = {id(node) for block in for_types for node in ast.walk(block)}
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level or id(node) in skipped:
            continue
        folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
        for alias in node.names:  # a module of a folder, or a name in a module or in the folder itself
            places = (folder / f"{alias.name}.py", folder.with_suffix(".py"), folder / "__init__.py")
            found.add(next(place for place in places if place.is_file()))
    return {place for place in found - {path} if place.is_relative_to(ROOT)}


def test_no_imports_run_in_a_circle() -> None:
    """Every module can be read after those that it imports."""
    modules = {path: imported(path) for path in ROOT.rglob("*.py")}
    assert len(modules) > 50
    assert len(list(TopologicalSorter(modules).static_order())) == len(modules)
