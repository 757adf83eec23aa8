"""dataURIs ↔ the public cloud copy: which files have one, and where it lies.

In: dataURIs, and two conversations: with the archive, which knows the paths, and with the bucket, which needs no
account and is never shown a token. Out: keys of objects, as ``s3://`` or https addresses. Products flow, beside "plan":
what is found here becomes ``PlannedFile.cloud_url``.
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
# The front end refuses request lines above about 8 kB (414): no more dataURIs at once, nor a longer question.
_BATCH = 40
_LONGEST = 6000
# Where the mission-independent products lie; each project has a folder of its own there.
_SHARED_FOLDER, _PROJECTS = "mast", "mast/hlsp/"


@dataclass(frozen=True)
class Bucket:
    """Where the public cloud copy is; a `~astroquery_mast.products.plan.DownloadService` of addresses in it."""

    name: str
    server: str

    @classmethod
    def configured(cls, endpoints: Endpoints) -> Bucket:
        """Return the bucket that the configuration names now."""
        return cls(endpoints.cloud_bucket, endpoints.cloud_server)

    def uri(self, key: str) -> str:
        """Return the address of an object for S3 clients: ``s3://<bucket>/<key>``."""
        return f"s3://{self.name}/{key}"

    def url(self, key: str) -> str:
        """Return the address of an object over https."""
        return f"{self.server}/{quote(key)}"

    def key(self, address: str) -> str | None:
        """Return the key of an object of this bucket from either address; None for any other address."""
        if address.startswith(f"s3://{self.name}/"):
            return address.removeprefix(f"s3://{self.name}/")
        if address.startswith(f"{self.server}/"):
            return unquote(address.removeprefix(f"{self.server}/"))
        return None

    def data_url(self, uri: str) -> str:
        """Return the address of an object over https, from either address."""
        key = self.key(uri)
        return uri if key is None else self.url(key)

    escaped_url = data_url


def lookup_batches(uris: Iterable[str]) -> Iterator[list[str]]:
    """Divide dataURIs into questions that the archive's front end takes."""
    batch: list[str] = []
    length = 0
    for uri in uris:
        size = len(urlencode({"uri": uri})) + 1
        if batch and (len(batch) == _BATCH or length + size > _LONGEST):
            yield batch
            batch, length = [], 0
        batch.append(uri)
        length += size
    if batch:
        yield batch


def read_paths(body: bytes, uris: Sequence[str]) -> dict[str, str | None]:
    """Read the answer of the path lookup."""
    try:
        entries = json.loads(body)
    except ValueError as err:
        raise InvalidResponseError(f"The {_SERVICE} did not return JSON.", service=_SERVICE) from err
    if not isinstance(entries, dict):
        raise InvalidResponseError(f"The {_SERVICE} returned no list of paths.", service=_SERVICE)
    return {uri: _key(entries.get(uri)) for uri in uris}


def _key(entry: object) -> str | None:
    """The key in one entry of the answer."""
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(path, str):
        return None
    path.encode()  # half a character is part of no address
    return path.lstrip("/") or None


def read_listing(body: bytes) -> tuple[list[str], str | None]:
    """Read one page of a bucket's listing."""
    try:
        # Expat has bounds of its own against documents that grow while they are read.
        root = ElementTree.fromstring(body)  # noqa: S314
    except ElementTree.ParseError as err:
        raise InvalidResponseError(f"The {_BUCKET} did not return XML.", service=_BUCKET) from err
    if not root.tag.endswith("ListBucketResult"):
        raise InvalidResponseError(f"The {_BUCKET} returned no listing.", service=_BUCKET)
    folders = [element.text.rstrip("/") for element in root.iterfind("{*}CommonPrefixes/{*}Prefix") if element.text]
    truncated = root.findtext("{*}IsTruncated") == "true"
    return folders, root.findtext("{*}NextContinuationToken") if truncated else None


class Cloud:
    """The public cloud copy, as a client without an account sees it."""

    def __init__(self, wire: HttpClient, endpoints: Endpoints) -> None:
        self._wire = wire
        self._endpoints = endpoints
        self.bucket = Bucket.configured(endpoints)

    def keys(self, uris: Iterable[str], deadline: Deadline) -> dict[str, str | None]:
        """Look up where the copies of files lie; 40 files with one question, and several questions at a time."""

        def ask(batch: Sequence[str]) -> dict[str, str | None]:
            """Ask for the keys of some files; None for those that are not in the cloud."""
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
        """Ask the bucket which objects are there and open to the public; one question each, several at a time."""
        asked = list(dict.fromkeys(keys))
        workers = min(count_setting("max_workers"), len(asked))
        found = map_or_stop(deadline, lambda key: self._exists(key, deadline), asked, workers)
        return {key for key, exists in zip(asked, found, strict=True) if exists}

    def _exists(self, key: str, deadline: Deadline) -> bool:
        try:
            self._wire.request("HEAD", self.bucket.url(key), deadline=deadline, service=_BUCKET).close()
        except MastError as err:
            # 404: not copied; 403: exclusive access, which ends with a date.
            if err.status in {403, 404}:
                return False
            raise
        return True

    def datasets(self, deadline: Deadline) -> list[str]:
        """List what the bucket holds: a folder for each mission, and one for each project."""
        names: list[str] = []
        for folder in self._folders("", deadline):
            names.extend(self._folders(_PROJECTS, deadline) if folder == _SHARED_FOLDER else [folder])
        return names

    def _folders(self, prefix: str, deadline: Deadline) -> list[str]:
        """The folders right below a prefix, of every page of the listing."""
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
