"""The public cloud copies of files: which dataURIs have one, and at which address.

In: dataURIs; MAST is queried for the paths, and the bucket for the objects, without an account or a token.
Out: keys of objects, as ``s3://`` or https addresses. Part of the product flow, used by "plan": an address found here
becomes ``PlannedFile.cloud_url``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree

from ..config import Endpoints, count_setting
from ..exceptions import InvalidResponseError, MastError
from ..service.http import HttpClient
from ..service.parallel import map_or_stop
from ..service.retrying import Deadline

_SERVICE = "MAST cloud path lookup"
_BUCKET = "public cloud copy"
# MAST's front end rejects request lines longer than about 8 kB (414): limits on dataURIs and characters per request.
_BATCH_SIZE = 40
_MAX_QUERY_LENGTH = 6000
# The folder of mission-independent products, and its subfolder with one folder for each project.
_SHARED_FOLDER, _PROJECTS = "mast", "mast/hlsp/"


@dataclass(frozen=True)
class Bucket:
    """The bucket with the public cloud copies; a `~astroquery_mast.products.plan.DownloadService`."""

    name: str
    server: str

    @classmethod
    def configured(cls, endpoints: Endpoints) -> Bucket:
        """Return the bucket set in the current configuration."""
        return cls(endpoints.cloud_bucket, endpoints.cloud_server)

    def uri(self, key: str) -> str:
        """Return the address of an object for S3 clients: ``s3://<bucket>/<key>``."""
        return f"s3://{self.name}/{key}"

    def url(self, key: str) -> str:
        """Return the https address of an object."""
        return f"{self.server}/{quote(key)}"

    def key(self, address: str) -> str | None:
        """Return the key of an object from its ``s3://`` or https address; None if it is not in this bucket."""
        if address.startswith(f"s3://{self.name}/"):
            return address.removeprefix(f"s3://{self.name}/")
        if address.startswith(f"{self.server}/"):
            return unquote(address.removeprefix(f"{self.server}/"))
        return None

    def data_url(self, uri: str) -> str:
        """Return the https address of an object, given its ``s3://`` or https address."""
        key = self.key(uri)
        return uri if key is None else self.url(key)

    escaped_url = data_url


def lookup_batches(uris: Iterable[str]) -> Iterator[list[str]]:
    """Divide dataURIs into batches that fit into one request."""
    batch: list[str] = []
    length = 0
    for uri in uris:
        size = len(urlencode({"uri": uri})) + 1
        if batch and (len(batch) == _BATCH_SIZE or length + size > _MAX_QUERY_LENGTH):
            yield batch
            batch, length = [], 0
        batch.append(uri)
        length += size
    if batch:
        yield batch


def read_paths(body: bytes, uris: Sequence[str]) -> dict[str, str | None]:
    """Parse the response of the path lookup."""
    try:
        entries = json.loads(body)
    except ValueError as err:
        raise InvalidResponseError(f"The {_SERVICE} did not return JSON.", service=_SERVICE) from err
    if not isinstance(entries, dict):
        raise InvalidResponseError(f"The {_SERVICE} returned no list of paths.", service=_SERVICE)
    return {uri: _key(entries.get(uri)) for uri in uris}


def _key(entry: object) -> str | None:
    """Return the key in one entry of the response."""
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(path, str):
        return None
    path.encode()  # a lone surrogate cannot be part of an address
    return path.lstrip("/") or None


def read_listing(body: bytes) -> tuple[list[str], str | None]:
    """Parse one page of the listing of a bucket."""
    try:
        # Expat has its own limits against entity expansion.
        root = ElementTree.fromstring(body)  # noqa: S314
    except ElementTree.ParseError as err:
        raise InvalidResponseError(f"The {_BUCKET} did not return XML.", service=_BUCKET) from err
    if not root.tag.endswith("ListBucketResult"):
        raise InvalidResponseError(f"The {_BUCKET} returned no listing.", service=_BUCKET)
    folders = [element.text.rstrip("/") for element in root.iterfind("{*}CommonPrefixes/{*}Prefix") if element.text]
    truncated = root.findtext("{*}IsTruncated") == "true"
    return folders, root.findtext("{*}NextContinuationToken") if truncated else None


class Cloud:
    """The public cloud copies, accessed without an account."""

    def __init__(self, wire: HttpClient, endpoints: Endpoints) -> None:
        self._wire = wire
        self._endpoints = endpoints
        self.bucket = Bucket.configured(endpoints)

    def keys(self, uris: Iterable[str], deadline: Deadline) -> dict[str, str | None]:
        """Look up the keys of the copies of files, 40 files per request and several requests at a time."""

        def ask(batch: Sequence[str]) -> dict[str, str | None]:
            """Request the keys of some files; None for those that are not in the cloud."""
            params = [*(("uri", uri) for uri in batch), ("use_cloud_path", "True")]
            address = self._endpoints.path_lookup
            return self._wire.request(
                "GET",
                address,
                params=params,
                deadline=deadline,
                service=_SERVICE,
                read=lambda response: read_paths(response.content, batch),
            )

        batches = list(lookup_batches(dict.fromkeys(uris)))
        answers = map_or_stop(deadline, ask, batches, min(count_setting("max_workers"), len(batches)))
        return {uri: key for answer in answers for uri, key in answer.items()}

    def existing(self, keys: Iterable[str], deadline: Deadline) -> set[str]:
        """Return the keys of the objects that exist and are public, with one request for each, several at a time."""
        asked = list(dict.fromkeys(keys))
        workers = min(count_setting("max_workers"), len(asked))
        found = map_or_stop(deadline, lambda key: self._exists(key, deadline), asked, workers)
        return {key for key, exists in zip(asked, found, strict=True) if exists}

    def _exists(self, key: str, deadline: Deadline) -> bool:
        try:
            self._wire.request("HEAD", self.bucket.url(key), deadline=deadline, service=_BUCKET).close()
        except MastError as err:
            # 404: not copied; 403: under exclusive access until the release date.
            if err.status in {403, 404}:
                return False
            raise
        return True

    def datasets(self, deadline: Deadline) -> list[str]:
        """List the datasets in the bucket: the folders of missions and of projects."""
        names: list[str] = []
        for folder in self._folders("", deadline):
            names.extend(self._folders(_PROJECTS, deadline) if folder == _SHARED_FOLDER else [folder])
        return names

    def _folders(self, prefix: str, deadline: Deadline) -> list[str]:
        """Return the folders directly below a prefix, from all pages of the listing."""
        folders: list[str] = []
        params: Mapping[str, str] = {"list-type": "2", "delimiter": "/", "prefix": prefix}
        while True:
            address = f"{self.bucket.server}/"
            page, continuation = self._wire.request(
                "GET",
                address,
                params=params,
                deadline=deadline,
                service=_BUCKET,
                read=lambda response: read_listing(response.content),
            )
            folders += page
            if continuation is None:
                return folders
            params = {**params, "continuation-token": continuation}
