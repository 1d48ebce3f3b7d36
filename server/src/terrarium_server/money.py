"""Money is integer micro-USD everywhere inside; these convert it from and to USD."""

MICROS_PER_USD = 1_000_000


def to_micros(usd: float) -> int:
    """Return USD as micro-USD, rounded to the nearest."""
    return round(usd * MICROS_PER_USD)


def to_usd(micros: int) -> float:
    """Return micro-USD as USD."""
    return micros / MICROS_PER_USD
