"""FITS files opened in place by `fsspec`, as ``fits.open(..., use_fsspec=True)`` does it.

In: an address.  Out: an `~astropy.io.fits.HDUList` whose data come over the network when they are used.  Products flow,
beside "remote_file", which needs no further package and can show a token.
"""

from __future__ import annotations

import sys
from http import HTTPStatus

from astropy.io import fits

from ..exceptions import BadRequestError, InvalidQueryError, LoginError, ServerError

__all__ = ["open_fits"]

_UNAUTHORISED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def open_fits(url: str, *, name: str, block_size: int) -> fits.HDUList:
    """Open a FITS file at an address."""
    try:
        return fits.open(url, use_fsspec=True, fsspec_kwargs={"block_size": block_size})
    except ImportError as err:
        raise InvalidQueryError(
            f"use_fsspec=True: what is needed for it is not installed ({err}): pip install astroquery_mast[cloud]"
        ) from err
    except _failures() as err:
        status = _status(err)
        if status in _UNAUTHORISED:
            raise LoginError(f"{name} is exclusive: open it without use_fsspec=True, after logging in.") from err
        if status == HTTPStatus.NOT_FOUND:
            raise BadRequestError(f"There is no file {name} at {url}.", service="fsspec", status=status) from err
        if status is None and isinstance(err, OSError) and not isinstance(err, _failures()[1:]):
            raise InvalidQueryError(f"{name} is no FITS file: {err}") from err
        raise ServerError(
            f"{name} could not be read by fsspec (HTTP status {status or 'unknown'}).", service="fsspec", status=status
        ) from err


def _failures() -> tuple[type[Exception], ...]:
    """What `fsspec` raises, and the client behind it; looked up when something has gone wrong, for it is optional."""
    aiohttp = sys.modules.get("aiohttp")
    return (OSError,) if aiohttp is None else (OSError, aiohttp.ClientError)


def _status(err: BaseException | None) -> int | None:
    """The HTTP status behind an exception: `fsspec` says "not found" of every failure, and keeps the cause."""
    while err is not None:
        status = getattr(err, "status", None)
        if isinstance(status, int):
            return status
        err = err.__cause__ or err.__context__
    return None
