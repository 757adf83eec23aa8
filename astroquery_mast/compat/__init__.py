"""Take the place of ``astroquery.mast``, so that packages written against it use this one, unmodified.

In: `install`.  Out: the name ``astroquery.mast`` stands for this package, for whoever imports it from then on, until
`uninstall`.  The clients are those of `astroquery_mast.compat.clients`.
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
# The modules of astroquery.mast: what code imports from them, and where else a name may be found.
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
# Under whose name astroquery.mast warns that nothing was found: people filter on it.
_SPOKESMAN = f"{_NAME}.discovery_portal"

_lock = threading.RLock()
# What the names stood for before: None where they were not imported; empty unless installed.
_before: dict[str, ModuleType | None] = {}
_attribute: list[ModuleType] = []


class Installation:
    """What `install` returns: in a ``with`` statement it ends with the block.

    Parameters
    ----------
    owner : bool
        Whether leaving the block uninstalls; False where the package was installed already.
    """

    def __init__(self, owner: bool) -> None:
        self._owner = owner

    def __enter__(self) -> Self:
        """Begin a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Uninstall, unless an outer block or an earlier call has installed."""
        if self._owner:
            uninstall()


def install() -> Installation:
    """Put this package in the place of ``astroquery.mast``.

    ``import astroquery.mast``, ``from astroquery.mast import Observations`` and imports from its modules give this
    package from now on.  What was imported before keeps what it has: those modules are named in the log.  A second call
    changes nothing.

    Returns
    -------
    Installation
        To be used in a ``with`` statement, or ignored.
    """
    with _lock:
        if _before:
            return Installation(owner=False)
        modules = _modules()
        _tell_of_early_ones()
        _before.update({name: sys.modules.get(name) for name in modules})
        _attribute[:] = [vars(astroquery)["mast"]] if "mast" in vars(astroquery) else []
        sys.modules.update(modules)
        astroquery.mast = modules[_NAME]
        warn_under_name(_SPOKESMAN)
        return Installation(owner=True)


def uninstall() -> None:
    """Give ``astroquery.mast`` its name back; what was imported meanwhile keeps this package.  Else nothing happens."""
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
    """Return whether this package stands in the place of ``astroquery.mast`` now."""
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
    """A module without names; what is asked of it is looked for in a module of this package, if one is given."""
    spec = ModuleSpec(name, loader=None, origin=__file__, is_package=name == _NAME)
    spec.has_location = True
    if name == _NAME:
        # What is not replaced, such as its recorded answers for tests, is still found.
        found = find_spec(_NAME)
        spec.submodule_search_locations = list(found.submodule_search_locations or []) if found else []
    module = module_from_spec(spec)
    module.__doc__ = doc
    if home is not None:
        source = import_module(f"astroquery_mast.{home}")
        module.__getattr__ = lambda asked: getattr(source, asked)  # type: ignore[method-assign]
    return module


def _tell_of_early_ones() -> None:
    """Name the modules that have taken something from ``astroquery.mast`` before, in the log."""
    early = sorted(_holders(sys.modules.get(_NAME)))
    if early:
        log.warning(
            "These modules imported astroquery.mast before install() and keep using it: %s. Call install() first.",
            ", ".join(early),
        )


def _holders(original: ModuleType | None) -> Iterator[str]:
    """The modules outside of astroquery that hold the original package, a class of it or a ready-made object."""
    if original is None:
        return
    named = getattr(original, "__all__", ())
    held = {id(original), *(id(value) for name, value in vars(original).items() if name in named)}
    for name, module in list(sys.modules.items()):
        outside = isinstance(module, ModuleType) and name.split(".")[0] not in {"astroquery", "astroquery_mast"}
        if outside and not held.isdisjoint(map(id, list(vars(module).values()))):
            yield name
