"""The main job, end to end: find images, list their files, download them, open one, and fetch an exclusive file.

``python -m astroquery_mast.demo`` runs on the sandbox, ``--live`` on the archive itself.  In: the command line.  Out: a
walk through the package on the terminal, and files in a folder.  Every call is printed as it is made.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from astroquery import log
from astroquery.exceptions import InvalidQueryError, LoginError, RemoteServiceError, ResolverError, TimeoutError

from .config import Endpoints, conf
from .observations.client import Observations
from .service.core import MastClass
from .service.token_sources import ENVIRONMENT, environment_has_token

RADIUS = "0.1 deg"
OBSERVATION_COLUMNS = ("obs_id", "filters", "t_exptime", "distance", "dataRights")
PRODUCT_COLUMNS = ("productFilename", "productSubGroupDescription", "calib_level", "size")
_SHOWN_ROWS = 6
_WIDTH = 100
_INDENT = "    "
# The header keywords that hold a fact, the first that is there being taken: those of HST, then those of JWST.
_FACTS = {
    "telescope": ("TELESCOP",),
    "instrument": ("INSTRUME",),
    "detector": ("DETECTOR",),
    "target": ("TARGNAME", "TARGPROP"),
    "observed": ("DATE-OBS",),
    "exposure (s)": ("EXPTIME", "EFFEXPTM", "XPOSURE"),
}
_FILTERS = ("FILTER", "FILTER1", "FILTER2", "PUPIL")


# -- on the terminal ------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """Print a paragraph, wrapped; long addresses stay in one piece so that they can be copied."""
    print(textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False))


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n{text}\n{'-' * len(text)}")


def ask(method: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Print a call, make it, and return its result."""
    owner = "Observations" if isinstance(getattr(method, "__self__", None), MastClass) else ""
    words = [_word(value) for value in arguments] + [f"{name}={_word(value)}" for name, value in keywords.items()]
    call = f">>> {owner}.{method.__name__}({', '.join(words)})"
    print(textwrap.fill(call, _WIDTH, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False))
    return method(*arguments, **keywords)


def _word(value: Any) -> str:
    """A value as it stands in a call; of a table, what its rows are and how many."""
    if isinstance(value, Table):
        return f"<{len(value)} {'products' if 'dataURI' in value.colnames else 'observations'}>"
    return repr(str(value)) if isinstance(value, Path) else repr(value)


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


# -- the steps ------------------------------------------------------------------------------------------------------


def find_images(target: str, collection: str, instrument: str) -> Table:
    """Query the combined images around an object, the nearest first."""
    observations = ask(
        Observations.query_criteria,
        object_name=target,
        radius=RADIUS,
        obs_collection=collection,
        instrument_name=instrument,
        dataproduct_type="image",
        calib_level=3,
    )
    print(f"{len(observations)} observations:")
    show(observations, OBSERVATION_COLUMNS)
    return observations


def find_files(observations: Table, kind: str, count: int) -> Table:
    """List the files of some observations and keep the smallest science images of one kind."""
    products = ask(Observations.get_product_list, observations[:10])
    print(f"{len(products)} files belong to the first {min(10, len(observations))} of them.")
    kept = ask(Observations.filter_products, products, productSubGroupDescription=kind, extension="fits")
    chosen = kept[np.argsort(kept["size"], kind="stable")[:count]]
    print(f"{len(kept)} are {kind} images. The smallest will do:")
    show(chosen, PRODUCT_COLUMNS)
    return chosen


def fetch(products: Table, folder: Path, **options: Any) -> list[Path]:
    """Download files, and return the paths of those that are whole on disk."""
    manifest = ask(Observations.download_products, products, download_dir=folder, **options)
    if manifest is None:
        return []
    for row in manifest:
        print(f"{_INDENT}{row['Status']}  {Path(row['Local Path']).name}")
        if row["Message"]:
            print(textwrap.indent(textwrap.fill(row["Message"], _WIDTH, break_long_words=False), 2 * _INDENT))
    return [Path(row["Local Path"]) for row in manifest if row["Status"] == "COMPLETE"]


def look_at(path: Path) -> None:
    """Open an image, print what its headers say, and save a picture of it beside it."""
    print(f">>> fits.open({path.name!r})")
    with fits.open(path) as hdus:
        science = hdus["SCI"]
        wcs = WCS(science.header)
        for name, fact in header_facts(hdus["PRIMARY"].header, science.data, wcs).items():
            print(f"{_INDENT}{name:<14}{fact}")
        picture = save_picture(science.data, wcs, path)
    if picture is not None:
        print(f"{_INDENT}{'picture':<14}{picture.name}, beside the file")


def header_facts(primary: fits.Header, image: np.ndarray[Any, Any], wcs: WCS) -> dict[str, str]:
    """Return what a newcomer wants to know of an image, from its headers."""
    found = {name: next(filter(primary.__contains__, keywords), None) for name, keywords in _FACTS.items()}
    facts = {name: _fact(primary[keyword]) for name, keyword in found.items() if keyword is not None}
    filters = [str(primary[keyword]) for keyword in _FILTERS if keyword in primary]
    facts["filter"] = ", ".join(name for name in filters if not name.startswith("CLEAR"))
    rows, columns = image.shape
    center = wcs.pixel_to_world((columns - 1) / 2, (rows - 1) / 2)
    width, height = np.array([columns, rows]) * proj_plane_pixel_scales(wcs) * 60
    facts["shape"] = f"{rows} x {columns} pixels, {height:.1f} x {width:.1f} arcmin"
    facts["WCS center"] = f"{center.to_string('hmsdms', precision=1)} ({center.frame.name.upper()})"
    return facts


def _fact(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def save_picture(image: np.ndarray[Any, Any], wcs: WCS, path: Path) -> Path | None:
    """Save an image as a PNG with sky coordinates; None, and a sentence, without matplotlib."""
    try:
        from astropy.visualization import AsinhStretch, ImageNormalize, PercentileInterval  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415 - an optional dependency
    except ImportError:
        print(f"{_INDENT}no picture: matplotlib is not installed (pip install 'astroquery_mast[plot]' brings it)")
        return None
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.add_subplot(projection=wcs)
    norm = ImageNormalize(image, interval=PercentileInterval(99.5), stretch=AsinhStretch(0.05))
    axes.imshow(image, norm=norm, cmap="magma", origin="lower", interpolation="nearest")
    axes.coords[0].set_axislabel("Right ascension")
    axes.coords[1].set_axislabel("Declination")
    axes.set_title(path.name, fontsize="medium")
    axes.grid(color="white", alpha=0.25, linestyle="dotted")
    picture = path.with_suffix(".png")
    figure.savefig(picture, dpi=110)
    return picture


def try_without_token(products: Table, folder: Path) -> None:
    """Ask for an exclusive file without a token, to show how it is refused."""
    say("Without a token the archive refuses, and the manifest says what to do:")
    level = log.level
    log.setLevel("ERROR")  # the manifest, printed below, has the same words
    try:
        # Without cache=False a file of an earlier run would be kept, and nobody asked.
        fetch(products, folder, cache=False)
    finally:
        log.setLevel(level)


def log_in(token: str | None) -> bool:
    """Log in with the sandbox's token, or with one from the environment; tell how if there is none."""
    if token is not None:
        print(">>> Observations.login(archive.token)")
        return Observations.login(token)
    if environment_has_token():
        return bool(ask(Observations.login))
    say(
        f"To go on, set the environment variable {ENVIRONMENT[0]} to a token of yours. "
        f"One is made at {Endpoints().token_page}"
    )
    return False


def exclusive_file(observations: Table, folder: Path, token: str | None) -> None:
    """Fetch a file that is not public yet: refused at first, and then with a token."""
    exclusive = observations[observations["dataRights"] == "EXCLUSIVE_ACCESS"]
    if not len(exclusive):
        say("None of these observations is exclusive today.")
        return
    say(f"{len(exclusive)} of the NIRCam observations are under exclusive access.")
    products = find_files(exclusive, "I2D", 1)
    try_without_token(products, folder)
    if log_in(token):
        for path in fetch(products, folder, cache=False):
            look_at(path)


def walk(target: str, folder: Path, token: str | None) -> None:
    """Do all the steps, one after the other."""
    title(f"Where is {target}?")
    position = ask(Observations.resolve_object, target)
    print(f"{_INDENT}{position.to_string('hmsdms', precision=1)} (ICRS)")

    title("Hubble: drizzled ACS images")
    hubble = find_images(target, "HST", "ACS/WFC")
    if len(hubble):
        for path in fetch(find_files(hubble, "DRC", 2), folder)[:1]:
            look_at(path)

    title("Webb: a combined NIRCam image")
    webb = find_images(target, "JWST", "NIRCAM*")
    public = webb[webb["dataRights"] == "PUBLIC"]
    if len(public):
        for path in fetch(find_files(public, "I2D", 1), folder):
            look_at(path)

    title("An exclusive file")
    exclusive_file(webb, folder, token)


# -- from the command line ------------------------------------------------------------------------------------------


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m astroquery_mast.demo", description=__doc__.split("\n")[0])
    parser.add_argument("--live", action="store_true", help="use the archive itself; files may have hundreds of MB")
    parser.add_argument("--download-dir", type=Path, default=Path("mast_demo"), metavar="DIR", help="for the files")
    parser.add_argument("--target", default="M51", help="the object to look at (default: M51)")
    return parser.parse_args(arguments)


def _place(stack: ExitStack, live: bool) -> str | None:
    """Say which archive is used; start the sandbox, and return its token, unless it is the real one."""
    if live:
        print(f"This is MAST itself, {conf.server}")
        return None
    from .sandbox import Sandbox  # noqa: PLC0415 - needs an optional dependency

    archive = stack.enter_context(Sandbox())
    say(
        f"This is the sandbox: a small MAST on this computer, {archive.url}. Its catalog follows real programs; "
        "the pixels of its images are made up. --live does the same with MAST itself."
    )
    return archive.token


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo."""
    options, started = _options(arguments), time.monotonic()
    with ExitStack() as stack:
        try:
            token = _place(stack, options.live)
        except ModuleNotFoundError as err:
            say(f"The sandbox needs {err.name}: pip install 'astroquery_mast[sandbox]' brings it, or use --live.")
            return 1
        stack.callback(Observations.logout)
        try:
            walk(options.target, options.download_dir, token)
        except (InvalidQueryError, LoginError, RemoteServiceError, ResolverError, TimeoutError) as err:
            say(f"The demo ends here. {err}")
            return 1
    print(f"\nDone in {time.monotonic() - started:.0f} s. The files are in {options.download_dir.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
