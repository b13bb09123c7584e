"""Course exercises whose checker tells a student what is wrong.

    stubs          e04_dense.py …: a docstring with the mathematics, and functions to write; made from the masters with
                   solutions in tutorials/exercises
    checkers       for each exercise its cases and known mistakes, which `oracles` and `sums` help to compute
    catalogue      which exercises there are
    check          from an exercise and a file to verdicts: `cases` are put to it, and `judge` says what came (`advice`)
    calls          of a student's functions, in this process or in another: `wire`, `runner`; `process`, `worker`
    course         what a student types: start, check, status, hint
    release, notebook
                   stubs and notebooks from the masters
    grade          marks for a class: from `submissions` to `marks`
    commands       all of it on the command line

An instructor's own exercises need not be in the package. Wherever a folder `own` is asked for, it is one with the
checkers of such exercises in own/checkers: a folder of masters, or one of stubs as students get them.
"""
