"""The public cloud copy and reading over the network, behind `ObservationsClass`.

In: products in any form that users hold. Out: addresses in the cloud, and files that are read without being fetched.
The parts are in `astroquery_mast.downloads.bucket` and `astroquery_mast.downloads.remote_file`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery import log

from ..downloads.bucket import Cloud
from ..downloads.remote_file import BLOCK_SIZE, open_fits, open_remote
from ..downloads.transfer import OpenUrl
from ..exceptions import InputWarning, InvalidArgumentError, InvalidQueryError, MastError, NoResultsWarning
from ..products.listing import as_table
from ..products.plan import escaped_url
from ..service.deadline import Deadline
from ..service.http import HttpClient
from ..service.token import Credentials
from ..warn import warn_user

if TYPE_CHECKING:
    from ..service.core import MastClass

    class _Client(MastClass):
        """What the mixin relies on."""

        def get_product_list(self, observations: Any, *, batch_size: int = 500, verbose: bool = True) -> Table: ...

        def filter_products(self, products: Table, **filters: Any) -> Table: ...

        def query_criteria(self, **criteria: Any) -> Table: ...
else:
    _Client = object

__all__ = ["CloudAccess"]

_NO_FILTERS: Mapping[str, Any] = MappingProxyType({})
_SHOWN = 5


class CloudAccess(_Client):
    """Files of the public cloud copy; a part of `~astroquery_mast.ObservationsClass`.

    The cloud is asked for nothing that nobody wanted: downloads use it after `enable_cloud_dataset` was called, the
    methods that are about the cloud always do.  No account and no further package is needed.
    """

    _cloud_enabled = False

    def enable_cloud_dataset(self, provider: str = "AWS", profile: str | None = None, verbose: bool = True) -> None:
        """Let downloads use the public cloud copy of a file where there is one.

        A file that the cloud does not have, or fails to deliver, comes from MAST itself, unless ``cloud_only`` is
        asked for.  Without this call downloads do not look into the cloud, whatever ``conf.enable_cloud_dataset``
        says, which is there for code written against ``astroquery.mast``.

        Parameters
        ----------
        provider : str
            There is only ``"AWS"``.
        profile : str, optional
            Not used: the public data need no account.
        verbose : bool
            Whether to log it.
        """
        if str(provider).upper() != "AWS":
            warn_user(f"provider={provider!r}: there is only 'AWS', which is used.", InputWarning)
        if profile is not None:
            message = "profile is not used: MAST's public data in the cloud need no account."
            warn_user(message, AstropyDeprecationWarning)
        self._cloud_enabled = True
        if verbose:
            log.info("Downloads use the public cloud copy at %s where there is one.", self._cloud().bucket.server)

    def disable_cloud_dataset(self) -> None:
        """Let downloads come from MAST itself again."""
        self._cloud_enabled = False

    def list_cloud_datasets(self) -> list[str]:
        """Return the missions and projects of which the cloud has copies.

        Returns
        -------
        list of str
            Folders of the public bucket, such as ``"hst"`` or ``"mast/hlsp/qlp"``.

        Raises
        ------
        RemoteServiceError
            If the bucket cannot be listed.
        """
        return self._cloud().datasets(self._service.deadline(None))

    def get_cloud_uri(
        self, data_product: Any, *, include_bucket: bool = True, full_url: bool = False, check: bool = False
    ) -> str | None:
        """Return the address of a product in the cloud.

        Parameters
        ----------
        data_product : str or `~astropy.table.Row`
            A dataURI, or a row of a product table.
        include_bucket, full_url, check
            As `get_cloud_uris`.

        Returns
        -------
        str or None
            None, with a warning, if there is no copy.
        """
        uris, missing = _data_uris(data_product)
        if len(uris) + missing != 1:
            raise InvalidQueryError(f"One product is needed, not {len(uris)}: get_cloud_uris takes several.")
        return next(iter(self._cloud_addresses(uris, include_bucket, full_url, check, verbose=True).values()), None)

    def get_cloud_uris(
        self,
        data_products: Any = None,
        *,
        include_bucket: bool = True,
        full_url: bool = False,
        pagesize: int | None = None,
        page: int | None = None,
        mrp_only: bool = False,
        extension: str | Iterable[str] | None = None,
        filter_products: Mapping[str, Any] = _NO_FILTERS,
        return_uri_map: bool = False,
        verbose: bool = True,
        check: bool = False,
        **criteria: Any,
    ) -> list[str] | dict[str, str | None] | None:
        """Return the addresses of products in the cloud.

        Parameters
        ----------
        data_products : `~astropy.table.Table`, `~astropy.table.Row`, str, or iterable of these, optional
            Products, or dataURIs; or observations, all of whose products are taken.  Without them the products of the
            observations that meet ``criteria`` are taken.
        include_bucket : bool
            Return addresses ``s3://<bucket>/<key>``; else the key alone.
        full_url : bool
            Return https addresses; needs ``include_bucket=False``, as in ``astroquery.mast``.
        pagesize, page, **criteria
            As `~astroquery_mast.ObservationsClass.query_criteria`.
        mrp_only, extension
            As `~astroquery_mast.ObservationsClass.filter_products`.
        filter_products : mapping
            Further filters: column name and what is wanted there, ``extension`` among them.
        return_uri_map : bool
            Return a dictionary instead.
        verbose : bool
            Whether to warn of products that have no copy.
        check : bool
            Ask the bucket for every product whether it is really there and public.  Otherwise the archive's word is
            taken, which is given for whole collections and holds for nearly all of their files.

        Returns
        -------
        list of str, or dict
            In the order of the products, each once, without those that have no copy; or dataURI → address, None for
            those.  None, with a warning, if there was no product to ask for.

        Raises
        ------
        InvalidQueryError
            If there are neither products nor criteria, or a filter cannot be applied.
        RemoteServiceError
            If the archive does not answer.
        """
        if data_products is None:
            data_products = self._products_meeting(criteria, pagesize, page)
            if data_products is None:
                return None
        elif criteria:
            names = ", ".join(criteria)
            warn_user(f"The criteria {names} are not applied: products were given.", InputWarning)
        uris, missing = self._wanted(data_products, mrp_only, extension, filter_products, verbose)
        if missing and verbose:
            log.warning("%d products have no dataURI and are left out.", missing)
        if not uris:
            warn_user("There are no products to look for in the cloud.", NoResultsWarning)
            return None
        found = self._cloud_addresses(uris, include_bucket, full_url, check, verbose)
        return found if return_uri_map else [address for address in found.values() if address is not None]

    def open_product(
        self,
        product: Any,
        *,
        cloud_only: bool = False,
        force_on_prem: bool = False,
        block_size: int = BLOCK_SIZE,
        use_fsspec: bool = False,
    ) -> io.BufferedReader | fits.HDUList:
        """Open a product for reading without fetching it: only the parts that are read come over the network.

        Parameters
        ----------
        product : str or `~astropy.table.Row`
            A dataURI, a row of a product table, or an address that `get_cloud_uri` returned.
        cloud_only : bool
            Fail if the file is not in the cloud, instead of reading it from MAST itself.
        force_on_prem : bool
            Read from MAST itself even after `enable_cloud_dataset`.
        block_size : int
            Bytes that are asked for at least.  Larger blocks are fewer questions, smaller ones fewer bytes.
        use_fsspec : bool
            Return what ``fits.open(..., use_fsspec=True)`` gives instead of a file.  `fsspec` then reads the bytes, by
            connections of its own and without a token: for public files only.

        Returns
        -------
        `io.BufferedReader` or `~astropy.io.fits.HDUList`
            A file to read and seek in; ``fits.open(file)`` reads the headers that it passes, and data when they are
            used: all of an HDU with ``hdu.data``, some rows of an image with ``hdu.section[10:20]``.

        Raises
        ------
        InvalidQueryError
            If that is no product, there is no such file, or the arguments contradict each other.
        LoginError
            If the file is exclusive.
        RemoteServiceError
            If the archive fails; also while reading.

        Examples
        --------
        >>> from astropy.io import fits
        >>> with Observations.open_product("mast:HST/product/x_flt.fits") as file:  # doctest: +SKIP
        ...     header = fits.getheader(file, 1)
        """
        if cloud_only and force_on_prem:
            raise InvalidQueryError("cloud_only=True and force_on_prem=True contradict each other: set one to False.")
        uris, _ = _data_uris(product)
        if len(uris) != 1:
            raise InvalidQueryError(f"One product is needed, not {len(uris)}.")
        cloud = self._cloud()
        key = cloud.bucket.key(uris[0])
        opened = partial(self._opened, uris[0], block_size=block_size, use_fsspec=use_fsspec)
        if key is not None:
            return opened(cloud.bucket.url(key), in_cloud=True)
        address = None
        if cloud_only or (self._cloud_enabled and not force_on_prem):
            address = self._cloud_urls(uris).get(uris[0])
        if cloud_only and address is None:
            raise InvalidQueryError(f"{uris[0]} has no copy in the cloud.")
        if address is not None:
            try:
                return opened(address, in_cloud=True)
            except MastError as err:
                if cloud_only:
                    raise
                log.info("%s Reading from MAST itself.", err)
        return opened(escaped_url(self._service.endpoints.download, uris[0]), in_cloud=False)

    # -- how -----------------------------------------------------------------------------------------------------

    def _anonymous(self) -> HttpClient:
        """The conversation without a token, whatever the address."""
        return HttpClient(partial(self._service.send, credentials=Credentials()), self._service.endpoints)

    def _cloud(self) -> Cloud:
        """The cloud as it is configured now."""
        return Cloud(self._anonymous(), self._service.endpoints)

    def _cloud_urls(self, uris: Iterable[str]) -> dict[str, str]:
        """The https addresses of the cloud copies of files, without those that have none: for ``plan(cloud_urls=)``.

        A lookup that fails leaves the files to MAST itself.
        """
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
        wire = self._anonymous() if in_cloud else self._service.http
        return open_remote(url, _range_opener(wire), name=name, block_size=block_size)

    def _cloud_addresses(
        self, uris: Sequence[str], include_bucket: bool, full_url: bool, check: bool, verbose: bool
    ) -> dict[str, str | None]:
        """The addresses asked for, None for what has no copy."""
        if include_bucket and full_url:
            message = "full_url=True has no effect together with include_bucket=True: set include_bucket=False."
            warn_user(message, InputWarning)
        cloud, deadline = self._cloud(), self._service.deadline(None)
        keys = cloud.keys(uris, deadline)
        if check:
            there = cloud.existing((key for key in keys.values() if key is not None), deadline)
            keys = {uri: key if key in there else None for uri, key in keys.items()}
        absent = [uri for uri, key in keys.items() if key is None]
        if absent and verbose:
            few = ", ".join(absent[:_SHOWN]) + (", ..." if len(absent) > _SHOWN else "")
            message = f"{len(absent)} of {len(keys)} products have no copy in the cloud: {few}"
            warn_user(message, NoResultsWarning)
        shown = cloud.bucket.uri if include_bucket else cloud.bucket.url if full_url else str
        return {uri: None if key is None else shown(key) for uri, key in keys.items()}

    def _products_meeting(self, criteria: Mapping[str, Any], pagesize: int | None, page: int | None) -> Table | None:
        """The products of observations; None if there are no observations, of which the query has warned."""
        if not criteria:
            raise InvalidQueryError("Either products or criteria for observations are needed.")
        observations = self.query_criteria(pagesize=pagesize, page=page, **criteria)
        return self.get_product_list(observations) if len(observations) else None

    def _wanted(
        self,
        products: Any,
        mrp_only: bool,
        extension: str | Iterable[str] | None,
        filter_products: Mapping[str, Any],
        verbose: bool,
    ) -> tuple[list[str], int]:
        """The dataURIs of products that pass the filters, and how many products have none."""
        table = as_table(products)
        if table is None:
            if mrp_only or extension or filter_products:
                message = "Filters are not applied to dataURIs: give a product table, or criteria for observations."
                warn_user(message, InputWarning)
            return _data_uris(products)
        if "obsid" in table.colnames and "dataURI" not in table.colnames:
            table = self.get_product_list(table, verbose=verbose)
        table = self.filter_products(table, mrp_only=mrp_only, extension=extension)
        # Apart, because the filters may hold an extension of their own.
        return _data_uris(self.filter_products(table, **filter_products) if filter_products else table)


def _range_opener(wire: HttpClient) -> OpenUrl:
    """What opens a part of a file; each has ``conf.timeout`` seconds, however long the reader takes in between."""

    def open_range(url: str, headers: Mapping[str, str]) -> Any:
        return wire.request(
            "GET", url, headers=headers, deadline=Deadline.start(None), service="MAST download", stream=True
        )

    return open_range


def _data_uris(products: Any) -> tuple[list[str], int]:
    """The dataURIs of products, each once, and how many products have none."""
    table = as_table(products)
    if table is not None:
        if "dataURI" not in table.colnames:
            raise InvalidArgumentError("This table has no column 'dataURI': pass it to get_product_list first.")
        products = table["dataURI"]
    cells = _cells(products)
    wrong = next((cell for cell in cells if not (cell is None or isinstance(cell, str))), None)
    if wrong is not None:
        raise InvalidArgumentError(f"A dataURI is needed, such as 'mast:HST/product/x.fits', and not {wrong!r}.")
    uris = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
    return list(dict.fromkeys(uris)), len(cells) - len(uris)


def _cells(products: Any) -> list[Any]:
    """The single entries, None for masked ones."""
    if isinstance(products, str):
        return [products]
    if isinstance(products, np.ndarray):
        return list(np.ma.asarray(products).ravel().tolist())
    if not isinstance(products, Iterable):
        raise InvalidArgumentError(f"Products or dataURIs are needed, and not {products!r}.")
    return [None if cell is np.ma.masked else cell for cell in products]
