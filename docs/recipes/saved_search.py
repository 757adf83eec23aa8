"""
What is new since last week?
============================

A saved search is a query with a memory. The first call of ``changes()`` stores what the
query finds. Every later call returns the differences: new observations, data that
became public, and files that were reprocessed.
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
# The search was run for the first time a week ago, in the same folder. The result is a
# table of observations with two more columns, ``change`` and ``reason``. Download the
# mosaics among the new data:

new = changes[changes["change"] == "NEW"]
products = Observations.get_product_list(new)
manifest = Observations.download_products(
    products,
    productSubGroupDescription="I2D",
    extension="fits",
    download_dir="m51",
    flat=True,
)
manifest["Local Path", "Status"].pprint(max_width=-1)

# %%
# You can run such a script every morning, and send yourself the text or a feed:
# :doc:`/saved_searches`.
