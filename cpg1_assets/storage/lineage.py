"""What of a month was made from a stored file, and what of that from another one than lies there now."""

from collections.abc import Iterable, Mapping

from cpg1_assets.storage.files import ParquetStorage


class Lineage:
    """The stored files that came of `source` over however many steps, as their provenance says it.

    `hashes` are the SHA-256 of `source` and of each of them, by asset; `codes` the digest of the code that computed
    each file of the month.
    """

    def __init__(self, storage: ParquetStorage, month: str, source: str, assets: Iterable[str]) -> None:
        """Read it for `assets` of `month`. Raises StorageError where a stored file is not the one written there."""
        stored: dict[str, str] = {}
        inputs: dict[str, Mapping[str, str]] = {}
        self.codes: dict[str, str] = {}
        for asset in assets:
            if storage.exists(asset, month):
                stored[asset], provenance = storage.provenance(asset, month)
                inputs[asset], self.codes[asset] = provenance.inputs, provenance.code
        came = {source}
        while grown := {
            asset for asset, of in inputs.items() if asset not in came and not came.isdisjoint(of)
        }:
            came |= grown
        self.hashes = {asset: stored[asset] for asset in sorted(came & stored.keys())}
        self._inputs = {asset: inputs[asset] for asset in self.hashes}

    @property
    def behind(self) -> list[str]:
        """Name each file that was made from another one than lies there now, of `source` or of what came of it."""
        return [
            asset
            for asset, inputs in self._inputs.items()
            if any(self.hashes.get(name, sha256) != sha256 for name, sha256 in inputs.items())
        ]


def made_of_others(storage: ParquetStorage, month: str, asset: str) -> list[str]:
    """Name what the stored file of `asset` was made from, over however many steps, that is another file by now.

    Raises StorageError where one of them is not there, or not the file that was written there.
    """
    others, seen, waiting = set(), {asset}, [asset]
    while waiting:
        _, provenance = storage.provenance(waiting.pop(), month)
        for name, sha256 in provenance.inputs.items():
            if storage.provenance(name, month)[0] != sha256:
                others.add(name)
            elif name not in seen:
                seen.add(name)
                waiting.append(name)
    return sorted(others)
