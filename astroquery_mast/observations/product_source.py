"""The products of observations: how they are listed, and where their files come from.

In: observations and products in any form that users pass.  Out: what the product flow needs, see
`astroquery_mast.downloads.product_flow`; addresses in the public cloud copy, see `astroquery_mast.downloads.bucket`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from astropy.table import MaskedColumn, Table
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery import log

from ..downloads.bucket import Bucket, Cloud
from ..downloads.download import FileSource
from ..downloads.product_files import named_file
from ..downloads.product_flow import ProductFlow
from ..downloads.sessions import anonymous_http
from ..exceptions import InputWarning, InvalidArgumentError, InvalidQueryError, MastError, NoResultsWarning
from ..products.addresses import files_of_products
from ..products.file_names import column_as_text
from ..products.filters import filter_products
from ..products.keyword_rows import files_as_products
from ..products.listing import as_obsids, as_table, readme_first, single_cells, unique_products
from ..products.plan import EXCLUSIVE
from ..query.request import MashupRequest
from ..service.http import AnswerPage
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..tables.columns import few_names
from ..tables.mashup import Page
from ..targets.batch import AnswerCollector
from ..warn import warn_user
from .search import CAOM_PRODUCTS

_DISABLED = (
    "`cloud_only` is True but cloud data access is not enabled. Files are downloaded from MAST. To use the "
    "cloud, call enable_cloud_dataset()."
)
_RELEASE = "t_obs_release"
# The observation by which a product was found; it may belong to another observation.
_FOUND_BY = ("parent_obsid", "obsID")


@dataclass(frozen=True)
class CloudChoice:
    """Whether files come only from the cloud, only from MAST, or from wherever they are available."""

    cloud_only: bool = False
    force_on_prem: bool = False

    def __post_init__(self) -> None:
        """Raise for contradictory choices."""
        if self.cloud_only and self.force_on_prem:
            raise InvalidQueryError(
                "Invalid argument combination: cloud_only=True and force_on_prem=True contradict each other. Set one "
                "to False."
            )


ANYWHERE = CloudChoice()
"""Files come from the cloud if they are available there and the user has enabled it, and from MAST otherwise."""


@dataclass(frozen=True)
class AddressForm:
    """The form in which cloud addresses are returned, and whether to check that each object exists."""

    include_bucket: bool
    full_url: bool
    check: bool
    verbose: bool = True

    def address(self, bucket: Bucket, key: str) -> str:
        """Return the address of an object."""
        if self.include_bucket:
            return bucket.uri(key)
        return bucket.url(key) if self.full_url else key

    def __post_init__(self) -> None:
        """Warn about a choice that has no effect."""
        if self.include_bucket and self.full_url:
            message = "full_url=True has no effect with include_bucket=True. Set include_bucket=False."
            warn_user(message, InputWarning)


class CloudFiles:
    """Files in the public cloud copy, whether downloads use it, and the release dates of exclusive files."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self.enabled = False
        self.releases: dict[str, float] = {}

    def enable(self, provider: str, profile: str | None, *, verbose: bool) -> None:
        """Let downloads use the cloud."""
        if str(provider).upper() != "AWS":
            warn_user(f"provider={provider!r} is not supported. Using 'AWS'.", InputWarning)
        if profile is not None:
            message = (
                "profile is ignored: MAST Open Data on AWS is now free to access and does not require an AWS account."
            )
            warn_user(message, AstropyDeprecationWarning)
        self.enabled = True
        if verbose:
            log.info("Downloads use the public cloud copy at %s if available.", self._cloud().bucket.server)

    def datasets(self) -> list[str]:
        """Return the missions and projects with copies in the cloud."""
        return self._cloud().datasets(self._service.deadline(None))

    def find(
        self, products: Any, flow: ProductFlow, filters: Sequence[Mapping[str, Any]], form: AddressForm
    ) -> dict[str, str | None] | None:
        """Return dataURI → address for the products that pass the filters; warn and return None if there are none."""
        uris, missing, closed = self._wanted(products, flow, filters, form.verbose)
        if missing and form.verbose:
            log.warning("%d products have no dataURI and are skipped.", missing)
        if not uris:
            warn_user("No matching products to fetch associated cloud URIs.", NoResultsWarning)
            return None
        return self._addresses(uris, closed, form)

    def find_one(self, product: Any, form: AddressForm) -> str | None:
        """Return the address of one product; warn and return None if it has no copy."""
        uris, missing = _data_uris(product)
        if len(uris) + missing != 1:
            raise InvalidQueryError(f"Expected one product, got {len(uris)}. Use get_cloud_uris for several.")
        return next(iter(self._addresses(uris, _exclusive(as_table(product)), form).values()), None)

    def urls(self, uris: Iterable[str], choice: CloudChoice) -> dict[str, str]:
        """Return the https addresses of cloud copies for a download; files without a copy are omitted.

        If the lookup fails, the files are downloaded from MAST.
        """
        if choice.cloud_only and not self.enabled:
            warn_user(_DISABLED, InputWarning)
        return self._urls(uris) if self.is_used(choice) else {}

    def addressed(self, form: AddressForm) -> Callable[[str], str]:
        """Return a function that converts an https address in the cloud to the requested form."""
        bucket = self._cloud().bucket
        return lambda url: form.address(bucket, bucket.key(url) or url)

    def is_used(self, choice: CloudChoice) -> bool:
        """Return whether downloads use the cloud."""
        return self.enabled and not choice.force_on_prem

    def named(self, text: Any, download_url: str | None = None) -> tuple[str, Bucket | None]:
        """Return the dataURI in a text, and None; or the cloud address that the text is, and its bucket."""
        return named_file(text, download_url or self._service.endpoints.download, self._cloud().bucket)

    def for_opening(self, choice: CloudChoice) -> CloudFiles:
        """Return the same for opening files: ``cloud_only`` applies even if the cloud is not enabled."""
        files = CloudFiles(self._service)
        files.enabled = self.enabled or choice.cloud_only
        files.releases = self.releases
        return files

    # -- lookups -------------------------------------------------------------------------------------------------------

    def _cloud(self) -> Cloud:
        """Return the cloud as currently configured."""
        return Cloud(anonymous_http(self._service), self._service.endpoints)

    def _urls(self, uris: Iterable[str]) -> dict[str, str]:
        """Return the https addresses of cloud copies."""
        cloud = self._cloud()
        try:
            keys = cloud.keys(uris, self._service.deadline(None))
        except MastError as err:
            log.warning("Could not look up the cloud copies: %s", err)
            return {}
        return {uri: cloud.bucket.url(key) for uri, key in keys.items() if key is not None}

    def _addresses(self, uris: Sequence[str], closed: Collection[str], form: AddressForm) -> dict[str, str | None]:
        """Return the addresses of files; None for files without a public copy."""
        cloud, deadline = self._cloud(), self._service.deadline(None)
        keys = cloud.keys(uris, deadline)
        if form.check:
            existing = cloud.existing(filter(None, keys.values()), deadline)
            keys = {uri: key if key in existing else None for uri, key in keys.items()}
        else:
            keys = {uri: None if uri in closed else key for uri, key in keys.items()}
        if form.verbose:
            _warn_of_absent(keys, closed)
        return {uri: None if key is None else form.address(cloud.bucket, key) for uri, key in keys.items()}

    @staticmethod
    def _wanted(
        products: Any, flow: ProductFlow, filters: Sequence[Mapping[str, Any]], verbose: bool
    ) -> tuple[list[str], int, set[str]]:
        """Return the dataURIs of products that pass the filters, how many lack one, and which are exclusive."""
        table = as_table(products)
        if table is None:
            if filters:
                message = (
                    "Filtering is not supported when providing a list of MAST URIs. Use a product table, or "
                    "criteria for observations."
                )
                warn_user(message, InputWarning)
            return *_data_uris(products), set()
        table = flow.listed(table, verbose, None)
        for each in filters:
            table = flow.passing(table, each)
        return *_data_uris(table), _exclusive(table)


def _warn_of_absent(keys: Mapping[str, str | None], closed: Collection[str]) -> None:
    """Warn about products that have no copy, and those whose copy is not public."""
    absent = [uri for uri, key in keys.items() if key is None]
    shut = "are under exclusive access, so their cloud copies are not public yet"
    _warn_of([uri for uri in absent if uri not in closed], len(keys), "have no copy in the cloud")
    _warn_of([uri for uri in absent if uri in closed], len(keys), shut)


def _warn_of(uris: Sequence[str], number: int, what: str) -> None:
    """Warn about some products out of a number of them."""
    if uris:
        message = f"Failed to retrieve cloud path for {len(uris)} of {number} products, which {what}: {few_names(uris)}"
        warn_user(message, NoResultsWarning)


def _exclusive(table: Table | None) -> set[str]:
    """Return the dataURIs of products that are exclusive according to their table."""
    if table is None or not {"dataURI", "dataRights"} <= set(table.colnames):
        return set()
    pairs = zip(column_as_text(table, "dataURI"), column_as_text(table, "dataRights"), strict=True)
    return {uri.strip() for uri, rights in pairs if rights == EXCLUSIVE}


def _data_uris(products: Any) -> tuple[list[str], int]:
    """Return the dataURIs of products without duplicates, and how many products lack one."""
    cells = single_cells(products, _uri_cells)
    wrong = next((cell for cell in cells if not (cell is None or isinstance(cell, str))), None)
    if wrong is not None:
        raise InvalidArgumentError(
            f"A valid data product URI must be provided, such as 'mast:HST/product/x.fits', got {wrong!r}."
        )
    uris = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
    return list(dict.fromkeys(uris)), len(cells) - len(uris)


def _uri_cells(table: Table) -> list[object]:
    """Return the dataURIs in a table of products."""
    if "dataURI" not in table.colnames:
        raise InvalidArgumentError("This table has no column 'dataURI'. Pass it to get_product_list first.")
    return list(np.ma.asarray(table["dataURI"]).tolist())


# -- products for one call ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ObservationSource:
    """Products of observations, for one call; a `~astroquery_mast.downloads.product_flow.ProductSource`."""

    service: MastService
    cloud: CloudFiles
    choice: CloudChoice = ANYWHERE
    cache: bool | None = None
    base_url: str | None = None

    batch_size: ClassVar = 500
    key: ClassVar = "dataURI"
    product_columns: ClassVar[tuple[str, ...]] = ("dataURI",)
    nothing_left: ClassVar[str] = "No products to download."

    def identifiers(self, given: Any) -> list[str]:
        """Return the obsids of observations."""
        self.cloud.releases.update(coming_releases(as_table(given)))
        return as_obsids(given)

    def pages(self, identifiers: Sequence[str], deadline: Deadline) -> Iterator[AnswerPage]:
        """Request the products of some observations."""
        divisible = len(identifiers) > 1
        return self.service.pages(self._request(identifiers), deadline=deadline, divisible=divisible)

    def table(self, identifiers: Sequence[str], batches: Iterable[Sequence[Page]]) -> Table:
        """Return all responses as one table; readme files of contributed collections precede their data."""
        blocks = AnswerCollector(self._request(identifiers), self.service.columns.get(CAOM_PRODUCTS))
        for number, pages in enumerate(batches):
            blocks.add(number, pages)
        return readme_first(blocks.table()[0])

    def products_in(self, given: Any, verbose: bool) -> Table | None:
        """Return the given products; None if observations are given."""
        table = as_table(given)
        if table is None:
            return None
        if "dataURI" in table.colnames:
            return files_as_products(table)
        if verbose and "obsid" in table.colnames:
            log.info("These %d rows are observations (no dataURI). Listing all their products.", len(table))
        return None

    def filtered(self, products: Table, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters."""
        return filter_products(products, **filters)

    def files(self, products: Table, *, in_folders: bool) -> tuple[Table, FileSource]:
        """Return products, each file once, and the source of their files."""
        del in_folders
        unique = add_release_dates(unique_products(products), self.cloud.releases)
        place = files_of_products(self.base_url or self.service.endpoints.download, unique)
        uris = [uri for uri in unique["dataURI"].tolist() if isinstance(uri, str) and uri.strip()]
        # A product with an address of its own is not a MAST file, and has no cloud copy.
        own = uris if isinstance(place, str) else [uri for uri in uris if uri not in place.own]
        return unique, replace(self._files(own), download_url=place)

    def file(self, given: Any) -> tuple[str, FileSource]:
        """Return the dataURI or cloud address of a single file, and its source."""
        uri, bucket = self.cloud.named(given, self.base_url)
        return uri, self._files([uri]) if bucket is None else FileSource(bucket)

    def _files(self, uris: Sequence[str]) -> FileSource:
        """Return the source of some files."""
        urls = self.cloud.urls(uris, self.choice)
        only = self.choice.cloud_only and self.cloud.is_used(self.choice)
        return FileSource(self.base_url or self.service.endpoints.download, urls, only)

    def _request(self, obsids: Sequence[str]) -> MashupRequest:
        """Return the request for the products of some observations."""
        return self.service.request_for(CAOM_PRODUCTS, {"obsid": ",".join(obsids)}, None, None, cache=self.cache)


def coming_releases(observations: Table | None) -> dict[str, float]:
    """Return obsid → release date (MJD) of observations that are not released yet."""
    if observations is None or not {"obsid", _RELEASE} <= set(observations.colnames):
        return {}
    column = np.ma.asarray(observations[_RELEASE])
    # Tables that are not from MAST may have anything in this column.
    dates: Any = column.filled(np.nan) if column.dtype.kind == "f" else np.full(len(column), np.nan)
    coming = dates > time.time() / 86400 + 40587  # now, as a modified Julian date
    return dict(zip(map(str, observations["obsid"][coming]), dates[coming].tolist(), strict=True))


def add_release_dates(products: Table, known: Mapping[str, float]) -> Table:
    """Return products with the release dates of their observations, so that an error can state the date."""
    key = next((name for name in _FOUND_BY if name in products.colnames), None)
    if key is None or _RELEASE in products.colnames or not known:
        return products
    found = [known.get(str(obsid), np.nan) for obsid in np.ma.asarray(products[key]).tolist()]
    dated = products.copy(copy_data=False)
    dated[_RELEASE] = MaskedColumn(found, mask=np.isnan(found), dtype=float, unit="d")
    return dated
