"""
Which high-level science products exist for my target, and how do I cite them?
==============================================================================

High-level science products (HLSP) are images, spectra, catalogs, and light curves that
teams contribute to MAST. Search all of them by target, and let ``cite`` list the
references.
"""

from astroquery_mast import Observations, cite

found = Observations.query_hlsp(target="AU Mic")
for rows in found.group_by("provenance_name").groups:
    name, instrument = rows["provenance_name", "instrument_name"][0]
    print(f"{name}: {len(rows)} observations, {instrument}")

# %%
# Download the products of one collection:

curves = found[found["provenance_name"] == "QLP"]
products = Observations.get_product_list(curves[:1])
manifest = Observations.download_products(products, extension="fits")

# %%
# ``cite`` reads the headers of the files. It lists DOIs, papers, licenses, and
# acknowledgments, each with its source:

print(cite(manifest))

# %%
# For BibTeX, pass ``format="bibtex"``: see :doc:`/citing_data`. For more about
# collections, see :doc:`/hlsp`.
