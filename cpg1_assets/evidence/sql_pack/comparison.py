"""The script that says, frame by frame and check by check, whether what was computed again is what was sealed."""

from collections.abc import Sequence

from cpg1_assets.embedded import literal, parquet, quoted
from cpg1_assets.frame import FrameSpec
from cpg1_assets.rules.checks import Check
from cpg1_assets.rules.frames import CHECK_RESULTS

COMPARE = "compare.sql"
PERFORMED, FOUND = "performed", "found"


def comparison(month: str, specs: Sequence[FrameSpec], looked: Sequence[Check]) -> str:
    """Write the script: every frame of `specs` must be there and identical, every check of `looked` agree.

    A frame is identical that has the same columns, types and rows; rows that are there several times are counted as
    often, and their order is not compared. A check agrees that was sealed as passed where nothing is found against it, as
    failed where something is, and as nothing to test where nothing is. The script ends with an error, and so with an exit
    status other than 0, unless all are and do; what was not compared is neither.
    """
    frames = ",\n    ".join(f"({at}, {literal(spec.name)})" for at, spec in enumerate(specs, 1))
    asked = ",\n    ".join(f"({literal(check.asset)}, {literal(check.name)})" for check in looked)
    each = "\n\n".join([*map(_compared, specs), *map(_counted, looked)])
    return f"""\
-- C-PG-1, {month}: what was computed again, held against what was sealed.
-- Run it in the folder of the sealed version, on the database that the frames were computed in.

CREATE OR REPLACE TABLE compared (
    frame VARCHAR, sealed_rows BIGINT, performed_rows BIGINT, only_sealed BIGINT, only_performed BIGINT,
    same_columns BOOLEAN
);
CREATE OR REPLACE TABLE counted (asset VARCHAR, "check" VARCHAR, found_against BIGINT);

{each}

CREATE OR REPLACE VIEW frames AS
SELECT
    expected.frame,
    CASE
        WHEN compared.frame IS NULL THEN 'not compared'
        WHEN NOT same_columns THEN 'other columns or types'
        WHEN only_sealed = 0 AND only_performed = 0 THEN 'identical'
        ELSE format('rows differ: {{}} only sealed, {{}} only performed', only_sealed, only_performed)
    END AS result,
    sealed_rows, performed_rows, only_sealed, only_performed
FROM (
    VALUES
    {frames}
) AS expected (place, frame)
LEFT JOIN compared ON compared.frame = expected.frame
ORDER BY expected.place;

CREATE OR REPLACE VIEW checks AS
WITH sealed AS (
    SELECT
        asset, "check",
        CASE WHEN NOT bool_or(tested) THEN 'nothing to test' WHEN bool_and(passed) THEN 'passed' ELSE 'failed' END
            AS sealed_as
    FROM {parquet(f"data/{CHECK_RESULTS.name}.parquet")}
    GROUP BY ALL
)
SELECT
    expected.asset, expected."check",
    CASE
        WHEN sealed_as IS NULL OR found_against IS NULL THEN 'not compared'
        WHEN (sealed_as = 'failed') = (found_against > 0) THEN 'agrees'
        ELSE 'differs'
    END AS result,
    sealed_as, found_against
FROM (
    VALUES
    {asked}
) AS expected (asset, "check")
LEFT JOIN sealed ON sealed.asset = expected.asset AND sealed."check" = expected."check"
LEFT JOIN counted ON counted.asset = expected.asset AND counted."check" = expected."check"
ORDER BY ALL;

SELECT * FROM frames;
SELECT * FROM checks;
SELECT CASE
    WHEN (SELECT count(*) FROM frames WHERE result IS DISTINCT FROM 'identical') > 0
    THEN error(format(
        '{{}} of {{}} frames are not identical',
        (SELECT count(*) FROM frames WHERE result IS DISTINCT FROM 'identical'), (SELECT count(*) FROM frames)
    ))
    WHEN (SELECT count(*) FROM checks WHERE result IS DISTINCT FROM 'agrees') > 0
    THEN error(format(
        '{{}} of {{}} checks do not agree',
        (SELECT count(*) FROM checks WHERE result IS DISTINCT FROM 'agrees'), (SELECT count(*) FROM checks)
    ))
    ELSE format(
        '{{}} frames, all identical; {{}} checks, all agree',
        (SELECT count(*) FROM frames), (SELECT count(*) FROM checks)
    )
END AS conclusion;
"""


def _compared(spec: FrameSpec) -> str:
    columns = ", ".join(quoted(column.name) for column in spec.columns)
    here, sealed = f"{PERFORMED}.{quoted(spec.name)}", parquet(f"data/{spec.name}.parquet")
    described = "SELECT list((column_name, column_type)) FROM (DESCRIBE SELECT * FROM {})"
    return f"""\
INSERT INTO compared
WITH sealed AS MATERIALIZED (SELECT {columns} FROM {sealed}),
performed AS MATERIALIZED (SELECT {columns} FROM {here})
SELECT
    {literal(spec.name)},
    (SELECT count(*) FROM sealed),
    (SELECT count(*) FROM performed),
    (SELECT count(*) FROM (SELECT * FROM sealed EXCEPT ALL SELECT * FROM performed)),
    (SELECT count(*) FROM (SELECT * FROM performed EXCEPT ALL SELECT * FROM sealed)),
    ({described.format(sealed)}) = ({described.format(here)});"""


def _counted(check: Check) -> str:
    of_line = "" if check.line is None else f" AND line = {literal(check.line)}"
    return (
        f"INSERT INTO counted SELECT {literal(check.asset)}, {literal(check.name)}, "
        f"count(*) FROM {FOUND}.{quoted(check.question)} WHERE {check.against}{of_line};"
    )
