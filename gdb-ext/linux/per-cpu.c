// SPDX-License-Identifier: GPL-3.0-or-later
//
// Per-CPU variables lie between __per_cpu_start and __per_cpu_end, at addresses that no CPU uses:
// in the kernel's image, or, in x86-64's kernels until v6.14, from 0 on (Linux commit 3e5d8f978435
// "x86: make percpu symbols zerobased on SMP"). __per_cpu_offset has what is added for each CPU
// (setup_per_cpu_areas() in arch/x86/kernel/setup_percpu.c).
//
// In:  the kernel's symbols and memory; registers that may hold the offset.
// Out: the offset.
// Trusts nothing it reads: the array has a limit.
#include "per-cpu.h"
#include "base/cleanup.h"
#include "base/cursor.h"

#include <inttypes.h>

enum { MAX_CPUS = 8192 }; // CONFIG_NR_CPUS of x86-64

bool gg_is_per_cpu(struct gg_symbols *symbols, gg_gva_t address)
{
	struct gg_symbol start, end;
	struct gg_error *err = gg_symbols_find(symbols, "__per_cpu_start", &start);
	if (!err)
		err = gg_symbols_find(symbols, "__per_cpu_end", &end);
	if (!err)
		return address >= start.address && address < end.address;
	gg_error_destroy(err);
	return false;
}

// The offset of a CPU without memory of its own, which leads to the variables' initial values.
static uint64_t initial_offset(struct gg_symbols *symbols)
{
	struct gg_symbol load;
	struct gg_error *err = gg_symbols_find(symbols, "__per_cpu_load", &load);
	if (!err)
		return load.address;
	gg_error_destroy(err);
	return 0;
}

static bool is_base(const struct gg_per_cpu_hints *hints, uint64_t offset)
{
	for (size_t i = 0; i < hints->base_count; i++)
		if (hints->bases[i] == offset)
			return true;
	return false;
}

// Finds the CPU among COUNT offsets.
static struct gg_error *choose(struct gg_cursor *offsets, unsigned int word, uint32_t count,
			       uint64_t initial, const struct gg_per_cpu_hints *hints,
			       struct gg_per_cpu *ret)
{
	bool found = false;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t offset;
		struct gg_error *err = gg_cursor_uint(offsets, word, &offset);
		if (err)
			return err;
		if (!offset || offset == initial)
			continue;
		const bool confirmed = is_base(hints, offset);
		if (confirmed || i == hints->index) {
			*ret = (struct gg_per_cpu){ .offset = offset,
						    .number = i,
						    .is_confirmed = confirmed };
			found = true;
		}
		if (confirmed)
			break;
	}
	return found ? NULL
		     : gg_error_create(GG_NOT_FOUND,
				       "the kernel has no per-CPU memory for CPU %" PRIu32,
				       hints->index);
}

struct gg_error *gg_per_cpu_find(struct gg_symbols *symbols, const struct gg_per_cpu_hints *hints,
				 struct gg_per_cpu *ret)
{
	struct gg_symbol array;
	struct gg_error *err = gg_symbols_find(symbols, "__per_cpu_offset", &array);
	if (err)
		return err;
	const struct gg_host *host = gg_symbols_host(symbols);
	const unsigned int word = host->address_size;
	const uint64_t room = array.size / word;
	const uint32_t count = room < MAX_CPUS ? (uint32_t)room : MAX_CPUS;
	const size_t size = (size_t)count * word;
	_cleanup_free_ uint8_t *bytes = malloc(size + 1);
	if (!bytes)
		return gg_enomem;
	err = gg_host_read(host, array.address, bytes, size);
	if (err)
		return gg_error_context(err, "__per_cpu_offset");
	struct gg_cursor offsets = gg_cursor(bytes, size, host->big_endian, "__per_cpu_offset");
	return choose(&offsets, word, count, initial_offset(symbols), hints, ret);
}
