"""One module per stage of G3: what an asset reads, which function of g3lib it calls, what it records."""
