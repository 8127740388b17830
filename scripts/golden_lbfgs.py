#!/usr/bin/env python3
# golden_lbfgs.py - a logistic regression and its minimum, for tests/test_lbfgs.c
# SPDX-License-Identifier: MIT
#
# Run by hand, never by a build or a test: what it writes,
# tests/golden/logistic.txt, is committed.
#
#     python3.11 -m venv v                 # scipy 1.17.1, scikit-learn 1.9.1,
#     v/bin/pip install scipy scikit-learn # numpy 2.4.6
#     v/bin/python scripts/golden_lbfgs.py
#
# The data are those of 569 tumours: the ten means of the Breast Cancer
# Wisconsin (Diagnostic) data set by W. Wolberg, O. Mangasarian, N. Street and
# W. Street (1993), UCI Machine Learning Repository, doi 10.24432/C5DW2B,
# CC BY 4.0, as scikit-learn has them; left out are the other twenty columns.
#
# The loss of the weights w and the bias b, over n rows x with the label y, 0 or
# 1, all columns standardised (less the mean, over the root of the mean square):
#
#     mean of log(1 + exp(z)) - y z  with z = w x + b,  and l2 / 2 |w|^2
import os

import numpy
import scipy
import scipy.optimize
import sklearn
import sklearn.datasets

L2 = 1e-3
COLUMNS = 10


def loss_and_gradient(point, x, y):
    z = x @ point[:-1] + point[-1]
    loss = numpy.mean(numpy.logaddexp(0.0, z) - y * z)
    loss += L2 / 2 * point[:-1] @ point[:-1]
    off = (scipy.special.expit(z) - y) / len(y)
    return loss, numpy.append(x.T @ off + L2 * point[:-1], off.sum())


def hessian(point, x, y):
    z = x @ point[:-1] + point[-1]
    p = scipy.special.expit(z)
    ones = numpy.column_stack([x, numpy.ones(len(y))])
    curvature = ones.T @ (ones * (p * (1 - p) / len(y))[:, None])
    return curvature + L2 * numpy.diag([1.0] * COLUMNS + [0.0])


def main():
    data = sklearn.datasets.load_breast_cancer()
    raw, y = data.data[:, :COLUMNS], data.target.astype(float)
    x = raw - raw.mean(axis=0)
    x = x / numpy.sqrt((x * x).mean(axis=0))
    start = numpy.zeros(COLUMNS + 1)
    by_lbfgs = scipy.optimize.minimize(
        loss_and_gradient, start, (x, y), "L-BFGS-B", jac=True,
        options=dict(maxiter=10000, ftol=1e-16, gtol=1e-12))
    by_newton = scipy.optimize.minimize(
        loss_and_gradient, by_lbfgs.x, (x, y), "trust-exact", jac=True,
        hess=hessian, options=dict(gtol=1e-14))
    best = min(by_lbfgs, by_newton, key=lambda r: r.fun)
    if abs(by_lbfgs.fun - by_newton.fun) > 1e-12:
        raise SystemExit("the two minima differ: %r, %r"
                         % (by_lbfgs.fun, by_newton.fun))
    name = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                        "tests", "golden", "logistic.txt")
    with open(name, "w") as out:
        out.write("# Made by scripts/golden_lbfgs.py, scipy %s, scikit-learn"
                  " %s; it says what this is.\n"
                  "# Data: W. Wolberg, O. Mangasarian, N. Street, W. Street:"
                  " Breast Cancer Wisconsin\n"
                  "# (Diagnostic), 1993, UCI, doi 10.24432/C5DW2B,"
                  " CC BY 4.0.  Ten of its 30 columns.\n"
                  % (scipy.__version__, sklearn.__version__))
        out.write("rows %d\ncolumns %d\nl2 %r\nminimum %.17g\n"
                  % (len(y), COLUMNS, L2, best.fun))
        out.write("point " + " ".join("%.17g" % w for w in best.x) + "\n")
        out.write("# the label, and the row\n")
        for label, row in zip(y, raw):
            out.write("%d " % label + " ".join("%r" % float(v) for v in row)
                      + "\n")
    print(best.fun, best.x)


main()
