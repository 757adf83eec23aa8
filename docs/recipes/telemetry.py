"""
What did the telescope do during an exposure?
=============================================

The JWST Engineering Database has temperatures, voltages, and mechanism positions of the
observatory. ``Engineering.during`` returns them for the times of your exposures.
"""

from matplotlib import pyplot as plt

from astroquery_mast import Engineering, Observations

exposures = Observations.query_criteria(
    obs_collection="JWST",
    proposal_id=1783,
    instrument_name="MIRI/IMAGE",
    calib_level=2,
)
names = ["IGDP_MIR_IC_DET_TEMP", "IMIR_HK_FW_CUR_POS"]
telemetry = Engineering.during(exposures, names, align="previous")
telemetry["time", *names][:4].pprint(max_width=-1)

# %%
# ``obs_id`` is the exposure during which a sample was taken:

for obs_id in exposures["obs_id"][:3]:
    samples = telemetry[telemetry["obs_id"] == obs_id]
    mean = samples["IGDP_MIR_IC_DET_TEMP"].mean()
    print(obs_id, set(samples["IMIR_HK_FW_CUR_POS"].tolist()), f"{mean:.3f}")

# %%
# Plot a longer time range, including the time before and after the exposures:

hours = Engineering.query_mnemonics(names, "2022-12-27 04:00", "2022-12-27 08:00")
Engineering.plot_mnemonics(hours)
plt.show()

# %%
# To find mnemonics, use ``Engineering.list_mnemonics``: see :doc:`/engineering`.
