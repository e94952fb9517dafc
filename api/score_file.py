"""Scoring a file of accounts: CSV or Parquet in and out, a chunk at a time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from api.schemas import ScoreBody, parse_score_body
from api.serve import read_settings
from api.unused_values import UnusedValues
from scoring.answer import Answer
from scoring.attribute_names import alike, folded
from scoring.errors import FirebrandError, RequestError
from scoring.registry import read_active
from scoring.scorer import Scorer, ScoreRequest
from scoring.servers.servers import Servers
from scoring.signals.log import SignalBatch
from scoring.store.store import SignalStore
from scoring.training.presets import preset_of
from scoring.training.progress import OnStep

CHUNK = 5_000  # accounts scored together: enough to share the work, little enough to hold in memory
BATCH_READ_BUDGET = 5.0  # seconds a chunk waits for its signals; nobody waits for it
REASON_SEPARATOR = " | "
COLUMNS: dict[str, pl.DataType] = {
    "account_id": pl.String(),
    "domain": pl.String(),
    "reference": pl.String(),
    "score": pl.Float64(),
    "grade": pl.String(),
    "tier": pl.String(),
    "fit": pl.Float64(),
    "intent": pl.Float64(),
    "recency": pl.Float64(),
    "engagement": pl.Float64(),
    "in_icp": pl.Boolean(),
    "segment": pl.String(),
    "coverage": pl.Float64(),
    "confidence": pl.String(),
    "degraded": pl.Boolean(),
    "draft": pl.Boolean(),
    "as_of": pl.String(),
    "model_version": pl.String(),
    "reasons": pl.String(),
}
IDENTITY = ("account_id", "domain", "reference")  # what a row without a score is found by
FIELDS = (
    *IDENTITY,
    "objective",
    "as_of",
    "rollup",
)  # columns that are no attributes, however their names are written
NOT_ATTRIBUTES = frozenset({*ScoreBody.model_fields, "name", "status", "parent_id", "crm_id"})
UNREADABLE = "unreadable"  # attributes of the row that could not be read and count as missing
ERROR = "error"  # why a row has no score, else empty
ENDINGS = (".csv", ".parquet")


class FileError(FirebrandError):
    """The file to score cannot be read, or the one to write cannot be written."""

    code = "file_unusable"


@dataclass(slots=True)
class Done:
    """How many rows were scored, how many have an error instead, and what the scores did without."""

    unused: UnusedValues
    scored: int = 0
    failed: int = 0
    notes: list[str] = field(default_factory=list)  # what the one who asked should know


def score_file(
    file: Path, out: Path, artifacts: Path, *, objective: str, as_of: str, rollup: str = "", on_step: OnStep
) -> Done:
    """Score the accounts in a file; every row in gives a row out, in order.

    Args:
        file: CSV or Parquet with account_id and/or domain, and attribute columns.
        out: CSV or Parquet, by its ending; written whole or not at all.
        artifacts: the registry, whose active version scores.
        objective: a preset's name, or empty for the plan's own weights; a row's own goes before it.
        as_of: ISO 8601, or empty for now; a row's own goes before it.
        rollup: whose signals count, or empty for each account's own; a row's own goes before it.
        on_step: told how far it is.

    Raises:
        ArtifactError: there is nothing valid to score with.
        RequestError: the objective or the moment is not usable.
        FileError: the file cannot be read or names no account, or `out` cannot be written.
    """
    artifact = read_active(artifacts)
    scorer = Scorer(artifact)
    defaults = ScoreBody.model_validate({})
    if objective or as_of or rollup:
        defaults = parse_score_body(
            {"objective": objective or None, "as_of": as_of or None, "rollup": rollup or None}
        )
    scorer.objective(defaults.objective)
    shared = {
        "objective": defaults.objective,
        "as_of": defaults.as_of or round(time.time(), 3),
        "rollup": defaults.rollup,
    }
    if out.suffix.lower() not in ENDINGS:
        raise FileError(f"cannot tell what to write from the name {out}: end it in {' or '.join(ENDINGS)}")
    if not out.parent.is_dir():
        raise FileError(f"cannot write {out}: there is no folder {out.parent}")
    rows, total = _opened(file, scorer)
    if out.exists() and out.samefile(file):
        raise FileError(f"{out} is the file to score: write to another one, or its attributes would be lost")
    done = Done(UnusedValues(scorer), notes=_notes(rows, scorer, file))
    if artifact.draft:
        done.notes.append(f"{artifact.version} is a draft: nobody signed its plan")
    chunks = _scored(_chunks(rows, file, done), scorer, shared, done, total, on_step)
    _write(chunks, out)
    return done


def _notes(rows: pl.LazyFrame, scorer: Scorer, file: Path) -> list[str]:
    """Say which columns are of no use."""
    sent = [name for name in rows.collect_schema().names() if folded(name) not in NOT_ATTRIBUTES]
    known, unknown = scorer.names.recognise(dict.fromkeys(sent))
    if not known:
        wanted = ", ".join(scorer.names.all)
        return [f"{file} has no column that the model knows: all accounts have one Fit. It knows: {wanted}"]
    return [f"columns that the model does not know: {', '.join(unknown)}"] if unknown else []


def _opened(file: Path, scorer: Scorer) -> tuple[pl.LazyFrame, int]:
    """Open a file under our names, and count its rows."""
    try:
        rows = (
            pl.scan_parquet(file)
            if file.suffix.lower() == ".parquet"
            else pl.scan_csv(file, infer_schema=False)
        )
        ours_of = _our_names(rows.collect_schema().names(), scorer, file)
        rows = rows.select(pl.col(theirs).alias(ours) for theirs, ours in ours_of.items())
        total = int(rows.select(pl.len()).collect().item())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FileError(f"cannot read {file}: {_first_line(error)}") from error
    if not {"account_id", "domain"} & set(ours_of.values()):
        raise FileError(f"{file} needs a column account_id or domain; it has: {', '.join(ours_of)}")
    return rows, total


def _our_names(names: Sequence[str], scorer: Scorer, file: Path) -> dict[str, str]:
    """Return theirs -> ours, as a book is read: by the plan and its preset, or by how a name reads.

    A mapped column takes the place of one that has our name.
    """
    plan = scorer.artifact.plan
    said, preset = _as_written(plan.columns.get("accounts", {}), names), preset_of(plan.book)
    columns = {**(preset.mapping("accounts", names, said) if preset else {}), **said}
    mapped = {theirs: ours for ours, theirs in columns.items() if isinstance(theirs, str) and theirs in names}
    kept = [name for name in names if name in mapped or name not in mapped.values()]
    attributes = {*scorer.names.all} - {*FIELDS}
    free = (name for name in kept if name not in mapped and name not in attributes)
    found = alike(free, (name for name in FIELDS if name not in mapped.values()))
    for ours, theirs in found.items():
        if len(theirs) > 1:
            raise FileError(f"{file} has more than one column that reads as {ours}: {', '.join(theirs)}")
    ours_of = mapped | {theirs[0]: ours for ours, theirs in found.items()}
    return {name: ours_of.get(name, name) for name in kept}


def _as_written(said: Mapping[str, str | list[str]], names: Sequence[str]) -> dict[str, str | list[str]]:
    """Return the plan's ours -> theirs, with theirs as the file writes it where one column reads alike."""
    found = alike(names, (theirs for theirs in said.values() if isinstance(theirs, str)))
    written = {theirs: one[0] for theirs, one in found.items() if len(one) == 1}
    return {
        ours: written.get(theirs, theirs) if isinstance(theirs, str) else theirs
        for ours, theirs in said.items()
    }


def _chunks(rows: pl.LazyFrame, file: Path, done: Done) -> Iterator[pl.DataFrame]:
    try:
        yield from rows.collect_batches(chunk_size=CHUNK, maintain_order=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        place = f"after row {done.scored + done.failed:,}"
        raise FileError(f"cannot read {file} {place}: {_first_line(error)}; nothing was written") from error


def _first_line(error: Exception) -> str:
    """Return what went wrong, without the advice for programmers that follows it."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _scored(
    chunks: Iterator[pl.DataFrame],
    scorer: Scorer,
    shared: Mapping[str, Any],
    done: Done,
    total: int,
    on_step: OnStep,
) -> Iterator[pl.DataFrame]:
    settings = read_settings()
    with asyncio.Runner() as runner:
        store = _store(settings.redis_url and settings.store_access())
        for chunk in chunks:
            rows = chunk.to_dicts()
            parsed = [_parsed(row, shared, scorer) for row in rows]
            asked = [item for item in parsed if isinstance(item, ScoreRequest)]
            answers = scorer.score_many(asked, runner.run(_signals(store, asked)))
            for request, answer in zip(asked, answers, strict=True):
                done.unused.add(request, answer)
            scored = map(_line, answers)
            lines = [
                next(scored) if isinstance(item, ScoreRequest) else _error_line(row, item)
                for row, item in zip(rows, parsed, strict=True)
            ]
            done.scored += len(asked)
            done.failed += len(parsed) - len(asked)
            on_step(
                f"scored {done.scored + done.failed:,} of {total:,}",
                (done.scored + done.failed) / max(total, 1),
            )
            yield pl.DataFrame(lines, schema={**COLUMNS, UNREADABLE: pl.String(), ERROR: pl.String()})
        if store is not None:
            runner.run(store.close())


def _store(access: tuple[str, bytes] | str) -> SignalStore | None:
    if isinstance(access, str):
        return None
    url, person_key = access
    servers = Servers(url, read_budget=BATCH_READ_BUDGET)
    return SignalStore(servers, person_key=person_key, read_budget=BATCH_READ_BUDGET)


async def _signals(store: SignalStore | None, asked: Sequence[ScoreRequest]) -> SignalBatch:
    if store is None:
        return SignalBatch.unavailable(len(asked))
    return await store.read(
        [request.account.keys for request in asked], rollups=[request.rollup for request in asked]
    )


def _parsed(row: Mapping[str, Any], shared: Mapping[str, Any], scorer: Scorer) -> ScoreRequest | str:
    try:
        return parse_score_body(row, shared).request(scorer, now=shared["as_of"], request_id="")
    except RequestError as error:
        return f"{error.code}: {error}"


def _line(answer: Answer) -> dict[str, Any]:
    flat = {name: getattr(answer, name) for name in COLUMNS}
    unreadable = ", ".join(answer.detail.fit.unreadable)
    return {**flat, "reasons": REASON_SEPARATOR.join(answer.reasons), UNREADABLE: unreadable, ERROR: ""}


def _error_line(row: Mapping[str, Any], error: str) -> dict[str, Any]:
    known = {name: row[name] for name in IDENTITY if row.get(name) is not None}
    return {**{name: str(value) for name, value in known.items()}, ERROR: error}


def _write(chunks: Iterator[pl.DataFrame], out: Path) -> None:
    """Write chunks as they come, into a file beside the wanted one that takes its name at the end."""

    def source(with_columns: Any, predicate: Any, n_rows: Any, batch_size: Any) -> Iterator[pl.DataFrame]:  # noqa: ARG001 - polars asks for these and sinks whole
        yield from chunks

    frame = register_io_source(
        source, schema=pl.Schema({**COLUMNS, UNREADABLE: pl.String(), ERROR: pl.String()})
    )
    building = out.with_name(f".{out.name}-{os.getpid()}")
    try:
        if out.suffix.lower() == ".parquet":
            frame.sink_parquet(building)
        else:
            frame.sink_csv(building)
        building.replace(out)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FileError(f"cannot write {out}: {_first_line(error)}") from error
    finally:
        building.unlink(missing_ok=True)
