#!/usr/bin/env python3
# golden_schedules.py - schedules as other frameworks have them, for
# tests/test_schedule_values.c
# SPDX-License-Identifier: MIT
#
# Run by hand when a case is added, never by a build or a test: what it writes,
# tests/golden/schedules_FRAMEWORK.txt, is committed.  One framework a run:
#
#     apt install python3-torch                    # Debian 12: 1.13.1
#     /usr/bin/python3 scripts/golden_schedules.py torch
#
#     python3.11 -m venv v                         # keras 3.15.1, numpy 2.4.6
#     v/bin/pip install keras jax
#     v/bin/python scripts/golden_schedules.py keras   # KERAS_BACKEND=numpy
#
#     pip install --no-deps --target hf transformers   # 5.23.0, on that torch
#     PYTHONPATH=hf /usr/bin/python3 scripts/golden_schedules.py transformers
#
# A case is three things: the settings by our names, the schedule there, and how
# many steps; of plateau and early stopping, the metrics.  Each framework steps
# its own object as a training loop does, in double.  docs/golden.md tells more.
#
# Left out, since no framework here has them: sqrt_epoch, power, noam,
# warmup_first, first_epoch=1, and m_mul with eta_min under form=peak.
import math
import os
import sys
import types

STEPS = 40
METRICS = [5, 4, 4, 4.5, 3.9, 3.8999, 3.9, 4, 3, 3, 3, 3, 3, 2.9, 3, 3, 3, 3,
           3, 3, 3, 3, 3, 2.8, 2.79, 2.79, 2.79, 2.79, 2.79, 2.79, 2.79,
           math.nan, 2.79, 2.79, 2.79, 2.79, 1, 1, 1, 1]

TORCH = [
    ("step lr=0.1 step_size=7 gamma=0.3", "StepLR(o, 7, gamma=0.3)", 0.1),
    ("multistep lr=0.1 milestones=5,9,9,30 gamma=0.5",
     "MultiStepLR(o, [5, 9, 9, 30], gamma=0.5)", 0.1),
    ("piecewise boundaries=5,9,30 values=0.8,0.4,0.2,0.1 side=right",
     "MultiStepLR(o, [5, 9, 30], gamma=0.5)", 0.8),
    ("exponential_epoch lr=0.1 gamma=0.9 first_epoch=0",
     "ExponentialLR(o, 0.9)", 0.1),
    ("exponential lr=0.1 gamma=0.9", "ExponentialLR(o, 0.9)", 0.1),
    ("polynomial lr=0.1 total_iters=25",
     "PolynomialLR(o, total_iters=25)", 0.1),
    ("polynomial lr=0.1 total_iters=25 power=2.5",
     "PolynomialLR(o, total_iters=25, power=2.5)", 0.1),
    ("cosine lr=0.1 T_max=12 after=rise", "CosineAnnealingLR(o, 12)", 0.1),
    ("cosine lr=0.1 T_max=15 eta_min=0.02 after=rise",
     "CosineAnnealingLR(o, 15, eta_min=0.02)", 0.1),
    ("cosine_restarts lr=0.1 T_0=7",
     "CosineAnnealingWarmRestarts(o, 7)", 0.1),
    ("cosine_restarts lr=0.1 T_0=3 T_mult=2 eta_min=0.01",
     "CosineAnnealingWarmRestarts(o, 3, T_mult=2, eta_min=0.01)", 0.1),
    ("cosine_restarts lr=0.1 T_0=1 T_mult=3",
     "CosineAnnealingWarmRestarts(o, 1, T_mult=3)", 0.1),
    ("one_cycle max_lr=0.5 total_steps=40",
     "OneCycleLR(o, 0.5, total_steps=40)", 0.1),
    ("one_cycle max_lr=0.5 total_steps=40 anneal_strategy=linear "
     "pct_start=0.47 div_factor=10 final_div_factor=50 base_momentum=0.5 "
     "max_momentum=0.99",
     "OneCycleLR(o, 0.5, total_steps=40, anneal_strategy='linear', "
     "pct_start=0.47, div_factor=10, final_div_factor=50, base_momentum=0.5, "
     "max_momentum=0.99)", 0.1),
    ("one_cycle max_lr=0.5 total_steps=41 three_phase=1 pct_start=0.4",
     "OneCycleLR(o, 0.5, total_steps=41, three_phase=True, pct_start=0.4)",
     0.1),
    ("one_cycle max_lr=0.5 total_steps=40 pct_start=0 cycle_momentum=0",
     "OneCycleLR(o, 0.5, total_steps=40, pct_start=0.0, "
     "cycle_momentum=False)", 0.1),
    ("one_cycle max_lr=0.5 total_steps=40 pct_start=1",
     "OneCycleLR(o, 0.5, total_steps=40, pct_start=1.0)", 0.1),
    ("cyclic base_lr=0.01 max_lr=0.1 step_size_up=6",
     "CyclicLR(o, 0.01, 0.1, step_size_up=6)", 0.1),
    ("cyclic base_lr=0.01 max_lr=0.1 step_size_up=3 step_size_down=8 "
     "mode=triangular2 base_momentum=0.5 max_momentum=0.95",
     "CyclicLR(o, 0.01, 0.1, step_size_up=3, step_size_down=8, "
     "mode='triangular2', base_momentum=0.5, max_momentum=0.95)", 0.1),
    ("cyclic base_lr=0.01 max_lr=0.1 step_size_up=5 mode=exp_range gamma=0.97 "
     "cycle_momentum=0",
     "CyclicLR(o, 0.01, 0.1, step_size_up=5, mode='exp_range', gamma=0.97, "
     "cycle_momentum=False)", 0.1),
    ("constant lr=0.1 warmup=9 warmup_start=0.25",
     "LinearLR(o, start_factor=0.25, total_iters=9)", 0.1),
    ("exponential lr=0.1 gamma=0.9 warmup=9 warmup_start=0.25 "
     "warmup_clock=along",
     "ChainedScheduler([LinearLR(o, start_factor=0.25, total_iters=9), "
     "ExponentialLR(o, 0.9)])", 0.1),
    ("exponential lr=0.1 gamma=0.9 warmup=9 warmup_start=0.25",
     "SequentialLR(o, [LinearLR(o, start_factor=0.25, total_iters=9), "
     "ExponentialLR(o, 0.9)], [9])", 0.1),
    ("step lr=0.1 step_size=7 gamma=0.3 warmup=5 warmup_start=0.5",
     "SequentialLR(o, [LinearLR(o, start_factor=0.5, total_iters=5), "
     "StepLR(o, 7, gamma=0.3)], [5])", 0.1),
]
TORCH_PLATEAU = [
    ("plateau lr=0.1 patience=2", "ReduceLROnPlateau(o, patience=2)", 0.1),
    ("plateau lr=0.1 patience=0 factor=0.5",
     "ReduceLROnPlateau(o, patience=0, factor=0.5)", 0.1),
    ("plateau lr=0.1 patience=1 cooldown=3 factor=0.3 min_lr=0.004",
     "ReduceLROnPlateau(o, patience=1, cooldown=3, factor=0.3, min_lr=0.004)",
     0.1),
    ("plateau lr=0.1 patience=1 threshold=0.1 threshold_mode=abs factor=0.5",
     "ReduceLROnPlateau(o, patience=1, threshold=0.1, threshold_mode='abs', "
     "factor=0.5)", 0.1),
    ("plateau lr=0.1 patience=3 mode=max threshold=0.01 factor=0.5",
     "ReduceLROnPlateau(o, patience=3, mode='max', threshold=0.01, "
     "factor=0.5)", 0.1),
    ("plateau lr=0.1 patience=3 mode=max threshold=0.2 threshold_mode=abs "
     "factor=0.5 eps=0.02",
     "ReduceLROnPlateau(o, patience=3, mode='max', threshold=0.2, "
     "threshold_mode='abs', factor=0.5, eps=0.02)", 0.1),
]

KERAS = [
    ("exponential lr=0.1 gamma=0.6 steps=7", "ExponentialDecay(0.1, 7, 0.6)"),
    ("exponential lr=0.1 gamma=0.6 steps=7 staircase=1",
     "ExponentialDecay(0.1, 7, 0.6, staircase=True)"),
    ("exponential_10 lr=0.1 steps=12", "ExponentialDecay(0.1, 12, 0.1)"),
    ("exponential_10 lr=0.1 steps=12 staircase=1",
     "ExponentialDecay(0.1, 12, 0.1, staircase=True)"),
    ("inverse_time lr=0.1 decay_rate=0.5 steps=3 first_epoch=0",
     "InverseTimeDecay(0.1, 3, 0.5)"),
    ("inverse_time lr=0.1 decay_rate=0.5 steps=3 staircase=1 first_epoch=0",
     "InverseTimeDecay(0.1, 3, 0.5, staircase=True)"),
    ("polynomial lr=0.1 total_iters=17 eta_min=0.001",
     "PolynomialDecay(0.1, 17, 0.001)"),
    ("polynomial lr=0.1 total_iters=12 eta_min=0.001 power=0.5 cycle=1",
     "PolynomialDecay(0.1, 12, 0.001, power=0.5, cycle=True)"),
    ("piecewise boundaries=5,9,30 values=0.8,0.5,0.2,0.1",
     "PiecewiseConstantDecay([5, 9, 30], [0.8, 0.5, 0.2, 0.1])"),
    ("cosine lr=0.1 T_max=23", "CosineDecay(0.1, 23)"),
    ("cosine lr=0.1 T_max=23 eta_min=0.02", "CosineDecay(0.1, 23, alpha=0.2)"),
    ("cosine lr=0.5 T_max=23 eta_min=0.1 warmup=9 warmup_start=0.2",
     "CosineDecay(0.1, 23, alpha=0.2, warmup_target=0.5, warmup_steps=9)"),
    ("cosine_restarts lr=0.1 T_0=7 T_mult=2",
     "CosineDecayRestarts(0.1, 7)"),
    ("cosine_restarts lr=0.1 T_0=5 T_mult=1.5 m_mul=0.7 eta_min=0.02 "
     "form=range", "CosineDecayRestarts(0.1, 5, 1.5, 0.7, 0.2)"),
    ("cosine_restarts lr=0.1 T_0=6 m_mul=0.7",
     "CosineDecayRestarts(0.1, 6, 1.0, 0.7)"),
]
KERAS_PLATEAU = [
    ("plateau form=keras lr=0.1 patience=3 threshold_mode=abs",
     "ReduceLROnPlateau(patience=3)", 0.1),
    ("plateau form=keras lr=0.1 patience=0 factor=0.5 threshold_mode=abs",
     "ReduceLROnPlateau(patience=0, factor=0.5)", 0.1),
    ("plateau form=keras lr=0.1 patience=2 cooldown=3 factor=0.3 min_lr=0.004 "
     "threshold_mode=abs",
     "ReduceLROnPlateau(patience=2, cooldown=3, factor=0.3, min_lr=0.004)",
     0.1),
    ("plateau form=keras lr=0.1 patience=4 mode=max factor=0.5 threshold=0.2 "
     "threshold_mode=abs",
     "ReduceLROnPlateau(patience=4, mode='max', factor=0.5, min_delta=0.2)",
     0.1),
]
KERAS_STOP = [
    ("constant stop_patience=3 threshold_mode=abs threshold=0",
     "EarlyStopping(patience=3)"),
    ("constant stop_patience=0 threshold_mode=abs threshold=0",
     "EarlyStopping(patience=0)"),
    ("constant stop_patience=8 threshold_mode=abs threshold=0.15",
     "EarlyStopping(patience=8, min_delta=0.15)"),
    ("constant stop_patience=9 threshold_mode=abs threshold=0 mode=max",
     "EarlyStopping(patience=9, mode='max')"),
    ("constant stop_patience=40 threshold_mode=abs threshold=0",
     "EarlyStopping(patience=40)"),
]

TRANSFORMERS = [
    ("polynomial lr=0.1 total_iters=24 warmup=8",
     "get_linear_schedule_with_warmup(o, 8, 32)", 0.1),
    ("cosine lr=0.1 T_max=32 warmup=8",
     "get_cosine_schedule_with_warmup(o, 8, 40)", 0.1),
    ("cosine lr=0.1 T_max=32 eta_min=0.03 warmup=8",
     "get_cosine_with_min_lr_schedule_with_warmup(o, 8, 40, min_lr_rate=0.3)",
     0.1),
    ("polynomial lr=0.1 total_iters=24 power=2 eta_min=0.001 warmup=8",
     "get_polynomial_decay_schedule_with_warmup(o, 8, 32, lr_end=0.001, "
     "power=2.0)", 0.1),
    ("inverse_sqrt lr=0.1 warmup=8",
     "get_inverse_sqrt_schedule(o, 8)", 0.1),
    ("inverse_sqrt lr=0.1 warmup=8 timescale=30",
     "get_inverse_sqrt_schedule(o, 8, timescale=30)", 0.1),
    ("inverse_sqrt lr=0.1", "get_inverse_sqrt_schedule(o, 0)", 0.1),
] + [
    (f"wsd lr=0.1 warmup=8 stable_steps=12 decay_steps=16 decay_type={decay} "
     f"warmup_type={warm}{ours}",
     f"get_wsd_schedule(o, 8, 16, num_stable_steps=12, warmup_type='{warm}', "
     f"decay_type='{decay}'{theirs})", 0.1)
    for decay, warm, ours, theirs in [
        ("linear", "linear", "", ""), ("cosine", "cosine", "", ""),
        ("1-sqrt", "1-sqrt", "", ""),
        ("linear", "cosine", " eta_min=0.02 warmup_start=0.2",
         ", min_lr_ratio=0.2")]
]


# --- frameworks: each gives a list of (settings, theirs, columns) --------------

class Torch:
    def __init__(self):
        import torch
        self.torch = torch
        self.names = vars(torch.optim.lr_scheduler)
        self.version = "torch " + torch.__version__
        self.prefix = "torch.optim.lr_scheduler."
        self.table, self.plateau = TORCH, TORCH_PLATEAU

    def make(self, theirs, lr):
        torch = self.torch
        p = torch.nn.Parameter(torch.zeros(1))
        o = torch.optim.SGD([p], lr=lr, momentum=0.9)
        return o, eval(theirs, dict(self.names, o=o))

    def cases(self):
        for ours, theirs, lr in self.table:
            o, schedule = self.make(theirs, lr)
            group, columns = o.param_groups[0], {"lr": [], "momentum": []}
            for s in range(STEPS):
                columns["lr"].append(group["lr"])
                columns["momentum"].append(group["momentum"])
                o.step()
                if s + 1 < STEPS:
                    schedule.step()
            if len(set(columns["momentum"])) == 1:
                del columns["momentum"]
            yield ours, theirs, columns
        for ours, theirs, lr in self.plateau:
            o, schedule = self.make(theirs, lr)
            columns = {"metric": METRICS, "lr": []}
            for metric in METRICS:
                columns["lr"].append(o.param_groups[0]["lr"])
                o.step()
                schedule.step(metric)
            yield ours, theirs, columns


class Transformers(Torch):
    def __init__(self):
        """Loads one module; transformers itself wants a newer torch."""
        import importlib
        super().__init__()
        root = next(p for p in sys.path
                    if os.path.exists(os.path.join(p, "transformers")))
        package = os.path.join(root, "transformers")

        def fake(name, **contents):
            module = types.ModuleType("transformers" + name)
            vars(module).update(contents)
            sys.modules[module.__name__] = module
            return module

        fake("").__path__ = [package]
        fake(".trainer_pt_utils", LayerWiseDummyOptimizer=None,
             LayerWiseDummyScheduler=None)
        fake(".trainer_utils", SchedulerType=types.SimpleNamespace(
            **{name: name for name in """LINEAR COSINE COSINE_WITH_RESTARTS
            POLYNOMIAL CONSTANT CONSTANT_WITH_WARMUP INVERSE_SQRT
            REDUCE_ON_PLATEAU COSINE_WITH_MIN_LR WARMUP_STABLE_DECAY
            COSINE_WARMUP_WITH_MIN_LR GREEDY""".split()}))
        import logging
        fake(".utils", logging=types.SimpleNamespace(
            get_logger=logging.getLogger))
        self.names = vars(importlib.import_module("transformers.optimization"))
        info = next(name for name in os.listdir(root)
                    if name.startswith("transformers-"))
        self.version = (f"transformers {info.split('-')[1][:-len('.dist')]}, "
                        + self.version)
        self.prefix = "transformers."
        self.table, self.plateau = TRANSFORMERS, []


class Keras:
    prefix = "keras."

    def __init__(self):
        os.environ["KERAS_BACKEND"] = "numpy"
        import keras
        import numpy
        from keras.src.backend.common import dtypes
        keras.config.set_floatx("float64")
        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
        self.keras, self.numpy = keras, numpy
        self.version = f"keras {keras.__version__}, numpy {numpy.__version__}"

    def callback(self, theirs, lr):
        """A callback on what it looks at of a model."""
        names = {name: lambda _class=getattr(self.keras.callbacks, name),
                 **given: _class(monitor="loss", **dict(dict(mode="min"),
                                                        **given))
                 for name in ("ReduceLROnPlateau", "EarlyStopping")}
        callback = eval(theirs, names)
        model = types.SimpleNamespace(
            optimizer=types.SimpleNamespace(learning_rate=lr),
            stop_training=False)
        callback.set_model(model)
        callback.on_train_begin()
        return model, callback

    def cases(self):
        names = vars(self.keras.optimizers.schedules)
        for ours, theirs in KERAS:
            schedule = eval(theirs, dict(names))
            values = [schedule(self.numpy.float64(s)) for s in range(STEPS)]
            assert all(value.dtype == "float64" for value in values), theirs
            yield ours, theirs, {"lr": [float(value) for value in values]}
        metrics = [m for m in METRICS if not math.isnan(m)]
        for ours, theirs, lr in KERAS_PLATEAU:
            model, callback = self.callback(theirs, lr)
            columns = {"metric": metrics, "lr": []}
            for epoch, metric in enumerate(metrics):
                columns["lr"].append(float(model.optimizer.learning_rate))
                callback.on_epoch_end(epoch, {"loss": metric})
            yield ours, theirs, columns
        for ours, theirs in KERAS_STOP:
            model, callback = self.callback(theirs, 1.0)
            columns = {"metric": metrics, "stop": []}
            for epoch, metric in enumerate(metrics):
                if not model.stop_training:
                    callback.on_epoch_end(epoch, {"loss": metric})
                columns["stop"].append(int(model.stop_training))
            yield ours, theirs, columns


# --- the file -----------------------------------------------------------------

def main():
    frameworks = {"torch": Torch, "transformers": Transformers, "keras": Keras}
    if len(sys.argv) != 2 or sys.argv[1] not in frameworks:
        sys.exit("usage: golden_schedules.py " + "|".join(frameworks))
    name = sys.argv[1]
    framework = frameworks[name]()
    path = os.path.join(os.path.dirname(__file__),
                        f"../tests/golden/schedules_{name}.txt")
    with open(path, "w") as file:
        print(f"# schedules_{name}.txt - made by scripts/golden_schedules.py, "
              "see docs/golden.md", file=file)
        print(f"# {framework.version}\n", file=file)
        for ours, theirs, columns in framework.cases():
            print(f"# {framework.prefix}{theirs}", file=file)
            print(f"case {ours}", file=file)
            for key, values in columns.items():
                print(key, file=file)
                for i in range(0, len(values), 4):
                    print(" ", *(f"{v:.17g}" for v in values[i:i + 4]),
                          file=file)
            print("end", file=file)


main()
