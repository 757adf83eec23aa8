"""
How do I download many files, resume, verify, and retry?
========================================================

Large downloads get interrupted. Run the same script again: files that are complete are
kept, partial files are resumed, and failed files can be retried. The manifest lists
what happened to each file.
"""

from astroquery_mast import Observations

observations = Observations.query_criteria(
    obs_collection="HST", project="HST", proposal_id=10452, calib_level=3
)
products = Observations.get_product_list(observations)
images = Observations.filter_products(products, extension="_drc.fits")

# %%
# Check the size before you start. A dry run downloads nothing:

plan = Observations.download_products(images, dry_run=True)
print(plan.meta["files"], "files,", round(plan.meta["total_bytes"] / 1e6), "MB")

# %%
# Download six files at a time, and store the manifest:

manifest = Observations.download_products(images, max_workers=6)
manifest.write("manifest.ecsv", overwrite=True)

# %%
# The second time nothing is downloaded:

manifest = Observations.download_products(images)

# %%
# Retry the failed files, on another day and from the manifest alone:

manifest = Observations.retry_downloads("manifest.ecsv")
print((manifest["Status"] == "COMPLETE").sum(), "of", len(manifest), "are complete")

# %%
# Verify that the files on disk are still what you downloaded, for example after you
# copied them to another disk. The SHA-256 checksums in the manifest are compared:

checked = Observations.verify_downloads("manifest.ecsv")
print(set(checked["Status"].tolist()))

# %%
# Where files go, what is checked, and how to process files while others are downloaded:
# :doc:`/downloads`.
