"""Company codes: one company whatever the case of its code and the blanks at its end, as the servers compare them.

Tables write a code as they please, and `IN`, `=` and GROUP BY of a server take 'EC_NG' and 'ec_ng ' for one
company. So what comes from a source is spelled as the scope spells it, here, before anybody counts or keeps it.
A company out of scope keeps the spelling of its row.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

COMPANY = "id_company"


def folded(code: str) -> str:
    """Give what all spellings of one company's code have in common."""
    return code.rstrip(" ").upper()


class CompanyCodes:
    """The companies in scope, as the scope spells them; `respelled` keeps which other spellings came, and of whom."""

    def __init__(self, companies: Iterable[str]) -> None:
        """Take the companies. Of two spellings of one company the first by code point stands for both."""
        self._spelled: dict[str, str] = {}
        for code in sorted(company.rstrip(" ") for company in companies):
            self._spelled.setdefault(folded(code), code)
        self.respelled: dict[str, str] = {}

    @property
    def codes(self) -> tuple[str, ...]:
        """The companies, each once, in code point order."""
        return tuple(sorted(self._spelled.values()))

    def spelled(self, code: str | None) -> str | None:
        """Give a code as the scope spells it, or as it is where it is no company in scope."""
        if code is None:
            return None
        spelling = self._spelled.get(folded(code), code)
        if spelling != code:
            self.respelled[code] = spelling
        return spelling

    def in_rows(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Give rows with their `id_company`, where they have one, as the scope spells it."""
        return [
            {name: self.spelled(value) if name == COMPANY else value for name, value in row.items()}
            for row in rows
        ]

    def in_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Give a batch with its `id_company` as the scope spells it."""
        position = batch.schema.get_field_index(COMPANY)
        encoded = batch.column(position).cast(pa.string()).dictionary_encode()
        spelled = pa.array([self.spelled(code) for code in encoded.dictionary.to_pylist()], pa.string())
        return batch.set_column(position, COMPANY, spelled.take(encoded.indices))
