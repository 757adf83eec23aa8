"""The methods of `ObservationsClass` about the public cloud copy, and for reading over the network.

In: products in all forms in which users may have them. Out: addresses in the cloud, and files that are read without
being fetched. The work is done by `astroquery_mast.observations.cloud`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from astropy.io import fits

from ..downloads.methods import BLOCK_SIZE, DownloadMethods
from ..exceptions import InputWarning, InvalidQueryError
from ..service.core import MastClass
from ..warn import warn_user

if TYPE_CHECKING:
    from ..downloads.product_flow import Downloads, ProductFlow
    from .cloud import CloudChoice, CloudFiles

_NO_FILTERS: Mapping[str, Any] = MappingProxyType({})


class ObservationCloudMethods(MastClass):
    """What `~astroquery_mast.ObservationsClass` has about the public cloud copy.

    The cloud is used only on request: by downloads after `enable_cloud_dataset` was called, and by the methods that
    are about the cloud.  No account and no further package is needed.
    """

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads

    query_criteria: Callable[..., Any]

    @property
    def _downloads(self) -> Downloads:
        """What downloads; the URIs of a manifest are enough to find its files."""
        from ..downloads.product_flow import Downloads  # noqa: PLC0415 - queries need nothing of downloads

        return Downloads(self._service)

    @cached_property
    def _cloud(self) -> CloudFiles:
        """The cloud, and whether downloads use it."""
        from .cloud import CloudFiles  # noqa: PLC0415 - queries need nothing of downloads

        return CloudFiles(self._service)

    def _product_flow(
        self, *, choice: CloudChoice | None = None, cache: bool | None = None, base_url: str | None = None
    ) -> ProductFlow:
        """The way that products go in one call."""
        from ..downloads.product_flow import ProductFlow  # noqa: PLC0415 - queries need nothing of downloads
        from .cloud import ANYWHERE  # noqa: PLC0415
        from .product_source import ObservationSource  # noqa: PLC0415

        source = ObservationSource(self._service, self._cloud, choice or ANYWHERE, cache, base_url)
        return ProductFlow(self._service, source)

    def enable_cloud_dataset(self, provider: str = "AWS", profile: str | None = None, verbose: bool = True) -> None:
        """Let downloads use the public cloud copy of a file where there is one.

        A file that the cloud does not have, or fails to deliver, comes from MAST itself, unless ``cloud_only`` is
        asked for.  Without this call downloads do not look into the cloud, regardless of
        ``conf.enable_cloud_dataset``, which exists for code written for ``astroquery.mast``.

        Parameters
        ----------
        provider : str
            There is only ``"AWS"``.
        profile : str, optional
            Not used: the public data need no account.
        verbose : bool
            Whether to log it.
        """
        self._cloud.enable(provider, profile, verbose=verbose)

    def disable_cloud_dataset(self) -> None:
        """Let downloads come from MAST itself again."""
        self._cloud.enabled = False

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
        return self._cloud.datasets()

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
        from .cloud import AddressForm  # noqa: PLC0415 - queries need nothing of downloads

        return self._cloud.find_one(data_product, AddressForm(include_bucket, full_url, check))

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
            Ask the bucket for every product whether it is really there and public.  Otherwise the archive's answer is
            used, which is made for whole collections and is right for nearly all of their files.

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
        if criteria or data_products is None:
            data_products = self._products_or_observations(data_products, criteria, pagesize, page)
        if data_products is None:
            return None
        filters: list[Mapping[str, Any]] = []
        if mrp_only or extension is not None:
            filters.append({"mrp_only": mrp_only, "extension": extension})
        # Apart, because these may hold an extension of their own.
        if filter_products:
            filters.append(filter_products)
        from .cloud import AddressForm  # noqa: PLC0415 - queries need nothing of downloads

        form = AddressForm(include_bucket, full_url, check, verbose)
        found = self._cloud.find(data_products, self._product_flow(), filters, form)
        if found is None or return_uri_map:
            return found
        return list(filter(None, found.values()))

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
            If that is not a product, there is no such file, or the arguments contradict each other.
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
        from .cloud import CloudChoice  # noqa: PLC0415 - queries need nothing of downloads

        choice = CloudChoice(cloud_only, force_on_prem)
        return self._cloud.open(product, choice, block_size=block_size, use_fsspec=use_fsspec)

    # -- how -----------------------------------------------------------------------------------------------------

    def _products_or_observations(
        self, products: Any, criteria: Mapping[str, Any], pagesize: int | None, page: int | None
    ) -> Any:
        """Products if they were given, or the observations that meet criteria; None if there are none."""
        if products is not None:
            warn_user(f"The criteria {', '.join(criteria)} are not applied: products were given.", InputWarning)
            return products
        if not criteria:
            raise InvalidQueryError("Either products or criteria for observations are needed.")
        observations = self.query_criteria(pagesize=pagesize, page=page, **criteria)
        return observations if len(observations) else None
