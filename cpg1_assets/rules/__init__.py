"""The rules of the control as pure functions, one module per derived frame, and the files they read as data.

Nothing here imports Dagster, opens a file, reads a clock or the environment. A rule takes its named input
frames and gives a lazy relation with exactly the columns of its frame in `frames`, in the frame's order.
"""
