"""The rows of a frame as the leaves of a tree of hashes: one root for all of them, and a short proof for each one."""
