"""The order of imports that keeps the package readable, held by reading the source."""

from __future__ import annotations

import ast
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(str(resources.files("astroquery_mast")))

# From the ground up: each level holds flows, and each flow its steps, the first step first.  A module may import what
# is on a level below its own, and earlier steps of its own flow; the flows of one level know nothing of each other.
LEVELS = [
    [
        [
            "exceptions",
            "config",
            "warn",
        ],
    ],
    [
        [
            "query.columns",
            "query.request",
            "query.values",
            "query.position",
            "query.rows",
            "query.response",
            "query.tally",
            "query.names",
            "query.names_answer",
            "query.mashup",
            "query.criteria",
            "query.choice",
            "query.split",
            "query.histogram",
            "query.arrays",
            "query.table",
            "query.suggest",
            "query.match_columns",
            "query.match_positions",
            "query.match_targets",
            "query.match_catalog",
            "query.match_blocks",
            "query.upload",
            "query.match",
            "query.footprint",
            "query.area_sphere",
            "query.area_outlines",
            "query.area",
            "query.area_moc",
            "query.area_forms",
            "query.area_cut",
            "query.groups",
            "query.groups_answer",
            "query.catalog",
            "query.catalog_selection",
            "query.catalog_criteria",
            "query.catalog_question",
            "query.observation_criteria",
            "query.catalog_answer",
            "query.cutout",
            "query.cutout_answer",
            "query.mission_columns",
            "query.mission_criteria",
            "query.mission_targets",
            "query.mission_search",
            "query.mission_answer",
            "query.mission_listing",
        ],
        [
            "products.conditions",
            "products.filters",
            "products.release",
            "products.paths",
            "products.layout",
            "products.verdict",
            "products.addresses",
            "products.plan",
            "products.mission_files",
            "products.manifest",
            "products.bundle",
            "products.archive_files",
        ],
    ],
    [
        [
            "deadline",
            "pacing",
            "bodies",
            "failures",
            "wire",
            "answer_file",
            "cache",
            "parting",
            "splitting",
            "auth",
            "login",
            "account",
            "namecache",
            "resolver",
            "columnsource",
            "catalog_columns",
            "catalog_paging",
            "mission_columnlist",
        ],
    ],
    [
        [
            "products.progress",
            "products.listing",
            "products.given",
            "products.subscription",
            "products.cloud",
            "products.integrity",
            "products.beginning",
            "products.limits",
            "products.remote_file",
            "products.remote_fits",
            "products.outcome",
            "products.digest",
            "products.fitsend",
            "products.partfile",
            "products.body",
            "products.register",
            "products.unpack",
            "products.transfer",
            "products.destination",
            "products.upload",
            "products.sockets",
            "products.transport",
            "products.outage",
            "products.fetch",
            "products.task",
            "products.pool",
            "products.download",
            "products.review",
        ],
    ],
    [
        [
            "core",
            "positions",
            "many_task",
            "many",
            "many_targets",
            "crossmatch",
            "transfers",
        ],
    ],
    [
        [
            "observation_requests",
            "observation_many",
            "observation_stream",
            "observation_values",
            "observation_responses",
            "cloud_access",
            "observation_listing",
            "observation_files",
            "observation_products",
            "observations",
        ],
        [
            "catalog_requests",
            "catalog_many",
            "catalog_hsc",
            "catalogs",
        ],
        [
            "mission_requests",
            "mission_products",
            "missions",
        ],
        [
            "cutout_files",
            "cutout_client",
            "cutout_tess",
            "cutouts",
        ],
    ],
    [
        [
            "footprint_plot",
            "footprints",
        ],
        [
            "utils",
            "compat_connection",
            "compat_names",
            "compat_clients",
            "compat",
        ],
    ],
]
FLOWS = [flow for level in LEVELS for flow in level]
NO_NETWORK = {module for level in LEVELS[:2] for flow in level for module in flow}


def modules() -> list[str]:
    """Return the names of all modules of the package, without its own."""
    paths = sorted(ROOT.rglob("*.py"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths if path.name != "__init__.py"]


def imports(module: str) -> tuple[set[str], set[str]]:
    """Return what a module imports: modules of the package, and others."""
    tree = ast.parse(ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text("utf-8"))
    here = module.split(".")[:-1]
    inside, outside = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            outside |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            outside.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - (node.level - 1)]
            target = [*base, *(node.module or "").split(".")] if node.module else base
            names = {".".join([*target, alias.name]) for alias in node.names}
            known = {name for name in names if ROOT.joinpath(*name.split(".")).with_suffix(".py").is_file()}
            inside |= known or {".".join(target)}
    return inside, outside


def level_of(module: str) -> int:
    """Return the level on which a module stands."""
    return next(number for number, level in enumerate(LEVELS) if any(module in flow for flow in level))


CLIENT = [name for name in modules() if not name.startswith("sandbox") and name != "demo"]


@pytest.mark.parametrize("module", CLIENT)
def test_every_module_stands_on_a_level(module: str) -> None:
    """A module that nobody has placed would escape the order."""
    assert any(module in flow for flow in FLOWS)


@pytest.mark.parametrize("module", CLIENT)
def test_imports_go_down_only(module: str) -> None:
    """A module imports from levels below its own, or from earlier steps of its own flow."""
    own = level_of(module)
    for imported in imports(module)[0]:
        below = level_of(imported) < own
        earlier = any(
            module in flow and imported in flow and flow.index(imported) < flow.index(module) for flow in FLOWS
        )
        assert below or earlier, f"{module} imports {imported}"


@pytest.mark.parametrize("module", sorted(NO_NETWORK))
def test_pure_modules_never_see_the_network(module: str) -> None:
    """What decides and parses does not import requests or sockets."""
    outside = {name.split(".")[0] for name in imports(module)[1]}
    assert not outside & {"requests", "urllib3", "socket", "http", "tenacity"}


def test_only_core_derives_from_base_query() -> None:
    """BaseQuery's traps are fenced off in one place."""
    importers = [name for name in modules() if any(i.startswith("astroquery.query") for i in imports(name)[1])]
    assert importers == ["core"]


@pytest.mark.parametrize("module", [name for name in modules() if name.startswith("sandbox")])
def test_the_sandbox_knows_nothing_of_the_client(module: str) -> None:
    """A misreading of the protocol cannot sit on both sides; only the address is set in the client's configuration."""
    inside, outside = imports(module)
    allowed = {"config"} if module.startswith("sandbox.") else set()
    assert all(name.startswith("sandbox") or name in allowed for name in inside)
    assert not any(name.startswith("astroquery_mast") for name in outside)


@pytest.mark.parametrize("module", CLIENT)
def test_the_client_never_imports_the_sandbox(module: str) -> None:
    """The sandbox is for tests, documentation and the demo only."""
    assert not any(name.startswith("sandbox") for name in imports(module)[0])


def test_nothing_imports_conf_from_the_package() -> None:
    """Inside the package a name comes from the module that defines it."""
    assert not any("" in imports(name)[0] for name in modules())


def test_public_names_are_sorted_and_there() -> None:
    """Every name of __all__ exists, and the list is in order."""
    import astroquery_mast

    assert astroquery_mast.__all__ == sorted(astroquery_mast.__all__)
    for name in astroquery_mast.__all__:
        assert getattr(astroquery_mast, name) is not None
    assert set(astroquery_mast.__all__) <= set(dir(astroquery_mast))
