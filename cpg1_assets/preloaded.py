"""What worker processes find ready: the fork server imports this once, and every step's process is a copy of it."""

import os

from cpg1_assets import defs
from cpg1_assets.graph.run import let_steps_write_here
from cpg1_assets.stopping import end_with_parent

let_steps_write_here()
os.register_at_fork(after_in_child=end_with_parent)

__all__ = ["defs"]
