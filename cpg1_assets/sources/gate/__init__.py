"""The gate of the dialect seam: what T-SQL may say, and what it is refused for."""
