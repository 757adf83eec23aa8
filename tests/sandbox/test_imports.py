"""Imports between the sandbox's modules have no cycles, checked in the source."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from importlib import resources
from pathlib import Path

ROOT = Path(str(resources.files("astroquery_mast.sandbox")))
TYPE_CHECKING = "TYPE_CHECKING"


def imported(path: Path) -> set[Path]:
    """Return the modules of the sandbox imported by a module, also in functions, except for annotations."""
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
        for alias in node.names:  # a module of a package, or a name in a module or package
            places = (folder / f"{alias.name}.py", folder.with_suffix(".py"), folder / "__init__.py")
            found.add(next(place for place in places if place.is_file()))
    return {place for place in found - {path} if place.is_relative_to(ROOT)}


def test_no_circular_imports() -> None:
    """Modules can be sorted so that each one follows its imports."""
    modules = {path: imported(path) for path in ROOT.rglob("*.py")}
    assert len(modules) > 50
    assert len(list(TopologicalSorter(modules).static_order())) == len(modules)
