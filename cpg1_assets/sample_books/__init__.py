"""The sample books: a simulated group whose books the control can close on any machine, with the truth.

Lives here: the simulation of the business, its deliberate faults, and the record of both. It imports nothing
of the control and knows nothing of how the control computes. Does not: reading the books (see `sources`).
"""

from cpg1_assets.sample_books.make import DEFAULT_SEED, make_sample_books
from cpg1_assets.sample_books.months import FIRST_MONTH, LAST_MONTH

__all__ = ["DEFAULT_SEED", "FIRST_MONTH", "LAST_MONTH", "make_sample_books"]
