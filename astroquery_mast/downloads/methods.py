"""The public methods that all clients with files share; the modules for downloads are imported when they are called.

In: a manifest, or products.  Out: a manifest; open remote files, their contents and their headers.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from astropy import units as u
from astropy.io.registry import IORegistryError
from astropy.table import Table

from ..deferred import deferred
from ..exceptions import InvalidArgumentError

if TYPE_CHECKING:
    from ..products.manifest import Manifest
    from ..query.types import ProductLike, ProductsLike
    from ..service import parallel
    from .header_table import Extension
    from .product_files import ProductFiles
    from .product_flow import Downloads
else:
    (parallel,) = deferred(__package__, "..service.parallel")

# FITS headers are read 2880 bytes at a time; a block of this size holds many of them and is fast to request.
BLOCK_SIZE = 1 << 16


def as_read(manifest: Any) -> Any:
    """Return a manifest; read it if the path of a file is given."""
    if not isinstance(manifest, str | os.PathLike):
        return manifest
    try:
        return Table.read(manifest)
    except (OSError, ValueError, IORegistryError) as err:
        raise InvalidArgumentError(f"Cannot read a manifest from {os.fspath(manifest)!r}: {err}") from err


class DownloadMethods(Protocol):
    """The methods that all clients with files share; a client assigns those that it supports by name."""

    @property
    def _downloads(self) -> Downloads:
        """The downloads of this client."""

    @property
    def _product_files(self) -> ProductFiles:
        """The reader for the files of products."""

    def verify_downloads(self, manifest: Table | str | os.PathLike[str], *, verbose: bool = True) -> Manifest:
        """Check the files of a manifest on disk, without a request to MAST.

        Parameters
        ----------
        manifest : `~astropy.table.Table`, `~astropy.table.Row`, or path-like
            The manifest as returned by a download, or the path of the file that it was written to.
        verbose : bool, default True
            Whether to show a progress bar on a terminal.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest`
            The same rows, with ``Status`` set to ``"OK"``, ``"MISSING"`` or ``"CHANGED"`` (another size or SHA-256).

        Raises
        ------
        InvalidQueryError
            If ``manifest`` is not a manifest, or its files are in an object store (``s3://...``).

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> manifest = Observations.download_products(
        ...     "mast:HST/product/j97c01010_drc.fits", verbose=False
        ... )
        >>> print(*Observations.verify_downloads(manifest, verbose=False)["Status"])
        OK
        """
        from .verify_and_retry import verify_downloads  # noqa: PLC0415 - not needed for queries

        return verify_downloads(as_read(manifest), verbose=verbose)

    def retry_downloads(
        self,
        manifest: Table | str | os.PathLike[str],
        *,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
        verbose: bool = True,
    ) -> Manifest:
        """Download the files of a manifest that failed, or that `verify_downloads` found to be missing or changed.

        Parameters
        ----------
        manifest : `~astropy.table.Table`, `~astropy.table.Row`, or path-like
            The manifest as returned by a download, or the path of the file that it was written to.
        max_workers : int, optional
            The number of files to download at a time.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that downloads, such as a process pool or the workers of a cluster, which must see the download
            folder.  The token is not sent to them: they read it from their environment.  By default, threads of this
            process download.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  Files that have not arrived by then
            are errors in the manifest.  By default, the time is not limited.
        on_error : {"warn", "raise", "ignore"}, default "warn"
            How to report failed downloads: log a warning, raise an error after all other files were downloaded, or do
            nothing.  Failed files are in the manifest in any case.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest`
            The same rows in the same order, with the current status of each file.

        Raises
        ------
        InvalidQueryError
            If ``manifest`` is not a manifest, its files are in an object store (``s3://...``), or an argument is not
            valid.
        DownloadError
            With ``on_error="raise"``, if a file failed; its attribute ``manifest`` has all rows.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> manifest = Observations.download_products(
        ...     "mast:HST/product/j97c01010_drc.fits", verbose=False
        ... )
        >>> print(*Observations.retry_downloads(manifest, verbose=False)["Status"])
        COMPLETE
        """
        return self._downloads.retry(
            as_read(manifest), parallel.RunOptions(verbose, max_workers, executor, timeout, on_error)
        )

    # -- read in place -------------------------------------------------------------------------------------------

    def open_product(self, product: ProductLike, *, block_size: int = BLOCK_SIZE) -> io.BufferedReader:
        """Open the file of a product for reading, without downloading it.

        Only the parts that are read are transferred.

        Parameters
        ----------
        product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, or file
            A row of a product table, or a table with one row; a row of a manifest, whose file is read from disk if it
            exists; a dataURI (``"mast:..."``); an address in MAST's public bucket (``"s3://stpubdata/..."``), which is
            read without a login; an ``https://`` address (the login token is sent only to MAST); the path of a file; or
            a file open in binary mode, which is returned unchanged.
        block_size : int, default 65536
            The smallest number of bytes to request at a time.  Larger blocks make fewer requests.

        Returns
        -------
        `io.BufferedReader`
            A readable and seekable file.  ``fits.open(file)`` reads headers as they are needed, and data when they are
            used: all of an HDU with ``hdu.data``, some rows of an image with ``hdu.section[10:20]``.

        Raises
        ------
        InvalidQueryError
            If ``product`` is not a single product, or the file does not exist.
        LoginError
            If the file is exclusive; the message says until when, if the row has the release date.
        RemoteServiceError
            If MAST returns an error, also later while the file is read.

        Examples
        --------
        >>> from astropy.io import fits
        >>> from astroquery_mast import JwstFiles
        >>> mosaics = JwstFiles.query_criteria(
        ...     program=1386, instrument="MIRI", suffix="i2d", filter="F1140C"
        ... )
        >>> with JwstFiles.open_product(mosaics[0]) as file:
        ...     print(fits.getheader(file)["FILTER"])
        F1140C
        """
        return cast("io.BufferedReader", replace(self._product_files, block_size=block_size).open(product))

    def read_product(self, product: ProductLike, **kwargs: Any) -> Any:
        """Read a product as an object of the matching type, without writing it to disk.

        Parameters
        ----------
        product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, or file
            A row of a product table or of a manifest, a dataURI, an address, a path, or an open file, as for
            `open_product`.  The format is detected from the file extension (also with ``.gz``), or from the first bytes
            of the file if an address has no known extension.
        **kwargs : object
            Arguments for the reader: `astropy.io.fits.open`, ``asdf.open``, `astropy.table.Table.read`,
            ``PIL.Image.open``, or `json.load`; ``encoding`` (default UTF-8) for text; ``ignore_unrecognized`` (default
            True) for ASDF, False to be warned of tags for which no package is installed.

        Returns
        -------
        object
            `~astropy.io.fits.HDUList` for ``.fits`` and ``.fits.gz``; ``asdf.AsdfFile`` for ``.asdf``;
            `~astropy.table.Table` for ``.csv``, ``.ecsv`` and ``.vot``; ``PIL.Image.Image`` for ``.jpg``, ``.png`` and
            ``.gif``; the contents of ``.json``; a str for ``.txt``.  Uncompressed FITS and ASDF files are read as far
            as they are used, and stay open until they are closed; all others are read at once.

        Raises
        ------
        InvalidQueryError
            If ``product`` is not a single product, the file does not exist, there is no reader for it, or a package is
            missing.
        LoginError
            If the file is exclusive; the message says until when, if the row has the release date.
        RemoteServiceError
            If MAST returns an error, or the file is damaged.

        Warns
        -----
        AstropyUserWarning
            If part of a FITS file is damaged or missing; issued by `astropy.io.fits`, possibly when the data are used.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> mosaics = JwstFiles.query_criteria(
        ...     program=1386, instrument="MIRI", suffix="i2d", filter="F1140C"
        ... )
        >>> with JwstFiles.read_product(mosaics[0]) as hdus:
        ...     print(hdus[0].header["TELESCOP"], hdus["SCI"].data.ndim)
        JWST 2
        """
        return self._product_files.read(product, kwargs)

    def get_headers(
        self,
        products: ProductsLike,
        *,
        extensions: Extension | Iterable[Extension] | None = None,
        keywords: str | Iterable[str] | None = None,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = True,
    ) -> Table:
        """Return the FITS headers of many products in one table, without downloading the files.

        Only the blocks with the headers are read: a few kilobytes for each HDU, regardless of the size of the file.
        The exception is ``.fits.gz`` files, which are read completely.  Headers are returned as they are in the file:
        the header of a tile-compressed image is that of its table, with ``ZNAXIS1`` and so on.

        Parameters
        ----------
        products : `~astropy.table.Table`, or list
            A product table or a manifest, or a list of products as for `open_product`: rows, dataURIs, addresses,
            paths.  Each file is read once.
        extensions : int, str, tuple, or list of these, optional
            The HDUs to return: indices (0 is the primary HDU), names such as ``"SCI"``, or names with versions such as
            ``("SCI", 2)``.  By default, all HDUs.
        keywords : str or list of str, optional
            The keywords to return, not case-sensitive; ``*`` matches any characters, as in ``"CRVAL*"``.  By default,
            all keywords except ``COMMENT`` and ``HISTORY``.
        max_workers : int, optional
            The number of files to read at a time; defaults to ``conf.max_workers``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  By default, only each request is limited, to
            ``conf.timeout``.
        verbose : bool, default True
            Whether to show a progress bar on a terminal.

        Returns
        -------
        `~astropy.table.Table`
            One row for each HDU, in the order of the products.  The columns are ``file``; ``hdu``, the index of the
            HDU; ``EXTNAME`` and ``EXTVER``; one for each keyword, masked where a header does not have it, with the
            comment of the keyword as description; ``message``; and ``product``, the dataURI, address or path, which
            can be passed to `read_product`.  A file that cannot be read has one row with the error in ``message``;
            ``meta["failed"]`` lists these files.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid; no request is sent.
        LoginError, InvalidQueryError, RemoteServiceError, TimeoutError
            If no file can be read: the error for the first one.

        Warns
        -----
        AuthenticationWarning, InputWarning
            If some files cannot be read (one warning for all), or if no header has one of the keywords.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles
        >>> mosaics = JwstFiles.query_criteria(
        ...     program=1386, instrument="MIRI", suffix="i2d", filter="F1140C"
        ... )
        >>> headers = JwstFiles.get_headers(
        ...     mosaics, keywords=["EXP_TYPE", "FILTER"], extensions=0, verbose=False
        ... )
        >>> headers["hdu", "EXP_TYPE", "FILTER"].pprint()
        hdu EXP_TYPE FILTER
        --- -------- ------
          0 MIR_4QPM F1140C
          0 MIR_4QPM F1140C
          0 MIR_4QPM F1140C
        """
        from .header_table import HeaderSelection, read_headers  # noqa: PLC0415 - not needed for queries

        selection = HeaderSelection.of(extensions, keywords)
        options = parallel.RunOptions(verbose, max_workers, None, timeout)
        return read_headers(self._product_files, products, selection, options)
