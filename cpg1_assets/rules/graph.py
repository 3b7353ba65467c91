"""Which rule gives which derived frame, and from which other frames: read off the rules, never written again.

A rule is the function named like its frame, in the module of that name. Its parameters name the frames it
reads and, beside them, the cutoff month and the rule files it follows. Whoever computes the frames without
Dagster walks this graph; the assets declare the same inputs to Dagster, and a test holds them to it.
"""

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter

import duckdb

from cpg1_assets.frame import FrameSpec
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.classification import Classification
from cpg1_assets.rules.engine import Asked, Frame, asked_by
from cpg1_assets.rules.frames import DERIVED_FRAMES
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets.rules.vocabulary import MACROS


@dataclass(frozen=True)
class Circumstances:
    """What a rule follows besides its frames. The fields are named like the rules' parameters."""

    month: CutoffMonth
    lines: Lines
    thresholds: Thresholds
    classification: Classification
    matching: Matching

    def named(
        self, names: Iterable[str]
    ) -> dict[str, CutoffMonth | Lines | Thresholds | Classification | Matching]:
        """Give the fields `names`, as a rule's arguments."""
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Derivation:
    """How one derived frame comes to be: its frame, the frames its rule reads, the rule and its statement."""

    spec: FrameSpec
    inputs: tuple[str, ...]
    statement: str
    rule: Callable[..., duckdb.DuckDBPyRelation]
    follows: tuple[str, ...]

    def computed(self, frames: Mapping[str, Frame], circumstances: Circumstances) -> duckdb.DuckDBPyRelation:
        """Call the rule with its inputs among `frames`. Raises DataError where an input does not fit."""
        return self.rule(**{name: frames[name] for name in self.inputs}, **circumstances.named(self.follows))

    def asked(self, frames: Mapping[str, Frame], circumstances: Circumstances) -> Asked:
        """Give what the rule asks of the engine, as `computed` would ask it; its frames are not looked at."""
        return asked_by(lambda: self.computed(frames, circumstances))


@cache
def derivations() -> dict[str, Derivation]:
    """Give every derivation by the name of its frame, each after those it reads."""
    found = {spec.name: _derivation(spec) for spec in DERIVED_FRAMES}
    # In lists, since the order of a set is another one in each process, and the sorter's follows it.
    order = TopologicalSorter({name: [i for i in d.inputs if i in found] for name, d in found.items()})
    return {name: found[name] for name in order.static_order()}


def source_frames() -> tuple[str, ...]:
    """Give the names of the frames that derivations read and none of them gives, in order of names."""
    made = derivations()
    return tuple(sorted({name for d in made.values() for name in d.inputs} - made.keys()))


def rule_statement(name: str) -> str:
    """Give the SQL of the rule of a derived frame, as an auditor reads it: the words it uses, then the statement."""
    statement: str = importlib.import_module(f"cpg1_assets.rules.{name}").STATEMENT
    return f"-- The words the statement uses.\n{words()}\n\n-- The rule.\n{statement.strip()}\n"


def words() -> str:
    """Give the SQL of the words that statements share, as an auditor runs it before any of them."""
    return "\n".join(f"{macro.strip()};" for macro in MACROS)


def word_names() -> tuple[str, ...]:
    """Give the names of the words, each after those it uses."""
    return tuple(macro.split("(", 1)[0].split()[-1] for macro in MACROS)


def parameters(rule: Callable[..., object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give what a rule or a check asks for: the frames it reads, and what of `Circumstances` it follows."""
    named = tuple(inspect.signature(rule).parameters)
    follows = tuple(name for name in named if name in Circumstances.__dataclass_fields__)
    return tuple(name for name in named if name not in follows), follows


def _derivation(spec: FrameSpec) -> Derivation:
    module = importlib.import_module(f"cpg1_assets.rules.{spec.name}")
    rule: Callable[..., duckdb.DuckDBPyRelation] = getattr(module, spec.name)
    inputs, follows = parameters(rule)
    return Derivation(
        spec=spec, inputs=inputs, statement=rule_statement(spec.name), rule=rule, follows=follows
    )
