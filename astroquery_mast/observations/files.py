"""How planned files of observations are brought, from the cloud and in bundles too; a part of `ObservationsClass`.

In: plans. Out: results of transfers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import requests
from astropy.table import Table

from ..downloads.client import Effort, FileTransfers
from ..downloads.download import complain, download
from ..exceptions import InputWarning, InvalidArgumentError, InvalidQueryError
from ..products.bundle import KINDS, SCRIPT, Bundle
from ..products.file_names import PathTemplate
from ..products.manifest import TransferResult
from ..products.plan import Action, PlannedFile
from ..service.deadline import Deadline
from ..warn import warn_user
from .listing import ObservationListing

__all__ = ["ObservationFiles", "kind_of_bundle", "only_in_cloud", "refuse_contradiction", "uris_of"]

_NO_CLOUD = "`cloud_only` is True but cloud data access is not enabled: the files are fetched from MAST itself."


class ObservationFiles(ObservationListing, FileTransfers):
    """The transfers of files; a part of `~astroquery_mast.ObservationsClass`."""

    def _in_cloud(self, cloud_only: bool, force_on_prem: bool) -> bool:
        """Whether to look into the cloud."""
        if cloud_only and not self._cloud_enabled:
            warn_user(_NO_CLOUD, InputWarning)
        return self._cloud_enabled and not force_on_prem

    def _fetch_bundle(self, bundle: Bundle, file: PlannedFile, effort: Effort) -> list[TransferResult]:
        """Fetch many products in one file."""
        # A script is asked for without the token, so that none can be in it.
        wire = self._anonymous() if bundle.kind == SCRIPT else self._service.http

        def post(url: str, headers: Mapping[str, str]) -> requests.Response:
            limit = self._service.deadline(None) if effort.seconds is None else Deadline(effort.seconds)
            return wire.request(
                "POST", url, data=bundle.form, headers=headers, deadline=limit, service="MAST download", stream=True
            )

        fetched = download(
            [file],
            post,
            timeout=effort.seconds,
            on_error="ignore",
            verbose=effort.verbose,
        )
        results = bundle.results(fetched[0])
        complain(results, on_error=effort.on_error)
        return results


def uris_of(table: Table) -> list[str]:
    """Return the dataURIs of products."""
    return [uri for uri in table["dataURI"].tolist() if isinstance(uri, str) and uri.strip()]


def refuse_contradiction(cloud_only: bool, force_on_prem: bool) -> None:
    """Raise if the cloud alone, and never the cloud, is asked for."""
    if cloud_only and force_on_prem:
        raise InvalidQueryError("cloud_only=True and force_on_prem=True contradict each other: set one to False.")


def kind_of_bundle(curl_flag: bool, bundle: str | None, path_template: PathTemplate | None, flat: bool) -> str | None:
    """Return the kind of the one file that is wanted instead of many."""
    if curl_flag and bundle is not None:
        raise InvalidArgumentError("curl_flag=True and bundle=... contradict each other: leave one of them out.")
    if bundle is not None and bundle not in KINDS:
        raise InvalidArgumentError(f"bundle={bundle!r}: {' or '.join(map(repr, KINDS))} is needed.")
    kind = SCRIPT if curl_flag else bundle
    if kind is not None and (flat or path_template is not None):
        name, what = "flat=True" if flat else "path_template", "a curl script" if curl_flag else "a bundle"
        warn_user(f"{name} has no effect on {what}.", InputWarning)
    return kind


def only_in_cloud(file: PlannedFile) -> PlannedFile:
    """Return the same file, from the cloud or not at all."""
    if file.action in {Action.KEEP, Action.REFUSE}:
        return file
    if file.cloud_url is None:
        return replace(file, action=Action.SKIP, reason="not in the cloud")
    return replace(file, url=file.cloud_url)
