"""The group of commands on jobs of a cluster, by a file of dask-jobqueue's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from spikelearn._counts import counted
from spikelearn.cli._app import NoSeed, app, plainly
from spikelearn.cli._output import give, note, print_line, say
from spikelearn.cli._worker_options import Threads

cluster_app = typer.Typer(
    help="Jobs of a cluster, which compute where a command has --cluster FILE.",
    no_args_is_help=True,
)
app.add_typer(cluster_app, name="cluster")


@cluster_app.callback()
@plainly
def cluster() -> None:
    """Jobs of a cluster, which compute where a command has --cluster FILE."""


@cluster_app.command()
@plainly
def script(
    file: Annotated[
        Path,
        typer.Argument(
            help="A YAML file of dask-jobqueue's, as jobqueue: {slurm: {cores: 4, ...}}."
        ),
    ],
    threads_per_worker: Threads = 1,
    seed: NoSeed = 0,
) -> None:
    """Print the script of the jobs that --cluster FILE submits; no cluster is needed.

    Scheduler and port are known when a command starts; the script has SCHEDULER:PORT there.

    Example: spikelearn cluster script slurm.yaml
    """
    from importlib.metadata import PackageNotFoundError, version

    import spikelearn
    from spikelearn._clusters import cores_at_rest, job_script, read_queue

    queue = read_queue(file, threads_per_worker)
    script = job_script(queue)
    print_line(script.rstrip("\n"))
    give("script", script)
    for sentence in queue.notes:
        note(sentence)
    workers = counted(queue.processes, "worker")
    threads = counted(threads_per_worker, "thread")
    say(f"A job holds {workers}, each of {threads}.")
    if (rest := cores_at_rest(queue)) > 0:
        say(f"{rest} of its {queue.settings['cores']} cores have nothing to do.")
    try:
        installed = version("spikelearn-toolkit")
    except PackageNotFoundError:
        installed = "not installed"
    say(
        f"Its Python, {queue.settings.get('python') or sys.executable}, and the toolkit in"
        f" {Path(spikelearn.__file__).parent} ({installed}) have to be on the nodes as they are"
        " here: on a shared disk, or installed likewise."
    )
