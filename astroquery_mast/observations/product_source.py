"""The products of observations, as far as they differ from others: how they are listed, where their files come from.

In: observations and products in all forms in which users may have them. Out: what the product flow needs, see
`astroquery_mast.downloads.product_flow`; addresses in the public cloud copy, and files that are read without being
fetched. The parts are in `astroquery_mast.downloads.bucket` and `astroquery_mast.downloads.remote_file`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery import log

from ..downloads.bucket import Bucket, Cloud
from ..downloads.product_flow import FileSource, ProductFlow, anonymous_http
from ..downloads.remote_file import open_fits, open_remote
from ..downloads.transfer import OpenUrl
from ..exceptions import InputWarning, InvalidArgumentError, InvalidQueryError, MastError, NoResultsWarning
from ..products.filters import filter_products
from ..products.listing import as_obsids, as_table, single_cells, unique_products
from ..products.plan import escaped_url
from ..query.request import MashupRequest
from ..service.http import AnswerPage, HttpClient
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..tables.mashup import Page
from ..targets.ask import AnswerCollector
from ..warn import warn_user
from .search import CAOM_PRODUCTS

_SHOWN = 5
_DISABLED = "`cloud_only` is True but cloud data access is not enabled: the files are fetched from MAST itself."
_RELEASE = "t_obs_release"
# The observation by which a product was found; the one that owns it may be another.
_FOUND_BY = ("parent_obsid", "obsID")


@dataclass(frozen=True)
class CloudChoice:
    """Whether files come from the cloud alone, from MAST alone, or from where they are."""

    cloud_only: bool = False
    force_on_prem: bool = False

    def __post_init__(self) -> None:
        """Refuse the cloud alone together with never the cloud."""
        if self.cloud_only and self.force_on_prem:
            raise InvalidQueryError("cloud_only=True and force_on_prem=True contradict each other: set one to False.")


ANYWHERE = CloudChoice()
"""Files come from the cloud where they are there, if the user has enabled that, and from MAST otherwise."""


@dataclass(frozen=True)
class AddressForm:
    """In which form addresses in the cloud are returned, and whether each object is asked for."""

    include_bucket: bool
    full_url: bool
    check: bool
    verbose: bool = True

    def address(self, bucket: Bucket, key: str) -> str:
        """Return the address of an object."""
        if self.include_bucket:
            return bucket.uri(key)
        return bucket.url(key) if self.full_url else key


class CloudFiles:
    """Files of the public cloud copy, and whether the downloads of a client use it."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self.enabled = False

    def enable(self, provider: str, profile: str | None, *, verbose: bool) -> None:
        """Let downloads use the cloud."""
        if str(provider).upper() != "AWS":
            warn_user(f"provider={provider!r}: there is only 'AWS', which is used.", InputWarning)
        if profile is not None:
            message = "profile is not used: MAST's public data in the cloud need no account."
            warn_user(message, AstropyDeprecationWarning)
        self.enabled = True
        if verbose:
            log.info("Downloads use the public cloud copy at %s where there is one.", self._cloud().bucket.server)

    def datasets(self) -> list[str]:
        """Return the missions and projects of which the cloud has copies."""
        return self._cloud().datasets(self._service.deadline(None))

    def find(
        self, products: Any, flow: ProductFlow, filters: Sequence[Mapping[str, Any]], form: AddressForm
    ) -> dict[str, str | None] | None:
        """Return dataURI → address for the products that pass the filters; None, with a warning, if there are none."""
        uris, missing = self._wanted(products, flow, filters, form.verbose)
        if missing and form.verbose:
            log.warning("%d products have no dataURI and are left out.", missing)
        if not uris:
            warn_user("There are no products to look for in the cloud.", NoResultsWarning)
            return None
        return self._addresses(uris, form)

    def find_one(self, product: Any, form: AddressForm) -> str | None:
        """Return the address of one product; None, with a warning, if there is no copy."""
        uris, missing = _data_uris(product)
        if len(uris) + missing != 1:
            raise InvalidQueryError(f"One product is needed, not {len(uris)}: get_cloud_uris takes several.")
        return next(iter(self._addresses(uris, form).values()), None)

    def urls(self, uris: Iterable[str], choice: CloudChoice) -> dict[str, str]:
        """Return the https addresses of cloud copies for a download, without those of files that have none.

        A lookup that fails leaves the files to MAST itself.
        """
        if choice.cloud_only and not self.enabled:
            warn_user(_DISABLED, InputWarning)
        return self._urls(uris) if self.is_used(choice) else {}

    def is_used(self, choice: CloudChoice) -> bool:
        """Tell whether downloads look into the cloud."""
        return self.enabled and not choice.force_on_prem

    def open(
        self, product: Any, choice: CloudChoice, *, block_size: int, use_fsspec: bool
    ) -> io.BufferedReader | fits.HDUList:
        """Open a product, or an address in the cloud, for reading."""
        uris, _ = _data_uris(product)
        if len(uris) != 1:
            raise InvalidQueryError(f"One product is needed, not {len(uris)}.")
        cloud = self._cloud()
        key = cloud.bucket.key(uris[0])
        opened = partial(self._opened, uris[0], block_size=block_size, use_fsspec=use_fsspec)
        if key is not None:
            return opened(cloud.bucket.url(key), in_cloud=True)
        address = self._copy_in_cloud(uris[0], choice)
        if address is not None:
            try:
                return opened(address, in_cloud=True)
            except MastError as err:
                if choice.cloud_only:
                    raise
                log.info("%s Reading from MAST itself.", err)
        return opened(escaped_url(self._service.endpoints.download, uris[0]), in_cloud=False)

    def _copy_in_cloud(self, uri: str, choice: CloudChoice) -> str | None:
        """The address of a product in the cloud; None if it is to be read from the archive."""
        address = self._urls([uri]).get(uri) if choice.cloud_only or self.is_used(choice) else None
        if choice.cloud_only and address is None:
            raise InvalidQueryError(f"{uri} has no copy in the cloud.")
        return address

    # -- how -----------------------------------------------------------------------------------------------------

    def _cloud(self) -> Cloud:
        """The cloud as it is configured now."""
        return Cloud(anonymous_http(self._service), self._service.endpoints)

    def _urls(self, uris: Iterable[str]) -> dict[str, str]:
        """The https addresses of cloud copies."""
        cloud = self._cloud()
        try:
            keys = cloud.keys(uris, self._service.deadline(None))
        except MastError as err:
            log.warning("The cloud copies could not be looked up: %s", err)
            return {}
        return {uri: cloud.bucket.url(key) for uri, key in keys.items() if key is not None}

    def _opened(
        self, name: str, url: str, *, block_size: int, use_fsspec: bool, in_cloud: bool
    ) -> io.BufferedReader | fits.HDUList:
        """Open an address for reading, with the token where it may be seen; `fsspec` always asks without."""
        if use_fsspec:
            return open_fits(url, name=name, block_size=block_size)
        http = anonymous_http(self._service) if in_cloud else self._service.http
        return open_remote(url, _range_opener(http), name=name, block_size=block_size)

    def _addresses(self, uris: Sequence[str], form: AddressForm) -> dict[str, str | None]:
        """The addresses of files, None for those that have no copy."""
        if form.include_bucket and form.full_url:
            message = "full_url=True has no effect together with include_bucket=True: set include_bucket=False."
            warn_user(message, InputWarning)
        cloud, deadline = self._cloud(), self._service.deadline(None)
        keys = cloud.keys(uris, deadline)
        if form.check:
            existing = cloud.existing(filter(None, keys.values()), deadline)
            keys = {uri: key if key in existing else None for uri, key in keys.items()}
        if form.verbose:
            _warn_of_absent(keys)
        return {uri: None if key is None else form.address(cloud.bucket, key) for uri, key in keys.items()}

    @staticmethod
    def _wanted(
        products: Any, flow: ProductFlow, filters: Sequence[Mapping[str, Any]], verbose: bool
    ) -> tuple[list[str], int]:
        """The dataURIs of products that pass the filters, and how many products have none."""
        table = as_table(products)
        if table is None:
            if filters:
                message = "Filters are not applied to dataURIs: give a product table, or criteria for observations."
                warn_user(message, InputWarning)
            return _data_uris(products)
        table = flow.listed(table, verbose, None)
        for each in filters:
            table = flow.passing(table, each)
        return _data_uris(table)


def _warn_of_absent(keys: Mapping[str, str | None]) -> None:
    """Warn of products that have no copy."""
    absent = [uri for uri, key in keys.items() if key is None]
    if absent:
        few = ", ".join(absent[:_SHOWN]) + (", ..." if len(absent) > _SHOWN else "")
        warn_user(f"{len(absent)} of {len(keys)} products have no copy in the cloud: {few}", NoResultsWarning)


def _range_opener(http: HttpClient) -> OpenUrl:
    """What opens a part of a file; each has ``conf.timeout`` seconds, however long the reader takes in between."""

    def open_range(url: str, headers: Mapping[str, str]) -> Any:
        return http.request(
            "GET", url, headers=headers, deadline=Deadline.start(None), service="MAST download", stream=True
        )

    return open_range


def _data_uris(products: Any) -> tuple[list[str], int]:
    """The dataURIs of products, each once, and how many products have none."""
    cells = single_cells(products, _uri_cells)
    wrong = next((cell for cell in cells if not (cell is None or isinstance(cell, str))), None)
    if wrong is not None:
        raise InvalidArgumentError(f"A dataURI is needed, such as 'mast:HST/product/x.fits', and not {wrong!r}.")
    uris = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
    return list(dict.fromkeys(uris)), len(cells) - len(uris)


def _uri_cells(table: Table) -> list[object]:
    """The dataURIs of a table of products."""
    if "dataURI" not in table.colnames:
        raise InvalidArgumentError("This table has no column 'dataURI': pass it to get_product_list first.")
    return list(np.ma.asarray(table["dataURI"]).tolist())


# -- the products of one call ----------------------------------------------------------------------------------------


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

    def identifiers(self, given: Any) -> list[str]:
        """Return the obsids of observations."""
        return as_obsids(given)

    def pages(self, identifiers: Sequence[str], deadline: Deadline) -> Iterator[AnswerPage]:
        """Ask for the products of some observations."""
        divisible = len(identifiers) > 1
        return self.service.pages(self._request(identifiers), deadline=deadline, divisible=divisible)

    def table(self, identifiers: Sequence[str], batches: Iterable[Sequence[Page]]) -> Table:
        """Return all answers as one table."""
        blocks = AnswerCollector(self._request(identifiers), self.service.columns.get(CAOM_PRODUCTS))
        for number, pages in enumerate(batches):
            blocks.add(number, pages)
        return blocks.table()[0]

    def products_in(self, given: Any, verbose: bool) -> Table | None:
        """Return products that were given; None if it is observations."""
        table = as_table(given)
        if table is None or "dataURI" in table.colnames:
            return table
        if verbose and "obsid" in table.colnames:
            log.info("These %d rows are observations (they have no dataURI): listing all their products.", len(table))
        return None

    def annotated(self, products: Table, given: Any) -> Table:
        """Return listed products with the release dates of their observations."""
        observations = as_table(given)
        return products if observations is None else add_release_dates(products, observations)

    def filtered(self, products: Table, filters: Mapping[str, Any]) -> Table:
        """Return the products that pass all filters."""
        return filter_products(products, **filters)

    def files(self, products: Table, *, in_folders: bool) -> tuple[Table, FileSource]:
        """Return products, each file once, and where they come from."""
        del in_folders
        unique = unique_products(products)
        return unique, self._files([uri for uri in unique["dataURI"].tolist() if isinstance(uri, str) and uri.strip()])

    def file(self, uri: str) -> FileSource:
        """Return where a single file comes from."""
        if not isinstance(uri, str) or not uri.strip():
            raise InvalidQueryError(f"A dataURI is needed, such as 'mast:HST/product/x.fits', and not {uri!r}.")
        return self._files([uri])

    def _files(self, uris: Sequence[str]) -> FileSource:
        """Where files come from."""
        urls = self.cloud.urls(uris, self.choice)
        only = self.choice.cloud_only and self.cloud.is_used(self.choice)
        return FileSource(self.base_url or self.service.endpoints.download, urls, only)

    def _request(self, obsids: Sequence[str]) -> MashupRequest:
        """The request for the products of some observations."""
        return self.service.request_for(CAOM_PRODUCTS, {"obsid": ",".join(obsids)}, None, None, cache=self.cache)


def add_release_dates(products: Table, observations: Table) -> Table:
    """Return products with the release dates of their observations, from which a refusal can name the day."""
    key = next((name for name in _FOUND_BY if name in products.colnames), None)
    if key is None or _RELEASE in products.colnames or not {"obsid", _RELEASE} <= set(observations.colnames):
        return products
    obsids, dates = (np.ma.asarray(observations[name]).tolist() for name in ("obsid", _RELEASE))
    known = {str(obsid): float(date) for obsid, date in zip(obsids, dates, strict=True) if date is not None}
    found = [known.get(str(obsid), np.nan) for obsid in np.ma.asarray(products[key]).tolist()]
    dated = products.copy(copy_data=False)
    dated[_RELEASE] = MaskedColumn(found, mask=np.isnan(found), dtype=float, unit="d")
    return dated
