"""Inputs that follow from a declaration: a function that takes its frames by keyword, shown to Dagster by name."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from pyarrow.dataset import Dataset


def named_inputs(function: Callable[..., Any], inputs: Iterable[str]) -> None:
    """Let Dagster see the frames that `function` takes as `**frames` as parameters, each read lazily."""
    names = tuple(dict.fromkeys(inputs))
    context = inspect.signature(function).parameters["context"]
    named = [inspect.Parameter(name, context.kind, annotation=Dataset) for name in names]
    function.__signature__ = inspect.Signature([context, *named])  # type: ignore[attr-defined]
    function.__annotations__ = {
        name: kind for name, kind in function.__annotations__.items() if name != "frames"
    } | dict.fromkeys(names, Dataset)
