"""Cutouts of TESS full-frame images, of deep fields and of Hubble mosaics."""

from importlib import import_module

__all__ = ["Hapcut", "HapcutClass", "Tesscut", "TesscutClass", "Zcut", "ZcutClass"]


def __getattr__(name: str) -> object:
    """Import a public name from the module that defines it (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".client", __name__), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
