"""``sandbox`` and ``demo``: a local mock MAST server, and a tour of the package."""

from __future__ import annotations

import click

from ..exits import usage_failure


@click.command(
    "sandbox",
    epilog="""\b
Examples:
  $ astroquery-mast sandbox --port 8080

In another terminal:
astroquery-mast search M51 --server http://127.0.0.1:8080""",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port.  [default: a free port]")
@click.option("--observations", type=click.IntRange(min=0), default=0, metavar="N", help="Add N observations.")
@click.option("--tap-rows", type=click.IntRange(min=0), default=0, metavar="N", help="Add a TAP table of N rows.")
def sandbox_command(port: int, observations: int, tap_rows: int) -> None:
    """Run a small MAST on this computer until Ctrl-C."""
    try:
        from ...sandbox.__main__ import main  # noqa: PLC0415 - an optional dependency
    except ModuleNotFoundError as err:
        raise usage_failure(f"this command requires {err.name}: pip install 'astroquery_mast[sandbox]'") from err
    try:
        main(["--port", str(port), "--observations", str(observations), "--tap-rows", str(tap_rows)])
    except OSError as err:
        raise usage_failure(f"port {port} cannot be used: {err.strerror or err}") from err


@click.command(
    "demo",
    epilog="""\b
Examples:
  $ astroquery-mast demo --dir demo""",
)
@click.option("--live", is_flag=True, help="Use the real MAST; files can be hundreds of MB.")
@click.option("--target", metavar="NAME", help="Target.  [default: M51]")
@click.option("-d", "--dir", "download_dir", metavar="FOLDER", help="Download folder.  [default: mast_demo]")
@click.pass_context
def demo_command(ctx: click.Context, live: bool, target: str | None, download_dir: str | None) -> None:
    """Find, download and open images, step by step."""
    from ...demo import main  # noqa: PLC0415 - help and completion do not need astropy

    options = [("--target", target), ("--download-dir", download_dir)]
    arguments = ["--live"] if live else []
    arguments += [word for name, value in options if value is not None for word in (name, value)]
    ctx.exit(main(arguments))
