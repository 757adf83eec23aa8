"""``cutout``: cutouts of large images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..criteria import parse_value
from ..exits import usage_failure
from ..options import form_options

if TYPE_CHECKING:
    from ..session import Session

_TESS, _DEEP, _HUBBLE = "tess", "deep", "hubble"
# Options of only one service.
_OWN = {"sector": _TESS, "survey": _DEEP, "cutout_format": _DEEP}


@click.command(
    "cutout",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast cutout 'HD 209458' --size 5 --sector 17 -d cutouts
  $ astroquery-mast cutout 'HD 209458' --list
  $ astroquery-mast cutout 189.49206 62.20615 --from deep --survey goods_north
  $ astroquery-mast cutout 210.80 54.35 --from hubble --size '(20, 30)'""",
)
@click.argument("words", nargs=-1, required=True, metavar="TARGET")
@click.option(
    "--from",
    "service",
    type=click.Choice([_TESS, _DEEP, _HUBBLE]),
    default=_TESS,
    show_default=True,
    help="TESS full-frame images, deep fields, or Hubble mosaics.",
)
@click.option("--size", default="5", show_default=True, metavar="SIZE", help="Pixels, an angle, or '(ny, nx)'.")
@click.option("--sector", type=int, multiple=True, metavar="N", help="TESS sector.  [default: all]")
# Accepted so that existing scripts work; MAST has only images of SPOC.
@click.option("--product", type=click.Choice(["SPOC"]), hidden=True, expose_value=False)
@click.option("--survey", metavar="NAME", help="Deep field.  [default: all]")
@click.option(
    "--image", "cutout_format", type=click.Choice(["fits", "jpg", "png"]), help="Format of cutouts of deep fields."
)
@click.option("-d", "--dir", "path", default=".", metavar="FOLDER", help="Download folder.  [default: current folder]")
@click.option("--list", "listed", is_flag=True, help="Only list the sectors or surveys at the target.")
@form_options
@click.pass_obj
def cutout_command(
    session: Session,
    /,
    words: tuple[str, ...],
    service: str,
    size: str,
    path: str,
    listed: bool,
    sector: tuple[int, ...],
    survey: str | None,
    cutout_format: str | None,
    **output: Any,
) -> None:
    """Download cutouts of images around a target."""
    target = " ".join(word.strip() for word in words)
    given = {"sector": list(sector), "survey": survey, "cutout_format": cutout_format}
    own: dict[str, Any] = {name: value for name, value in given.items() if value}
    for name in own:
        if _OWN[name] != service:
            raise usage_failure(f"--{name.replace('cutout_format', 'image')} requires --from {_OWN[name]}.")
    position = mast.Mast.resolve_object(target) if _is_name(target) else target
    if listed:
        found = _list_images(service, position)
    else:
        client: Any = {_TESS: mast.Tesscut, _DEEP: mast.Zcut, _HUBBLE: mast.Hapcut}[service]
        found = client.download_cutouts(
            coordinates=position, size=parse_value(size), path=path, verbose=session.bars, **own
        )
    session.show(found, output, _TITLES.get(service, "survey") if listed else "file")


_TITLES = {_TESS: "sector"}


def _is_name(target: str) -> bool:
    """Return whether a target has letters that are not in positions."""
    return any(letter.isalpha() and letter not in "hdmsHDMS" for letter in target) or not any(
        letter.isdigit() for letter in target
    )


def _list_images(service: str, position: Any) -> Any:
    """Return the sectors or surveys at a position."""
    if service == _TESS:
        return mast.Tesscut.get_sectors(coordinates=position)
    if service == _HUBBLE:
        raise usage_failure("--list requires --from tess or --from deep.")
    from astropy.table import Table  # noqa: PLC0415 - help and completion do not need astropy

    return Table({"survey": mast.Zcut.get_surveys(position)}, dtype=["U"])
