// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_LOG_END_H
#define GG_LOG_END_H

#include "log.h"

// The last things that a kernel logged; texts are escaped, NULL without such.
struct gg_log_end {
	bool has_time;
	uint64_t time; // of the last record, in nanoseconds of the kernel's clock
	char *last;    // the last record
	char *panic;   // the last "Kernel panic - not syncing: ..."
};

// Reads KERNEL's log to its end. GG_NOT_FOUND without a log.
struct gg_error *gg_log_end_read(const struct gg_host *kernel, struct gg_log_end *ret);
void gg_log_end_deinit(struct gg_log_end *end);

#endif
