"""Observing programmes of HST and JWST: who looked where, with what, when.

In: nothing. Out: `HST_PROGRAMMES` and `JWST_PROGRAMMES`. Numbers, principal investigators, targets, instruments and filters are those
of the approved programmes; titles are short descriptions, and dates and exposure times are of the right order only. Programmes that are
planned or exclusive here are examples: their numbers fall in the range of the latest cycles.
"""

# ruff: noqa: E501 - one programme per line, so that the table can be read as a table

from __future__ import annotations

from typing import NamedTuple


class Programme(NamedTuple):
    """One line of a programme: a target, an instrument configuration and its filters.

    ``visits`` pointings are made, one composite observation per filter and pointing out of ``exposures`` exposures of ``seconds``
    each, from ``mjd`` on. ``rights`` is ``""`` for public data, ``exclusive`` or ``planned``.
    """

    number: int
    investigator: str
    title: str
    kind: str
    target: str
    instrument: str
    filters: tuple[str, ...]
    visits: int
    exposures: int
    seconds: float
    mjd: float
    rights: str = ""


def _p(*values: object, rights: str = "") -> Programme:
    *head, filters, visits, exposures, seconds, mjd = values
    return Programme(*head, tuple(str(filters).split()), visits, exposures, seconds, mjd, rights)  # type: ignore[call-arg, arg-type]


_M51 = "The Whirlpool Galaxy and its companion"
_PHAT = "Panchromatic Hubble Andromeda Treasury"
_CANDELS = "Cosmic Assembly Near-IR Deep Extragalactic Legacy Survey"
_PHANGS = "PHANGS: star formation across nearby spirals"

# fmt: off
HST_PROGRAMMES: tuple[Programme, ...] = (
    _p(10452, "Beckwith", _M51, "DD", "M51", "ACS/WFC", "F435W F555W F658N F814W", 6, 4, 680.0, 53386.0),
    _p(9073, "Bregman", "Ultraluminous X-ray sources in nearby spirals", "GO", "M51", "ACS/WFC", "F435W F555W F814W", 2, 3, 680.0, 52421.0),
    _p(10501, "Chandar", "Star clusters in the outer disk of M51", "GO", "M51", "ACS/WFC", "F606W F814W", 4, 2, 500.0, 53655.0),
    _p(12762, "Kuntz", "Deep H-alpha imaging of M51", "GO", "M51", "WFC3/UVIS", "F275W F336W F689M F673N", 3, 2, 1300.0, 56030.0),
    _p(13340, "Van Dyk", "The progenitor of a supernova in M51", "GO", "M51", "WFC3/UVIS", "F438W F555W F814W", 1, 2, 540.0, 56540.0),
    _p(9490, "Kuntz", "The hot interstellar medium of M101", "GO", "M101", "ACS/WFC", "F435W F555W F814W", 10, 2, 720.0, 52593.0),
    _p(9978, "Beckwith", "The Hubble Ultra Deep Field", "DD", "HUDF", "ACS/WFC", "F435W F606W F775W F850LP", 6, 2, 1200.0, 52906.0),
    _p(9425, "Giavalisco", "Great Observatories Origins Deep Survey", "GO", "GOODS-S", "ACS/WFC", "F435W F606W F775W F850LP", 10, 2, 1050.0, 52490.0),
    _p(9583, "Giavalisco", "Great Observatories Origins Deep Survey", "GO", "GOODS-N", "ACS/WFC", "F435W F606W F775W F850LP", 10, 2, 1050.0, 52600.0),
    _p(10134, "Davis", "All-wavelength survey of the Extended Groth Strip", "GO", "EGS", "ACS/WFC", "F606W F814W", 14, 4, 525.0, 53160.0),
    _p(9822, "Scoville", "The COSMOS 2-degree survey", "GO", "COSMOS", "ACS/WFC", "F814W", 24, 4, 507.0, 52927.0),
    _p(10092, "Scoville", "The COSMOS 2-degree survey", "GO", "COSMOS", "ACS/WFC", "F814W", 16, 4, 507.0, 53280.0),
    _p(12062, "Faber", _CANDELS, "GO", "GOODS-S", "ACS/WFC", "F606W F814W", 8, 2, 900.0, 55500.0),
    _p(12062, "Faber", _CANDELS, "GO", "GOODS-S", "WFC3/IR", "F125W F160W", 10, 2, 1000.0, 55500.0),
    _p(12443, "Faber", _CANDELS, "GO", "GOODS-N", "WFC3/IR", "F105W F125W F160W", 8, 2, 1000.0, 56050.0),
    _p(12064, "Faber", _CANDELS, "GO", "UDS", "WFC3/IR", "F125W F160W", 8, 2, 970.0, 55510.0),
    _p(13495, "Lotz", "Frontier Fields: Abell 2744", "DD", "ABELL-2744", "ACS/WFC", "F435W F606W F814W", 6, 4, 1220.0, 56590.0),
    _p(13495, "Lotz", "Frontier Fields: Abell 2744", "DD", "ABELL-2744", "WFC3/IR", "F105W F125W F140W F160W", 4, 2, 1200.0, 56600.0),
    _p(13496, "Lotz", "Frontier Fields: MACS J0416", "DD", "MACS-0416", "ACS/WFC", "F435W F606W F814W", 5, 4, 1220.0, 56660.0),
    _p(14096, "Coe", "Reionization Lensing Cluster Survey", "GO", "SMACS-0723", "ACS/WFC", "F435W F606W F814W", 2, 2, 560.0, 57600.0),
    _p(14096, "Coe", "Reionization Lensing Cluster Survey", "GO", "SMACS-0723", "WFC3/IR", "F105W F125W F140W F160W", 2, 2, 500.0, 57600.0),
    _p(10775, "Sarajedini", "An ACS survey of Galactic globular clusters", "GO", "NGC104", "ACS/WFC", "F606W F814W", 2, 4, 50.0, 53807.0),
    _p(10775, "Sarajedini", "An ACS survey of Galactic globular clusters", "GO", "M4", "ACS/WFC", "F606W F814W", 2, 4, 25.0, 53799.0),
    _p(9442, "Cool", "Binaries in \u03c9 Centauri", "GO", "OMEGA-CEN", "ACS/WFC", "F435W F625W F658N", 9, 3, 340.0, 52452.0),
    _p(10246, "Robberto", "The Orion Nebula treasury", "GO", "ORION", "ACS/WFC", "F435W F555W F658N F775W F850LP", 12, 2, 385.0, 53290.0),
    _p(12055, "Dalcanton", _PHAT, "GO", "M31", "ACS/WFC", "F475W F814W", 18, 4, 700.0, 55400.0),
    _p(12055, "Dalcanton", _PHAT, "GO", "M31", "WFC3/UVIS", "F275W F336W", 10, 2, 1000.0, 55400.0),
    _p(12055, "Dalcanton", _PHAT, "GO", "M31", "WFC3/IR", "F110W F160W", 10, 2, 800.0, 55400.0),
    _p(14610, "Dalcanton", "The Triangulum extended region", "GO", "M33", "ACS/WFC", "F475W F814W", 12, 4, 600.0, 57800.0),
    _p(10584, "Zezas", "Stellar populations of M81", "GO", "M81", "ACS/WFC", "F435W F606W F814W", 8, 2, 465.0, 53630.0),
    _p(10776, "Mountain", "Hubble Heritage: M82", "DD", "M82", "ACS/WFC", "F435W F555W F658N F814W", 6, 4, 450.0, 53820.0),
    _p(9714, "Noll", "Hubble Heritage: the Sombrero", "DD", "M104", "ACS/WFC", "F435W F555W F625W", 6, 3, 450.0, 52770.0),
    _p(10342, "Noll", "Hubble Heritage: NGC 1300", "DD", "NGC1300", "ACS/WFC", "F435W F555W F658N F814W", 2, 4, 680.0, 53265.0),
    _p(10475, "Smith", "Jets and globules in the Carina Nebula", "GO", "CARINA", "ACS/WFC", "F658N", 12, 2, 500.0, 53565.0),
    _p(10475, "Smith", "The western wall of NGC 3324", "GO", "NGC3324", "ACS/WFC", "F502N F658N", 4, 2, 500.0, 53800.0),
    _p(10861, "Carter", "An ACS treasury survey of the Coma cluster", "GO", "COMA", "ACS/WFC", "F475W F814W", 10, 4, 640.0, 54060.0),
    _p(10543, "Baltz", "Microlensing in M87", "GO", "M87", "ACS/WFC", "F606W F814W", 8, 4, 360.0, 53730.0),
    _p(10526, "Hester", "The synchrotron nebula of the Crab pulsar", "GO", "CRAB", "ACS/WFC", "F550M F606W", 6, 2, 1000.0, 53620.0),
    _p(10286, "Fesen", "The expanding shell of Cassiopeia A", "GO", "CAS-A", "ACS/WFC", "F625W F775W F850LP", 4, 4, 600.0, 53340.0),
    _p(9461, "Kalas", "A coronagraphic survey of debris disks", "GO", "BETA-PIC", "ACS/HRC", "F435W F606W F814W", 2, 2, 100.0, 52840.0),
    _p(9987, "Kalas", "The edge-on disk of AU Microscopii", "GO", "AU-MIC", "ACS/HRC", "F606W", 3, 2, 400.0, 53080.0),
    _p(9705, "Biretta", "The variable knot of the M87 jet", "GO", "M87", "ACS/HRC", "F220W F250W F330W F606W", 5, 2, 180.0, 52930.0),
    _p(10133, "Biretta", "The variable knot of the M87 jet", "GO", "M87", "ACS/SBC", "F125LP F150LP", 3, 1, 700.0, 53290.0),
    _p(9454, "Mar\u00edn-Franch", "Hot stars in 47 Tucanae", "GO", "NGC104", "ACS/SBC", "F140LP F150LP", 3, 2, 500.0, 52700.0),
    _p(10423, "Sparks", "Outer planets in the far ultraviolet", "GO", "JUPITER", "ACS/SBC", "F115LP F125LP", 4, 1, 100.0, 53400.0),
    _p(10862, "Clarke", "Aurorae of the giant planets", "GO", "JUPITER", "ACS/SBC", "F115LP F125LP F165LP", 6, 1, 100.0, 54150.0),
    _p(9391, "D\u00edaz", "Environments of BL Lac objects", "SNAP", "MRK421", "ACS/WFC", "F606W", 2, 2, 300.0, 52620.0),
    _p(17502, "Thilker", "The spiral arms in H-alpha", "GO", "M51", "ACS/WFC", "F658N F814W", 1, 2, 650.0, 61230.0, rights="exclusive"),
    _p(11360, "O'Connell", "Star formation in nearby galaxies", "GTO", "M83", "WFC3/UVIS", "F336W F438W F555W F657N F814W", 3, 2, 600.0, 55070.0),
    _p(11360, "O'Connell", "Star formation in 30 Doradus", "GTO", "LMC-30DOR", "WFC3/IR", "F110W F160W", 4, 2, 400.0, 55130.0),
    _p(11563, "Illingworth", "Galaxies at redshifts 7 to 10", "GO", "HUDF", "WFC3/IR", "F105W F125W F160W", 8, 2, 1400.0, 55060.0),
    _p(12498, "Ellis", "The Ultra Deep Field 2012", "GO", "HUDF", "WFC3/IR", "F105W F140W F160W", 8, 2, 1400.0, 56140.0),
    _p(13364, "Calzetti", "Legacy ExtraGalactic UV Survey", "GO", "NGC628", "WFC3/UVIS", "F275W F336W F555W", 3, 3, 870.0, 56560.0),
    _p(15654, "Lee", _PHANGS, "GO", "NGC1365", "WFC3/UVIS", "F275W F336W F438W F555W F814W", 3, 3, 700.0, 58650.0),
    _p(15654, "Lee", _PHANGS, "GO", "NGC628", "WFC3/UVIS", "F275W F336W F438W F555W F814W", 2, 3, 700.0, 58700.0),
    _p(11502, "Noll", "Early release: Stephan's Quintet", "SM4/ERO", "STEPHANS-QUINTET", "WFC3/UVIS", "F438W F606W F657N F814W", 2, 3, 1000.0, 55040.0),
    _p(11504, "Noll", "Early release: NGC 6302", "SM4/ERO", "NGC6302", "WFC3/UVIS", "F373N F469N F502N F656N F658N F673N", 1, 3, 700.0, 55039.0),
    _p(13926, "Levay", "Hubble Heritage: the Eagle Nebula", "DD", "M16", "WFC3/UVIS", "F502N F657N F673N", 3, 3, 800.0, 56930.0),
    _p(13926, "Levay", "Hubble Heritage: the Eagle Nebula", "DD", "M16", "WFC3/IR", "F110W F160W", 3, 2, 450.0, 56930.0),
    _p(13038, "Nota", "Hubble 25th anniversary: Westerlund 2", "GO", "WESTERLUND-2", "WFC3/IR", "F125W F128N F160W", 4, 2, 350.0, 56540.0),
    _p(10248, "Nota", "Star clusters in the Small Magellanic Cloud", "GO", "NGC346", "ACS/WFC", "F555W F658N F814W", 4, 4, 400.0, 53200.0),
    _p(13937, "Simon", "Outer Planet Atmospheres Legacy", "GO", "NEPTUNE", "WFC3/UVIS", "F467M F547M F657N F763M F845M", 4, 1, 60.0, 57280.0),
    _p(15262, "Simon", "Outer Planet Atmospheres Legacy", "GO", "JUPITER", "WFC3/UVIS", "F395N F502N F631N F889N", 4, 1, 10.0, 58200.0),
    _p(13021, "Bean", "The atmosphere of GJ 1214b", "GO", "GJ1214", "WFC3/IR", "G141", 12, 1, 88.4, 56180.0),
    _p(14500, "de Wit", "The first look at TRAPPIST-1's planets", "DD", "TRAPPIST-1", "WFC3/IR", "G141", 4, 1, 112.0, 57512.0),
    _p(14767, "Sing", "Panchromatic comparative exoplanetology", "GO", "WASP-39", "WFC3/IR", "G102 G141", 4, 1, 103.0, 57600.0),
    _p(8880, "Osten", "Flares on EV Lacertae", "GO", "EV-LAC", "STIS/FUV-MAMA", "E140M", 10, 1, 2899.0, 52172.0),
    _p(7556, "Linsky", "The wind of Proxima Centauri", "GTO", "PROXIMA-CEN", "STIS/FUV-MAMA", "E140M", 10, 1, 2900.0, 51671.0),
    _p(13060, "Ayres", "The cycle of \u03b1 Centauri", "GO", "\u03b1-CEN", "STIS/FUV-MAMA", "E140M", 4, 1, 2300.0, 56400.0),
    _p(12278, "Ayres", "Advanced Spectral Library: cool stars", "GO", "AU-MIC", "STIS/NUV-MAMA", "E230M E230H", 8, 1, 1800.0, 55650.0),
    _p(12473, "Sing", "Atmospheres of transiting planets", "GO", "WASP-39", "STIS/CCD", "G430L G750L", 12, 1, 253.0, 56330.0),
    _p(14767, "Sing", "Panchromatic comparative exoplanetology", "GO", "WASP-121", "STIS/CCD", "G430L G750L", 14, 1, 253.0, 57690.0),
    _p(14767, "Sing", "Panchromatic comparative exoplanetology", "GO", "WASP-121", "STIS/NUV-MAMA", "E230M", 8, 1, 2000.0, 58170.0),
    _p(9064, "Charbonneau", "The atmosphere of HD 209458b", "GO", "HD209458", "STIS/CCD", "G750M G430L", 12, 1, 60.0, 51660.0),
    _p(8474, "Vidal-Madjar", "Hydrogen escaping from HD 209458b", "GO", "HD209458", "STIS/FUV-MAMA", "G140M", 9, 1, 2000.0, 52160.0),
    _p(8569, "Pagel", "Quasars seen in the ultraviolet", "GO", "3C273", "STIS/FUV-MAMA", "E140M G140L", 7, 1, 2500.0, 51570.0),
    _p(7600, "Walborn", "Hot stars of the Magellanic Clouds", "GO", "NGC346", "STIS/FUV-MAMA", "E140M", 9, 1, 2400.0, 51100.0),
    _p(9474, "V\u00e9ron", "Narrow-line regions of Seyfert galaxies", "GO", "NGC7319", "STIS/CCD", "G430M G750M", 8, 1, 700.0, 52500.0),
    _p(8473, "Mu\u00f1oz", "Kinematics of the M87 disk", "GO", "M87", "STIS/CCD", "G750M G430L", 12, 1, 520.0, 51900.0),
    _p(14140, "Biretta", "Monitoring the M87 jet", "GO", "M87", "STIS/NUV-MAMA", "MIRVIS F25QTZ", 6, 1, 600.0, 57400.0),
    _p(7783, "Baum", "The faint sky in parallel", "GO/PAR", "GOODS-N", "STIS/CCD", "50CCD G750L", 30, 1, 800.0, 51000.0),
    _p(15071, "Froning", "The ultraviolet radiation of M dwarfs", "GO", "GJ1214", "COS/FUV", "G130M G160M", 3, 3, 1900.0, 58150.0),
    _p(12464, "France", "The radiation that planets of M dwarfs receive", "GO", "GJ1214", "COS/FUV", "G130M G160M", 3, 3, 1500.0, 56140.0),
    _p(13650, "France", "MUSCLES treasury survey", "GO", "PROXIMA-CEN", "COS/NUV", "G230L G285M", 4, 2, 900.0, 57000.0),
    _p(15699, "Garc\u00eda Mu\u00f1oz", "Escape from the atmosphere of \u03c0 Men c", "GO", "PI-MEN", "COS/FUV", "G130M", 6, 4, 2200.0, 58700.0),
    _p(11741, "Tripp", "Absorbers towards bright quasars", "GO", "PKS0405", "COS/FUV", "G130M G160M", 8, 4, 1800.0, 55230.0),
    _p(12038, "Green", "The intergalactic medium", "GTO", "3C273", "COS/FUV", "G130M G160M", 6, 4, 1200.0, 55850.0),
    _p(11520, "Green", "The intergalactic medium towards Mrk 421", "GTO", "MRK421", "COS/FUV", "G130M", 5, 4, 1000.0, 55160.0),
    _p(16364, "Roman-Duval", "ULLYSES: T Tauri stars and massive stars", "DD", "NGC346", "COS/FUV", "G130M G160M G185M", 6, 2, 1400.0, 59150.0),
    _p(11533, "Green", "Aurorae and flares of AU Microscopii", "GTO", "AU-MIC", "COS/NUV", "G230L G285M", 5, 3, 800.0, 55200.0),
    _p(17796, "France", "Flares of nearby stars", "GO", "AU-MIC", "COS/FUV", "G130M", 2, 2, 1800.0, 61200.0, rights="exclusive"),
    _p(17862, "Simon", "Outer Planet Atmospheres Legacy", "GO", "NEPTUNE", "WFC3/UVIS", "F467M F845M", 2, 1, 60.0, 61500.0, rights="planned"),
)

JWST_PROGRAMMES: tuple[Programme, ...] = (
    _p(1783, "Adamo, Angela", "Feedback in emerging extragalactic star clusters", "GO", "M51", "NIRCAM/IMAGE", "F115W F150W F187N F200W F335M F405N F444W", 2, 4, 430.0, 59930.0),
    _p(1783, "Adamo, Angela", "Feedback in emerging extragalactic star clusters", "GO", "M51", "MIRI/IMAGE", "F560W F770W", 2, 4, 360.0, 59935.0),
    _p(2107, "Lee, Janice", "PHANGS-JWST treasury", "GO", "M51", "NIRCAM/IMAGE", "F200W F300M F335M F360M", 1, 4, 390.0, 59950.0),
    _p(2107, "Lee, Janice", "PHANGS-JWST treasury", "GO", "NGC628", "NIRCAM/IMAGE", "F200W F300M F335M F360M", 2, 4, 390.0, 59777.0),
    _p(2107, "Lee, Janice", "PHANGS-JWST treasury", "GO", "NGC1365", "MIRI/IMAGE", "F770W F1000W F1130W F2100W", 2, 4, 310.0, 59804.0),
    _p(3435, "Sandstrom, Karin", "A treasury of M51", "GO", "M51", "NIRCAM/IMAGE", "F140M F164N F212N F323N", 1, 3, 520.0, 61180.0, rights="exclusive"),
    _p(2731, "Pontoppidan, Klaus M.", "Cosmic Cliffs in NGC 3324", "DD", "NGC3324", "NIRCAM/IMAGE", "F090W F187N F200W F335M F444W F470N", 2, 4, 1600.0, 59733.0),
    _p(2731, "Pontoppidan, Klaus M.", "Cosmic Cliffs in NGC 3324", "DD", "NGC3324", "MIRI/IMAGE", "F770W F1130W F1280W F1800W", 2, 4, 560.0, 59740.0),
    _p(2732, "Pontoppidan, Klaus M.", "Stephan's Quintet", "DD", "STEPHANS-QUINTET", "NIRCAM/IMAGE", "F090W F150W F200W F277W F356W F444W", 2, 4, 1180.0, 59741.0),
    _p(2732, "Pontoppidan, Klaus M.", "Stephan's Quintet", "DD", "NGC7319", "MIRI/IFU", "CH1 CH2 CH3 CH4", 1, 2, 440.0, 59752.0),
    _p(2733, "Pontoppidan, Klaus M.", "The Southern Ring", "DD", "NGC3132", "NIRCAM/IMAGE", "F090W F187N F212N F356W F405N F470N", 1, 4, 1400.0, 59733.0),
    _p(2734, "Pontoppidan, Klaus M.", "Transit of WASP-96b", "DD", "WASP-96", "NIRISS/SOSS", "CLEAR;GR700XD", 1, 2, 23000.0, 59751.0),
    _p(2736, "Pontoppidan, Klaus M.", "The first deep field", "DD", "SMACS-0723", "NIRCAM/IMAGE", "F090W F150W F200W F277W F356W F444W", 2, 4, 1880.0, 59737.0),
    _p(2736, "Pontoppidan, Klaus M.", "The first deep field", "DD", "SMACS-0723", "MIRI/IMAGE", "F770W F1000W F1500W F1800W", 1, 4, 1400.0, 59744.0),
    _p(2736, "Pontoppidan, Klaus M.", "The first deep field", "DD", "SMACS-0723", "NIRSPEC/MSA", "F170LP;G235M F290LP;G395M", 2, 2, 8840.0, 59760.0),
    _p(2736, "Pontoppidan, Klaus M.", "The first deep field", "DD", "SMACS-0723", "NIRISS/WFSS", "F115W;GR150C F200W;GR150R", 2, 2, 2830.0, 59740.0),
    _p(2739, "Pontoppidan, Klaus M.", "The Pillars of Creation", "DD", "M16", "NIRCAM/IMAGE", "F090W F187N F200W F335M F444W F470N", 2, 4, 1200.0, 59806.0),
    _p(2739, "Pontoppidan, Klaus M.", "The Pillars of Creation", "DD", "M16", "MIRI/IMAGE", "F770W F1130W F1500W", 1, 4, 550.0, 59806.0),
    _p(1324, "Treu, Tommaso", "Through the looking GLASS", "ERS", "ABELL-2744", "NIRISS/WFSS", "F115W;GR150C F150W;GR150R F200W;GR150C", 2, 2, 5200.0, 59758.0),
    _p(1324, "Treu, Tommaso", "Through the looking GLASS", "ERS", "ABELL-2744", "NIRSPEC/MSA", "F100LP;G140H F170LP;G235H F290LP;G395H", 1, 2, 17600.0, 59890.0),
    _p(2561, "Labbe, Ivo", "UNCOVER: beyond reionization", "GO", "ABELL-2744", "NIRCAM/IMAGE", "F115W F150W F200W F277W F356W F410M F444W", 2, 4, 2800.0, 59885.0),
    _p(2561, "Labbe, Ivo", "UNCOVER: beyond reionization", "GO", "ABELL-2744", "NIRSPEC/MSA", "CLEAR;PRISM", 4, 2, 9800.0, 60150.0),
    _p(1180, "Eisenstein, Daniel J.", "JADES: GOODS-S deep and medium", "GTO", "GOODS-S", "NIRCAM/IMAGE", "F090W F115W F150W F200W F277W F335M F356W F410M F444W", 3, 2, 2800.0, 59850.0),
    _p(1181, "Eisenstein, Daniel J.", "JADES: GOODS-N medium", "GTO", "GOODS-N", "NIRCAM/IMAGE", "F090W F150W F200W F277W F356W F444W", 2, 2, 2800.0, 59980.0),
    _p(1210, "Luetzgendorf, Nora", "JADES: deep spectra", "GTO", "HUDF", "NIRSPEC/MSA", "CLEAR;PRISM F070LP;G140M F170LP;G235M F290LP;G395M", 2, 2, 8400.0, 59874.0),
    _p(3215, "Eisenstein, Daniel J.", "JADES Origins Field", "GO", "GOODS-S", "NIRCAM/IMAGE", "F162M F182M F210M F250M F300M F335M", 2, 2, 5800.0, 60230.0),
    _p(1963, "Williams, Christina C.", "Medium bands in the Ultra Deep Field", "GO", "HUDF", "NIRCAM/IMAGE", "F182M F210M F430M F460M F480M", 1, 4, 2800.0, 59864.0),
    _p(2079, "Finkelstein, Steven L.", "Next generation deep survey", "GO", "HUDF", "NIRISS/WFSS", "F115W;GR150C F150W;GR150R F200W;GR150C", 2, 2, 6400.0, 59975.0),
    _p(1345, "Finkelstein, Steven L.", "Cosmic Evolution Early Release Science", "ERS", "EGS", "NIRCAM/IMAGE", "F115W F150W F200W F277W F356W F410M F444W", 3, 3, 950.0, 59751.0),
    _p(1345, "Finkelstein, Steven L.", "Cosmic Evolution Early Release Science", "ERS", "EGS", "NIRSPEC/MSA", "CLEAR;PRISM F100LP;G140M F290LP;G395M", 2, 3, 3100.0, 59933.0),
    _p(1727, "Kartaltepe, Jeyhan", "COSMOS-Web", "GO", "COSMOS", "NIRCAM/IMAGE", "F115W F150W F277W F444W", 6, 2, 515.0, 59950.0),
    _p(1837, "Dunlop, James", "PRIMER", "GO", "UDS", "NIRCAM/IMAGE", "F090W F150W F200W F277W F356W F444W", 3, 2, 840.0, 59788.0),
    _p(1837, "Dunlop, James", "PRIMER", "GO", "UDS", "MIRI/IMAGE", "F770W F1800W", 3, 2, 1680.0, 59790.0),
    _p(2738, "Windhorst, Rogier A.", "PEARLS: north ecliptic pole", "GTO", "JWST-NEP", "NIRCAM/IMAGE", "F090W F150W F200W F277W F356W F444W", 2, 2, 2900.0, 59818.0),
    _p(1895, "Oesch, Pascal", "First reionization epoch spectroscopic survey", "GO", "GOODS-N", "NIRCAM/GRISM", "F444W;GRISMR", 4, 2, 880.0, 59980.0),
    _p(1366, "Batalha, Natalie", "Transiting exoplanet community ERS", "ERS", "WASP-39", "NIRSPEC/SLIT", "CLEAR;PRISM F290LP;G395H", 1, 2, 29000.0, 59770.0),
    _p(1366, "Batalha, Natalie", "Transiting exoplanet community ERS", "ERS", "WASP-39", "NIRISS/SOSS", "CLEAR;GR700XD", 1, 2, 29000.0, 59786.0),
    _p(1366, "Batalha, Natalie", "Transiting exoplanet community ERS", "ERS", "WASP-18", "NIRISS/SOSS", "CLEAR;GR700XD", 1, 2, 24000.0, 59816.0),
    _p(1177, "Greene, Thomas P.", "Eclipses of TRAPPIST-1b", "GTO", "TRAPPIST-1", "MIRI/IMAGE", "F1500W", 5, 1, 16000.0, 59891.0),
    _p(2589, "Lim, Olivia", "The atmospheres of TRAPPIST-1's planets", "GO", "TRAPPIST-1", "NIRISS/SOSS", "CLEAR;GR700XD", 4, 2, 16000.0, 59778.0),
    _p(2304, "Kreidberg, Laura", "A hot terrestrial planet: TRAPPIST-1c", "GO", "TRAPPIST-1", "MIRI/IMAGE", "F1500W", 4, 1, 13000.0, 59879.0),
    _p(1803, "Bean, Jacob L.", "Unlocking the mysteries of GJ 1214b", "GO", "GJ1214", "MIRI/SLITLESS", "P750L", 3, 2, 50000.0, 59780.0),
    _p(1256, "McCaughrean, Mark", "The inner Orion Nebula", "GTO", "ORION", "NIRCAM/IMAGE", "F115W F140M F162M F182M F187N F212N F277W F335M F360M F444W", 1, 4, 770.0, 59848.0),
    _p(1288, "Bern\u00e9, Olivier", "PDRs4All: the Orion Bar", "ERS", "ORION", "NIRSPEC/IFU", "F100LP;G140H F170LP;G235H F290LP;G395H", 2, 2, 260.0, 59832.0),
    _p(1288, "Bern\u00e9, Olivier", "PDRs4All: the Orion Bar", "ERS", "ORION", "MIRI/IFU", "CH1 CH2 CH3 CH4", 1, 2, 520.0, 59974.0),
    _p(1714, "Temim, Tea", "Dust and origin of the Crab Nebula", "GO", "CRAB", "NIRCAM/IMAGE", "F150W2;F162M F480M", 2, 4, 1600.0, 59886.0),
    _p(1947, "Milisavljevic, Dan", "Cassiopeia A in the infrared", "GO", "CAS-A", "NIRCAM/IMAGE", "F150W2;F162M F356W F444W", 2, 4, 1600.0, 59888.0),
    _p(1249, "Fletcher, Leigh", "The atmosphere of Neptune", "GTO", "NEPTUNE", "NIRCAM/IMAGE", "F140M F210M F300M F460M", 2, 2, 300.0, 59772.0),
    _p(1249, "Fletcher, Leigh", "The atmosphere of Neptune", "GTO", "NEPTUNE", "NIRSPEC/IFU", "F100LP;G140H F290LP;G395H", 1, 2, 500.0, 59773.0),
    _p(1373, "de Pater, Imke", "The Jovian system", "ERS", "JUPITER", "NIRCAM/IMAGE", "F164N F212N F335M F360M", 1, 4, 80.0, 59787.0),
    _p(1251, "Nixon, Conor", "Clouds of Titan", "GTO", "TITAN", "NIRCAM/IMAGE", "F140M F150W F182M F210M", 1, 2, 60.0, 59887.0),
    _p(1039, "Dicken, Daniel", "Background and fringe tests", "COM", "NGC6552", "MIRI/IFU", "CH1 CH2 CH3 CH4", 1, 2, 110.0, 59706.0),
    _p(1411, "Stark, Christopher", "The debris disk of \u03b2 Pictoris", "GTO", "BETA-PIC", "NIRCAM/IMAGE", "F182M F210M F250M F300M F335M F444W", 1, 2, 1600.0, 60020.0),
    _p(1201, "Lafreni\u00e8re, David", "Exploring exoplanets with NIRISS", "GTO", "L98-59", "NIRISS/SOSS", "CLEAR;GR700XD", 2, 2, 14000.0, 60110.0),
    _p(1199, "Stiavelli, Massimo", "Background galaxies", "GTO", "MACS-0416", "NIRISS/IMAGE", "F090W F115W F150W F200W", 2, 4, 900.0, 59960.0),
    _p(2334, "Nota, Antonella", "Cool stars of NGC 346", "GO", "NGC346", "NIRISS/IMAGE", "F115W F200W", 2, 4, 800.0, 59900.0),
    _p(6780, "Dalcanton, Julianne", "Dust in the disk of M31", "GO", "M31", "NIRCAM/IMAGE", "F090W F212N", 3, 4, 640.0, 61150.0, rights="exclusive"),
    _p(5893, "Kakiichi, Koki", "COSMOS-3D", "GO", "COSMOS", "NIRCAM/GRISM", "F444W;GRISMR", 4, 2, 900.0, 61190.0, rights="exclusive"),
    _p(7068, "Espinoza, N\u00e9stor", "Rocky worlds", "DD", "TOI-700", "MIRI/IMAGE", "F1500W", 4, 2, 16000.0, 61210.0, rights="exclusive"),
    _p(9202, "Adamo, Angela", "Young clusters at the highest resolution", "GO", "M51", "NIRSPEC/MSA", "F170LP;G235H F290LP;G395H", 3, 2, 3000.0, 61600.0, rights="planned"),
    _p(9214, "Chandar, Rupali", "The oldest clusters of M101", "GO", "M101", "NIRCAM/IMAGE", "F115W F150W F200W F277W F444W", 4, 2, 900.0, 61650.0, rights="planned"),
    _p(9301, "Fletcher, Leigh", "Storms on Neptune", "GO", "NEPTUNE", "MIRI/IFU", "CH1 CH2 CH3 CH4", 2, 2, 800.0, 61680.0, rights="planned"),
)
# fmt: on
