"""Lessons: which there are, and checks that say whether the answer to an exercise is right.

    sl.lessons.check("lif_neuron", 1, answer)

A lesson is a notebook of `notebooks/`; what checks its exercises is the module of its name here,
whose `CHECKS` are functions by the number of the exercise. A check computes what is right, takes
whatever a student may reasonably give (`answers`), and says in a sentence or two what is not right.
"""

from spikelearn.lessons.checking import Verdict, check
from spikelearn.lessons.notebooks import Lesson, all_lessons, lesson_files

__all__ = ["Lesson", "Verdict", "all_lessons", "check", "lesson_files"]
