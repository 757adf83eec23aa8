"""The methods of `ObservationsClass` for related observations: members, parents, associations and inputs.

In: observations, or an association.  Out: tables of observations; files on disk and their manifest.
`astroquery_mast.observations.associations.members`, `astroquery_mast.observations.associations.parents` and
`astroquery_mast.observations.associations.gathering` do the work.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Protocol

from astropy import units as u
from astropy.table import Table

from ...deferred import deferred

if TYPE_CHECKING:
    from astropy.table import Row

    from ...downloads.product_flow import ProductFlow
    from ...products.manifest import Manifest
    from ...query.types import ObservationsLike
    from ...service import parallel, retrying
    from ...service.mast_service import MastService
    from ..search import ObservationSearch
    from .lookup import ObservationLookup
else:
    parallel, retrying = deferred(__package__, "...service.parallel ...service.retrying")


def _lookup(client: MemberMethods, deadline: retrying.Deadline, cache: bool | None = None) -> ObservationLookup:
    """Return the object that looks up observations, for one call."""
    from .lookup import ObservationLookup  # noqa: PLC0415 - queries do not need it

    return ObservationLookup(client._service, client._search, client._product_flow(cache=cache), deadline, cache)


class MemberMethods(Protocol):
    """Methods that `ObservationsClass` takes over by name."""

    _service: MastService

    @property
    def _search(self) -> ObservationSearch:
        """The search for observations."""

    def _product_flow(self, *, cache: bool | None = None) -> ProductFlow:
        """Return the product flow for one call."""

    def get_members(
        self, observations: ObservationsLike, *, timeout: float | u.Quantity | None = None, cache: bool | None = None
    ) -> Table:
        """Return the exposures that were combined into products.

        For drizzled products of HST and level 3 products of JWST, these are the members of their associations,
        including exposures of JWST that are not yet executed.  For other products, such as those of the HLA, these are
        the observations whose files are listed with those of the product.  For Hubble Advanced Products of a visit
        (HAP), these are the exposures of the visit with the same detector and filter.

        Parameters
        ----------
        observations : `~astropy.table.Table`, `~astropy.table.Row`, str, int, or iterable of these
            Observations as returned by a query, their products, or their ``obsid`` or ``obs_id``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each exposure of each product, in the order of the products and their associations.
            ``member_of`` is the ``obs_id`` of the product; ``exptype`` is the type of the exposure in the association
            (``science``, ``background``, ``psf``, ``wavecal`` and others, joined by ``;`` if there are several), masked
            if unknown; the other columns are those of `query_criteria`.  `get_product_list` and `download_products`
            take the table.  ``calib_level`` is -1 for planned exposures.  ``meta["absent"]`` lists members without an
            observation in MAST, because they were not executed.

        Raises
        ------
        InvalidQueryError
            If there is no such observation.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        NoResultsWarning
            If there are no members, members are absent, or an association is exclusive, so that the list of products is
            used instead.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> exposures = Observations.get_members("j97c01010")
        >>> print(exposures["obs_id", "exptype", "t_exptime"])
          obs_id  exptype t_exptime
                              s
        --------- ------- ---------
        j97c01aaq science   667.573
        j97c01abq science   674.796
        j97c01acq science   669.577
        j97c01adq science   667.941
        4 rows x 3 columns
        """
        from .members import MemberSearch  # noqa: PLC0415 - queries do not need it

        return MemberSearch(_lookup(self, self._service.deadline(timeout), cache)).table(observations)

    def get_parents(
        self, observations: ObservationsLike, *, timeout: float | u.Quantity | None = None, cache: bool | None = None
    ) -> Table:
        """Return the combined products that exposures are part of.

        For JWST, MAST lists the level 3 products of a file.  For HST and the HLA, the products of the visit and the
        mosaics at the position of the exposure are checked for the exposure in their lists of products; Hubble Advanced
        Products (HAP) of the visit are found by name.

        Parameters
        ----------
        observations : `~astropy.table.Table`, `~astropy.table.Row`, str, int, or iterable of these
            Observations as returned by a query, their products, or their ``obsid`` or ``obs_id``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each product of each exposure, in the order of the exposures.  ``member`` is the ``obs_id`` of
            the exposure; the other columns are those of `query_criteria`.  `get_product_list` and `download_products`
            take the table.

        Raises
        ------
        InvalidQueryError
            If there is no such observation.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        NoResultsWarning
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> products = Observations.get_parents("j97c01aaq")
        >>> print(products["obs_id", "calib_level", "filters"])
                      obs_id              calib_level    filters
        --------------------------------- ----------- -------------
        j97c01010                                   3 CLEAR1L;F435W
        hst_10452_01_acs_wfc_total_j97c01           3 detection
        2 rows x 3 columns
        """
        from .parents import ParentSearch  # noqa: PLC0415 - queries do not need it

        return ParentSearch(_lookup(self, self._service.deadline(timeout), cache)).table(observations)

    def gather_association(
        self,
        association: str | os.PathLike[str] | Row,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        exptypes: str | Iterable[str] | None = None,
        suffix: str | Iterable[str] | None = None,
        cache: bool = True,
        overwrite: str | None = None,
        dry_run: bool = False,
        verbose: bool = True,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Manifest | Table:
        """Download an association and all of its inputs to one folder, as required by calibration pipelines.

        The association is written last, after all inputs are complete.

        Parameters
        ----------
        association : str, path-like, or `~astropy.table.Row`
            The association: the dataURI or the name of its file (``..._asn.json`` of JWST, ``..._asn.fits`` of HST), a
            row of a table of products, an observation that has one association, or the path of a file on disk.
        download_dir : path-like, optional
            The folder to download to.  Defaults to the folder of an association on disk, or to the current folder.
        exptypes : str or iterable of str, optional
            The types of members to download, such as ``("science", "background")``.  By default, all members are
            downloaded.  The association is then written with only these: other members of HST are marked as not
            present.
        suffix : str or iterable of str, optional
            For HST, the files of the exposures, such as ``"FLC"``.  Defaults to the inputs of the calibration: raw data
            (``RAW``, ``TAG``, ``RAWTAG``, ...), lamp exposures, and support files (``SPT``).  Associations of JWST list
            the files themselves.
        cache : bool, default True
            Whether to keep files that are on disk: without a request if the size is that of the catalog, otherwise if
            the file at MAST has the same size.  With False, all files are downloaded again.
        overwrite : {"never", "if-changed", "always"}, optional
            How to handle files that are on disk.  ``"never"`` keeps them without a request; ``"if-changed"`` checks
            each, and downloads it if it has another size or is older than the file at MAST; ``"always"`` downloads it
            again, like ``cache=False``.  By default, ``cache`` decides.
        dry_run : bool, default False
            Whether to return the plan of the download without downloading the inputs.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        max_workers : int, optional
            The number of files to download at a time.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that downloads, such as a process pool or the workers of a cluster, which must see the download
            folder.  The token is not sent to them: they read it from their environment.  By default, threads of this
            process download.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  By default, the time of transfers is not
            limited.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest` or `~astropy.table.Table`
            The manifest, with one row for each file, the association first; or with ``dry_run`` the plan.

        Raises
        ------
        InvalidQueryError
            If ``association`` is not an association, it has no members of these types, or another argument is not
            valid.
        DownloadError
            If an input is not available: the message and the ``manifest`` of the exception list the missing inputs, and
            the association is not written.  Inputs that MAST is known not to have are reported before the download
            starts.
        LoginError
            If the association itself is exclusive.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> plan = Observations.gather_association("j97c01010_asn.fits", dry_run=True)
        >>> print(len(plan), "files,", round(plan["Size"].sum() / 1e6, 1), "MB")
        9 files, 0.8 MB
        """
        from .gathering import AssociationGathering, GatherRequest  # noqa: PLC0415 - queries do not need it

        request = GatherRequest(download_dir, exptypes, suffix, cache, overwrite, dry_run)
        options = parallel.RunOptions(verbose, max_workers, executor, timeout)
        options = options.until(options.deadline())
        lookup = _lookup(self, retrying.Deadline.within(options.deadline()))
        return AssociationGathering(lookup).gather(association, request, options)
