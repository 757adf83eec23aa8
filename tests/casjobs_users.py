"""CasJobs clients for tests, with a login or with Ctrl-C during a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from astroquery_mast import CasJobsClass
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord
from astroquery_mast.service.connections import TimedAdapter

Where = Callable[[RequestRecord], bool]


def logged_in(sandbox: Sandbox, **arguments: Any) -> CasJobsClass:
    """Return a client with the user of the sandbox."""
    client = CasJobsClass(**arguments)
    client.login(sandbox.casjobs_user, sandbox.casjobs_password)
    return client


class InterruptingAdapter(TimedAdapter):
    """Raises KeyboardInterrupt when a request to an address is sent, before or after it arrives."""

    def __init__(self, ending: str, *, arrives: bool) -> None:
        super().__init__()
        self.ending, self.arrives, self.left = ending, arrives, 1

    def send(self, request: requests.PreparedRequest, *args: Any, **keywords: Any) -> requests.Response:
        """Send a request, or raise KeyboardInterrupt."""
        if self.left and (request.url or "").endswith(self.ending):
            self.left -= 1
            if self.arrives:
                super().send(request, *args, **keywords).close()
            raise KeyboardInterrupt
        return super().send(request, *args, **keywords)
