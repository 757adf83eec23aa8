"""What all cutout services have in common: a question, a zip file, and what is made of it.

In: questions (`~astroquery_mast.query.request.ApiRequest`).  Out: `~astropy.io.fits.HDUList` objects in memory, or
files with their manifest.

A cutout is made while one waits, without a byte being sent before it is done; the services therefore may be silent
longer than others before a request is sent again.
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
from .protocol import message_for_nothing, offered, one_target
from .zip_files import begins_as_zip, zipped_files

T = TypeVar("T")

# How many times ``conf.read_timeout`` a service may be silent while it makes a cutout.
_PATIENCE = 3
# Parameters that say where to look, or at what.
_TARGET = ("ra", "dec", "obj_id", "obj_type")
# Seconds that an empty answer may spend on the question what there is instead.
_SECONDS_TO_EXPLAIN = 20.0
# The services serve ten requests of one user at a time: https://mast.stsci.edu/tesscut/docs/.
_MOST_AT_ONCE = 10


@dataclass(frozen=True)
class CutoutService:
    """One of the cutout services, asked through what a client has for its conversation with MAST.

    ``name`` is the service's name in addresses, ``title`` that for people; ``posts_json`` tells whether it takes JSON
    instead of a form.
    """

    service: MastService
    name: str
    title: str
    posts_json: bool = False

    def question(self, path: str, params: Mapping[str, object], note: str = "") -> ApiRequest:
        """Make a question to the service."""
        url = f"{self.service.endpoints.cutouts(self.name)}/{path}"
        return ApiRequest(f"{self.title}{note}", url, params)

    def around(
        self, coordinates: Any, object_name: str | None, radius: Any, resolver: str | None, deadline: Deadline
    ) -> Cone:
        """Return where to look; what is wrong with it is said before anybody is asked."""
        one_target(coordinates, object_name, moving=False)
        cone = self.service.cone(coordinates, object_name, as_radius(radius), resolver, deadline)
        assert cone is not None
        return cone

    def _ask(self, question: ApiRequest, read: Callable[[bytes, str], T], deadline: Deadline) -> T:
        """Ask the service, with patience, and return what is read from the body of its answer."""
        form: Any = question.payload()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.posts_json:
            # The service takes only floats for numbers.
            numbers = {name: float(value) for name, value in form.items() if isinstance(value, int)}
            form = replace(question, params={**form, **numbers}).body()
            headers = {"Content-Type": "application/json"}
        return self.service.http.request(
            "POST",
            question.url,
            deadline=deadline,
            service=question.service,
            data=form,
            headers=headers,
            patience=_patience(),
            read=lambda response: read(response.content, question.service),
        )

    def document(self, question: ApiRequest, deadline: Deadline) -> Any:
        """Ask for something else than cutouts; return the decoded answer."""
        return self._ask(question, decoded, deadline)

    # -- in memory -----------------------------------------------------------------------------------------------

    def open_all(self, questions: Sequence[ApiRequest], deadline: Deadline, max_workers: int = 1) -> list[fits.HDUList]:
        """Ask all questions, and return the cutouts of all answers in the order of the questions."""

        def ask(question: ApiRequest) -> list[fits.HDUList] | str:
            """The cutouts of one answer, or the message that there is nothing."""
            found = self._ask(question, _members, deadline)
            if isinstance(found, str):
                return found
            return [_open(name, content, question.service) for name, content in found]

        messages: dict[str, str] = {}
        cutouts: list[fits.HDUList] = []
        with ExitStack() as if_it_fails:
            if_it_fails.callback(deadline.stop)
            for question, answer in zip(questions, map_in_threads(ask, questions, max_workers), strict=True):
                if isinstance(answer, str):
                    messages[question.service] = answer
                else:
                    cutouts.extend(answer)
            if_it_fails.pop_all()
        self._warn_of_nothing(messages, questions)
        return cutouts

    def open_around(
        self, coordinates: Any, params: Mapping[str, object], timeout: float | u.Quantity | None
    ) -> list[fits.HDUList]:
        """Return the cutouts of one position, in memory."""
        deadline = self.service.deadline(timeout)
        cone = self.around(coordinates, None, 0, None, deadline)
        return self.open_all([self.question("astrocut", {"ra": cone.ra, "dec": cone.dec, **params})], deadline)

    def _warn_of_nothing(self, messages: Mapping[str, str], questions: Sequence[ApiRequest]) -> None:
        """Warn with the service's messages that it had nothing for some of the questions, or for all."""
        if not messages:
            return
        alone = len(questions) == 1
        said = [text if alone else f"{question}: {text}" for question, text in messages.items()]
        empty = next((question for question in questions if question.service in messages), questions[0])
        warn_user(" ".join([*said, *self._elsewhere(empty)]), NoResultsWarning)

    def _elsewhere(self, question: ApiRequest) -> list[str]:
        """Say which sectors or surveys have the target, if a question named one that does not."""
        params = question.payload()
        name = next((name for name in ("sector", "survey") if name in params), None)
        if name is None:
            return []
        target = {key: params[key] for key in _TARGET if key in params}
        url = question.url.removesuffix("astrocut") + name
        try:
            asked = replace(question, url=url, params={**target, "radius": 0})
            found = offered(self.document(asked, Deadline(_SECONDS_TO_EXPLAIN)), name, question.service)
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
        questions: Sequence[ApiRequest],
        folder: Path,
        deadline: Deadline | None,
        *,
        inflate: bool,
        verbose: bool,
        max_workers: int = 1,
    ) -> Manifest:
        """Ask all questions, and return the manifest of the files of all answers."""
        if not questions:
            return as_manifest([])
        with CutoutFiles(questions, folder, self.name) as files:
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
        self._warn_of_nothing(files.messages, questions)
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
        """Download the cutouts of one position."""
        folder = as_folder(path)
        deadline = self.service.deadline(timeout)
        cone = self.around(coordinates, None, 0, None, deadline)
        question = self.question("astrocut", {"ra": cone.ra, "dec": cone.dec, **params})
        limit = None if timeout is None else deadline
        return self.save_all([question], folder, limit, inflate=inflate, verbose=verbose)


class _Name(str):
    """The name of a cutout's file: an attribute as in ``astroquery.mast``, that can be called as in astropy."""

    __slots__ = ()

    def __call__(self) -> str:
        """Return the name."""
        return str(self)


def _patience() -> float:
    """Seconds of silence in which a cutout may be made."""
    return _PATIENCE * seconds_setting("read_timeout")


def _members(body: bytes, service: str) -> list[tuple[str, bytes]] | str:
    """The files in an answer, or the message that there is nothing; an answer that was truncated is asked for again."""
    if not begins_as_zip(body):
        return message_for_nothing(body, service)
    with zipped_files(BytesIO(body), service) as archive:
        found = [(member.filename, archive.read(member)) for member in archive.members]
    return found or f"{service} returned an empty zip file."


def _open(name: str, content: bytes, service: str) -> fits.HDUList:
    """One cutout in memory."""
    try:
        cutout = fits.open(BytesIO(content))
    except OSError as err:
        message = f"{service} returned {name!r}, which is not a valid FITS file: {err}"
        raise InvalidResponseError(message, service=service, status=200) from err
    cutout.filename = _Name(name)
    return cutout


def _failure(manifest: Manifest, error: Exception | None, deadline: Deadline | None, title: str) -> Exception:
    """What to raise when not one file has come."""
    first = manifest["Message"][0]
    if deadline is not None and deadline.remaining() <= 0:
        limit = f"Timeout limit of {deadline.seconds:g} s exceeded by {title}"
        message = f"{limit}: no cutout was completed. Increase timeout=. {first}"
        return QueryTimeoutError(message, service=title, elapsed=deadline.elapsed())
    if error is not None:
        return error
    return DownloadError(f"No cutout could be downloaded: {first}", manifest)


def as_workers(max_workers: int | None) -> int:
    """Return how many requests may be under way at a time."""
    return min(number_of_workers(max_workers), _MOST_AT_ONCE)
