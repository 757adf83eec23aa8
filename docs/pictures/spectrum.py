import matplotlib.pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.readers import read_spectrum
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    observations = Observations.query_criteria(target_name="3C273", instrument_name="COS/FUV", calib_level=3)
    products = Observations.get_product_list(observations[:1])
    combined = Observations.filter_products(products, productSubGroupDescription="X1DSUM")
    segments = read_spectrum(combined)

figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
for segment, color in zip(segments, ("tab:blue", "tab:red"), strict=True):
    good = ~segment.mask
    wavelength, flux, error = segment.spectral_axis.value, segment.flux.value, segment.uncertainty.array
    axes.step(wavelength[good], flux[good], where="mid", color=color, linewidth=1, label=segment.meta["segment"])
    axes.fill_between(wavelength, flux - error, flux + error, where=good, step="mid", color=color, alpha=0.2)
axes.set_title(f"{segments[0].meta['target']}, {segments[0].meta['instrument']}")
axes.set_xlabel(f"Wavelength ({segments[0].spectral_axis.unit:latex_inline})")
axes.set_ylabel(f"Flux density ({segments[0].flux.unit:latex_inline})")
axes.legend()
