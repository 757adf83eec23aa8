"""
How do I read and plot a spectrum?
==================================

``readers.read_spectrum`` returns the spectra of a file as `specutils
<https://specutils.readthedocs.io>`_ objects, with units, uncertainties, and masks. You
do not need to download the file first. This recipe requires ``pip install
'astroquery_mast[spectra]'``.
"""

from matplotlib import pyplot as plt

from astroquery_mast import Observations, readers

observations = Observations.query_criteria(
    target_name="3C273", instrument_name="COS/FUV", calib_level=3
)
products = Observations.get_product_list(observations[:1])
combined = Observations.filter_products(products, productSubGroupDescription="X1DSUM")
spectra = readers.read_spectrum(combined)
for spectrum in spectra:
    first, last = spectrum.spectral_axis[[0, -1]]
    print(f"{spectrum.meta['segment']}: from {first:.1f} to {last:.1f}")

# %%
# COS has two detector segments, and each has its own spectrum:

figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
for spectrum in spectra:
    good = ~spectrum.mask
    name = spectrum.meta["segment"]
    ax.step(spectrum.spectral_axis[good].value, spectrum.flux[good].value, label=name)
ax.set_title(f"{spectra[0].meta['target']}, {spectra[0].meta['instrument']}")
ax.set_xlabel(f"Wavelength ({spectra[0].spectral_axis.unit:latex_inline})")
ax.set_ylabel(f"Flux density ({spectra[0].flux.unit:latex_inline})")
ax.legend()
plt.show()

# %%
# See :doc:`/reading_spectra` for supported products and masks.
