"""`cpg1 doctor`: looks at everything a close needs, and says what is fine and what to do where it is not.

It changes nothing: what it writes to try a folder it takes away again, and of a server it reads no row.
"""

from cpg1_assets.doctor.examine import Examination, examine
from cpg1_assets.doctor.finding import Finding

__all__ = ["Examination", "Finding", "examine"]
