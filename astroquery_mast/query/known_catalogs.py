"""Descriptions of the catalogs that MAST serves and cross-matches.

In: the name that a user gives.  Out: a `Catalog`, with its services, its parameters, its row limit and the column of
the separation, or a `Crossmatch`.  The names of services and parameters are those of
https://mast.stsci.edu/api/v0/_services.html and https://catalogs.mast.stsci.edu/docs/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ..exceptions import InputWarning, InvalidArgumentError, InvalidCriterionError
from ..tables.columns import closest, no_such
from ..warn import warn_user
from .values import is_integer

HSC_SPECTRA = "Mast.HscSpectra.Db.All"
"""The service that lists all spectra of the Hubble Source Catalog."""

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_FULL_NAME = "mast."


@dataclass(frozen=True)
class Option:
    """An integer parameter of a service."""

    default: int
    least: int = 1
    most: int | None = None

    def checked(self, name: str, value: Any) -> int:
        """Return the user's value if it is valid; raise `InvalidArgumentError` otherwise."""
        if is_integer(value, self.least) and (self.most is None or value <= self.most):
            return int(value)
        wanted = f">= {self.least}" if self.most is None else f"from {self.least} to {self.most}"
        raise InvalidArgumentError(f"{name} must be an integer {wanted}, got {value!r}.")


@dataclass(frozen=True)
class Crossmatch:
    """The cross-match of positions with a catalog, with a service for each version."""

    name: str
    services: Mapping[int, str]
    choice: str = ""
    columns_ids: Mapping[int, str] = field(default_factory=dict)
    extended: bool = False

    def service(self, options: Mapping[str, Any]) -> tuple[str, str]:
        """Return the service, and the name of its column list."""
        self._refuse_others(options)
        chosen: Any = _as_version(options.get(self.choice))
        key: Any = list(self.services)[-1] if chosen is None else chosen
        if key not in self.services:
            known = ", ".join(map(str, sorted(self.services)))
            raise InvalidArgumentError(
                f"{self.choice}={chosen!r} is not valid for the cross-match with {self.name}: {known}."
            )
        return self.services[key], self.columns_ids.get(key, self.services[key])

    def _refuse_others(self, options: Mapping[str, Any]) -> None:
        """Raise an error for an option that the cross-match does not have."""
        for name, value in options.items():
            if value is not None and name != self.choice:
                raise InvalidArgumentError(
                    f"{name}={value!r} is not valid: the cross-match with {self.name} has no {name}."
                )


def _as_version(given: Any) -> Any:
    """Return the number of a version, which may be given as text; other values unchanged, but bool as text."""
    if isinstance(given, str) and given.strip().isdecimal():
        return int(given)
    return repr(given) if isinstance(given, bool | np.bool_) else given


@dataclass(frozen=True)
class Catalog:
    """One catalog, with the services that search and cross-match it."""

    name: str
    cones: Mapping[int, str] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    limit: str = ""
    filtered: str = ""
    rows: str = ""
    count: str = ""
    chooses: bool = False
    columns_id: str = ""
    separation: tuple[str, str] = ("", "")
    path: str = ""
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    crossmatch: Crossmatch | None = None

    def cone(self, version: Any = None) -> str:
        """Return the service of the cone search."""
        return self.versioned(self.cones, version)

    def versioned(self, services: Mapping[int, str], version: Any) -> str:
        """Return the service for a version of the catalog; see `cone`."""
        latest, version = max(services), _as_version(version)
        if version is None or version in services:
            return services[latest if version is None else version]
        known = (
            f"the only version is {latest}"
            if len(services) == 1
            else f"valid versions are {', '.join(map(str, services))}"
        )
        # The text of astroquery.mast, which has the word "catalog" only for this one.
        name = f"{self.name}{' catalog' * (self.name == 'PLATO')}"
        what = f"Invalid {name} version number {version!r}: {known}. Version {latest} is used."
        if latest == 0:
            instead = f" data_release is {' or '.join(map(repr, self.tables))}." if self.tables else ""
            what = f"version={version!r} is ignored: {self.name} has no versions.{instead}"
        warn_user(what, InputWarning)
        return services[latest]

    def filtered_service(self, *, positional: bool, count: bool = False) -> str:
        """Return the service for criteria."""
        if not self.filtered:
            raise self._without_criteria(count)
        return f"{self.filtered}{'.Position' if positional else ''}{self.count if count else self.rows}"

    def _without_criteria(self, count: bool) -> InvalidArgumentError:
        """The error for a catalog without a service for criteria."""
        able = [other.name for other in CATALOGS.values() if other.filtered or (other.path and not count)]
        what = "Count" if count else "Criteria query"
        by_tap = [other.name for key, other in CATALOGS.items() if key in _VERSIONS]
        instead = "query_region returns the rows around a position, which you can filter and count."
        return InvalidArgumentError(
            f"{what} not available for {self.name}. Available for {', '.join([*able, *by_tap])}, and for all "
            f"TAP catalogs (collection=). {instead}"
        )

    def parameters(self, given: Mapping[str, Any]) -> dict[str, int]:
        """Return the parameters of the cone search: the user's values, and the defaults of the others."""
        chosen = {name: option.default for name, option in self.options.items()}
        for name, value in given.items():
            if name.lower() not in self.options:
                raise self._unknown(name)
            chosen[name.lower()] = self.options[name.lower()].checked(name, value)
        return chosen

    def _unknown(self, name: str) -> InvalidCriterionError:
        """The error for an unknown parameter."""
        said = f"Filter '{name}' does not exist for catalog {self.name}."
        if self.filtered and not closest(name, self.options):
            said += " For criteria on its columns, use query_criteria with coordinates or object_name."
            return InvalidCriterionError(said)
        if name.lower() == "data_release" and len(self.cones) > 1:
            return InvalidCriterionError(f"{said} Valid: version={' or '.join(map(str, self.cones))}.")
        if not self.options:
            return InvalidCriterionError(f"{said} This catalog has no parameters.")
        return no_such(said, name, self.options, error=InvalidCriterionError)

    def table(self, release: Any = None, table: Any = None) -> tuple[str, str]:
        """Return the data release and the table of a catalog of Catalogs.MAST."""
        releases = list(self.tables)
        chosen = releases[-1] if release is None else str(release).strip().lower()
        if chosen not in releases:
            raise InvalidArgumentError(
                f"data_release={release!r} is not valid for {self.name}. Valid: {', '.join(releases)}."
            )
        tables = self.tables[chosen]
        wanted = tables[0] if table is None else str(table).strip().lower()
        if wanted not in tables:
            raise InvalidArgumentError(
                f"table={table!r} is not a table of {self.name} {chosen}. Valid: {', '.join(tables)}."
            )
        return chosen, wanted


_ROW_LIMIT = Option(50000)


def _tess(name: str) -> Catalog:
    """The TESS Input Catalog, or the Candidate Target List, which is a subset with the same columns."""
    stem = name.capitalize()
    return Catalog(
        name,
        cones={0: f"Mast.Catalogs.{stem}.Cone"},
        filtered=f"Mast.Catalogs.Filtered.{stem}",
        # This service returns rows faster, but cannot count them.
        rows=".Rows",
        chooses=True,
        columns_id="Mast.Catalogs.Tess.Cone",
        separation=("dstArcSec", "arcsec"),
        crossmatch=_crossmatch(name, "Mast.Catalogs.Tess.Cone"),
    )


def _gaia(name: str, *releases: int) -> Catalog:
    """One or all data releases of Gaia; a single one has no choice of versions."""
    cones = {number: f"Mast.Catalogs.GaiaDR{number}.Cone" for number in releases}
    several = len(releases) > 1
    return Catalog(
        name,
        cones=cones if several else {0: cones[releases[0]]},
        separation=("distance", "arcmin"),
        crossmatch=Crossmatch(
            name,
            {number: f"Mast.GaiaDR{number}.Crossmatch" for number in releases},
            "version" if several else "",
            cones,
        ),
    )


def _crossmatch(name: str, columns_id: str = "") -> Crossmatch:
    """A cross-match without versions."""
    ids = {0: columns_id} if columns_id else {}
    return Crossmatch(name, {0: f"Mast.{name.capitalize()}.Crossmatch"}, columns_ids=ids)


CATALOGS: Mapping[str, Catalog] = MappingProxyType(
    {
        "hsc": Catalog(
            "HSC",
            cones={2: "Mast.Hsc.Db.v2", 3: "Mast.Hsc.Db.v3"},
            options={"nr": _ROW_LIMIT, "ni": Option(1, least=0), "magtype": Option(1, most=2)},
            limit="nr",
            separation=("Distance", "arcmin"),
            crossmatch=Crossmatch(
                "HSC",
                {2: "Mast.Hsc.Crossmatch.MagAutov3", 1: "Mast.Hsc.Crossmatch.MagAper2v3"},
                "magtype",
                dict.fromkeys((1, 2), "Mast.Hsc.Db.v3"),
            ),
        ),
        "galex": Catalog(
            "Galex",
            cones={0: "Mast.Galex.Catalog"},
            options={"maxrecords": _ROW_LIMIT},
            limit="maxrecords",
            separation=("distance_arcmin", "arcmin"),
            crossmatch=Crossmatch("GALEX", {0: "Mast.Galex.Crossmatch"}, columns_ids={0: "Mast.Galex.Catalog"}),
        ),
        "gaia": _gaia("Gaia", 1, 2, 3),
        **{f"gaiadr{number}": _gaia(f"GaiaDR{number}", number) for number in (1, 2, 3)},
        "tgas": Catalog(
            "Tgas",
            cones={0: "Mast.Catalogs.Tgas.Cone"},
            separation=("distance", "arcmin"),
            crossmatch=_crossmatch("Tgas", "Mast.Catalogs.Tgas.Cone"),
        ),
        "tic": _tess("TIC"),
        "ctl": _tess("CTL"),
        "diskdetective": Catalog(
            "DiskDetective",
            cones={0: "Mast.Catalogs.DiskDetective.Cone"},
            filtered="Mast.Catalogs.Filtered.DiskDetective",
            count=".Count",
            columns_id="Mast.Catalogs.Dd.Cone",
            separation=("dstArcSec", "arcsec"),
        ),
        "plato": Catalog("PLATO", cones={1: "Mast.Catalogs.Plato.Cone"}, separation=("dstArcSec", "arcsec")),
        "panstarrs": Catalog(
            "Pan-STARRS",
            path="panstarrs",
            tables={
                "dr1": ("mean", "stack", "forced_mean"),
                "dr2": ("mean", "stack", "detection", "forced_mean"),
            },
            separation=("distance", "deg"),
        ),
    }
)
"""Name in lower case → catalog."""

CROSSMATCHES: Mapping[str, Crossmatch] = MappingProxyType(
    {
        **{key: catalog.crossmatch for key, catalog in CATALOGS.items() if catalog.crossmatch},
        # These can be cross-matched, but not searched.
        "sdss": Crossmatch("SDSS", {0: "Mast.Sdss.Crossmatch"}),
        "2mass": Crossmatch("2MASS", {0: "Mast.2Mass.Crossmatch"}),
    }
)
"""Name in lower case → cross-match."""

OBSERVATIONS = Crossmatch(
    "the observations", {0: "Mast.Caom.Crossmatch"}, columns_ids={0: "Mast.Caom.Cone"}, extended=True
)
"""The footprints of all observations."""

HSC_MATCHES: Mapping[int, str] = MappingProxyType({2: "Mast.HscMatches.Db.v2", 3: "Mast.HscMatches.Db.v3"})
"""Version → the service that lists the detections of an object of the Hubble Source Catalog."""


def find_catalog(name: Any) -> Catalog:
    """Return a catalog by its name."""
    if not isinstance(name, str) or not _NAME.fullmatch(name.strip()):
        raise InvalidArgumentError(
            f"catalog must be the name of a catalog, such as {', '.join(shown_names())}, got {name!r}."
        )
    name = name.strip()
    known = CATALOGS.get(name.lower().replace("-", ""))
    if known is not None:
        return known
    service = name if name.lower().startswith(_FULL_NAME) else f"Mast.Catalogs.{name}.Cone"
    return _catalog_of(service) or Catalog(name, cones={0: service}, separation=("dstArcSec", "arcsec"))


def _catalog_of(service: str) -> Catalog | None:
    """The known catalog that a service searches, with only that version."""
    cones = ((catalog, own) for catalog in CATALOGS.values() for own in catalog.cones.values())
    return next((replace(catalog, cones={0: own}) for catalog, own in cones if own.lower() == service.lower()), None)


def find_crossmatch(catalog: Any) -> Crossmatch:
    """Return a cross-match by its name."""
    name = catalog.strip() if isinstance(catalog, str) else ""
    key = name.lower().replace("-", "").replace(" ", "")
    if key in CROSSMATCHES:
        return CROSSMATCHES[key]
    if key.startswith("mast.") and ".crossmatch" in key:
        return _crossmatch_of(name) or Crossmatch(name, {0: name})
    shown = [known.name for known in CROSSMATCHES.values()]
    raise no_such(f"catalog={catalog!r} cannot be cross-matched.", name, shown)


def _crossmatch_of(service: str) -> Crossmatch | None:
    """The known cross-match of a service, with only that version, and with the known spelling."""
    for known in (*CROSSMATCHES.values(), OBSERVATIONS):
        for number, own in known.services.items():
            if own.lower() == service.lower():
                ids = {number: known.columns_ids.get(number, own)}
                return Crossmatch(known.name, {number: own}, "", ids, known.extended)
    return None


def shown_names() -> list[str]:
    """Return the names of catalogs for messages."""
    return [catalog.name for key, catalog in CATALOGS.items() if catalog.name.lower().replace("-", "") == key]


# -- collections of TAP ---------------------------------------------------------------------------------------------


DEFAULT_TABLES: Mapping[str, str] = MappingProxyType(
    {
        "hsc": "dbo.SumMagAper2CatView",
        "hscv2": "dbo.SumMagAper2CatView",
        "tic": "dbo.CatalogRecord",
        "tic_v82": "tic_v82.source",
        "gaiadr3": "dbo.gaia_source",
        "ps1_dr2": "ps1_dr2.forced_mean_object",
        "ps1dr1": "dbo.MeanObjectView",
        "ps1dr2": "dbo.MeanObjectView",
        "skymapperdr4": "dr4.master",
        "caom": "dbo.obspointing",
        "missionmast": "dbo.hst_science_missionmast",
        "classy": "dbo.targets",
        "ullyses": "dbo.sciencemetadata",
        "goods": "dbo.goods_master_view",
        "candels": "dbo.candels_master_view",
        "3dhst": "dbo.HLSP_3DHST_summary",
        "deepspace": "dbo.DeepSpace_Summary",
    }
)
"""Collection → its default table."""
DEFAULT_COLLECTION = "hsc"
RENAMED: Mapping[str, str] = MappingProxyType({"panstarrs": "ps1_dr2", "gaia": "gaiadr3"})
"""Older name of a collection → its current name."""
COLLECTION_OF: Mapping[str, str] = MappingProxyType(
    {"hsc": "hsc", "gaia": "gaiadr3", "gaiadr3": "gaiadr3", "tic": "tic", "panstarrs": "ps1_dr2"}
)
"""Name in lower case of a catalog of the older services → the same collection in TAP."""
OLD_ONLY = frozenset(CATALOGS) - frozenset(COLLECTION_OF)
"""Catalogs of the older services that TAP does not have."""
_VERSIONS = {"hsc": {"2": "hscv2", "3": "hsc"}, "gaia": {"3": "gaiadr3"}}
# Schemas with tables of many collections.
_SHARED = frozenset({"dbo", "ivoa"})


def catalog_key(name: Any) -> str | None:
    """Return the key of a catalog of the older services, or None for any other name."""
    key = name.strip().lower().replace("-", "") if isinstance(name, str) else ""
    return key if key in CATALOGS else None


def collection_of(key: str, version: Any = None) -> str | None:
    """Return the TAP collection for a catalog of the older services and its version, or None."""
    versions = _VERSIONS.get(key, {})
    if version is None or not versions:
        return COLLECTION_OF.get(key)
    if str(version) not in versions:
        known = " and ".join(versions)
        raise InvalidArgumentError(
            f"version={version!r} is not valid for this query through TAP. Available: {CATALOGS[key].name} {known}."
        )
    return versions[str(version)]


def takes_no_criteria(key: str) -> bool:
    """Return whether the older services of a catalog do not support criteria and counts."""
    return not CATALOGS[key].filtered and not CATALOGS[key].path


def named_collection(catalog: Any) -> tuple[str | None, str | None]:
    """Return the collection and the table for a name that only TAP has; the name of a table includes its schema."""
    name = catalog.strip().lower() if isinstance(catalog, str) else ""
    if name in DEFAULT_TABLES:
        return name, None
    schema, point, _ = name.partition(".")
    return (_owner(schema, name), catalog) if point and f"{schema}." != _FULL_NAME else (None, None)


def _owner(schema: str, table: str) -> str:
    """The collection of a table."""
    owner = next((each for each, usual in DEFAULT_TABLES.items() if usual.lower() == table), None)
    if owner is None and schema in _SHARED:
        raise InvalidArgumentError(
            f"catalog={table!r} is ambiguous: many collections have a schema {schema!r}. Specify collection= as well."
        )
    return owner or schema
