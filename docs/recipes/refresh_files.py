"""
Which of my JWST files were reprocessed, and how do I update them?
==================================================================

JWST data are reprocessed every few months, with better software and reference files.
``JwstFiles.refresh`` compares a folder of files with MAST, and downloads only those
that have changed. Here the folder ``m51`` has files from an earlier download.
"""

from astroquery_mast import JwstFiles

plan = JwstFiles.refresh("m51", dry_run=True)
for row in plan:
    print(row["Local Path"], row["Status"])
    print("   ", row["Reason"])

# %%
# Without ``dry_run``, the changed files are downloaded. The old files are kept in a
# folder ``superseded-<date>``, unless you pass ``replace=True``:

result = JwstFiles.refresh("m51")
print(*result["Status"])

# %%
# Now all files are up to date:

print(*JwstFiles.refresh("m51", dry_run=True)["Status"])

# %%
# More about versions: :doc:`/jwst_files`. To be told about reprocessed files, use a
# saved search: :doc:`/saved_searches`.
