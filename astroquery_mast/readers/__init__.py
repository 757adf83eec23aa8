"""Read data products: spectra, light curves, images and catalogs as objects of astropy and its affiliated packages.

In: products, or files.  Out: `~astropy.nddata.CCDData`, `~astropy.table.Table`, time series, spectra.
"""

from importlib import import_module

_HOME: dict[str, str] = {
    "read_catalog": ".catalogs",
    "read_image": ".images",
    "read_light_curve": ".light_curves",
    "read_spectrum": ".spectra",
}
__all__ = [
    "read_catalog",
    "read_image",
    "read_light_curve",
    "read_spectrum",
]


def __getattr__(name: str) -> object:
    """Import a public name from the module that defines it (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
