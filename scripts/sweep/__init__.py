"""Rate-distortion sweeps: clips x codecs x operating points (the command is scripts/sweep.py)."""
