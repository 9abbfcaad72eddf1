"""A study from beginning to end: networks, tests, audit, spikes, sounds, and all of its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._atomic import atomic_path, check_folder
from spikelearn._counts import counted
from spikelearn._files import write_text, write_yaml
from spikelearn._imported_ahead import STUDYING
from spikelearn._progress import Progress
from spikelearn._provenance import as_lines, package_versions, provenance
from spikelearn._threads import ThreadPool
from spikelearn._workers import Workers, begin, held
from spikelearn.recordings.shared_stimuli import shared_stimuli_notes
from spikelearn.studies.claims import claim_table
from spikelearn.studies.early_audits import EarlyAudits
from spikelearn.studies.study import Study
from spikelearn.studies.study_audit import measured, study_audit
from spikelearn.studies.study_auditory import (
    auditory_rasters,
    auditory_recording,
    auditory_traces,
    file_names,
    study_auditory,
)
from spikelearn.studies.study_learning import accuracy_table, layer_changes, learning_curves
from spikelearn.studies.study_matrices import matrices_table
from spikelearn.studies.study_origins import said_of_read
from spikelearn.studies.study_questions import Answers, study_questions
from spikelearn.studies.study_run import StudyResult, run_study
from spikelearn.studies.study_spikes import (
    NetworksAtWork,
    by_a_worker,
    networks_at_work,
    save_activities,
)
from spikelearn.studies.study_tests import study_significance

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.plausibility.audit import Audit
    from spikelearn.recordings import AuditoryRecording
    from spikelearn.report.page import Section
    from spikelearn.studies.auditory import AuditoryResult
    from spikelearn.studies.significance import Significance

Bars = Callable[[str], Progress]


@dataclass(frozen=True)
class WholeStudy:
    """What there is of a study; all but `result` waits until none of its networks waits."""

    result: StudyResult
    tests: Significance | None = None
    audit: Audit | None = None
    at_work: NetworksAtWork = field(default_factory=NetworksAtWork)
    auditory: AuditoryResult | None = None
    sounds: AuditoryRecording | None = None
    answers: Answers | None = None


def make_study(
    study: Study,
    folder: Path,
    limit_minutes: float,
    bars: Bars,
    tell: Callable[[str], None] | None = None,
    again: bool = False,
    workers: Workers | None = None,
    retry_failed: bool = False,
    runs: str | Path | None = None,
) -> WholeStudy:
    """Run whatever is missing of a study.

    Where networks failed, the rest is made of the others, and says so.

    Parameters
    ----------
    study : Study
    folder : Path
        Where its pieces are kept.
    limit_minutes : float
        Stop training and comparing after so long.
    bars : callable
        Takes a title and gives what moves a progress bar, as `progress_bars` yields it.
    tell : callable, optional
        Called with each note on how a recording was read, before anything is trained.
    again : bool
        Whether to compute also what is there.
    workers : Workers, optional
        Who trains, compares and audits: this process, if absent.
    retry_failed : bool
        Whether to try again what failed an earlier time.
    runs : path, optional
        Folder of runs from which networks are taken that others have trained.

    Raises
    ------
    SpikelearnError
        If the folder is a file, a recording or a method is unknown, or none can be compared with.
    """
    check_folder(folder)
    who = workers or Workers()
    begin(who, STUDYING)
    sounds = auditory_recording(study) if study.auditory else None  # before any work
    bar = bars(f"study {study.name}")
    early = EarlyAudits(study, folder, again)
    with held(who):
        result = run_study(
            study, folder, limit_minutes, bar, tell, again, who, retry_failed, runs, early
        )
        if result.waits or not result.n_done:
            return WholeStudy(result)
        audited = bool(study.criteria and study.networks)  # modules have no rule
        audit = study_audit(result, bars("auditing"), who, early) if audited else None
        # Tests are of all networks together, so there are none before the last of them.
        tests, at_work = _tests_and_work(result, bars, who)
    answers = study_questions(result, bars("answering")) if study.questions else None
    heard = None
    if sounds is not None:
        heard = study_auditory(study, sounds, bars(f"hearing the sounds of {sounds.name}"))
    if study.write_spikes:
        activities = dict(at_work.activities)
        if heard is not None and sounds is not None:
            names = file_names(heard, sounds)
            activities |= {names[model]: a for model, a in heard.activities.items()}
        save_activities(activities, folder / "spikes", bars("writing spikes"))
    return WholeStudy(result, tests, audit, at_work, heard, sounds, answers)


def _tests_and_work(
    result: StudyResult, bars: Bars, who: Workers
) -> tuple[Significance | None, NetworksAtWork]:
    """Both of what is made of all networks; side by side, where workers make them."""
    study = result.study

    def work() -> NetworksAtWork:
        if not (study.write_spikes or study.agreement or study.matrices):
            return NetworksAtWork()
        return networks_at_work(result, bars("showing the images"), who)

    def test() -> Significance | None:
        return study_significance(result, bars("testing"), who) if study.tests else None

    if not by_a_worker(study, who):
        return test(), work()
    with ThreadPool(1) as beside:
        at_work = beside.submit(work)
        return test(), at_work.result()


def write_study(whole: WholeStudy, command: str) -> list[tuple[str, Path]]:
    """Write tables, figures and the page of a study into its folder.

    Parameters
    ----------
    whole : WholeStudy
    command : str
        What made it, to be typed again.

    Returns
    -------
    list of (str, Path)
        What each file is, and where.
    """
    study, folder = whole.result.study, whole.result.folder
    accuracy = accuracy_table(whole.result.runs, whole.result.controls)
    tables = {"accuracy": accuracy, "similarity": whole.result.table}
    if whole.auditory is not None:
        tables["auditory"] = whole.auditory.table
    written = [_write_results(tables, folder)]
    write_yaml(
        folder / "config.yaml",
        {
            **study.model_dump(mode="json"),
            "runs": [run.name for run in whole.result.runs],
            "versions": package_versions(),
        },
    )
    written.append(("Configuration", folder / "config.yaml"))
    if whole.at_work.matrices:
        table = matrices_table(whole.at_work.matrices, whole.at_work.stimuli)
        with atomic_path(folder / "rdms.parquet") as temporary:
            table.to_parquet(temporary, index=False)
        written.append(("Dissimilarities", folder / "rdms.parquet"))
    sections: list[Section | None] = []
    found: list[str] = []
    if len(whole.result.table):
        files, sections, found = _similarity(whole, command)
        written += files
    if whole.answers is not None and len(whole.answers.table):
        with atomic_path(folder / "answers.csv") as temporary:
            whole.answers.table.to_csv(temporary, index=False)
        written.append(("Answers", folder / "answers.csv"))
        with atomic_path(folder / "claims.csv") as temporary:
            claim_table(whole.answers.table).to_csv(temporary, index=False)
        written.append(("Claims of others", folder / "claims.csv"))
    written.append(("Report", _write_page(whole, accuracy, sections, found, command)))
    return written


def _write_results(tables: dict[str, pd.DataFrame], folder: Path) -> tuple[str, Path]:
    """One table of every score; the column `table` says which it was."""
    from spikelearn.comparison.tables import stacked

    parts = [table.assign(table=name) for name, table in tables.items()]
    path = folder / "results.parquet"
    with atomic_path(path) as temporary:
        stacked(parts).to_parquet(temporary, index=False)
    return "Results", path


def _similarity(
    whole: WholeStudy, command: str
) -> tuple[list[tuple[str, Path]], list[Section | None], list[str]]:
    """Tables and figures of similarity, tests and audit; their sections of the page; its words."""
    from spikelearn.comparison.tables import read_first
    from spikelearn.plot.similarities import of_subjects
    from spikelearn.report import plausibility, similarity, similarity_figures
    from spikelearn.report.difference_matrices import rule_against_rule
    from spikelearn.report.headlines import similarity_headlines
    from spikelearn.report.plausibility_figures import draw_beside
    from spikelearn.report.similarity_tables import as_markdown, best_layers, summary

    result, tests = whole.result, whole.tests
    folder = result.folder
    scores = summary(result.table, None if tests is None else tests.zero)
    subjects = of_subjects(result.table)
    frames = {"table.csv": scores}
    both = None
    if tests is not None:
        both = read_first(tests.zero), read_first(tests.differences)
        frames |= dict(zip(("zero.csv", "differences.csv"), both, strict=True))
    shared = shared_stimuli_notes(result.recordings).values()
    below = [f"- {note}" for sentences in shared for note in sentences] + _made()
    text = as_markdown(scores, command, result.study.name + _done(result), below, both)
    write_text(folder / "table.md", text)
    figures = {
        "similarity.svg": similarity_figures.similarity_figure(scores, subjects),
        "accuracy.svg": similarity_figures.accuracy_figure(scores, result.along),
    }
    audited: list[Section | None] = []
    if whole.audit is not None:
        beside = measured(best_layers(scores))
        audited = [
            plausibility.verdicts(whole.audit),
            plausibility.contradictions(whole.audit.table()),
            plausibility.unsettled(whole.audit.table()),
            plausibility.beside(whole.audit, beside),
        ]
        for region in list(beside.columns)[-1:]:
            if region.startswith("similarity"):
                figures["plausibility.svg"] = draw_beside(whole.audit, beside, region)
        frames["audit.csv"] = whole.audit.table()
        frames["audit_by_seed.csv"] = whole.audit.by_seed()
    written = [("Table", folder / name) for name in frames]
    for name, frame in frames.items():
        with atomic_path(folder / name) as temporary:
            frame.to_csv(temporary, index=False)
    for name, content in figures.items():
        write_text(folder / name, content.decode())
        written.append(("Figure", folder / name))
    return (
        written,
        [
            similarity.similarity(scores, both, subjects, figures["similarity.svg"]),
            rule_against_rule(scores, both),
            similarity.accuracy(scores, result.along, figures["accuracy.svg"]),
            *audited,
            similarity.significance(both),
            similarity.layers(scores),
        ],
        similarity_headlines(scores, both),
    )


def _write_page(
    whole: WholeStudy,
    accuracy: pd.DataFrame,
    similar: list[Section | None],
    found: list[str],
    command: str,
) -> Path:
    import pandas as pd
    import yaml

    from spikelearn.report.auditory import auditory
    from spikelearn.report.headlines import accuracy_headline
    from spikelearn.report.learning import learning
    from spikelearn.report.matrices import matrices
    from spikelearn.report.page import About, write_page
    from spikelearn.report.recording_page import recording_notes_section
    from spikelearn.report.spiking import spiking

    result, at_work, heard = whole.result, whole.at_work, whole.auditory
    study = result.study
    learned = None
    if study.learning:
        learned = learning(accuracy, learning_curves(result.runs), layer_changes(result.runs))
    rasters, traces = list(at_work.rasters), None
    if heard is not None:
        rasters += auditory_rasters(heard)
        traces = auditory_traces(heard)
    spiked = None
    if rasters or at_work.fields is not None or at_work.agreement:
        spiked = spiking(rasters, at_work.fields, pd.DataFrame(at_work.agreement))
    answered, asked = _answered(whole)
    notes: dict[str, Sequence[str]] = {
        **{name: one.notes for name, one in result.recordings.items()},
        **shared_stimuli_notes(result.recordings),
    }
    sections = [
        *asked,
        *similar[:3],
        matrices(at_work.matrices, at_work.groups) if at_work.matrices else None,
        learned,
        spiked,
        None if heard is None else auditory(heard.table, traces),
        *similar[3:],
        recording_notes_section(notes),
    ]
    recordings: list[Any] = [*result.recordings.values()]
    if whole.sounds is not None:
        recordings.append(whole.sounds)
    about = About(
        title=(study.title or f"The study {study.name}") + _done(result),
        found=[*answered, *found, *accuracy_headline(accuracy)],
        summary=[" ".join(part.split()) for part in study.description.split("\n\n") if part],
        gaps=[*result.skipped, *result.failed, *at_work.left_out],
        command=command,
        config=yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        versions={**provenance(), **package_versions()},
        read=[*said_of_read(result.read), *result.unused],
        citations=[*study.citations, *(recording.citation for recording in recordings)],
    )
    return write_page(result.folder / "report.html", sections, about)


def _answered(whole: WholeStudy) -> tuple[list[str], list[Section | None]]:
    """What a page says of questions: a sentence each, and their sections."""
    from spikelearn.report.questions import (
        claims_section,
        identified_table,
        question_headlines,
        questions,
    )

    if whole.answers is None:
        return [], []
    answers, told = whole.answers.table, whole.answers.identified
    words = {question.title: question.words for question in whole.result.study.questions}
    others = {name: f"{words[name]} {one.sentence}" for name, one in told.items()}
    more = [identified_table(words[name], one.told, one.sentence) for name, one in told.items()]
    return question_headlines(words, answers, others), [
        questions(words, answers, whole.answers.left_out, more),
        claims_section(claim_table(answers)),
    ]


def _done(result: StudyResult) -> str:
    if result.complete:
        return ""
    so_far = " so far" if result.waits else ""
    failed = f"; {result.n_failed} failed" if result.n_failed else ""
    return f" ({result.n_done} of {counted(result.n_total, 'network')}{so_far}{failed})"


def _made() -> list[str]:
    return as_lines(provenance())
