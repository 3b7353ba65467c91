"""Files that people put into the inbox: what lies in a folder, and the tables and cells of a file of any kind.

What the files are about is known in the rooms that read them.
"""
