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

// Counts the CPUs that the kernel can have: nr_cpu_ids, where that is a variable, and no more than
// ROOM.
static uint32_t count_cpus(struct gg_symbols *symbols, uint64_t room)
{
	const uint32_t most = room < MAX_CPUS ? (uint32_t)room : MAX_CPUS;
	gg_gva_t address;
	uint64_t count = 0;
	struct gg_error *err = gg_symbols_address(symbols, "nr_cpu_ids", &address);
	if (!err)
		err = gg_host_read_uint(gg_symbols_host(symbols), address, sizeof(uint32_t),
					&count);
	gg_error_destroy(err);
	return count && count < most ? (uint32_t)count : most;
}

// Reads the array __per_cpu_offset, COUNT offsets of host->address_size bytes.
static struct gg_error *read_array(struct gg_symbols *symbols, uint8_t **ret, uint32_t *count)
{
	struct gg_symbol array;
	struct gg_error *err = gg_symbols_find(symbols, "__per_cpu_offset", &array);
	if (err)
		return err;
	const struct gg_host *host = gg_symbols_host(symbols);
	// A symbol without a size: nr_cpu_ids is the bound.
	*count = count_cpus(symbols, array.size ? array.size / host->address_size : MAX_CPUS);
	const size_t size = (size_t)*count * host->address_size;
	*ret = malloc(size + 1);
	if (!*ret)
		return gg_enomem;
	err = gg_host_read(host, array.address, *ret, size);
	return err ? gg_error_context(err, "__per_cpu_offset") : NULL;
}

struct gg_error *gg_per_cpu_find(struct gg_symbols *symbols, const struct gg_per_cpu_hints *hints,
				 struct gg_per_cpu *ret)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	uint32_t count;
	struct gg_error *err = read_array(symbols, &bytes, &count);
	if (err)
		return err;
	const struct gg_host *host = gg_symbols_host(symbols);
	const unsigned int word = host->address_size;
	struct gg_cursor offsets =
		gg_cursor(bytes, (uint64_t)count * word, host->big_endian, "__per_cpu_offset");
	return choose(&offsets, word, count, initial_offset(symbols), hints, ret);
}

struct gg_error *gg_per_cpu_offsets(struct gg_symbols *symbols, uint64_t **ret, size_t *count)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	uint32_t cpus = 0;
	struct gg_error *err = read_array(symbols, &bytes, &cpus);
	*ret = NULL;
	*count = cpus;
	if (err)
		return err;
	const struct gg_host *host = gg_symbols_host(symbols);
	const unsigned int word = host->address_size;
	const uint64_t initial = initial_offset(symbols);
	struct gg_cursor array =
		gg_cursor(bytes, (uint64_t)cpus * word, host->big_endian, "__per_cpu_offset");
	*ret = calloc(cpus + 1, sizeof(**ret));
	if (!*ret)
		return gg_enomem;
	for (uint32_t i = 0; !err && i < cpus; i++) {
		err = gg_cursor_uint(&array, word, &(*ret)[i]);
		if ((*ret)[i] == initial)
			(*ret)[i] = 0;
	}
	return err;
}

// The mask is an array of words of the kernel's.
struct gg_error *gg_cpu_mask_read(const struct gg_host *host, gg_gva_t mask, size_t cpu, bool *ret)
{
	enum { BYTE = 8 };
	const unsigned int size = host->address_size;
	const size_t bits = (size_t)size * BYTE;
	uint64_t word = 0;
	struct gg_error *err = gg_host_read_uint(host, mask + cpu / bits * size, size, &word);
	*ret = word >> cpu % bits & 1;
	return err;
}
