"""What can go wrong outside this program: one sentence that says what to do."""


class SweepError(Exception):
    """Its text is shown to the user as it is."""
