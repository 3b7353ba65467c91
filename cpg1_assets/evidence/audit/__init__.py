"""What an auditor does with sealed months: verify, re-perform, compare, list, export. Nothing here adds to the chain."""
