"""
What is new since last week?
============================

A saved search remembers its results. The first call of ``changes()`` saves the result
of the query. Later calls return the changes: new observations, data that became public,
and data that were reprocessed.
"""

from astroquery_mast import Observations, SavedSearch

search = SavedSearch(
    "m51_webb",
    Observations.query_criteria,
    object_name="M51",
    obs_collection="JWST",
)
changes = search.changes()
print(changes.as_text())

# %%
# In this example, the search had been run before. The result is a table of observations
# with two more columns, ``change`` and ``reason``. Download the new mosaics:

new = changes[changes["change"] == "NEW"]
products = Observations.get_product_list(new)
manifest = Observations.download_products(
    products,
    productSubGroupDescription="I2D",
    extension="fits",
    download_dir="m51",
    flat=True,
)
print(manifest)

# %%
# To run such a script every morning, and to receive the changes by mail or as a feed,
# see :doc:`/saved_searches`.
