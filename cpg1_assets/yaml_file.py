"""Reading a YAML file into a pydantic model, with errors that name the file and the line.

Contracts, rules, lines and thresholds are files a controller changes by hand; a slip in one must be
answered with the place to mend. What the files mean is decided by the models, not here.
"""

from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from cpg1_assets.errors import FileFormatError

_LARGEST = 10_000_000
"""Bytes: a thousand times the largest that the package has."""

Model = TypeVar("Model", bound=BaseModel)


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that appears twice in one mapping, which plain YAML readers silently accept."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a name is expected before the colon", key_node.start_mark
                )
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} appears twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _date_of(loader: _StrictLoader, node: yaml.ScalarNode) -> date:
    """Read what is written as a date; PyYAML lets out the ValueError of one that no calendar has."""
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError as error:
        raise yaml.constructor.ConstructorError(
            None, None, f"{node.value} is no date ({error})", node.start_mark
        ) from error


_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _date_of)


def read_yaml(path: Path, model: type[Model], *, context: object = None) -> Model:
    """Read `path` as `model`; `context` is what else the model is held against.

    Raises FileFormatError naming file and line when the file is missing, is not YAML, or does not fit.
    """
    return parse_yaml(read_bytes(path), model, name=str(path), context=context)


def read_bytes(path: Path) -> bytes:
    """Read a file that a person may have changed. Raises FileFormatError naming it when it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error}).") from error
    if len(content) > _LARGEST:
        raise FileFormatError(f"{path}: has more than {_LARGEST:,} bytes.")
    return content


def parse_yaml(content: str | bytes, model: type[Model], *, name: str, context: object = None) -> Model:
    """Read the YAML `content` as `model`, as `read_yaml` does; `name` stands for the file in errors."""
    try:
        loader = _StrictLoader(content.decode() if isinstance(content, bytes) else content)
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{name}: cannot be read ({error}).") from error
    except yaml.YAMLError as error:
        raise FileFormatError(f"{name}: not valid YAML: {error}.") from error
    try:
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except RecursionError as error:
        raise FileFormatError(f"{name}: is nested too deeply to be read.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise FileFormatError(f"{name}, line {line}: not valid YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise FileFormatError(f"{name}: not valid YAML: {error}.") from error
    if not isinstance(data, dict):
        raise FileFormatError(f"{name}, line 1: expected a mapping of names to values.")
    try:
        return model.model_validate(data, context=context)
    except ValidationError as error:
        sentences = [
            f"{name}, line {_line_of(node, problem['loc'])}: "
            f"{'.'.join(str(part) for part in problem['loc']) or 'file'}: {problem['msg']}."
            for problem in error.errors()
        ]
        raise FileFormatError("\n".join(sentences)) from error


def _line_of(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Line (from 1) of the deepest node on the way to `location`."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
