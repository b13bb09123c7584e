"""Trust, but differentiate: a hand-written backward against two numerical derivatives.

For L(v) = <dy, forward(v)> with a random cotangent dy, and every entry v_i of the inputs and the
parameters, `check_gradients` compares what backward says with

    central differences   (L(v + h e_i) - L(v - h e_i)) / 2h     right to about 1e-9
    the complex step      Im L(v + i h e_i) / h, h = 1e-20       right to about 1e-16
                          (Squire & Trapp 1998: nothing is subtracted, so nothing cancels)

The central difference takes the step that resolves most, and the check knows how much that is: where rounding hides
more than a thousandth of a gradient, it says "cannot tell". What changes forward's value is a parameter, in anybody's
object (`parameters`), however its backward is called (`foreign`).

The cotangent is random because ones are blind: the entries of a softmax sum to one, whatever its
backward says. What no gradient check can see is a wrong function with a right derivative: for
that there are the exact identities of the tests.
"""

from tinyvae.gradcheck.check import check_gradients
from tinyvae.gradcheck.measure import CENTRAL_STEP, COMPLEX_STEP
from tinyvae.gradcheck.own import cases
from tinyvae.gradcheck.report import Report, Row, cells

__all__ = ["CENTRAL_STEP", "COMPLEX_STEP", "Report", "Row", "cases", "cells", "check_gradients"]
