// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_LOG_TROUBLE_H
#define GG_LOG_TROUBLE_H

#include "log.h"

#include <gdb-guest/verdict.h>

// The troubles that a log reports.
struct gg_log_troubles {
	struct gg_trouble kinds[GG_TROUBLES]; // lines, the last line, its time
	uint64_t records;
	bool is_whole; // from the kernel's boot on
	bool has_time;
	uint64_t time; // of the last record
};

// Reads KERNEL's log. GG_NOT_FOUND without a log.
struct gg_error *gg_log_troubles_read(const struct gg_host *kernel, struct gg_log_troubles *ret);

// TROUBLES may be zeros.
void gg_log_troubles_deinit(struct gg_log_troubles *troubles);

// Finds the kind of trouble that TEXT, a record of the kernel's own, reports; GG_TROUBLES for none.
enum gg_trouble_kind gg_log_trouble_kind(const char *text, size_t size);

#endif
