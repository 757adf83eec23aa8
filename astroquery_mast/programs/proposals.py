"""The files of a proposal: the APT file with all details, and the PDF.

In: a program.  Out: files on disk, downloaded like all others, and their manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from astropy.table import Table

from ..downloads.destination import destination, file_system_at, free_space
from ..downloads.download import DownloadRequest, complain
from ..downloads.product_flow import Downloads
from ..products.addresses import FileAddresses
from ..products.manifest import Manifest, Status, TransferResult, as_manifest, plan_table
from ..products.plan import PlannedFile, single_file
from ..service.parallel import RunOptions
from .program import ProgramId

_ROOT = "mastDownload"


@dataclass(frozen=True)
class Proposals:
    """Downloads the files of proposals."""

    downloads: Downloads
    server: str

    def download(
        self, program: ProgramId, kinds: Sequence[str], request: DownloadRequest, options: RunOptions
    ) -> Manifest | Table:
        """Download the files of a proposal, or return the plan for a dry run."""
        folder = destination(request.download_dir) / _ROOT / program.mission / str(program.number)
        names = {"apt": program.apt_name, "pdf": f"{program.number}.pdf"}
        paths = [folder / names[kind] for kind in kinds]
        addresses = [program.file_addresses(self.server, kind) for kind in kinds]
        planned = [self._planned(place, addresses[place][0], path, request) for place, path in enumerate(paths)]
        if request.dry_run:
            return plan_table(planned, free=free_space(folder))
        quiet = replace(options.until(options.deadline()), on_error="ignore")
        results = self.downloads.run(planned, quiet)
        # Old addresses may go out of use, and new ones lack some files, so that each file is requested from both.
        for place in _missing(results):
            again = self.downloads.run([self._planned(place, addresses[place][1], paths[place], request)], quiet)
            results[place] = next(iter(_found(again)), results[place])
        manifest = as_manifest(results)
        complain(results, on_error=options.on_error, manifest=manifest)
        return manifest

    def _planned(self, place: int, address: str, path: Path, request: DownloadRequest) -> PlannedFile:
        """Return the plan for one file, of which only the address is known."""
        planned = single_file(
            address,
            path,
            download_url=FileAddresses("", frozenset({address})),
            disk=file_system_at(path.parent),
            cache=request.cache,
            overwrite=request.overwrite,
        )
        return replace(planned, index=place)


def _missing(results: Sequence[TransferResult]) -> list[int]:
    """Return the positions of files that failed, except those for which the disk is full."""
    return [place for place, each in enumerate(results) if each.status is Status.ERROR and not each.disk_full]


def _found(results: Sequence[TransferResult]) -> list[TransferResult]:
    """Return the results of the files that were downloaded."""
    return [result for result in results if result.status is not Status.ERROR]
