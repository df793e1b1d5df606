// SPDX-License-Identifier: GPL-3.0-or-later
//
// Scope-based cleanup: a variable declared with one of these is released on every way out of its
// scope.
#ifndef GG_CLEANUP_H
#define GG_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void gg_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void gg_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_      _cleanup_(gg_cleanup_free)
#define _cleanup_close_     _cleanup_(gg_cleanup_close)

// The pointer's value, taken away from its cleanup.
#define no_cleanup_ptr(pointer)                                                                    \
	({                                                                                         \
		__auto_type gg_taken = (pointer);                                                  \
		(pointer) = NULL;                                                                  \
		gg_taken;                                                                          \
	})

#endif
