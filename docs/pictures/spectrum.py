import matplotlib.pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.readers import read_spectrum
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    observations = Observations.query_criteria(
        target_name="3C273",
        instrument_name="COS/FUV",
        calib_level=3,
    )
    products = Observations.get_product_list(observations[:1])
    segments = read_spectrum(
        Observations.filter_products(products, extension="_x1dsum.fits"),
    )

figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
for segment in segments:
    good = ~segment.mask
    wavelength = segment.spectral_axis.value[good]
    flux = segment.flux.value[good]
    error = segment.uncertainty.array[good]
    axes.step(wavelength, flux, where="mid", lw=1, label=segment.meta["segment"])
    axes.fill_between(wavelength, flux - error, flux + error, step="mid", alpha=0.2)
axes.set_title(f"{segment.meta['target']}, {segment.meta['instrument']}")
axes.set_xlabel(f"Wavelength ({segment.spectral_axis.unit:latex_inline})")
axes.set_ylabel(f"Flux density ({segment.flux.unit:latex_inline})")
axes.legend()
