"""Products of single missions, as the plan of a download wants them.

In: a product table of the search API, or the records of a subscription.  Out: the same rows with the columns by which
files of all missions are planned, and where each of them comes from.  Pure.  Products flow, just before and after
"plan".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

import numpy as np
from astropy.table import MaskedColumn, Table

from ..config import Endpoints
from ..exceptions import InvalidArgumentError
from ..products.file_names import column_as_text
from ..products.filters import extension_mask, filter_mask
from ..products.plan import Action, PlannedFile, data_url, escaped_url

__all__ = ["MissionFiles", "MissionSource", "filter_mission_products", "trouble_with"]

# These have a service of their own that knows files by name; all others are known to MAST by URI only.
_BY_NAME = frozenset({"hst", "jwst", "roman", "roman_spectra", "roman_cgi"})
_OWNERS = ("dataset", "fileset")
_EXCLUSIVE = "EXCLUSIVE_ACCESS"


def trouble_with(uri: str, mission: str) -> str | None:
    """Return why a file cannot be fetched by this name, or None if it can."""
    if mission in _BY_NAME or uri.startswith("mast:"):
        return None
    return (
        f'For mission "{mission}", a full MAST URI is required for downloading, such as "mast:HLSP/...", not "{uri}".'
    )


@dataclass(frozen=True)
class MissionSource:
    """Where files of missions come from; a `~astroquery_mast.products.plan.DownloadService`."""

    endpoints: Endpoints
    mission: str
    missions: Mapping[str, str] = field(default_factory=dict)

    def _service(self, uri: str) -> str | None:
        """The service of the file's mission; None if it has none."""
        mission = self.missions.get(uri, self.mission)
        return f"{self.endpoints.mission(mission)}/retrieve_product" if mission in _BY_NAME else None

    def data_url(self, uri: str) -> str:
        """Return the address of a file as manifests show it."""
        service = self._service(uri)
        return data_url(self.endpoints.download, uri) if service is None else f"{service}?product_name={uri}"

    def escaped_url(self, uri: str) -> str:
        """Return the address of a file as it is asked for."""
        service = self._service(uri)
        if service is None:
            return escaped_url(self.endpoints.download, uri)
        return f"{service}?product_name={quote(uri, safe='', errors='replace')}"


@dataclass(frozen=True)
class MissionFiles:
    """Files to be planned."""

    table: Table
    missions: tuple[str, ...]
    troubles: tuple[str | None, ...]

    @classmethod
    def of(cls, products: Table, mission: str, *, in_folders: bool) -> MissionFiles:
        """Make them from products."""
        _check_columns(products, in_folders)
        uris, names = column_as_text(products, "uri"), column_as_text(products, "filename")
        uris = [uri if uri.strip() else name for uri, name in zip(uris, names, strict=True)]
        uris = [uri if uri.strip() else "" for uri in uris]
        names = [name if name.strip() else PurePosixPath(uri).name for name, uri in zip(names, uris, strict=True)]
        missions = [own.strip().lower() or mission for own in column_as_text(products, "mission")]
        _check_missions(uris, missions)
        first = _first_of_each(uris, names, missions)
        table = products[first] if len(products) else products.copy()
        owners = _owners(table)
        missions = [each for each, kept in zip(missions, first, strict=True) if kept]
        chosen = [uri for uri, kept in zip(uris, first, strict=True) if kept]
        table["dataURI"] = _masked(chosen)
        table["productFilename"] = _column(name for name, kept in zip(names, first, strict=True) if kept)
        table["obs_collection"], table["obs_id"] = _column(missions), _column(owners)
        table["dataRights"] = _column(map(_rights, column_as_text(table, "access")))
        lost = ["" if owner or not in_folders else _NO_DATASET for owner in owners]
        troubles = [
            (trouble_with(uri, own) or reason or None) if uri else None
            for uri, own, reason in zip(chosen, missions, lost, strict=True)
        ]
        return cls(table, tuple(missions), tuple(troubles))

    def source(self, endpoints: Endpoints, mission: str) -> MissionSource:
        """Return where they come from."""
        return MissionSource(
            endpoints, mission, dict(zip(column_as_text(self.table, "dataURI"), self.missions, strict=True))
        )

    def checked(self, planned: Iterable[PlannedFile]) -> list[PlannedFile]:
        """Return the plan, in which what cannot be fetched is refused with the reason."""
        return [
            file if trouble is None else replace(file, action=Action.REFUSE, reason=trouble)
            for file, trouble in zip(planned, self.troubles, strict=True)
        ]

    def with_missions(self, manifest: Table) -> Table:
        """Return the manifest with the missions, without which files could not be fetched again later."""
        manifest["mission"] = MaskedColumn(_column(self.missions))
        return manifest


_NO_DATASET = "The product has no dataset, which names its folder; flat=True does without."


def _check_columns(products: Table, in_folders: bool) -> None:
    """Raise if a column is missing without which nothing can be fetched."""
    if not {"filename", "uri"} & set(products.colnames):
        raise InvalidArgumentError(
            f"Products have a column 'filename', and these have none: {', '.join(products.colnames)}. Pass datasets to "
            "get_product_list first."
        )
    if in_folders and not set(_OWNERS) & set(products.colnames):
        raise InvalidArgumentError(
            "Products have a column 'dataset' or 'fileset', which names their folder, and these have none: flat=True "
            "does without."
        )


def _check_missions(uris: list[str], missions: list[str]) -> None:
    """Raise if a file is listed for two missions, so that nobody knows which of the two is meant."""
    known: dict[str, str] = {}
    for uri, mission in zip(uris, missions, strict=True):
        if uri and known.setdefault(uri, mission) != mission:
            raise InvalidArgumentError(
                f"{uri!r} is listed for {known[uri]} and for {mission}: download one mission after the other."
            )


def _first_of_each(uris: list[str], names: list[str], missions: list[str]) -> Any:
    """The rows that are the first of their files; one without any name stays, to be reported.

    What is known by name is listed with several datasets, under a URI with each; all else is told apart by URI alone.
    """
    seen: set[tuple[str, str]] = set()
    first = np.ones(len(uris), dtype=bool)
    for row, (uri, name, mission) in enumerate(zip(uris, names, missions, strict=True)):
        keys = {("", uri), (mission, name)} if mission in _BY_NAME else {("", uri)}
        first[row] = not uri or keys.isdisjoint(seen)
        if first[row]:
            seen |= keys
    return first


def _owners(table: Table) -> list[str]:
    """The dataset of each product."""
    dataset, fileset = (column_as_text(table, name) for name in _OWNERS)
    return [(one if one.strip() else other).strip() for one, other in zip(dataset, fileset, strict=True)]


def _rights(access: str) -> str:
    """Whether a file is public, in the words of MAST's other products."""
    word = access.strip().upper()
    return word if word in {"", "PUBLIC"} else _EXCLUSIVE


def _column(cells: Iterable[str]) -> Any:
    """Texts as a column, also if there are none."""
    return np.array(list(cells), dtype=np.str_)


def _masked(cells: list[str]) -> MaskedColumn:
    """Texts, masked where there is none."""
    return MaskedColumn(_column(cells), mask=[not cell for cell in cells])


def filter_mission_products(
    products: Table, extension: str | Iterable[str] | None, filters: Mapping[str, object]
) -> Table:
    """Return the products that pass all the filters."""
    plain = Table({name: _trimmed(products[name]) for name in products.colnames}, copy=False)
    passed = filter_mask(plain, filters)
    if extension is not None:
        name = "filename" if "filename" in products.colnames else "uri"
        passed &= extension_mask(plain[name], extension)
    return products[passed]


def _trimmed(column: Any) -> Any:
    """A column without blanks at the end of its texts."""
    if column.dtype.kind != "U":
        return column
    return MaskedColumn(np.char.rstrip(np.ma.getdata(column), " "), mask=np.ma.getmaskarray(column), copy=False)
