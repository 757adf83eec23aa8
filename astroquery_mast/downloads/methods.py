"""The public methods that all clients with files share; what downloads is loaded when they are called.

In: a manifest.  Out: a manifest.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Protocol

from astropy import units as u
from astropy.io.registry import IORegistryError
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from ..service.parallel import RunOptions

if TYPE_CHECKING:
    from ..products.manifest import Manifest
    from .product_flow import Downloads

# Headers of FITS files are read 2880 bytes at a time; a block holds a good many of them, and costs little to fetch.
BLOCK_SIZE = 1 << 16


def as_read(manifest: Any) -> Any:
    """Return a manifest, also one of which the name of its file was given."""
    if not isinstance(manifest, str | os.PathLike):
        return manifest
    try:
        return Table.read(manifest)
    except (OSError, ValueError, IORegistryError) as err:
        raise InvalidArgumentError(f"No manifest can be read from {os.fspath(manifest)!r}: {err}") from err


class DownloadMethods(Protocol):
    """The methods that all clients with files have: each takes them over by name, and has `_downloads`."""

    @property
    def _downloads(self) -> Downloads:
        """What downloads, and knows where the files of a manifest come from."""

    def verify_downloads(self, manifest: Table | str | os.PathLike[str], *, verbose: bool = True) -> Manifest:
        """Return the manifest of a download with what is on disk now; nothing is asked of the archive.

        Parameters
        ----------
        manifest : `~astropy.table.Table`, `~astropy.table.Row` or path-like
            As `download_products` returned it, or read from a file; or the name of that file.
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
        """Fetch the files of a manifest that failed, or that `verify_downloads` found missing or changed.

        Parameters
        ----------
        manifest : `~astropy.table.Table`, `~astropy.table.Row` or path-like
            As `download_products` or `verify_downloads` returned it, or read from a file; or the name of that file.
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
        return self._downloads.retry(as_read(manifest), RunOptions(verbose, max_workers, executor, timeout, on_error))
