"""
Which of my JWST files were reprocessed, and how do I update them?
==================================================================

JWST data are reprocessed every few months, with newer software and reference files.
``JwstFiles.refresh`` compares the files in a folder with MAST, and downloads only those
that have changed. In this example, the folder ``m51`` has files from an earlier
download.
"""

from astroquery_mast import JwstFiles

plan = JwstFiles.refresh("m51", dry_run=True)
for row in plan:
    print(row["Local Path"], row["Status"])
    print("   ", row["Reason"])

# %%
# Without ``dry_run``, the changed files are downloaded. The old files are moved to a
# folder named ``superseded-<date>``, unless you pass ``replace=True``:

result = JwstFiles.refresh("m51")
print(*result["Status"])

# %%
# All files are up to date now:

print(*JwstFiles.refresh("m51", dry_run=True)["Status"])

# %%
# See :doc:`/jwst_files` for more about versions. To be notified of reprocessed files,
# use a saved search: see :doc:`/saved_searches`.
