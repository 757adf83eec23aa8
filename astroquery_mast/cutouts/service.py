"""The client side of all cutout services: send queries, and read the zip files in the responses.

In: queries (`~astroquery_mast.query.request.ApiRequest`).  Out: `~astropy.io.fits.HDUList` objects in memory, or files
with their manifest.

The services create cutouts on demand and send no data until these are complete.  Their read timeout is therefore longer
than that of other services.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from astropy import units as u
from astropy.io import fits
from astroquery import log

from ..config import seconds_setting
from ..downloads.download import complain, download
from ..downloads.sessions import SessionRecipe
from ..exceptions import DownloadError, InvalidResponseError, MastError, NoResultsWarning, QueryTimeoutError
from ..products.manifest import Manifest, Status, as_manifest
from ..query.request import ApiRequest
from ..service.mast_service import MastService
from ..service.parallel import RunOptions, map_in_threads, number_of_workers
from ..service.retrying import Deadline
from ..sky.position import Cone, as_radius
from ..tables.rows import decoded
from ..warn import warn_user
from .files import CutoutFiles, as_folder
from .protocol import available_names, no_data_message, one_target
from .zip_files import is_zip_start, zipped_files

T = TypeVar("T")

# Factor on ``conf.read_timeout`` while a service creates a cutout.
_PATIENCE = 3
# Parameters of the target.
_TARGET = ("ra", "dec", "obj_id", "obj_type")
# Time limit in seconds for listing alternatives after an empty response.
_SECONDS_TO_EXPLAIN = 20.0
# The services accept ten simultaneous requests of a user: https://mast.stsci.edu/tesscut/docs/.
_MOST_AT_ONCE = 10


@dataclass(frozen=True)
class CutoutService:
    """One of the cutout services, queried through the `MastService` of a client.

    ``name`` is the name of the service in URLs, and ``title`` the name in messages; with ``posts_json``, it takes JSON
    instead of a form.
    """

    service: MastService
    name: str
    title: str
    posts_json: bool = False

    def query(self, path: str, params: Mapping[str, object], note: str = "") -> ApiRequest:
        """Return a query to the service."""
        url = f"{self.service.endpoints.cutouts(self.name)}/{path}"
        return ApiRequest(f"{self.title}{note}", url, params)

    def around(
        self, coordinates: Any, object_name: str | None, radius: Any, resolver: str | None, deadline: Deadline
    ) -> Cone:
        """Return the cone of a target; invalid arguments raise before any request is sent."""
        one_target(coordinates, object_name, moving=False)
        cone = self.service.cone(coordinates, object_name, as_radius(radius), resolver, deadline)
        assert cone is not None
        return cone

    def _post(self, query: ApiRequest, read: Callable[[bytes, str], T], deadline: Deadline) -> T:
        """Send a query with the longer read timeout, and return what ``read`` makes of the response body."""
        form: Any = query.payload()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.posts_json:
            # The service accepts numbers only as floats.
            numbers = {name: float(value) for name, value in form.items() if isinstance(value, int)}
            form = replace(query, params={**form, **numbers}).body()
            headers = {"Content-Type": "application/json"}
        return self.service.http.request(
            "POST",
            query.url,
            deadline=deadline,
            service=query.service,
            data=form,
            headers=headers,
            patience=_patience(),
            read=lambda response: read(response.content, query.service),
        )

    def document(self, query: ApiRequest, deadline: Deadline) -> Any:
        """Send a query for other data than cutouts, and return the decoded response."""
        return self._post(query, decoded, deadline)

    # -- in memory -----------------------------------------------------------------------------------------------

    def open_all(self, queries: Sequence[ApiRequest], deadline: Deadline, max_workers: int = 1) -> list[fits.HDUList]:
        """Send all queries, and return the cutouts of all responses in the order of the queries."""

        def fetch(query: ApiRequest) -> list[fits.HDUList] | str:
            """Return the cutouts of one response, or the message that there is no data."""
            found = self._post(query, _members, deadline)
            if isinstance(found, str):
                return found
            return [_open(name, content, query.service) for name, content in found]

        messages: dict[str, str] = {}
        cutouts: list[fits.HDUList] = []
        with ExitStack() as if_it_fails:
            if_it_fails.callback(deadline.stop)
            for query, response in zip(queries, map_in_threads(fetch, queries, max_workers), strict=True):
                if isinstance(response, str):
                    messages[query.service] = response
                else:
                    cutouts.extend(response)
            if_it_fails.pop_all()
        self._warn_of_nothing(messages, queries)
        return cutouts

    def open_around(
        self, coordinates: Any, params: Mapping[str, object], timeout: float | u.Quantity | None
    ) -> list[fits.HDUList]:
        """Return the cutouts of a position in memory."""
        deadline = self.service.deadline(timeout)
        cone = self.around(coordinates, None, 0, None, deadline)
        return self.open_all([self.query("astrocut", {"ra": cone.ra, "dec": cone.dec, **params})], deadline)

    def _warn_of_nothing(self, messages: Mapping[str, str], queries: Sequence[ApiRequest]) -> None:
        """Warn with the messages of the service about queries without data."""
        if not messages:
            return
        alone = len(queries) == 1
        said = [text if alone else f"{query}: {text}" for query, text in messages.items()]
        empty = next((query for query in queries if query.service in messages), queries[0])
        warn_user(" ".join([*said, *self._available_sentence(empty)]), NoResultsWarning)

    def _available_sentence(self, query: ApiRequest) -> list[str]:
        """Return a sentence with the sectors or surveys of the target, if the query was for one without data."""
        params = query.payload()
        name = next((name for name in ("sector", "survey") if name in params), None)
        if name is None:
            return []
        target = {key: params[key] for key in _TARGET if key in params}
        url = query.url.removesuffix("astrocut") + name
        try:
            lookup = replace(query, url=url, params={**target, "radius": 0})
            found = available_names(self.document(lookup, Deadline(_SECONDS_TO_EXPLAIN)), name, query.service)
        except MastError as err:
            log.debug("Could not list the available alternatives: %s", err)
            return []
        return (
            [f"{name}={params[name]!r} has no data at this position. Available {name}s: {', '.join(found)}."]
            if found
            else []
        )

    # -- on disk -------------------------------------------------------------------------------------------------

    def save_all(
        self,
        queries: Sequence[ApiRequest],
        folder: Path,
        deadline: Deadline | None,
        *,
        inflate: bool,
        verbose: bool,
        max_workers: int = 1,
    ) -> Manifest:
        """Send all queries, and return the manifest of the files in all responses."""
        if not queries:
            return as_manifest([])
        with CutoutFiles(queries, folder, self.name) as files:
            timeout = None if deadline is None else max(deadline.remaining(), 1e-3)
            fetched = download(
                files.planned(),
                replace(SessionRecipe.of(self.service), read_timeout=_patience()),
                RunOptions(verbose, max_workers, None, timeout, "ignore"),
                carry_out=files.carry_out,
            )
            results = files.results(fetched, inflate=inflate, deadline=deadline or Deadline())
        manifest = as_manifest(results)
        if results and all(result.status is Status.ERROR for result in results):
            raise _failure(manifest, files.error, deadline, self.title)
        complain(results, on_error="warn", manifest=manifest)
        self._warn_of_nothing(files.messages, queries)
        return manifest

    def save_around(
        self,
        coordinates: Any,
        params: Mapping[str, object],
        path: str | os.PathLike[str],
        timeout: float | u.Quantity | None,
        *,
        inflate: bool,
        verbose: bool,
    ) -> Manifest:
        """Download the cutouts of a position."""
        folder = as_folder(path)
        deadline = self.service.deadline(timeout)
        cone = self.around(coordinates, None, 0, None, deadline)
        query = self.query("astrocut", {"ra": cone.ra, "dec": cone.dec, **params})
        limit = None if timeout is None else deadline
        return self.save_all([query], folder, limit, inflate=inflate, verbose=verbose)


class _Name(str):
    """The file name of a cutout: a string attribute as in ``astroquery.mast``, and callable as in astropy."""

    __slots__ = ()

    def __call__(self) -> str:
        """Return the name."""
        return str(self)


def _patience() -> float:
    """Return the read timeout for cutouts in seconds."""
    return _PATIENCE * seconds_setting("read_timeout")


def _members(body: bytes, service: str) -> list[tuple[str, bytes]] | str:
    """Return the files in a response, or the message that there is no data; truncated responses are retried."""
    if not is_zip_start(body):
        return no_data_message(body, service)
    with zipped_files(BytesIO(body), service) as archive:
        found = [(member.filename, archive.read(member)) for member in archive.members]
    return found or f"{service} returned an empty zip file."


def _open(name: str, content: bytes, service: str) -> fits.HDUList:
    """Open a cutout in memory."""
    try:
        cutout = fits.open(BytesIO(content))
    except OSError as err:
        message = f"{service} returned {name!r}, which is not a valid FITS file: {err}"
        raise InvalidResponseError(message, service=service, status=200) from err
    cutout.filename = _Name(name)
    return cutout


def _failure(manifest: Manifest, error: Exception | None, deadline: Deadline | None, title: str) -> Exception:
    """Return the exception for a call that produced no file."""
    first = manifest["Message"][0]
    if deadline is not None and deadline.remaining() <= 0:
        limit = f"Timeout limit of {deadline.seconds:g} s exceeded by {title}"
        message = f"{limit}: no cutout was completed. Increase timeout=. {first}"
        return QueryTimeoutError(message, service=title, elapsed=deadline.elapsed())
    if error is not None:
        return error
    return DownloadError(f"No cutout could be downloaded: {first}", manifest)


def as_workers(max_workers: int | None) -> int:
    """Return the maximum number of simultaneous requests."""
    return min(number_of_workers(max_workers), _MOST_AT_ONCE)
