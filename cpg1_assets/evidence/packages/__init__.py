"""What a run leaves: a folder per asset, month and run. Not here: what is sealed of it, and checking it afterwards."""
