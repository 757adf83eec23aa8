from astroquery_mast import Engineering
from astroquery_mast.sandbox import Sandbox

names = ["SE_ZIMIRICEA", "IGDP_MIR_IC_DET_TEMP", "IMIR_HK_FW_CUR_POS"]
interval = "2022-12-27 04:00", "2022-12-27 08:00"
with Sandbox():
    telemetry = Engineering.query_mnemonics(names, *interval)
Engineering.plot_mnemonics(telemetry)
