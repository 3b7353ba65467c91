"""The control as plain SQL: what an auditor re-performs a sealed month with, without this software.

Put together from the questions that the rules themselves ask. No rule is written here, and nothing is computed.
"""
