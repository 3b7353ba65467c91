"""The close calendar: until when each company's month is to be closed, and whether it was.

`public_holidays` knows weekends and holidays of a country, `calendar_file` what a person overrules, `due_dates` counts
working days: none of them opens a database, reads a clock or knows the control. `companies` says which companies there
are and where; `punctuality` holds the due dates against what was sealed. No figure of the control depends on any of it.
"""
