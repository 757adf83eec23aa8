"""The typical workflow, end to end: find images, list their files, download them, read them, and look at them.

``python -m astroquery_mast.demo`` runs on the sandbox, or with ``--live`` on MAST.  In: the command line.  Out: calls
of the package and their results on the terminal, files, and pictures of the files.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table, vstack
from astropy.wcs.utils import proj_plane_pixel_scales
from astroquery import log
from astroquery.exceptions import InvalidQueryError, LoginError, RemoteServiceError, ResolverError, TimeoutError

from .config import Endpoints, conf
from .observations.client import Observations
from .readers import read_image
from .service.core import MastClass
from .service.token_sources import ENVIRONMENT, environment_has_token

RADIUS = "0.1 deg"
# A star with a planet, observed by Hubble (ultraviolet spectra) and TESS (light curves).
STAR = "Pi Mensae"
_CURVES = (("HST", "spectrum", ["X1DSUM", "X1D"]), ("TESS", "timeseries", ["LC"]))
OBSERVATION_COLUMNS = ("obs_id", "filters", "t_exptime", "distance", "dataRights")
PRODUCT_COLUMNS = ("productFilename", "productSubGroupDescription", "calib_level", "size")
_SHOWN_ROWS = 6
_WIDTH = 100
_INDENT = "    "
_NEXT = (
    ("Search by any criterion: filters, dates, programs, regions", "criteria.rst"),
    ("Read and plot products: images, spectra, light curves", "reading.rst"),
    ("Download many files: dry run, resume, parallel transfers, the cloud", "downloads.rst"),
)


# -- on the terminal ------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """Print a paragraph, wrapped; long addresses stay in one piece so that they can be copied."""
    print(textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False))


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n{text}\n{'-' * len(text)}")


def ask(method: Any, *arguments: Any, **keywords: Any) -> Any:
    """Print a call, make it, and return its result."""
    owner = "Observations." if isinstance(getattr(method, "__self__", None), MastClass) else ""
    words = [_word(value) for value in arguments] + [f"{name}={_word(value)}" for name, value in keywords.items()]
    call = f">>> {owner}{method.__name__}({', '.join(words)})"
    print(textwrap.fill(call, _WIDTH, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False))
    return method(*arguments, **keywords)


def _word(value: Any) -> str:
    """A value as written in a call: a table as the number of its rows and what they are, a file as its name."""
    if isinstance(value, Table):
        return f"<{len(value)} {'products' if 'dataURI' in value.colnames else 'observations'}>"
    if isinstance(value, SkyCoord):
        return repr(value.to_string("hmsdms", precision=1))
    if isinstance(value, Path):
        return repr(value.name if value.is_file() else str(value))
    return repr(value)


def show(table: Table, columns: Iterable[str], rows: int = _SHOWN_ROWS) -> None:
    """Print the first rows of some columns of a table."""
    shown = table[[*columns]][:rows]
    for name in shown.colnames:
        if shown[name].dtype.kind == "f":
            shown[name].info.format = ".1f"
    lines = shown.pformat(max_lines=-1, max_width=-1)
    print("\n".join(_INDENT + line for line in lines))
    if len(table) > rows:
        print(f"{_INDENT}... and {len(table) - rows} more")


# -- pictures --------------------------------------------------------------------------------------------------------


class Album:
    """The pictures of a run, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures: list[Path] = []
        self._says_why = True

    def save(self, name: str, draw: Any, *arguments: Any, **keywords: Any) -> None:
        """Draw a picture and save it; without matplotlib, say so once."""
        try:
            axes = ask(draw, *arguments, **keywords)
        except InvalidQueryError as err:
            if self._says_why:
                say(f"No picture: {err}")
            self._says_why = False
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.png"
        axes.figure.savefig(path, dpi=110)
        _close(axes.figure)
        self.pictures.append(path)


def _close(figure: Any) -> None:
    """Free the memory of a figure."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - an optional dependency, which is installed if there is a figure

    plt.close(figure)


# -- the steps ------------------------------------------------------------------------------------------------------


def find_images(target: str, collection: str, instrument: str) -> Table:
    """Query the combined images around an object, and print them."""
    observations = ask(
        Observations.query_criteria,
        object_name=target,
        radius=RADIUS,
        obs_collection=collection,
        instrument_name=instrument,
        dataproduct_type="image",
        calib_level=3,
    )
    print(f"{len(observations)} observations{':' if len(observations) else '.'}")
    if len(observations):
        show(observations, OBSERVATION_COLUMNS)
    return observations


def find_files(observations: Table, kind: str, count: int) -> Table:
    """List the files of some observations and keep the smallest science images of one kind."""
    products = ask(Observations.get_product_list, observations[:10])
    print(f"The first {min(10, len(observations))} observations have {len(products)} files.")
    kept = ask(Observations.filter_products, products, productSubGroupDescription=kind, extension="fits")
    chosen = kept[np.argsort(kept["size"], kind="stable")[:count]]
    print(f"{len(kept)} are {kind} images. Download the smallest one:")
    show(chosen, PRODUCT_COLUMNS)
    return chosen


def fetch(products: Table, folder: Path, **options: Any) -> list[Path]:
    """Download files, and return the paths of the complete ones."""
    manifest = ask(Observations.download_products, products, download_dir=folder, **options)
    if manifest is None:
        return []
    for row in manifest:
        print(f"{_INDENT}{row['Status']}  {Path(row['Local Path']).name}")
        if row["Message"]:
            print(textwrap.indent(textwrap.fill(row["Message"], _WIDTH, break_long_words=False), 2 * _INDENT))
    return [Path(row["Local Path"]) for row in manifest if row["Status"] == "COMPLETE"]


def look_at(path: Path, album: Album) -> None:
    """Read an image, print its properties, and save a picture of it."""
    from .display import quicklook  # noqa: PLC0415 - matplotlib is optional

    image = ask(read_image, path)
    rows, columns = image.shape
    center = image.wcs.pixel_to_world((columns - 1) / 2, (rows - 1) / 2)
    width, height = np.array([columns, rows]) * proj_plane_pixel_scales(image.wcs) * 60
    unit = str(image.unit) or "no unit"
    print(f"{_INDENT}{columns} x {rows} pixels, {width:.1f} x {height:.1f} arcmin, values in {unit}")
    print(f"{_INDENT}center {center.to_string('hmsdms', precision=1)} ({center.frame.name.upper()})")
    album.save(path.stem, quicklook, path)


def try_without_token(products: Table, folder: Path) -> None:
    """Request an exclusive file without a token, to show how MAST refuses access."""
    say("Without a token, MAST refuses access. The manifest says what to do:")
    level = log.level
    log.setLevel("ERROR")  # the manifest, printed below, has the same messages
    try:
        # Without cache=False, a file of an earlier run would be kept without a request.
        fetch(products, folder, cache=False)
    finally:
        log.setLevel(level)


def log_in(token: str | None) -> bool:
    """Log in with the sandbox's token, or with one from the environment; without a token, print how to create one."""
    if token is not None:
        print(">>> Observations.login(archive.token)")
        return Observations.login(token)
    if environment_has_token():
        return bool(ask(Observations.login))
    say(
        f"To continue, set the environment variable {ENVIRONMENT[0]} to your token. Create one at "
        f"{Endpoints().token_page}"
    )
    return False


def exclusive_file(observations: Table, album: Album, token: str | None) -> None:
    """Request a file under exclusive access, first without and then with a token."""
    exclusive = observations[observations["dataRights"] == "EXCLUSIVE_ACCESS"]
    if not len(exclusive):
        say("None of these observations is under exclusive access today.")
        return
    say(f"{len(exclusive)} of the NIRCam observations are under exclusive access.")
    products = find_files(exclusive, "I2D", 1)
    try_without_token(products, album.folder)
    if log_in(token):
        for path in fetch(products, album.folder, cache=False):
            look_at(path, album)


def map_of(observations: Table, position: SkyCoord, album: Album) -> None:
    """Save a map of the footprints of observations."""
    from .display import plot_footprints  # noqa: PLC0415 - matplotlib is optional

    album.save("footprints", plot_footprints, observations, coordinates=position, radius=RADIUS)


def curves_of(star: str, album: Album) -> None:
    """Save pictures of a spectrum and a light curve of a star."""
    from .display import quicklook  # noqa: PLC0415 - matplotlib is optional

    around = {"object_name": star, "radius": "20 arcsec"}
    for collection, kind, files in _CURVES:
        found = ask(Observations.query_criteria, **around, obs_collection=collection, dataproduct_type=kind)
        public = found[found["dataRights"] == "PUBLIC"]
        print(f"{len(found)} observations, {len(public)} of them public. A file of the first one:")
        if not len(public):
            continue
        products = Observations.get_product_list(public[:1], verbose=False)
        curves = Observations.filter_products(products, productSubGroupDescription=files, extension="fits")
        for path in fetch(curves[:1], album.folder):
            album.save(path.stem, quicklook, path)


def walk(target: str, album: Album, token: str | None) -> None:
    """Run all steps."""
    title(f"Where is {target}?")
    position = ask(Observations.resolve_object, target)
    print(f"{_INDENT}{position.to_string('hmsdms', precision=1)} (ICRS)")

    title("Hubble: drizzled ACS images")
    hubble = find_images(target, "HST", "ACS/WFC")
    if len(hubble):
        for path in fetch(find_files(hubble, "DRC", 2), album.folder):
            look_at(path, album)

    title("Webb: a combined NIRCam image")
    webb = find_images(target, "JWST", "NIRCAM*")
    public = webb[webb["dataRights"] == "PUBLIC"]
    if len(public):
        for path in fetch(find_files(public, "I2D", 1), album.folder):
            look_at(path, album)
    if not len(hubble) + len(webb):
        raise NothingFoundError(f"There are no such images within {RADIUS} of {target}.")

    title("An exclusive file")
    exclusive_file(webb, album, token)

    title("A map of all these observations")
    map_of(vstack([hubble, webb], metadata_conflicts="silent"), position, album)

    title(f"A spectrum and a light curve of {STAR}")
    curves_of(STAR, album)


class NothingFoundError(InvalidQueryError):
    """There are no images of the target."""


def targets_with_images() -> list[str]:
    """Return the targets with images of both telescopes in the sandbox, those with the most images first."""
    counts: Counter[str] = Counter()
    both: set[str] | None = None
    for collection, instrument in (("HST", "ACS/WFC"), ("JWST", "NIRCAM*")):
        images = Observations.query_criteria(
            obs_collection=collection, instrument_name=instrument, dataproduct_type="image", calib_level=3
        )
        names = [str(name) for name in images["target_name"]]
        counts.update(names)
        both = set(names) if both is None else both & set(names)
    return [name for name, _ in counts.most_common() if name in (both or ())]


# -- from the command line ------------------------------------------------------------------------------------------


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m astroquery_mast.demo", description=__doc__.split("\n")[0])
    parser.add_argument("--live", action="store_true", help="use the real MAST; files can be hundreds of MB")
    parser.add_argument(
        "--download-dir", type=Path, default=Path("mast_demo"), metavar="DIR", help="folder for the files"
    )
    parser.add_argument("--target", default="M51", help="the object to look at (default: M51)")
    return parser.parse_args(arguments)


def _place(stack: ExitStack, live: bool) -> str | None:
    """Print which server is used; without ``--live``, start the sandbox and return its token."""
    if live:
        print(f"Using the real MAST: {conf.server}")
        return None
    from .sandbox import Sandbox  # noqa: PLC0415 - needs an optional dependency

    archive = stack.enter_context(Sandbox())
    say(
        f"Using the sandbox, a small mock of MAST on this computer: {archive.url}. Its catalog is based on "
        "real programs, but the image pixels are simulated. Use --live for the real MAST."
    )
    return archive.token


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo."""
    options, started = _options(arguments), time.monotonic()
    album = Album(options.download_dir)
    with ExitStack() as stack:
        try:
            token = _place(stack, options.live)
        except ModuleNotFoundError as err:
            say(
                f"The sandbox requires {err.name}. Install it with: pip install 'astroquery_mast[sandbox]', or "
                "use --live."
            )
            return 1
        stack.callback(Observations.logout)
        try:
            walk(options.target, album, token)
        except (InvalidQueryError, LoginError, RemoteServiceError, ResolverError, TimeoutError) as err:
            say(f"The demo ends here. {err}")
            if token is not None and isinstance(err, NothingFoundError | ResolverError):
                say(f"The sandbox has images of {', '.join(targets_with_images())}: use --target with one of them.")
            return 1
    _sum_up(album, time.monotonic() - started)
    return 0


def _sum_up(album: Album, seconds: float) -> None:
    """Print the paths of pictures and files, and what to do next."""
    title(f"Done in {seconds:.0f} s")
    if album.pictures:
        print("Pictures to look at:")
        print("\n".join(f"{_INDENT}{path.resolve()}" for path in album.pictures))
    print(f"The data files are in {(album.folder / 'mastDownload').resolve()}")
    print("\nWhat to do next:")
    for words, page in _NEXT:
        print(f"{_INDENT}{words}: docs/{page}")


if __name__ == "__main__":
    # The pictures are saved and need no window.
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.exit(main())
