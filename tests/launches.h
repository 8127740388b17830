/*
 * launches.h - counts launches, with --wrap=clEnqueueNDRangeKernel
 * SPDX-License-Identifier: MIT
 */
#ifndef LAUNCHES_H
#define LAUNCHES_H

extern unsigned launches;

#endif /* LAUNCHES_H */
