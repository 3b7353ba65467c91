"""What a derived frame's figures come from, as one digest: its own rule, the words it uses, its frame, its rule files.

Two versions of the control give a frame the same digest where nothing that it uses differs, so that an edit of one
word of the vocabulary makes those frames stale that use it and no other. What is used is read off the rule: the
modules it imports, the words its statements call and the words these call.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from cpg1_assets import loaded
from cpg1_assets.frame import FrameSpec
from cpg1_assets.rules import frames, vocabulary

_ENGINE = (
    "embedded.py",
    "frame.py",
    "month.py",
    "rules/engine.py",
    "storage/parquet.py",
    "storage/sorted_runs.py",
    "yaml_file.py",
)
# Their content is used part by part: the words that are called, the frames that are named.
_IN_PARTS = ("rules/vocabulary.py", "rules/frames.py", *_ENGINE)
_IMPORTED = re.compile(r"^from cpg1_assets\.rules(?:\.(\w+))? import ([^#\n(]+|\([^)]*\))", re.MULTILINE)
_WORD = re.compile(r"\w+")
_CALL = re.compile(r"\b(\w+)\s*\(")
_MACRO = re.compile(r"CREATE MACRO (\w+)\(")


def rule_digest(name: str, rule_files: Mapping[str, bytes], spec: FrameSpec | None = None) -> str:
    """Give the digest of what the module `rules/<name>.py` computes with, in hexadecimal.

    `rule_files` are the files it follows, by name (a lines file, say); `spec` is the frame it gives, where it is
    not one of those the module names itself.
    """
    modules = {f"rules/{module}.py" for module in modules_used(name)}
    parts = {path: loaded.TEXTS[path] for path in {*modules, *_ENGINE}}
    texts = [loaded.text(path) for path in sorted(modules)]
    parts |= {f"word {word}": text.encode() for word, text in words_used(texts).items()}
    parts |= {f"frame {named.name}": named.model_dump_json().encode() for named in _frames_named(texts)}
    if spec is not None:
        parts[f"frame {spec.name}"] = spec.model_dump_json().encode()
    parts |= {f"file {file}": content for file, content in rule_files.items()}
    return loaded.digest_of(parts)


@cache
def modules_used(name: str) -> tuple[str, ...]:
    """Give the modules of the rules that `rules/<name>.py` is computed with, itself included, by name.

    Not among them are the vocabulary and the frames, which are used in parts, and the engine, which all use.
    """
    found: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        path = f"rules/{module}.py"
        if module in found or path in _IN_PARTS or path not in loaded.TEXTS:
            continue
        found.add(module)
        for inside, names in _IMPORTED.findall(loaded.text(path)):
            waiting += [inside] if inside else _WORD.findall(names)
    return tuple(sorted(found))


def words_used(texts: Iterable[str]) -> dict[str, str]:
    """Give the words of the vocabulary that `texts` call, and those that these words call, by name."""
    macros = {_MACRO.search(macro)[1]: macro for macro in vocabulary.MACROS}  # type: ignore[index] # each is one
    found: dict[str, str] = {}
    waiting = [word for text in texts for word in _called(text) if word in macros]
    while waiting:
        word = waiting.pop()
        if word not in found:
            found[word] = macros[word]
            waiting += (called for called in _called(macros[word]) if called in macros)
    return dict(sorted(found.items()))


@cache
def _called(text: str) -> frozenset[str]:
    return frozenset(_CALL.findall(text))


def _frames_named(texts: Iterable[str]) -> Iterator[FrameSpec]:
    for name in sorted({name for text in texts for name in _WORD.findall(text)}):
        named = getattr(frames, name, None)
        if isinstance(named, FrameSpec):
            yield named
