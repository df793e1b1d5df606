// SPDX-License-Identifier: GPL-3.0-or-later
#include "source.h"
#include "base/debug.h"

// A process accepts what the others do not.
// A nested guest has a target of any kind around it.
const struct gg_source_ops *const gg_sources[] = { &gg_source_nested, &gg_source_stub,
						   &gg_source_vmcore, &gg_source_process, NULL };

const char gg_source_may_be_inside[] =
	"a CPU of the outer guest may be inside, and the registers are those of the last exit";

struct gg_error *gg_source_open(const struct gg_source_ops *const sources[],
				const struct gg_host *debugger, const struct gg_target *target,
				struct gg_source **ret)
{
	for (; *sources; sources++) {
		if (!(*sources)->accepts(target))
			continue;
		struct gg_error *err = (*sources)->open(debugger, target, ret);
		gg_debug(target->debug, "source: %s: %s", (*sources)->name,
			 err ? gg_error_message(err) : "open");
		if (!err)
			(*ret)->debug = target->debug;
		return err;
	}
	return gg_error_create(GG_UNSUPPORTED, "no guest can be looked at here");
}
