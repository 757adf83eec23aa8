"""Replace ``astroquery.mast``, so that packages written for it use this package without changes.

In: a call of `install`.  Out: imports of ``astroquery.mast`` return this package, until `uninstall` is called.  The
clients are those of `astroquery_mast.compat.clients`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType, TracebackType
from typing import Self

import astroquery
from astroquery import log

from .. import utils
from ..config import Conf, conf
from ..warn import warn_under_name
from . import clients as compat_clients

__all__ = ["Installation", "install", "installed", "uninstall"]

_NAME = "astroquery.mast"
# The modules of astroquery.mast: the names that code imports from them, and the module with other names.
_SUBMODULES: Mapping[str, tuple[tuple[str, ...], str | None]] = {
    "auth": ((), "service.token"),
    "cloud": ((), "observations.product_source"),
    "collections": (("Catalogs", "CatalogsClass"), None),
    "core": ((), "service.core"),
    "cutouts": (("Hapcut", "HapcutClass", "Tesscut", "TesscutClass", "Zcut", "ZcutClass"), None),
    "discovery_portal": ((), None),
    "missions": (("MastMissions", "MastMissionsClass"), None),
    "observations": (("Mast", "MastClass", "Observations", "ObservationsClass"), None),
    "services": ((), None),
}
# The module that issues the NoResultsWarning of astroquery.mast, which warning filters match.
_WARNING_MODULE = f"{_NAME}.discovery_portal"

_lock = threading.RLock()
# The original modules, None for those that were not imported; empty unless installed.
_before: dict[str, ModuleType | None] = {}
_attribute: list[ModuleType] = []


class Installation:
    """The result of `install`, whose ``with`` statement uninstalls at the end of the block.

    Parameters
    ----------
    owner : bool
        Whether to uninstall at the end of the block; False if the package was already installed.
    """

    def __init__(self, owner: bool) -> None:
        self._owner = owner

    def __enter__(self) -> Self:
        """Enter the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Uninstall, unless an outer block or an earlier call installed the package."""
        if self._owner:
            uninstall()


def install() -> Installation:
    """Replace ``astroquery.mast`` with this package.

    From now on, ``import astroquery.mast``, ``from astroquery.mast import Observations`` and imports from its modules
    return this package.  Modules that imported ``astroquery.mast`` before keep using it, and are listed in the log.  A
    second call changes nothing.

    Returns
    -------
    Installation
        A context manager that uninstalls at the end of a ``with`` block; it can be ignored.
    """
    with _lock:
        if _before:
            return Installation(owner=False)
        modules = _modules()
        _log_earlier_imports()
        _before.update({name: sys.modules.get(name) for name in modules})
        _attribute[:] = [vars(astroquery)["mast"]] if "mast" in vars(astroquery) else []
        sys.modules.update(modules)
        astroquery.mast = modules[_NAME]
        warn_under_name(_WARNING_MODULE)
        return Installation(owner=True)


def uninstall() -> None:
    """Restore the original ``astroquery.mast``, if it was replaced.  Modules that imported this package keep it."""
    with _lock:
        if not _before:
            return
        for name, module in _before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
        _before.clear()
        if _attribute:
            astroquery.mast = _attribute.pop()
        else:
            del astroquery.mast
        warn_under_name(None)


def installed() -> bool:
    """Return whether this package currently replaces ``astroquery.mast``."""
    return bool(_before)


def _modules() -> dict[str, ModuleType]:
    """The modules to install, by name."""
    package = _module(_NAME, "astroquery_mast, installed as astroquery.mast.")
    names = compat_clients.__all__
    vars(package).update({name: getattr(compat_clients, name) for name in names})
    vars(package).update(Conf=Conf, conf=conf, utils=utils)
    package.__all__ = sorted([*names, "Conf", "conf", "utils"])  # type: ignore[attr-defined]
    modules = {_NAME: package, f"{_NAME}.utils": utils}
    for name, (given, home) in _SUBMODULES.items():
        full = f"{_NAME}.{name}"
        modules[full] = _module(full, f"Names of {full}, from the package astroquery_mast.", home)
        vars(modules[full]).update({each: getattr(compat_clients, each) for each in given})
        vars(package)[name] = modules[full]
    vars(modules[f"{_NAME}.core"])["MastQueryWithLogin"] = compat_clients.PrivateNames
    return modules


def _module(name: str, doc: str, home: str | None = None) -> ModuleType:
    """An empty module; its names are looked up in a module of this package, ``home``, if one is given."""
    spec = ModuleSpec(name, loader=None, origin=__file__, is_package=name == _NAME)
    spec.has_location = True
    if name == _NAME:
        # Keep the path, so that imports find what is not replaced, such as recorded responses for tests.
        found = find_spec(_NAME)
        spec.submodule_search_locations = list(found.submodule_search_locations or []) if found else []
    module = module_from_spec(spec)
    module.__doc__ = doc
    if home is not None:
        source = import_module(f"astroquery_mast.{home}")
        module.__getattr__ = lambda asked: getattr(source, asked)  # type: ignore[method-assign]
    return module


def _log_earlier_imports() -> None:
    """Log the modules that already imported ``astroquery.mast``."""
    early = sorted(_importers_of(sys.modules.get(_NAME)))
    if early:
        log.warning(
            "These modules imported astroquery.mast before install() and keep using it: %s. Call install() first.",
            ", ".join(early),
        )


def _importers_of(original: ModuleType | None) -> Iterator[str]:
    """The modules outside of astroquery that refer to the original package, or to one of its public objects."""
    if original is None:
        return
    named = getattr(original, "__all__", ())
    held = {id(original), *(id(value) for name, value in vars(original).items() if name in named)}
    for name, module in list(sys.modules.items()):
        outside = isinstance(module, ModuleType) and name.split(".")[0] not in {"astroquery", "astroquery_mast"}
        if outside and not held.isdisjoint(map(id, list(vars(module).values()))):
            yield name
