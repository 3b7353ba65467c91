"""Proof that the control works: fresh faults planted in small books each month, and what the loaded rules find of them.

Lives here: the small books, the kinds of faults, and the comparison of what was planted with what was found. Not here:
any rule of the control, and any row of the month. No Dagster, no source, no clock; the sample books are another thing.
"""
