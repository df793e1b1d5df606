// SPDX-License-Identifier: GPL-3.0-or-later
//
// A fuzz target is a file that defines LLVMFuzzerTestOneInput(). With clang's libFuzzer it fuzzes
// (make fuzz); with standalone.c it replays its seeds and a fixed number of variants (make check).
#ifndef FUZZ_H
#define FUZZ_H

#include <gdb-guest.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
