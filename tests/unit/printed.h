// SPDX-License-Identifier: GPL-3.0-or-later
//
// The text and the notices that the functions under test write.
#ifndef PRINTED_H
#define PRINTED_H

#include <gdb-guest/notices.h>
#include <gdb-guest/writer.h>

extern char output[1 << 20]; // the text so far
extern char told[1 << 14];   // the notices so far, a line each

// Append to OUTPUT and to TOLD. A text without room fails the test.
extern const struct gg_writer to_output;
extern const struct gg_notices to_told;

// Empties both.
void forget_output(void);

#endif
