"""The pages of programs at www.stsci.edu, which have new and old addresses, and several formats.

In: possible addresses, and a function that reads the response.  Out: the result from the first address that works, or
one error that describes the problem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import requests
from bs4 import BeautifulSoup, Tag

from ..exceptions import (
    BadRequestError,
    InvalidQueryError,
    InvalidResponseError,
    MastError,
    QueryTimeoutError,
    ServerError,
)
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from .program import Address, ProgramId

T = TypeVar("T")

# What a page says if the program is unknown, or the server has a problem.
_UNKNOWN = ("not available via this interface", "no such program", "program not found")
_UNABLE = ("temporarily unable", "internal error", "temporarily unavailable")


class UnknownProgramError(BadRequestError):
    """Raised when the site has no information on a program."""


@dataclass(frozen=True)
class ProgramSite:
    """Requests the pages of programs."""

    service: MastService

    @property
    def server(self) -> str:
        """The server with the pages."""
        return self.service.endpoints.programs_server

    def first_readable(
        self,
        program: ProgramId,
        what: str,
        addresses: Sequence[Address],
        read: Callable[[bytes], T],
        deadline: Deadline,
    ) -> tuple[T, str]:
        """Return the result from the first address that can be read, and this address."""
        errors: list[MastError] = []
        for place, (url, params) in enumerate(addresses, 1):
            # Only the last address is retried; where another one fails, the next one is requested.
            attempts = 1 if place < len(addresses) else None
            try:
                return self._read(f"{what} of {program}", url, params, read, deadline, attempts), _full_url(url, params)
            except (UnknownProgramError, QueryTimeoutError):
                raise
            except MastError as err:
                errors.append(err)
        raise _combined_error(program, what, errors, _full_url(*addresses[0])) from errors[0]

    def _read(
        self,
        what: str,
        url: str,
        params: Mapping[str, str],
        read: Callable[[bytes], T],
        deadline: Deadline,
        attempts: int | None,
    ) -> T:
        def of_body(response: requests.Response) -> T:
            return read(response.content)

        return self.service.http.request(
            "GET",
            url,
            params=params,
            deadline=deadline,
            service=what,
            attempts=attempts,
            read=of_body,
            # A complete response that cannot be read will be the same the next time.
            hopeless=lambda err: isinstance(err, InvalidResponseError),
        )


def check_page(page: BeautifulSoup | Tag, program: ProgramId) -> None:
    """Raise if a page says that the program does not exist, or that the page is currently not available."""
    words = " ".join(page.get_text(" ").split())
    lowered = words.lower()
    if any(phrase in lowered for phrase in _UNKNOWN):
        other = "HST" if program.mission == "JWST" else "JWST"
        raise UnknownProgramError(
            f"No page found for {program}: {words[:200]!r}. If it is a program of {other}, use mission='{other}'."
        )
    if any(phrase in lowered for phrase in _UNABLE):
        raise ServerError(f"The page of {program} is currently not available: {words[:200]!r}.")


def _full_url(url: str, params: Mapping[str, str]) -> str:
    """Return an address with its parameters."""
    return str(requests.Request("GET", url, params=params).prepare().url)


def _combined_error(program: ProgramId, what: str, errors: Sequence[MastError], url: str) -> MastError:
    """Return the error to raise if none of the addresses could be read."""
    unread = next((error for error in errors if isinstance(error, InvalidResponseError)), None)
    if unread is not None:
        return InvalidResponseError(f"Cannot read the {what} of {program}. {unread} See {url} instead.", service=what)
    if all(isinstance(error, InvalidQueryError) for error in errors):
        return BadRequestError(f"The {what} of {program} was not found at any known URL: {errors[-1]}", service=what)
    return errors[-1]
