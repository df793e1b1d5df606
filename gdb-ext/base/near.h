// SPDX-License-Identifier: GPL-3.0-or-later
//
// The names that are most like a name that there is not, for an error's message.
#ifndef GG_NEAR_H
#define GG_NEAR_H

#include "error.h"

enum { GG_NEAR_MOST = 3, GG_NEAR_NAME = 64 };

struct gg_near {
	const char *wanted;
	char names[GG_NEAR_MOST][GG_NEAR_NAME]; // the nearest first
	unsigned int distances[GG_NEAR_MOST];
	unsigned int count;
};

// Takes NAME for a candidate.
void gg_near_add(struct gg_near *near, const char *name);

// Adds "; there is A, B" to ERR's message, if there are such names. Consumes ERR.
struct gg_error *gg_near_error(const struct gg_near *near, struct gg_error *err);

#endif
