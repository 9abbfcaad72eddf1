"""From a C++ project that Brian2 has written to a program that is compiled once and kept.

Brian2 writes every number of a simulation into its C++ source: sizes, constants, the duration.
Here they are taken out of it, in the order in which they stand there, and put into two files beside
the arrays that Brian2 writes to disk anyway. What is left is the *structure*: which neurons,
synapses and rules there are, and which of their features are used. Its hash names the program in
the cache, so that seeds, stimuli, weights, parameter values, sizes and durations never ask for
another; and a structure that differs in any letter, or another compiler or processor, always does.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import atomic_path
from spikelearn.simulation.brian2.programs import (
    forget_least_used,
    limit_mb,
    mark_used,
    programs_folder,
)
from spikelearn.simulation.brian2.session import compiler, compiler_flags, machine

_INTEGERS, _NUMBERS = "integers", "numbers"  # files of int64 and float64, beside the arrays

_STEPS, _FRAME = "steps.cpp", "frame.cpp"
_DECLARED = """
#include <cstdint>
namespace spikelearn { extern const int64_t* integers; extern const double* numbers; }
"""
# The first things that objects.cpp initialises: all sizes after them are read from them.
_DEFINED = """
#include <cstdio>
#include <cstdlib>
namespace spikelearn {
static void* contents(const char* path) {
    FILE* file = std::fopen(path, "rb");
    if (!file) { std::fprintf(stderr, "cannot open %s\\n", path); std::exit(2); }
    std::fseek(file, 0, SEEK_END);
    const long size = std::ftell(file);
    std::rewind(file);
    void* found = std::malloc(size + 1);
    if (std::fread(found, 1, size, file) != (size_t)size) {
        std::fprintf(stderr, "cannot read %s\\n", path); std::exit(2);
    }
    std::fclose(file);
    return found;
}
const int64_t* integers = (const int64_t*)contents("static_arrays/integers");
const double* numbers = (const double*)contents("static_arrays/numbers");
}
"""

_LITERAL = r"\(?-? ?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\)?"
_CONSTANT = re.compile(rf"^(\s*const (\w+) (?!_vectorisation)\w+ = )({_LITERAL});", re.MULTILINE)
_SIZE = re.compile(r"(?<![\w.\"'])[1-9]\d*(?![\w.\"'])")
_SET_BY_NAME = re.compile(
    r"(void set_variable_by_name\(std::string name, std::string s_value\)) \{.*?"
    r"(?=//////////////// arrays //)",
    re.DOTALL,
)
_ASSIGNED = re.compile(rf"(\] = )({_LITERAL});")
_RESIZED = re.compile(r"(\.resize\()(\d+)\);")
_RUN = re.compile(rf"(\.run\()({_LITERAL}), NULL, ({_LITERAL})\);")
_MAIN = re.compile(r"(?<=using namespace brian;).*(?=brian_end\(\);)", re.DOTALL)
_WRITTEN = re.compile(r" {4}ofstream outfile_(\w+);\n.*?(?=^ {4}ofstream|^ *//|^}|\Z)", re.S | re.M)


class Project:
    """A project in a folder, its numbers taken out of the source; `unread`: arrays left unwritten.

    Parameters
    ----------
    folder : Path
        Where Brian2 has written it, with its static arrays.
    unread : callable
        Whether an array, by its name in C++, is of no interest after the run.
    """

    def __init__(self, folder: Path, unread: Callable[[str], bool]) -> None:
        self.folder = folder
        self._integers: list[int] = []
        self._numbers: list[float] = []
        texts = {
            path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(folder.rglob("*"))
            if path.suffix in (".cpp", ".h")
        }
        texts = {name: self._without_numbers(name, text, unread) for name, text in texts.items()}
        self.sources = _in_two_units(texts)
        arrays = folder / "static_arrays"
        np.array(self._integers, dtype=np.int64).tofile(arrays / _INTEGERS)
        np.array(self._numbers, dtype=np.float64).tofile(arrays / _NUMBERS)

    @property
    def program(self) -> Path:
        """Where its program is kept, or would be."""
        digest = hashlib.sha256(repr((self.sources, machine())).encode()).hexdigest()
        return programs_folder() / digest[:32]

    def _without_numbers(self, name: str, text: str, unread: Callable[[str], bool]) -> str:
        if name == "objects.h":
            return _DECLARED + text
        if name == "objects.cpp":
            text = _SET_BY_NAME.sub(r"\1 {}\n", text)  # half of the file, and not used
            text = _WRITTEN.sub(lambda m: "" if unread(m[1]) else m[0], text)
            text = _SIZE.sub(lambda m: self._integer(m[0]), text)
            return text.replace("namespace brian {", _DEFINED + "\nnamespace brian {", 1)
        if name == "main.cpp":
            return _MAIN.sub(lambda m: self._without_assigned(m[0]), text)
        return _CONSTANT.sub(self._constant, text)

    def _without_assigned(self, text: str) -> str:
        text = _ASSIGNED.sub(lambda m: f"{m[1]}{self._number(m[2])};", text)
        text = _RESIZED.sub(lambda m: f"{m[1]}{self._integer(m[2])});", text)
        return _RUN.sub(lambda m: f"{m[1]}{self._number(m[2])}, NULL, {self._number(m[3])});", text)

    def _constant(self, found: re.Match[str]) -> str:
        taken = self._number if found[2] in ("double", "float") else self._integer
        return f"{found[1]}{taken(found[3])};"

    def _integer(self, literal: str) -> str:
        self._integers.append(int(literal.strip("()").replace(" ", "")))
        return f"spikelearn::integers[{len(self._integers) - 1}]"

    def _number(self, literal: str) -> str:
        self._numbers.append(float(literal.strip("()").replace(" ", "")))
        return f"spikelearn::numbers[{len(self._numbers) - 1}]"

    def built(self) -> Path:
        """The program, compiled unless it has been before.

        Raises
        ------
        SpikelearnError
            Where it cannot be compiled, or not be kept.
        """
        program = self.program
        limit_mb()  # a limit that makes no sense is told before the build
        if program.is_file():
            mark_used(program)
            return program
        try:
            # Built elsewhere and renamed: other processes see all of it or nothing.
            with atomic_path(program) as unfinished:
                self._build(unfinished)
        except OSError as error:
            raise SpikelearnError(
                f"the program for Brian2's standalone target cannot be kept in {program.parent}"
                f" ({error}); name another folder by the environment variable SPIKELEARN_CACHE"
            ) from error
        forget_least_used(program)
        return program

    def _build(self, program: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="spikelearn-build-") as name:
            folder = Path(name)
            for path, text in self.sources.items():
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).write_text(text, encoding="utf-8")
            commands = [
                [str(compiler()), *flags, "-I.", "-c", unit, "-o", f"{unit}.o"]
                for unit, flags in ((_STEPS, compiler_flags()), (_FRAME, _hasty(compiler_flags())))
            ]
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                running = _Compilers()
                try:
                    list(pool.map(lambda command: running.run(command, folder), commands))
                    objects = [f"{_STEPS}.o", f"{_FRAME}.o"]
                    running.run([str(compiler()), *objects, "-s", "-o", str(program)], folder)
                except BaseException:
                    running.stop()
                    raise


def _in_two_units(texts: dict[str, str]) -> dict[str, str]:
    """Headers, and two files to compile: what runs in every step, and what runs once.

    Brian2 writes a file for each piece of code; most of the time would go into their headers.
    """
    sources = {name: text for name, text in texts.items() if name.endswith(".h")}
    sources |= {_STEPS: "", _FRAME: ""}
    for k, (name, text) in enumerate(texts.items()):
        if name.endswith(".cpp"):
            # Every piece has the same helpers, which were in the unnamed namespace of its file.
            own = text.replace("namespace {", f"namespace piece{k} {{")
            own = own.replace(
                "using namespace brian;", f"using namespace brian; using namespace piece{k};"
            )
            steps = name.startswith("code_objects/") or name == "network.cpp"
            sources[_STEPS if steps else _FRAME] += f"namespace piece{k} {{}}\n{own}\n"
    return sources


def _hasty(flags: tuple[str, ...]) -> tuple[str, ...]:
    """Flags for what runs once: optimising it takes longer than it does."""
    return tuple("-O1" if flag == "-O3" else flag for flag in flags)


class _Compilers:
    """Compilers that run side by side, and are stopped together."""

    def __init__(self) -> None:
        self.running: set[subprocess.Popen[str]] = set()
        self.stopped = False

    def run(self, command: list[str], folder: Path) -> None:
        if self.stopped:
            return
        # In a session of its own: an interrupt is for us, who stop it.
        process = subprocess.Popen(  # noqa: S603 - the user's own compiler
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.running.add(process)
        said = process.communicate()[1]
        self.running.discard(process)
        if process.returncode and not self.stopped:
            errors = [line for line in said.splitlines() if "error" in line]
            first = (errors or said.splitlines() or ["it said nothing"])[0]
            raise SpikelearnError(
                f"{command[0]} cannot compile the program for Brian2's standalone target:"
                f" {first.strip()}; brian2:numpy needs no compiler"
            )

    def stop(self) -> None:
        self.stopped = True
        for process in list(self.running):
            if os.name == "nt":
                process.kill()
            else:  # the compiler proper is a child of the one that we started
                os.killpg(process.pid, signal.SIGKILL)
