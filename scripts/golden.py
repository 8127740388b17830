#!/usr/bin/env python3
# golden.py - steps as other frameworks take them, for tests/test_golden.c
# SPDX-License-Identifier: MIT
#
# Run by hand when a case is added, never by a build or a test: what it writes,
# tests/golden/FRAMEWORK.txt, is committed.  One framework a run, since they do
# not all live in one environment:
#
#     apt install python3-torch                    # Debian 12: 1.13.1
#     /usr/bin/python3 scripts/golden.py torch
#
#     pip install --no-deps --target timm timm     # 1.0.31
#     PYTHONPATH=timm /usr/bin/python3 scripts/golden.py timm    # same torch
#
#     pip install --no-deps --target more schedulefree torch_optimizer
#     PYTHONPATH=more /usr/bin/python3 scripts/golden.py schedulefree   # 1.4.1
#     PYTHONPATH=more /usr/bin/python3 scripts/golden.py torch_optimizer # 0.3.0
#
#     python3.11 -m venv v                         # jax 0.10.2, optax 0.2.8,
#     v/bin/pip install jax optax keras            # keras 3.15.1, numpy 2.4.6
#     v/bin/python scripts/golden.py optax
#     v/bin/python scripts/golden.py keras         # sets KERAS_BACKEND=numpy
#
#     v/bin/pip install torch                      # 2.15.0, which optimi wants
#     v/bin/pip install --no-deps --target optimi torch-optimi       # 0.3.3
#     PYTHONPATH=optimi v/bin/python scripts/golden.py optimi
#
# Every case is run in double, which tells a formula from a rounding; the file
# holds each of its steps.  It is run once more in single, as the framework's
# users do, and a comment in the file says how far that run ends from the other.
# docs/golden.md tells more.
#
# A case is two texts, the optimizer here and there, and what happens around it:
# steps, how many; rates, the step size of each step; clip and scale, where the
# framework has them outside of the optimizer.  Rules that move each parameter
# by itself have one tensor (TORCH, KERAS ...), those that sum over a tensor
# have several (TIMM_TENSORS ...).
#
# Left out, since no choice of ours is that rule:
#   torch   ASGD with rates: it takes a new lr one step late.
#   keras   Ftrl's l2_shrinkage and learning_rate_power.  ScheduleFreeAdamW with
#           decay: that is the parameters'.  Lamb with decay: that acts before
#           the step.  Its clipnorm, EMA and other rules (Adafactor, Muon, ...):
#           none here.
#   optax   amsgrad: the largest of the corrected squares, where Reddi et al.,
#           torch and keras take the raw ones.  nesterov with rmsprop, lion or
#           radam.  rmsprop's bias_correction.  radam with an eps that acts: it
#           stands beside the corrected root, where the authors and torch have
#           the raw one.  adam with eps and eps_root together.
#           rprop: where a sign has changed it takes back the step before.
#           sophia: its mean is corrected.  schedule_free with warmup: the first
#           step of that is 0.  lars with rates: lr is inside the velocity.
#   timm    what is not in torch or in optax; caution but of AdamW and Lion.
#           LaProp with decay: that comes behind the step.  Lamb and Lars that
#           do not decay: they have no ratio, unless always_adapt.  trust_clip;
#           Lars with dampening; Lamb with decoupled_decay; NvNovoGrad with
#           that, amsgrad or grad_averaging: none here.
#   optimi  decouple_lr: none here.
#   sophia  stands in none of these without a correction of the mean.
import math
import os
import random
import struct
import sys

COUNT = 32
STEPS = 6
LONG = 12
RATES = [0.1, 0.1, 0.02, 0.02, 0.3, 0.05]

TORCH = [
    ("sgd lr=0.1", "SGD(p, lr=0.1)"),
    ("sgd lr=0.1 l2=0.3", "SGD(p, lr=0.1, weight_decay=0.3)"),
    ("sgd lr=0.1 l2=0.3 maximize=1",
     "SGD(p, lr=0.1, weight_decay=0.3, maximize=True)"),
    ("sgd lr=0.1 clip_value=0.5", "SGD(p, lr=0.1)", dict(clip=0.5)),
    ("sgd lr=100 grad_scale=1000", "SGD(p, lr=100)", dict(scale=1000)),
    ("sgd lr=0.1", "SGD(p, lr=0.1)", dict(rates=RATES)),
    ("momentum lr=0.1", "SGD(p, lr=0.1, momentum=0.9)"),
    ("momentum lr=0.1 momentum=0.8 dampening=0.3",
     "SGD(p, lr=0.1, momentum=0.8, dampening=0.3)"),
    ("momentum lr=0.1 nesterov=1",
     "SGD(p, lr=0.1, momentum=0.9, nesterov=True)"),
    ("momentum lr=0.1 momentum=0.7 nesterov=1 l2=0.3 maximize=1",
     "SGD(p, lr=0.1, momentum=0.7, nesterov=True, weight_decay=0.3, "
     "maximize=True)"),
    ("momentum lr=0.1 momentum=0.8", "SGD(p, lr=0.1, momentum=0.8)",
     dict(rates=RATES)),
    ("momentum lr=0.1 momentum=0.8 nesterov=1",
     "SGD(p, lr=0.1, momentum=0.8, nesterov=True)", dict(rates=RATES)),
    ("adagrad lr=0.5", "Adagrad(p, lr=0.5)"),
    ("adagrad lr=0.5 lr_decay=0.3", "Adagrad(p, lr=0.5, lr_decay=0.3)"),
    ("adagrad lr=0.5 initial_accumulator=0.1 eps=0.01 l2=0.3",
     "Adagrad(p, lr=0.5, initial_accumulator_value=0.1, eps=0.01, "
     "weight_decay=0.3)"),
    ("adagrad lr=0.5 maximize=1", "Adagrad(p, lr=0.5, maximize=True)"),
    ("adadelta lr=100", "Adadelta(p, lr=100)"),
    ("adadelta lr=5 rho=0.7 eps=0.01", "Adadelta(p, lr=5, rho=0.7, eps=0.01)"),
    ("adadelta lr=5 eps=0.01 l2=0.3 maximize=1",
     "Adadelta(p, lr=5, eps=0.01, weight_decay=0.3, maximize=True)"),
    ("rmsprop lr=0.1", "RMSprop(p, lr=0.1)"),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01",
     "RMSprop(p, lr=0.1, alpha=0.8, eps=0.01)"),
    ("rmsprop lr=0.1 alpha=0.8 centered=1",
     "RMSprop(p, lr=0.1, alpha=0.8, centered=True)"),
    ("rmsprop lr=0.1 alpha=0.8 momentum=0.7",
     "RMSprop(p, lr=0.1, alpha=0.8, momentum=0.7)", dict(rates=RATES)),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01 momentum=0.7 centered=1 l2=0.3 "
     "maximize=1",
     "RMSprop(p, lr=0.1, alpha=0.8, eps=0.01, momentum=0.7, centered=True, "
     "weight_decay=0.3, maximize=True)"),
    ("adam lr=0.1", "Adam(p, lr=0.1)", dict(steps=LONG)),
    ("adam lr=0.1 beta1=0.8 beta2=0.9 eps=0.01",
     "Adam(p, lr=0.1, betas=(0.8, 0.9), eps=0.01)"),
    ("adam lr=0.1 beta2=0.6 amsgrad=1",
     "Adam(p, lr=0.1, betas=(0.9, 0.6), amsgrad=True)", dict(steps=LONG)),
    ("adam lr=0.1 l2=0.3", "Adam(p, lr=0.1, weight_decay=0.3)"),
    ("adam lr=0.1 l2=0.3 maximize=1",
     "Adam(p, lr=0.1, weight_decay=0.3, maximize=True)"),
    ("adam lr=0.1 clip_value=0.5", "Adam(p, lr=0.1)", dict(clip=0.5)),
    ("adam lr=0.1 grad_scale=1000", "Adam(p, lr=0.1)", dict(scale=1000)),
    ("adam lr=0.1", "Adam(p, lr=0.1)", dict(rates=RATES)),
    ("adamw lr=0.1", "AdamW(p, lr=0.1)"),
    ("adamw lr=0.1 beta1=0.8 beta2=0.6 weight_decay=0.5 amsgrad=1",
     "AdamW(p, lr=0.1, betas=(0.8, 0.6), weight_decay=0.5, amsgrad=True)",
     dict(rates=RATES)),
    ("adamw lr=0.1 weight_decay=0.5 maximize=1",
     "AdamW(p, lr=0.1, weight_decay=0.5, maximize=True)"),
    ("adamax lr=0.1", "Adamax(p, lr=0.1)"),
    ("adamax lr=0.1 beta1=0.8 beta2=0.7 eps=0.1 l2=0.3",
     "Adamax(p, lr=0.1, betas=(0.8, 0.7), eps=0.1, weight_decay=0.3)"),
    # foreach, since torch 1.13 multiplies mu_t twice into its other product
    # (torch 2.0 does not: pytorch pull request 92699).
    ("nadam lr=0.1", "NAdam(p, lr=0.1, foreach=True)", dict(steps=LONG)),
    ("nadam lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 momentum_decay=0.3 l2=0.3",
     "NAdam(p, lr=0.1, betas=(0.8, 0.9), eps=0.01, momentum_decay=0.3, "
     "weight_decay=0.3, foreach=True)"),
    ("radam lr=0.1", "RAdam(p, lr=0.1)", dict(steps=LONG)),
    ("radam lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 l2=0.3",
     "RAdam(p, lr=0.1, betas=(0.8, 0.9), eps=0.01, weight_decay=0.3)",
     dict(steps=LONG)),
    ("rprop lr=0.1", "Rprop(p, lr=0.1)", dict(steps=LONG)),
    ("rprop lr=0.3 eta_minus=0.3 eta_plus=1.7 step_min=0.05 step_max=0.6 "
     "maximize=1",
     "Rprop(p, lr=0.3, etas=(0.3, 1.7), step_sizes=(0.05, 0.6), "
     "maximize=True)", dict(steps=LONG)),
    ("asgd lr=0.1", "ASGD(p, lr=0.1)"),
    ("asgd lr=0.5 lambd=0.3 alpha=0.6 t0=2 l2=0.3",
     "ASGD(p, lr=0.5, lambd=0.3, alpha=0.6, t0=2, weight_decay=0.3)",
     dict(steps=LONG)),
]

KERAS = [
    ("sgd lr=0.1", "SGD(0.1)"),
    ("sgd lr=0.1 weight_decay=0.5", "SGD(0.1, weight_decay=0.5)"),
    ("sgd lr=0.1 clip_value=0.5", "SGD(0.1, clipvalue=0.5)"),
    ("sgd lr=100 grad_scale=1000", "SGD(100.0, loss_scale_factor=1000.0)"),
    ("momentum form=classical lr=0.1", "SGD(0.1, momentum=0.9)"),
    ("momentum form=classical lr=0.1 momentum=0.8", "SGD(0.1, momentum=0.8)",
     dict(rates=RATES)),
    ("momentum form=classical lr=0.1 nesterov=1",
     "SGD(0.1, momentum=0.9, nesterov=True)"),
    ("momentum form=classical lr=0.1 momentum=0.8 nesterov=1 weight_decay=0.5",
     "SGD(0.1, momentum=0.8, nesterov=True, weight_decay=0.5)",
     dict(rates=RATES)),
    ("adagrad lr=0.5 eps_form=inside eps=1e-7 initial_accumulator=0.1",
     "Adagrad(0.5)"),
    ("adagrad lr=0.5 eps_form=inside eps=0.01",
     "Adagrad(0.5, initial_accumulator_value=0.0, epsilon=0.01)"),
    ("adadelta lr=100 rho=0.95 eps=1e-7", "Adadelta(100.0)"),
    ("adadelta lr=5 rho=0.7 eps=0.01", "Adadelta(5.0, rho=0.7, epsilon=0.01)"),
    ("rmsprop lr=0.1 alpha=0.9 eps=1e-7 eps_form=inside", "RMSprop(0.1)"),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01 eps_form=inside weight_decay=0.5",
     "RMSprop(0.1, rho=0.8, epsilon=0.01, weight_decay=0.5)"),
    ("rmsprop lr=0.1 alpha=0.9 eps=1e-7 eps_form=inside centered=1",
     "RMSprop(0.1, centered=True)"),
    ("rmsprop lr=0.1 alpha=0.9 eps=1e-7 eps_form=inside momentum=0.7 "
     "momentum_form=keras", "RMSprop(0.1, momentum=0.7)", dict(rates=RATES)),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01 eps_form=inside momentum=0.7 "
     "momentum_form=keras centered=1",
     "RMSprop(0.1, rho=0.8, epsilon=0.01, momentum=0.7, centered=True)"),
    ("adam lr=0.1 eps_form=hat eps=1e-7", "Adam(0.1)", dict(steps=LONG)),
    ("adam lr=0.1 beta1=0.8 beta2=0.9 eps_form=hat eps=0.01",
     "Adam(0.1, beta_1=0.8, beta_2=0.9, epsilon=0.01)"),
    ("adam lr=0.1 beta2=0.6 eps_form=hat eps=1e-7 amsgrad=1",
     "Adam(0.1, beta_2=0.6, amsgrad=True)", dict(steps=LONG)),
    ("adam lr=0.1 eps_form=hat eps=1e-7 clip_value=0.5",
     "Adam(0.1, clipvalue=0.5)"),
    ("adam lr=0.1 eps_form=hat eps=1e-7 grad_scale=1000",
     "Adam(0.1, loss_scale_factor=1000.0)"),
    ("adamw lr=0.1 eps_form=hat eps=1e-7 weight_decay=0.004", "AdamW(0.1)"),
    ("adamw lr=0.1 eps_form=hat eps=1e-7 weight_decay=0.5",
     "AdamW(0.1, weight_decay=0.5)", dict(rates=RATES)),
    ("adamax lr=0.1 eps_form=outside eps=1e-7", "Adamax(0.1)"),
    ("adamax lr=0.1 beta1=0.8 beta2=0.7 eps_form=outside eps=0.1",
     "Adamax(0.1, beta_1=0.8, beta_2=0.7, epsilon=0.1)"),
    ("nadam lr=0.1 form=keras eps=1e-7", "Nadam(0.1)", dict(steps=LONG)),
    ("nadam lr=0.1 form=keras beta1=0.8 beta2=0.9 eps=0.01",
     "Nadam(0.1, beta_1=0.8, beta_2=0.9, epsilon=0.01)"),
    ("ftrl lr=0.5", "Ftrl(0.5)"),
    ("ftrl lr=0.5 lambda1=0.3 lambda2=0.4 initial_accumulator=0.01",
     "Ftrl(0.5, l1_regularization_strength=0.3, "
     "l2_regularization_strength=0.2, initial_accumulator_value=0.01)"),
    ("ftrl lr=0.5 lambda1=0.1 beta=2", "Ftrl(0.5, "
     "l1_regularization_strength=0.1, beta=2.0)", dict(rates=RATES)),
    ("ftrl lr=0.5 weight_decay=0.5", "Ftrl(0.5, weight_decay=0.5)"),
    ("lion lr=0.1", "Lion(0.1)", dict(steps=LONG)),
    ("lion lr=0.1 beta1=0.6 beta2=0.8 weight_decay=0.5",
     "Lion(0.1, beta_1=0.6, beta_2=0.8, weight_decay=0.5)"),
    ("schedule_free_adamw lr=0.1 weight_lr_power=0", "ScheduleFreeAdamW(0.1)",
     dict(steps=LONG)),
    ("schedule_free_adamw lr=0.3 beta1=0.6 beta2=0.9 eps=0.01 warmup=4 "
     "weight_lr_power=0",
     "ScheduleFreeAdamW(0.3, beta_1=0.6, beta_2=0.9, epsilon=0.01, "
     "warmup_steps=4)", dict(steps=LONG)),
]

OPTAX = [
    ("sgd lr=0.1", "sgd(lr)", dict(rates=RATES)),
    ("sgd lr=0.1 clip_value=0.5", "chain(clip(0.5), sgd(0.1))"),
    ("sgd lr=0.1 l2=0.3", "chain(add_decayed_weights(0.3), sgd(0.1))"),
    ("sgd lr=0.1 weight_decay=0.3 decay_form=independent",
     "chain(sgd(0.1), add_decayed_weights(-0.3))"),
    ("momentum lr=0.1 momentum=0.8", "sgd(lr, momentum=0.8)",
     dict(rates=RATES)),
    ("momentum lr=0.1 nesterov=1", "sgd(0.1, momentum=0.9, nesterov=True)"),
    ("momentum lr=0.1 form=classical",
     "chain(scale_by_learning_rate(lr), trace(0.9))", dict(rates=RATES)),
    ("momentum lr=0.5 form=ema",
     "chain(ema(0.9, debias=False), scale_by_learning_rate(lr))",
     dict(rates=RATES)),
    ("momentum lr=0.1 form=ema_debiased",
     "chain(ema(0.9, debias=True), scale_by_learning_rate(lr))",
     dict(rates=RATES)),
    ("adagrad lr=0.5 eps_form=inside eps=1e-7 initial_accumulator=0.1",
     "adagrad(0.5)"),
    ("adagrad lr=0.5 eps_form=inside eps=0.01",
     "adagrad(0.5, initial_accumulator_value=0.0, eps=0.01)"),
    ("adadelta lr=100", "adadelta(100.0)"),
    ("adadelta lr=5 rho=0.7 eps=0.01 l2=0.3",
     "adadelta(5.0, rho=0.7, eps=0.01, weight_decay=0.3)"),
    ("rmsprop lr=0.1 alpha=0.9 eps_form=inside", "rmsprop(0.1)"),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01 initial_square=0.5",
     "rmsprop(0.1, decay=0.8, eps=0.01, eps_in_sqrt=False, "
     "initial_scale=0.5)"),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01 centered=1 eps_form=inside",
     "rmsprop(0.1, decay=0.8, eps=0.01, centered=True)"),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01 eps_form=inside momentum=0.7 "
     "momentum_form=keras",
     "rmsprop(lr, decay=0.8, eps=0.01, momentum=0.7)", dict(rates=RATES)),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01 centered=1 momentum=0.7 "
     "momentum_form=keras", "rmsprop(0.1, decay=0.8, eps=0.01, centered=True, "
     "eps_in_sqrt=False, momentum=0.7)"),
    ("adam lr=0.1", "adam(0.1)", dict(steps=LONG)),
    ("adam lr=0.1 beta1=0.8 beta2=0.9 eps=0.01",
     "adam(0.1, b1=0.8, b2=0.9, eps=0.01)"),
    ("adam lr=0.1 eps=1e-7 eps_form=inside", "adam(0.1, eps=0, eps_root=1e-7)",
     dict(steps=LONG)),
    ("adam lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 eps_form=inside",
     "adam(0.1, b1=0.8, b2=0.9, eps=0, eps_root=0.01)"),
    ("adam lr=0.1 clip_value=0.5", "chain(clip(0.5), adam(0.1))"),
    ("adamw lr=0.1 weight_decay=1e-4", "adamw(0.1)"),
    ("adamw lr=0.1 weight_decay=0.5", "adamw(lr, weight_decay=0.5)",
     dict(rates=RATES)),
    ("adamw lr=0.1 weight_decay=0.1 decay_form=independent",
     "chain(adam(0.1), add_decayed_weights(-0.1))"),
    ("adamax lr=0.1", "adamax(0.1)"),
    ("adamax lr=0.1 beta1=0.8 beta2=0.7 eps=0.1",
     "adamax(0.1, b1=0.8, b2=0.7, eps=0.1)"),
    ("nadam lr=0.1 momentum_decay=1e4", "nadam(0.1)", dict(steps=LONG)),
    ("nadam lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 momentum_decay=1e4 "
     "weight_decay=0.5",
     "nadamw(0.1, b1=0.8, b2=0.9, eps=0.01, weight_decay=0.5)"),
    ("radam lr=0.1 eps=1e-30", "radam(0.1, eps=1e-30)", dict(steps=LONG)),
    ("radam lr=0.1 beta2=0.9 eps=1e-30 threshold=4",
     "radam(0.1, b2=0.9, eps=1e-30, threshold=4.0)", dict(steps=LONG)),
    ("lion lr=0.1", "lion(0.1, weight_decay=0)", dict(steps=LONG)),
    ("lion lr=0.1 beta1=0.6 beta2=0.8 weight_decay=0.5",
     "lion(lr, b1=0.6, b2=0.8, weight_decay=0.5)", dict(rates=RATES)),
    ("signsgd lr=0.1", "sign_sgd(lr)", dict(rates=RATES)),
    ("signum lr=0.1", "signum(0.1)", dict(steps=LONG)),
    ("signum lr=0.1 momentum=0.6", "signum(lr, beta=0.6)", dict(rates=RATES)),
    ("adabelief lr=0.1", "adabelief(0.1)", dict(steps=LONG)),
    ("adabelief lr=0.1 beta1=0.8 beta2=0.9 eps=0.01",
     "adabelief(lr, b1=0.8, b2=0.9, eps=0.01, eps_root=0.01)",
     dict(rates=RATES)),
    ("yogi lr=0.1", "yogi(0.1)", dict(steps=LONG)),
    ("yogi lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 initial_accumulator=0.1",
     "chain(scale_by_yogi(0.8, 0.9, 0.01, 0.0, 0.1), "
     "scale_by_learning_rate(lr))", dict(rates=RATES)),
    ("ademamix lr=0.1", "contrib.ademamix(0.1)", dict(steps=LONG)),
    ("ademamix lr=0.1 beta1=0.8 beta2=0.9 beta3=0.99 alpha=3 eps=0.01 "
     "weight_decay=0.5",
     "contrib.ademamix(lr, b1=0.8, b2=0.9, b3=0.99, alpha=3.0, eps=0.01, "
     "weight_decay=0.5)", dict(rates=RATES)),
    ("ademamix lr=0.1 beta3=0.99 alpha_warmup=4 beta3_warmup=8",
     "contrib.ademamix(0.1, b3=slow, alpha=lambda c: 5 * min(1, (c + 1) / 4))",
     dict(steps=LONG)),
    ("adopt lr=0.1", "contrib.adopt(0.1)", dict(steps=LONG)),
    ("adopt lr=0.1 beta1=0.8 beta2=0.9 eps=0.3",
     "contrib.adopt(lr, b1=0.8, b2=0.9, eps=0.3)", dict(rates=RATES)),
    ("schedule_free_sgd lr=0.1", "contrib.schedule_free_sgd(0.1)",
     dict(steps=LONG)),
    ("schedule_free_sgd lr=0.3 momentum=0.6 weight_decay=0.3",
     "contrib.schedule_free_sgd(0.3, b1=0.6, weight_decay=0.3)"),
    ("schedule_free_adamw lr=0.1", "contrib.schedule_free_adamw(0.1)",
     dict(steps=LONG)),
    ("schedule_free_adamw lr=0.1 beta1=0.6 beta2=0.9 eps=0.01 "
     "weight_decay=0.5",
     "contrib.schedule_free_adamw(0.1, b1=0.6, b2=0.9, eps=0.01, "
     "weight_decay=0.5)"),
]

TIMM = [
    ("momentum lr=0.1 weight_decay=0.5",
     "sgdw.SGDW(p, lr=0.1, momentum=0.9, weight_decay=0.5)"),
    ("momentum lr=0.3 momentum=0.7 nesterov=1 weight_decay=0.5 "
     "decay_form=corrected",
     "sgdw.SGDW(p, lr=0.3, momentum=0.7, nesterov=True, weight_decay=0.5, "
     "corrected_weight_decay=True)", dict(rates=RATES)),
    ("rmsprop lr=0.1 alpha=0.9 eps=1e-10 eps_form=inside initial_square=1",
     "rmsprop_tf.RMSpropTF(p, lr=0.1)"),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01 eps_form=inside initial_square=1 "
     "momentum=0.7 momentum_form=keras weight_decay=0.5",
     "rmsprop_tf.RMSpropTF(p, lr=0.1, alpha=0.8, eps=0.01, momentum=0.7, "
     "weight_decay=0.5, decoupled_decay=True)", dict(rates=RATES)),
    ("rmsprop lr=0.1 alpha=0.8 eps=0.01 eps_form=inside initial_square=1 "
     "momentum=0.7 momentum_form=torch centered=1 l2=0.3",
     "rmsprop_tf.RMSpropTF(p, lr=0.1, alpha=0.8, eps=0.01, momentum=0.7, "
     "centered=True, weight_decay=0.3, lr_in_momentum=False)",
     dict(rates=RATES)),
    ("adamw lr=0.3 weight_decay=0.5 decay_form=corrected",
     "adamw.AdamWLegacy(p, lr=0.3, weight_decay=0.5, "
     "corrected_weight_decay=True)", dict(rates=RATES)),
    ("nadam lr=0.1 l2=0.3", "nadam.NAdamLegacy(p, lr=0.1, weight_decay=0.3)"),
    ("nadam lr=0.1 form=simple weight_decay=0.01", "nadamw.NAdamW(p, lr=0.1)",
     dict(steps=LONG)),
    ("nadam lr=0.3 form=simple beta1=0.8 beta2=0.9 eps=0.01 weight_decay=0.5 "
     "decay_form=corrected",
     "nadamw.NAdamW(p, lr=0.3, betas=(0.8, 0.9), eps=0.01, weight_decay=0.5, "
     "corrected_weight_decay=True)", dict(rates=RATES)),
    ("lion lr=0.1 weight_decay=0.5", "lion.Lion(p, lr=0.1, weight_decay=0.5)",
     dict(rates=RATES)),
    ("adabelief lr=0.1 rectify=1", "adabelief.AdaBelief(p, lr=0.1)",
     dict(steps=LONG)),
    ("adabelief lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 weight_decay=0.5",
     "adabelief.AdaBelief(p, lr=0.1, betas=(0.8, 0.9), eps=0.01, "
     "weight_decay=0.5, rectify=False)", dict(rates=RATES)),
    ("adabelief lr=0.1 rectify=1 beta2=0.9 eps=0.01 weight_decay=0.1 "
     "decay_form=independent",
     "adabelief.AdaBelief(p, lr=0.1, betas=(0.9, 0.9), eps=0.01, "
     "weight_decay=0.1, fixed_decay=True)", dict(steps=LONG)),
    ("adabelief lr=0.1 rectify=1 l2=0.3",
     "adabelief.AdaBelief(p, lr=0.1, weight_decay=0.3, "
     "decoupled_decay=False)", dict(steps=LONG)),
    ("adan lr=0.1", "adan.Adan(p, lr=0.1)", dict(steps=LONG)),
    ("adan lr=0.1 beta1=0.9 beta2=0.8 beta3=0.7 eps=0.01 weight_decay=0.5",
     "adan.Adan(p, lr=0.1, betas=(0.9, 0.8, 0.7), eps=0.01, "
     "weight_decay=0.5)", dict(rates=RATES)),
    ("adan lr=0.1 weight_decay=0.5 decay_form=lr",
     "adan.Adan(p, lr=0.1, weight_decay=0.5, no_prox=True)",
     dict(rates=RATES)),
    ("laprop lr=0.1", "laprop.LaProp(p, lr=0.1)", dict(steps=LONG)),
    ("laprop lr=0.1 beta1=0.8 beta2=0.9 eps=0.01",
     "laprop.LaProp(p, lr=0.1, betas=(0.8, 0.9), eps=0.01)"),
    ("adopt lr=0.1 l2=0.3",
     "adopt.Adopt(p, lr=0.1, clip_exp=0.25, weight_decay=0.3)",
     dict(steps=LONG)),
    ("adopt lr=0.1 beta1=0.8 beta2=0.9 eps=0.3 weight_decay=0.5 maximize=1",
     "adopt.Adopt(p, lr=0.1, betas=(0.8, 0.9), eps=0.3, clip_exp=0.25, "
     "weight_decay=0.5, decoupled=True, maximize=True)", dict(rates=RATES)),
    ("adopt lr=0.3 weight_decay=0.5 decay_form=corrected",
     "adopt.Adopt(p, lr=0.3, clip_exp=0.25, weight_decay=0.5, "
     "decoupled=True, corrected_weight_decay=True)", dict(rates=RATES)),
]

# What sums over a tensor.

TIMM_TENSORS = [
    ("lamb lr=0.1 clip_norm=1", "lamb.Lamb(p, lr=0.1)"),
    ("lamb lr=0.1", "lamb.Lamb(p, lr=0.1, max_grad_norm=None)",
     dict(rates=RATES)),
    ("lamb lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 weight_decay=0.5",
     "lamb.Lamb(p, lr=0.1, betas=(0.8, 0.9), eps=0.01, weight_decay=0.5, "
     "max_grad_norm=None)"),
    ("lamb lr=0.1 weight_decay=0",
     "lamb.Lamb(p, lr=0.1, weight_decay=0, max_grad_norm=None, "
     "always_adapt=True)"),
    ("lars lr=30 weight_decay=0.1",
     "lars.Lars(p, lr=30.0, momentum=0.9, weight_decay=0.1)"),
    ("lars lr=1 momentum=0.8 trust=0.1 eps=0.3 weight_decay=0.5",
     "lars.Lars(p, lr=1.0, momentum=0.8, trust_coeff=0.1, eps=0.3, "
     "weight_decay=0.5)", dict(rates=[10 * rate for rate in RATES])),
    ("lars lr=1 momentum=0.7 nesterov=1 trust=0.1 weight_decay=0.3",
     "lars.Lars(p, lr=1.0, momentum=0.7, nesterov=True, trust_coeff=0.1, "
     "weight_decay=0.3)"),
    ("lars lr=1 trust=0.1",
     "lars.Lars(p, lr=1.0, momentum=0.9, trust_coeff=0.1, "
     "always_adapt=True)"),
    ("novograd lr=0.1", "nvnovograd.NvNovoGrad(p, lr=0.1)"),
    ("novograd lr=0.1 beta1=0.8 beta2=0.6 eps=0.3 weight_decay=0.5",
     "nvnovograd.NvNovoGrad(p, lr=0.1, betas=(0.8, 0.6), eps=0.3, "
     "weight_decay=0.5)", dict(rates=RATES)),
    ("adamp lr=0.1", "adamp.AdamP(p, lr=0.1)"),
    ("adamp lr=0.1 beta1=0.8 beta2=0.9 eps=1e-4 delta=1.4 weight_decay=0.5",
     "adamp.AdamP(p, lr=0.1, betas=(0.8, 0.9), eps=1e-4, delta=1.4, "
     "weight_decay=0.5)", dict(rates=RATES)),
    ("adamp lr=0.1 delta=0.6 wd_ratio=0.4 weight_decay=0.5 nesterov=1",
     "adamp.AdamP(p, lr=0.1, delta=0.6, wd_ratio=0.4, weight_decay=0.5, "
     "nesterov=True)"),
    ("adamp lr=0.1 delta=10", "adamp.AdamP(p, lr=0.1, delta=10.0)"),
    ("sgdp lr=0.1", "sgdp.SGDP(p, lr=0.1, momentum=0.9)"),
    ("sgdp lr=0.1 momentum=0.6 dampening=0.3 delta=1.4 weight_decay=0.5",
     "sgdp.SGDP(p, lr=0.1, momentum=0.6, dampening=0.3, delta=1.4, "
     "weight_decay=0.5)", dict(rates=RATES)),
    ("sgdp lr=0.1 momentum=0.7 dampening=0.2 nesterov=1 delta=0.6 "
     "wd_ratio=0.4 eps=1e-4 weight_decay=0.5",
     "sgdp.SGDP(p, lr=0.1, momentum=0.7, dampening=0.2, nesterov=True, "
     "delta=0.6, wd_ratio=0.4, eps=1e-4, weight_decay=0.5)"),
    ("sgdp lr=0.1 momentum=0.8 delta=10",
     "sgdp.SGDP(p, lr=0.1, momentum=0.8, delta=10.0)"),
    ("adamw lr=0.1 cautious_update=1",
     "adamw.AdamWLegacy(p, lr=0.1, caution=True)"),
    ("adamw lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 weight_decay=0.5 "
     "cautious_update=1 maximize=1",
     "adamw.AdamWLegacy(p, lr=0.1, betas=(0.8, 0.9), eps=0.01, "
     "weight_decay=0.5, caution=True, maximize=True)", dict(rates=RATES)),
    ("lion lr=0.1 cautious_update=1", "lion.Lion(p, lr=0.1, caution=True)"),
    ("lion lr=0.1 beta1=0.6 beta2=0.8 weight_decay=0.5 cautious_update=1",
     "lion.Lion(p, lr=0.1, betas=(0.6, 0.8), weight_decay=0.5, "
     "caution=True)", dict(rates=RATES)),
]

OPTIMI_TENSORS = [
    ("stable_adamw lr=0.1",
     "stableadamw.StableAdamW(p, lr=0.1, foreach=False, triton=False)"),
    ("stable_adamw lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 weight_decay=0.5",
     "stableadamw.StableAdamW(p, lr=0.1, betas=(0.8, 0.9), eps=0.01, "
     "weight_decay=0.5, foreach=False, triton=False)", dict(rates=RATES)),
    ("stable_adamw lr=0.1 beta2=0.999 weight_decay=0",
     "stableadamw.StableAdamW(p, lr=0.1, betas=(0.9, 0.999), weight_decay=0, "
     "foreach=False, triton=False)"),
]

KERAS_TENSORS = [
    ("lamb lr=0.1 eps=1e-7 weight_decay=0", "Lamb(0.1)"),
    ("lamb lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 weight_decay=0",
     "Lamb(0.1, beta_1=0.8, beta_2=0.9, epsilon=0.01)", dict(rates=RATES)),
]

OPTAX_TENSORS = [
    ("lamb lr=0.1 weight_decay=0", "lamb(0.1)"),
    ("lamb lr=0.1 beta1=0.8 beta2=0.9 eps=0.01 weight_decay=0.5",
     "lamb(lr, b1=0.8, b2=0.9, eps=0.01, weight_decay=0.5)",
     dict(rates=RATES)),
    ("lars lr=30 eps=0", "lars(30.0)"),
    ("lars lr=1 momentum=0.7 nesterov=1 trust=0.1 eps=0.3",
     "lars(1.0, momentum=0.7, nesterov=True, trust_coefficient=0.1, eps=0.3)"),
    ("lars lr=1 trust=0.1 eps=0 l2=0.5",
     "lars(1.0, trust_coefficient=0.1, weight_decay=0.5)"),
    ("novograd lr=0.1 beta1=0.9 beta2=0.25 eps=1e-6", "novograd(0.1)"),
    ("novograd lr=0.1 beta1=0.8 beta2=0.6 eps=0.3 weight_decay=0.5",
     "novograd(lr, b1=0.8, b2=0.6, eps=0.3, weight_decay=0.5)",
     dict(rates=RATES)),
]

SCHEDULEFREE = [
    ("schedule_free_sgd lr=0.1",
     "sgd_schedulefree.SGDScheduleFree(p, lr=0.1, foreach=False)",
     dict(steps=LONG)),
    ("schedule_free_sgd lr=0.3 momentum=0.6 warmup=5 r=1.5 "
     "weight_lr_power=1 weight_decay=0.3",
     "sgd_schedulefree.SGDScheduleFree(p, lr=0.3, momentum=0.6, "
     "warmup_steps=5, r=1.5, weight_lr_power=1, weight_decay=0.3, "
     "foreach=False)", dict(steps=LONG)),
    ("schedule_free_adamw lr=0.1",
     "adamw_schedulefree.AdamWScheduleFree(p, lr=0.1, foreach=False)",
     dict(steps=LONG)),
    ("schedule_free_adamw lr=0.3 beta1=0.6 beta2=0.9 eps=0.01 warmup=5 r=1.5 "
     "weight_lr_power=1 weight_decay=0.5",
     "adamw_schedulefree.AdamWScheduleFree(p, lr=0.3, betas=(0.6, 0.9), "
     "eps=0.01, warmup_steps=5, r=1.5, weight_lr_power=1, weight_decay=0.5, "
     "foreach=False)", dict(steps=LONG)),
]

TORCH_OPTIMIZER = [
    ("qhm lr=0.1 momentum=0.9", "qhm.QHM(p, lr=0.1, momentum=0.9)",
     dict(steps=LONG)),
    ("qhm lr=0.1 momentum=0.8 nu=0.4 l2=0.3",
     "qhm.QHM(p, lr=0.1, momentum=0.8, nu=0.4, weight_decay=0.3)",
     dict(rates=RATES)),
    ("qhm lr=0.1 momentum=0.8 weight_decay=0.5",
     "qhm.QHM(p, lr=0.1, momentum=0.8, weight_decay=0.5, "
     "weight_decay_type='direct')", dict(rates=RATES)),
    ("qhadam lr=0.1", "qhadam.QHAdam(p, lr=0.1, nus=(0.7, 1.0))",
     dict(steps=LONG)),
    ("qhadam lr=0.1 beta1=0.8 beta2=0.9 nu1=0.4 nu2=0.6 eps=0.01 l2=0.3",
     "qhadam.QHAdam(p, lr=0.1, betas=(0.8, 0.9), nus=(0.4, 0.6), eps=0.01, "
     "weight_decay=0.3)", dict(rates=RATES)),
    ("qhadam lr=0.1 nu2=0.5 weight_decay=0.5",
     "qhadam.QHAdam(p, lr=0.1, nus=(0.7, 0.5), weight_decay=0.5, "
     "decouple_weight_decay=True)", dict(rates=RATES)),
]


# --- numbers ------------------------------------------------------------------

def single(x):
    """x rounded to a float, as a double."""
    return struct.unpack("f", struct.pack("f", x))[0]


class Inputs:
    """Shapes of tensors, their parameters, and a gradient for each step."""

    def __init__(self, shapes, w, gradients):
        self.shapes, self.w, self.gradients = shapes, w, gradients

    def split(self, numbers):
        """The shape and the numbers of each tensor."""
        parts, begin = [], 0
        for shape in self.shapes:
            end = begin + math.prod(shape)
            parts.append((shape, numbers[begin:end]))
            begin = end
        return parts


def one_tensor():
    """Most of ordinary size."""
    rng = random.Random(20240229)
    w_scales = [1.0] * 6 + [1e-3, 30.0]
    g_scales = [1.0] * 4 + [0.1, 10.0, 1.0, 1.0] * 2 + [
        1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12,
        1e2, 1e3, 1e4, 1e6, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    w = [single(rng.gauss(0, 1) * w_scales[i % 8]) for i in range(COUNT)]
    gradients = []
    for t in range(LONG):
        g = [rng.gauss(0, 1) * g_scales[i] for i in range(COUNT)]
        g[1] = 0.0                                # never one
        g[3] = 0.0 if t < 2 else g[3]             # none at first
        g[5] = g[5] if t < 2 else 0.0             # none later
        g[7] = 1.0 + 0.1 * g[7]                   # always up
        gradients.append([single(x) for x in g])
    return Inputs([(COUNT,)], w, gradients)


def several_tensors():
    """Ranks 0 to 3; each tensor is of a size of its own."""
    rng = random.Random(20240301)
    shapes = [(4, 5), (6,), (2, 3, 2), (3,), (2,), ()]
    w_scales = [1.0, 1.0, 0.1, 0.0, 1.0, 3.0]     # the fourth begins at zero
    g_scales = [1.0, 10.0, 0.01, 1.0, 0.0, 0.1]   # the fifth has no gradient
    counts = [math.prod(shape) for shape in shapes]
    row = sum(counts[:2])                         # a row of the third tensor
    w = [single(rng.gauss(0, 1) * scale)
         for count, scale in zip(counts, w_scales) for _ in range(count)]
    gradients = []
    for t in range(STEPS):
        g = [rng.gauss(0, 1) * scale
             for count, scale in zip(counts, g_scales) for _ in range(count)]
        if t == 2:
            g[row:row + 6] = [0.0] * 6
        gradients.append([single(x) for x in g])
    return Inputs(shapes, w, gradients)


def slow_beta3(count):
    """AdEMAMix's beta3 of step count + 1, from 0.9 to 0.99 in 8 steps."""
    t = min(1.0, (int(count) + 1) / 8)
    low, high = math.log(0.9), math.log(0.99)
    return math.exp(low * high / ((1 - t) * high + t * low))


# --- frameworks: each runs a case and returns the parameters of each step -----

class Torch:
    cases, tensor_cases = TORCH, ()

    def __init__(self):
        import torch
        self.torch = torch
        self.names = vars(torch.optim)
        self.version = "torch " + torch.__version__
        self.prefix = "torch.optim."

    def run(self, theirs, double, inputs, rates, clip=0, scale=1):
        torch = self.torch
        dtype = torch.float64 if double else torch.float32
        torch.set_default_dtype(dtype)  # of scalars that it makes

        def tensors(numbers):
            return [torch.tensor(part, dtype=dtype).reshape(shape)
                    for shape, part in inputs.split(numbers)]

        p = [torch.nn.Parameter(x) for x in tensors(inputs.w)]
        optimizer = eval(theirs, dict(self.names, p=p))
        if hasattr(optimizer, "train"):
            optimizer.train()  # of schedulefree: the parameters are y
        path = []
        for g, rate in zip(inputs.gradients, rates):
            if rate is not None:
                for group in optimizer.param_groups:
                    group["lr"] = rate
            for x, grad in zip(p, tensors(g)):
                x.grad = grad
                x.grad.mul_(1.0 / scale)  # as torch.cuda.amp.GradScaler does
            if clip:
                torch.nn.utils.clip_grad_value_(p, clip)
            optimizer.step()
            path.append([v for x in p for v in x.detach().flatten().tolist()])
        return path


class Package(Torch):
    """Modules of a package, which itself wants a newer torch."""
    package, folders, modules = "", (), ()
    project = None  # on PyPI, where it is not called as the package

    def __init__(self):
        import importlib
        import importlib.metadata
        import types
        super().__init__()
        root = next(p for p in sys.path
                    if os.path.exists(os.path.join(p, self.package)))
        for name in (self.package,) + self.folders:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = [
                os.path.join(root, name.replace(".", "/"))]
        self.prefix = ((self.package,) + self.folders)[-1] + "."
        self.names = {name: importlib.import_module(self.prefix + name)
                      for name in self.modules}
        version = importlib.metadata.version(self.project or self.package)
        self.version = (f"{self.package} {version}, "
                        f"torch {self.torch.__version__}")


class Timm(Package):
    cases, tensor_cases = TIMM, TIMM_TENSORS
    package, folders = "timm", ("timm.optim",)
    modules = ("adabelief", "adamp", "adamw", "adan", "adopt", "lamb",
               "laprop", "lars", "lion", "nadam", "nadamw", "nvnovograd",
               "rmsprop_tf", "sgdp", "sgdw")


class Optimi(Package):
    cases, tensor_cases = (), OPTIMI_TENSORS
    package, project = "optimi", "torch-optimi"
    modules = ("stableadamw",)


class ScheduleFree(Package):
    cases, package = SCHEDULEFREE, "schedulefree"
    modules = ("adamw_schedulefree", "sgd_schedulefree")


class TorchOptimizer(Package):
    cases, package = TORCH_OPTIMIZER, "torch_optimizer"
    modules = ("qhadam", "qhm")


class Keras:
    cases, tensor_cases = KERAS, KERAS_TENSORS

    def __init__(self):
        os.environ["KERAS_BACKEND"] = "numpy"
        import keras
        import numpy
        from keras.src.backend.common import dtypes
        self.keras = keras
        self.types = dtypes.BIT64_TO_BIT32_DTYPE
        self.numpy = numpy
        self.version = f"keras {keras.__version__}, numpy {numpy.__version__}"
        self.prefix = "keras.optimizers."

    def run(self, theirs, double, inputs, rates):
        keras, dtype = self.keras, "float64" if double else "float32"
        keras.config.set_floatx(dtype)
        self.types["float64"] = dtype  # keras would make it float32

        def arrays(numbers):
            return [self.numpy.array(part, dtype).reshape(shape)
                    for shape, part in inputs.split(numbers)]

        variables = [keras.Variable(x, dtype=dtype) for x in arrays(inputs.w)]
        optimizer = eval(theirs, dict(vars(keras.optimizers)))
        optimizer.build(variables)
        path = []
        for g, rate in zip(inputs.gradients, rates):
            if rate is not None:
                optimizer.learning_rate = rate
            optimizer.apply(arrays(g), variables)
            assert all(x.numpy().dtype == dtype for x in variables)
            path.append([float(v) for x in variables
                         for v in x.numpy().flatten()])
        return path


class Optax:
    cases, tensor_cases = OPTAX, OPTAX_TENSORS

    def __init__(self):
        import jax
        import optax
        self.jax, self.optax = jax, optax
        self.version = f"optax {optax.__version__}, jax {jax.__version__}"
        self.prefix = "optax."

    def run(self, theirs, double, inputs, rates):
        jax, optax = self.jax, self.optax
        jax.config.update("jax_enable_x64", double)
        array = jax.numpy.array
        dtype = jax.numpy.float64 if double else jax.numpy.float32

        def arrays(numbers):
            return [array(part, dtype).reshape(shape)
                    for shape, part in inputs.split(numbers)]

        table = array([rate or 0.0 for rate in rates], dtype)
        rule = eval(theirs, dict(vars(optax), lr=lambda count: table[count],
                                 slow=slow_beta3))
        x = arrays(inputs.w)
        state = rule.init(x)
        path = []
        for g in inputs.gradients:
            update, state = rule.update(arrays(g), state, x)
            x = optax.apply_updates(x, update)
            assert all(v.dtype == dtype for v in x)
            path.append([float(v) for part in x for v in part.flatten()])
        return path


# --- the file -----------------------------------------------------------------

def write_numbers(out, keyword, numbers):
    print(keyword, file=out)
    for i in range(0, len(numbers), 8):
        print("  " + " ".join(f"{x:.9g}" for x in numbers[i:i + 8]), file=out)


def scales(w, path):
    """The largest that each parameter has been."""
    return [max(abs(x[i]) for x in [w] + path) for i in range(len(w))]


def check_path(ours, w, path):
    """A case whose parameters hardly move would show nothing."""
    assert all(abs(x) < 1e30 for step in path for x in step), ours
    moved = [abs(path[-1][i] - w[i]) > 0.1 * scale
             for i, scale in enumerate(scales(w, path))]
    assert sum(moved) >= len(w) / 3, f"{ours}: {sum(moved)} parameters move"


def own_error(w, double, float_):
    """How far the framework in single ends from itself in double."""
    return max(abs(float_[-1][i] - double[-1][i]) / scale
               for i, scale in enumerate(scales(w, double)))


def write_case(out, framework, inputs, ours, theirs, steps=STEPS, rates=None,
               **around):
    inputs = Inputs(inputs.shapes, inputs.w, inputs.gradients[:steps])
    rates = rates or [None] * steps
    double, float_ = (framework.run(theirs, d, inputs, rates, **around)
                      for d in (True, False))
    check_path(ours, inputs.w, double)
    print(f"\n# {framework.prefix}{theirs}\n"
          f"# in single off by {own_error(inputs.w, double, float_):.1e}\n"
          f"case {ours}", file=out)
    before = None
    for rate, x in zip(rates, double):
        if rate != before:
            print(f"rate {rate}", file=out)
        before = rate
        write_numbers(out, "step", x)


def write_cases(out, framework, inputs, cases):
    """What the cases begin with, and the cases."""
    if not cases:
        return
    print(f"\ncount {len(inputs.w)}", file=out)
    if len(inputs.shapes) > 1:
        for shape in inputs.shapes:
            print(" ".join(["tensor"] + [str(n) for n in shape]), file=out)
    write_numbers(out, "w", inputs.w)
    for g in inputs.gradients:
        write_numbers(out, "gradient", g)
    for case in cases:
        ours, theirs, *around = case
        write_case(out, framework, inputs, ours, theirs,
                   **(around[0] if around else {}))


def main():
    frameworks = {"torch": Torch, "timm": Timm, "keras": Keras, "optax": Optax,
                  "schedulefree": ScheduleFree,
                  "torch_optimizer": TorchOptimizer, "optimi": Optimi}
    if len(sys.argv) != 2 or sys.argv[1] not in frameworks:
        sys.exit("usage: golden.py " + "|".join(frameworks))
    name = sys.argv[1]
    framework = frameworks[name]()
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(root, "tests", "golden", name + ".txt"), "w",
              encoding="utf-8") as out:
        print(f"# {name}.txt - made by scripts/golden.py, see docs/golden.md\n"
              f"# {framework.version}", file=out)
        write_cases(out, framework, one_tensor(), framework.cases)
        write_cases(out, framework, several_tensors(), framework.tensor_cases)
        print("\nend", file=out)


main()
