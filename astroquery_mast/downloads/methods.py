"""The public methods that all clients with files share; what downloads is loaded when they are called.

In: a manifest.  Out: a manifest.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import TYPE_CHECKING, Protocol

from astropy import units as u
from astropy.table import Table

from ..service.parallel import RunOptions

if TYPE_CHECKING:
    from ..products.manifest import Manifest
    from .product_flow import Downloads

# Headers of FITS files are read 2880 bytes at a time; a block holds a good many of them, and costs little to fetch.
BLOCK_SIZE = 1 << 16


class DownloadMethods(Protocol):
    """The methods that all clients with files have: each takes them over by name, and has `_downloads`."""

    @property
    def _downloads(self) -> Downloads:
        """What downloads, and knows where the files of a manifest come from."""

    def verify_downloads(self, manifest: Table, *, verbose: bool = True) -> Manifest:
        """Return the manifest of a download with what is on disk now; nothing is asked of the archive.

        Parameters
        ----------
        manifest : `~astropy.table.Table` or `~astropy.table.Row`
            As `download_products` returned it, or read from a file.
        verbose : bool
            Whether to show a bar on a terminal.

        Returns
        -------
        Manifest
            The same rows; ``Status`` is ``OK``, ``MISSING`` or ``CHANGED`` (another size or SHA-256).

        Raises
        ------
        InvalidQueryError
            If the table is not a manifest, or its files are in a store (``s3://...``) and not on a disk.
        """
        from .verify_and_retry import verify_downloads  # noqa: PLC0415 - queries need nothing of downloads

        return verify_downloads(manifest, verbose=verbose)

    def retry_downloads(
        self,
        manifest: Table,
        *,
        max_workers: int | None = None,
        executor: Executor | None = None,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
        verbose: bool = True,
    ) -> Manifest:
        """Fetch the files of a manifest that failed, or that `verify_downloads` found missing or changed.

        Parameters
        ----------
        manifest : `~astropy.table.Table` or `~astropy.table.Row`
            As `download_products` or `verify_downloads` returned it, or read from a file.
        max_workers, executor, timeout, on_error, verbose
            As `download_products`.

        Returns
        -------
        Manifest
            The same rows in the same order, with what is known now.

        Raises
        ------
        InvalidQueryError
            If the table is not a manifest, its files are in a store (``s3://...``), or an argument cannot be applied.
        DownloadError
            As `download_products`.
        """
        return self._downloads.retry(manifest, RunOptions(verbose, max_workers, executor, timeout, on_error))
