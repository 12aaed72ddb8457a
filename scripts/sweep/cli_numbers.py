"""Lists of numbers on the command line."""
from .errors import SweepError


def numbers(text):
    try:
        return [int(v) if float(v).is_integer() else float(v) for v in text.split(",") if v]
    except ValueError:
        raise SweepError(f"'{text}' should be numbers with commas between them.") from None
