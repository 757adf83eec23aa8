"""A client for MAST, the Mikulski Archive for Space Telescopes, that supports every call of ``astroquery.mast``.

Public names are imported on first use, so that ``import astroquery_mast`` is fast and the pytest plugin of the package
does not slow down test suites that do not use it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import utils
    from .casjobs.client import CasJobs, CasJobsClass
    from .catalogs.client import Catalogs, CatalogsClass
    from .citations.citation import cite
    from .config import Conf, conf
    from .cutouts.client import Hapcut, HapcutClass, Tesscut, TesscutClass, Zcut, ZcutClass
    from .engineering.client import Engineering, EngineeringClass
    from .jwst_files.client import JwstFiles, JwstFilesClass
    from .missions.client import MastMissions, MastMissionsClass
    from .observations.client import Observations, ObservationsClass
    from .programs.client import Programs, ProgramsClass
    from .searches.changes import Changes
    from .searches.notification import read_notification
    from .searches.search import SavedSearch
    from .service.core import Mast, MastClass
    from .tables.result_table import ResultTable
    from .vo.client import VO, VOClass

__all__ = [
    "VO",
    "CasJobs",
    "CasJobsClass",
    "Catalogs",
    "CatalogsClass",
    "Changes",
    "Conf",
    "Engineering",
    "EngineeringClass",
    "Hapcut",
    "HapcutClass",
    "JwstFiles",
    "JwstFilesClass",
    "Mast",
    "MastClass",
    "MastMissions",
    "MastMissionsClass",
    "Observations",
    "ObservationsClass",
    "Programs",
    "ProgramsClass",
    "ResultTable",
    "SavedSearch",
    "Tesscut",
    "TesscutClass",
    "VOClass",
    "Zcut",
    "ZcutClass",
    "cite",
    "conf",
    "read_notification",
    "utils",
]

_MODULES = frozenset({"compat", "display", "exceptions", "footprints", "readers", "sandbox", "utils"})
_HOME = {
    "CasJobs": "casjobs.client",
    "CasJobsClass": "casjobs.client",
    "Catalogs": "catalogs.client",
    "CatalogsClass": "catalogs.client",
    "Changes": "searches.changes",
    "Conf": "config",
    "Engineering": "engineering.client",
    "EngineeringClass": "engineering.client",
    "Hapcut": "cutouts.client",
    "HapcutClass": "cutouts.client",
    "JwstFiles": "jwst_files.client",
    "JwstFilesClass": "jwst_files.client",
    "Mast": "service.core",
    "MastClass": "service.core",
    "MastMissions": "missions.client",
    "MastMissionsClass": "missions.client",
    "Observations": "observations.client",
    "ObservationsClass": "observations.client",
    "Programs": "programs.client",
    "ProgramsClass": "programs.client",
    "ResultTable": "tables.result_table",
    "SavedSearch": "searches.search",
    "Tesscut": "cutouts.client",
    "TesscutClass": "cutouts.client",
    "VO": "vo.client",
    "VOClass": "vo.client",
    "Zcut": "cutouts.client",
    "ZcutClass": "cutouts.client",
    "cite": "citations.citation",
    "conf": "config",
    "read_notification": "searches.notification",
}


def __getattr__(name: str) -> object:
    """Import a public name from the module that defines it (PEP 562)."""
    if name == "__version__":
        return import_module("importlib.metadata").version(__name__)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names and modules, including those not imported yet."""
    return sorted({*__all__, *_MODULES})
