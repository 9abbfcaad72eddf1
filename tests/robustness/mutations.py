"""Inputs that are a little wrong: lines of YAML and bytes of files, changed at random by a seed."""

from __future__ import annotations

import random

# Values that stand where others should.
JUNK = (
    "null", "[]", "{}", "-1", "0", "1e400", ".nan", ".inf", '"x"', "[1, [2]]", "{a: 1}", "true",
    "2020-01-01", '"../../x"', "1e-320", "99999999999999999999", '""', "[null]", "~",
    "!!binary aGk=", '"[/red]"', "a: b: c", "\t", "&a *a", '"\\0"', "9" * 50, "!!bool abc",
    "!!python/object/apply:os.getcwd []", "0x" + "f" * 2000, "[" * 300, "*nowhere", "<<: 3",
)  # fmt: skip
_MARKS = "{}[]:,&*!|>%@`\"'\\\0\x07é\u202e"


def mutated_text(text: str, rng: random.Random) -> str:
    """Some lines left out, doubled, cut, moved, or with another value.

    Parameters
    ----------
    text : str
    rng : random.Random
    """
    lines = text.split("\n")
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if not lines:
            break
        place = rng.randrange(len(lines))
        line, kind = lines[place], rng.randrange(9)
        cut = rng.randrange(len(line) + 1)
        if kind == 0:
            del lines[place]
        elif kind == 1:
            lines.insert(place, line)
        elif kind == 2:
            lines[place] = f"{line.split(':')[0]}: {rng.choice(JUNK)}"
        elif kind == 3:
            lines[place] = line[:cut]
        elif kind == 4:
            lines[place] = line[:cut] + rng.choice(_MARKS) + line[cut:]
        elif kind == 5:
            lines[place] = f"  {line}"
        elif kind == 6:
            lines[place] = line.lstrip()
        elif kind == 7:
            words = line.split(" ")
            words[rng.randrange(len(words))] = rng.choice(JUNK)
            lines[place] = " ".join(words)
        else:
            other = rng.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
    return "\n".join(lines)


def mutated_bytes(content: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, left out, put in, or all cut off from a place on.

    Parameters
    ----------
    content : bytes
    rng : random.Random
    """
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        if not changed:
            break
        kind, place = rng.randrange(5), rng.randrange(len(changed))
        if kind == 0:
            changed[place] = rng.randrange(256)
        elif kind == 1:
            del changed[place : place + rng.choice([1, 4, 100, 10_000])]
        elif kind == 2:
            changed[place:place] = rng.randbytes(rng.choice([1, 8]))
        elif kind == 3:
            del changed[place:]
        else:
            changed[place : place + 8] = b"\xff" * 8
    return bytes(changed)
