"""The products of single missions: how they are listed, and where their files come from.

In: datasets and products in any form.  Out: the input of the product flow (see
`astroquery_mast.downloads.product_flow`): product lists with the columns that the plan of a download needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, ClassVar
from urllib.parse import quote

import numpy as np
from astropy.table import MaskedColumn, Table

from ..config import Endpoints
from ..downloads.bucket import Bucket
from ..downloads.download import FileSource
from ..exceptions import InvalidArgumentError, InvalidQueryError
from ..products.file_names import column_as_text
from ..products.filters import extension_mask, filter_mask
from ..products.listing import as_table, identifiers, uri_at
from ..products.manifest import masked_column
from ..products.plan import EXCLUSIVE, data_url, escaped_url
from ..query.request import ApiRequest
from ..service.http import AnswerPage
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..tables.columns import plain_cells
from ..tables.mashup import Page
from .responses import as_subscription, products_table, read_products

# Columns of products, and of some datasets, that hold the dataset identifier.
_DATASET_COLUMNS = ("dataset", "fileset")
# Missions with a download service of their own, which accepts file names.  All other files need a URI.
_BY_NAME = frozenset({"hst", "jwst", "roman", "roman_spectra", "roman_cgi"})
_URI = "mast:"


@dataclass(frozen=True)
class MissionSource:
    """The products of one mission, for one call; a `~astroquery_mast.downloads.product_flow.ProductSource`."""

    service: MastService
    mission: str
    dataset_columns: Mapping[str, str]

    batch_size: ClassVar = 1000
    key: ClassVar = "filename"
    product_columns: ClassVar[tuple[str, ...]] = ("filename", "uri")
    nothing_left: ClassVar[str] = "No products to download after applying filters."

    def identifiers(self, given: Any) -> list[str]:
        """Return the identifiers of datasets."""
        found = list(dict.fromkeys(identifiers(given, self._dataset_ids, "dataset")))
        if not found:
            raise InvalidQueryError("Dataset list is empty, no associated products.")
        return found

    def pages(self, identifiers: Sequence[str], deadline: Deadline) -> list[AnswerPage]:
        """Request the products of some datasets."""
        return [self.service.page(self._request(identifiers), deadline)]

    def table(self, identifiers: Sequence[str], batches: Iterable[Sequence[Page]]) -> Table:
        """Return all responses as one table, in the order of the datasets."""
        pages = [page for batch in batches for page in batch]
        return products_table(self._request(identifiers), pages, identifiers)

    def products_in(self, given: Any, verbose: bool) -> Table | None:
        """Return the given products, or those of a list mailed to subscribers; None if datasets are given."""
        del verbose
        table = as_table(given)
        if table is not None:
            return table if set(self.product_columns) & set(table.colnames) else None
        table = as_subscription(given)
        if table is None and (given is None or (isinstance(given, Sequence) and not len(given))):
            raise InvalidQueryError("No products specified for download.")
        return table

    def filtered(self, products: Table, filters: Mapping[str, Any]) -> Table:
        """Return the products that match all filters."""
        columns = {name: wanted for name, wanted in filters.items() if name != "extension"}
        return filter_mission_products(products, filters.get("extension"), columns)

    def files(self, products: Table, *, in_folders: bool) -> tuple[Table, FileSource]:
        """Return products with the columns of a plan, each file once, and their source."""
        return mission_files(products, self.service.endpoints, self.mission, in_folders=in_folders)

    def file(self, given: Any) -> tuple[str, FileSource]:
        """Return the name or URI of a single file, which may be given as an address, and its source."""
        if not isinstance(given, str) or not given.strip():
            raise InvalidQueryError(f"The file must be a file name or URI, got {given!r}.")
        endpoints = self.service.endpoints
        bucket = Bucket.configured(endpoints)
        if bucket.key(given) is not None:
            return given, FileSource(bucket)
        mission = next((each for each in _BY_NAME if given.startswith(_retrieve_url(endpoints, each))), self.mission)
        uri = uri_at(given, _retrieve_url(endpoints, mission), f"{endpoints.download}?uri=")
        reason = refusal_of(uri, mission)
        if reason is not None:
            raise InvalidQueryError(reason)
        return uri, FileSource(MissionService(endpoints, mission))

    def _dataset_ids(self, table: Table) -> list[object]:
        """Return the identifiers in a table of datasets."""
        own = self.dataset_columns.get(self.mission)
        candidates = [*([own] if own else self.dataset_columns.values()), *_DATASET_COLUMNS]
        by_name = {name.lower(): name for name in table.colnames}
        name = next((by_name[each.lower()] for each in candidates if each.lower() in by_name), None)
        if name is None:
            raise InvalidArgumentError(
                f'Dataset keyword not found for mission "{self.mission}": expected the column '
                f"{own or '(unknown)'!r}, but the table has {', '.join(table.colnames)}. Pass the dataset "
                "IDs as a string, a list, or a column."
            )
        return plain_cells(table[name])

    def _request(self, datasets: Sequence[str]) -> ApiRequest:
        """Return the request for the products of datasets."""
        url = f"{self.service.endpoints.mission(self.mission)}/post_list_products"
        return ApiRequest(
            f"MAST product list ({self.mission})", url, {"dataset_ids": list(datasets)}, reader=read_products
        )


def service_of_manifest(manifest: Table, service: MastService, mission: str) -> MissionService:
    """Return the source of the files of a manifest; ``mission`` applies if the manifest has no column for it."""
    if not {"mission", "dataURI"} <= set(manifest.colnames):
        return MissionService(service.endpoints, mission)
    pairs = zip(*(plain_cells(manifest[name]) for name in ("dataURI", "mission")), strict=True)
    return MissionService(service.endpoints, mission, {str(uri): str(own) for uri, own in pairs if uri and own})


def refusal_of(uri: str, mission: str) -> str | None:
    """Return the reason why a file cannot be downloaded by this name, or None if it can."""
    if mission in _BY_NAME or uri.startswith((_URI, "https://", "http://")):
        return None
    return (
        f'For mission "{mission}", a full MAST URI is required for downloading, such as "mast:HLSP/...", not "{uri}".'
    )


def _retrieve_url(endpoints: Endpoints, mission: str) -> str:
    """Return the address of the download service of a mission, up to the file name."""
    return f"{endpoints.mission(mission)}/retrieve_product?product_name="


@dataclass(frozen=True)
class MissionService:
    """The source of mission files; a `~astroquery_mast.products.plan.DownloadService`."""

    endpoints: Endpoints
    mission: str
    missions: Mapping[str, str] = field(default_factory=dict)

    def _service(self, uri: str) -> str | None:
        """Return the download service of the file's mission, or None for a URI, which it does not know."""
        mission = self.missions.get(uri, self.mission)
        return _retrieve_url(self.endpoints, mission) if mission in _BY_NAME and not uri.startswith(_URI) else None

    def data_url(self, uri: str) -> str:
        """Return the address of a file as shown in manifests."""
        service = self._service(uri)
        return data_url(self.endpoints.download, uri) if service is None else f"{service}{uri}"

    def escaped_url(self, uri: str) -> str:
        """Return the percent-encoded address of a file, as requested from MAST."""
        service = self._service(uri)
        if service is None:
            return escaped_url(self.endpoints.download, uri)
        return f"{service}{quote(uri, safe='', errors='replace')}"


# Column of the plan → attribute of the product.
_PLAN_COLUMNS = {"productFilename": "name", "obs_collection": "mission", "obs_id": "dataset", "dataRights": "rights"}


def mission_files(products: Table, endpoints: Endpoints, mission: str, *, in_folders: bool) -> tuple[Table, FileSource]:
    """Return products with the columns of a plan, each file once, and their source."""
    _check_columns(products, in_folders)
    rows = _mission_products(products, mission)
    _check_missions(rows)
    first = _first_of_each(rows)
    rows = [rows[index] for index in first]
    table = _with_plan_columns(products[first] if len(products) else products.copy(), rows)
    service = MissionService(endpoints, mission, {row.uri: row.mission for row in rows})
    refusals = {index: reason for index, row in enumerate(rows) if (reason := row.refusal(in_folders))}
    return table, FileSource(service, refusals=refusals, missions=[row.mission for row in rows])


def _mission_products(products: Table, mission: str) -> list[_MissionProduct]:
    """Return the files of a product table; those without a mission belong to the given one."""
    columns = [column_as_text(products, name) for name in ("uri", "filename", "mission", "access", *_DATASET_COLUMNS)]
    return [_MissionProduct.of(*cells, default_mission=mission) for cells in zip(*columns, strict=True)]


def _with_plan_columns(table: Table, rows: Sequence[_MissionProduct]) -> Table:
    """Add the columns that the plan of a download needs."""
    table["dataURI"] = masked_column([row.uri or None for row in rows], "U")
    for column, attribute in _PLAN_COLUMNS.items():
        table[column] = np.array([getattr(row, attribute) for row in rows], dtype=np.str_)
    return table


@dataclass(frozen=True)
class _MissionProduct:
    """One file of a product table."""

    uri: str
    name: str
    mission: str
    dataset: str
    rights: str

    @classmethod
    def of(
        cls, uri: str, filename: str, mission: str, access: str, dataset: str, fileset: str, *, default_mission: str
    ) -> _MissionProduct:
        """Read the cells of a row, each of which may be empty."""
        uri = next((each for each in (uri, filename) if each.strip()), "")
        return cls(
            uri,
            filename if filename.strip() else PurePosixPath(uri).name,
            mission.strip().lower() or default_mission,
            dataset.strip() or fileset.strip(),
            _rights(access),
        )

    def refusal(self, in_folders: bool) -> str | None:
        """Return the reason why the file cannot be downloaded, or None.  The plan rejects files without a URI."""
        if not self.uri:
            return None
        return refusal_of(self.uri, self.mission) or (_NO_DATASET if in_folders and not self.dataset else None)


_NO_DATASET = "The product has no dataset to name its folder. Use flat=True to save files without folders."


def _check_columns(products: Table, in_folders: bool) -> None:
    """Raise if a column that the download needs is missing."""
    if not {"filename", "uri"} & set(products.colnames):
        raise InvalidArgumentError(
            "Column 'filename' not found: this is not a table of products. Its columns are "
            f"{', '.join(products.colnames)}. If it is a table of datasets, pass it to get_product_list "
            "first."
        )
    if in_folders and not set(_DATASET_COLUMNS) & set(products.colnames):
        raise InvalidArgumentError(
            'Data product is missing "dataset" or "fileset" field, which names its folder. Use flat=True to '
            "save files without folders."
        )


def _check_missions(rows: Iterable[_MissionProduct]) -> None:
    """Raise if a file is listed for two missions, because it is not known which one is meant."""
    known: dict[str, str] = {}
    for row in rows:
        if row.uri and known.setdefault(row.uri, row.mission) != row.mission:
            raise InvalidArgumentError(
                f"{row.uri!r} is listed for both {known[row.uri]} and {row.mission}. Download one mission at a time."
            )


def _first_of_each(rows: Sequence[_MissionProduct]) -> list[int]:
    """Return the first row of each file; rows without a name are kept, to be reported.

    Files that are downloaded by name may be listed for several datasets, with another URI for each.  All other files
    are identified by URI alone.
    """
    seen: set[tuple[str, str]] = set()
    first = []
    for index, row in enumerate(rows):
        keys = {("", row.uri), (row.mission, row.name)} if row.mission in _BY_NAME else {("", row.uri)}
        if not row.uri or keys.isdisjoint(seen):
            first.append(index)
            seen |= keys
    return first


def _rights(access: str) -> str:
    """Return the access rights of a file, in the terms of MAST's other products."""
    word = access.strip().upper()
    return word if word in {"", "PUBLIC"} else EXCLUSIVE


def filter_mission_products(
    products: Table, extension: str | Iterable[str] | None, filters: Mapping[str, object]
) -> Table:
    """Return the products that match all filters."""
    plain = Table({name: _trimmed(products[name]) for name in products.colnames}, copy=False)
    passed = filter_mask(plain, filters)
    if extension is not None:
        name = "filename" if "filename" in products.colnames else "uri"
        passed &= extension_mask(plain[name], extension)
    return products[passed]


def _trimmed(column: Any) -> Any:
    """Remove trailing blanks from the strings of a column."""
    if column.dtype.kind != "U":
        return column
    return MaskedColumn(np.char.rstrip(np.ma.getdata(column), " "), mask=np.ma.getmaskarray(column), copy=False)
