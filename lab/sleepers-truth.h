// SPDX-License-Identifier: GPL-3.0-or-later
//
// The truth about a guest's tasks, and the end of a task by an error.
#ifndef LAB_SLEEPERS_TRUTH_H
#define LAB_SLEEPERS_TRUTH_H

#include <sys/types.h>

// Prints the text and errno's, and ends the task.
void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...);

// Returns the kernel's result; an error ends the task.
long must(long result, const char *what);

#define MUST(call) must((long)(call), #call)

// Reads a file up to its end or ROOM bytes; -1 is an error.
ssize_t read_all(const char *path, char *bytes, size_t room);

// Writes the file at PATH, which appears whole.
void write_truth(const char *path);

#endif
