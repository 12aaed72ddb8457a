"""The seed paper's tables and figures: what scripts/paper.py runs."""
