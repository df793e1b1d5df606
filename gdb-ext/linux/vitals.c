// SPDX-License-Identifier: GPL-3.0-or-later
//
// What a Linux kernel itself knows of how it is (v3.0 to v7.2):
//
//     panic_cpu                   kernel/panic.c     -1, or the CPU in panic(); since v4.4
//     tainted_mask, taint_flags   kernel/panic.c     the letters are in a table since v4.10
//     oops_count, warn_count      kernel/exit.c, kernel/panic.c     since v6.2
//     die_counter                 an architecture's die()
//     system_state                init/main.c
//     avenrun                     kernel/sched/loadavg.c     in 2048ths
//     __cpu_online_mask           kernel/cpu.c
//     vm_event_states             mm/vmstat.c     for each CPU; OOM_KILL since v4.13
//     rcu_stall_count             kernel/rcu/tree_stall.h     since v6.16
//     softlockup_count, hardlockup_count     kernel/watchdog.c     since v6.16
//     sysctl_hung_task_detect_count     kernel/hung_task.c     since v6.13
//
// In:  the kernel's symbols, types and memory.
// Out: the facts.
// Trusts nothing it reads: a letter of the table that is no letter is '?'.
#include "vitals.h"
#include "base/cleanup.h"
#include "per-cpu.h"

#include <string.h>

// Reads the variable NAME of SIZE bytes; RET stays unknown where that fails. Errors are final.
static struct gg_error *read_variable(const struct gg_host *host, const char *name,
				      unsigned int size, struct gg_known *ret)
{
	gg_gva_t address;
	uint64_t value;
	struct gg_error *err = gg_host_symbol(host, name, &address);
	if (!err)
		err = gg_host_read_uint(host, address, size, &value);
	if (!err)
		*ret = (struct gg_known){ .is_known = true,
					  .value = size == sizeof(int32_t) ? (int32_t)value
									   : (int64_t)value };
	return gg_error_unless_final(err);
}

// Reads the variable NAME, and keeps the larger of it and RET: a count that is kept in two places.
static struct gg_error *read_count(const struct gg_host *host, const char *name, unsigned int size,
				   struct gg_known *ret)
{
	struct gg_known count = { .is_known = false };
	struct gg_error *err = read_variable(host, name, size, &count);
	if (count.is_known && (!ret->is_known || count.value > ret->value))
		*ret = count;
	return err;
}

static struct gg_error *read_counts(const struct gg_host *host, struct gg_verdict *ret)
{
	struct gg_trouble *troubles = ret->troubles;
	struct gg_error *err = read_count(host, "oops_count", 4, &troubles[GG_OOPS].count);
	if (!err)
		err = read_count(host, "die_counter", 4, &troubles[GG_OOPS].count);
	if (!err)
		err = read_count(host, "warn_count", 4, &troubles[GG_WARNING].count);
	if (!err)
		err = read_count(host, "rcu_stall_count", 4, &troubles[GG_RCU_STALL].count);
	if (!err)
		err = read_count(host, "softlockup_count", 4, &troubles[GG_SOFT_LOCKUP].count);
	if (!err)
		err = read_count(host, "hardlockup_count", 4, &troubles[GG_HARD_LOCKUP].count);
	if (!err)
		err = read_count(host, "sysctl_hung_task_detect_count", host->address_size,
				 &troubles[GG_HUNG_TASK].count);
	return err ? err : read_variable(host, "panic_cpu", 4, &ret->panic_cpu);
}

// ---- The count of OOM kills ----

static struct gg_error *sum_events(const struct gg_answerers *kernel, int64_t event,
				   struct gg_known *ret)
{
	_cleanup_free_ uint64_t *offsets = NULL;
	size_t count;
	gg_gva_t address;
	uint64_t sum = 0;
	struct gg_error *err = gg_host_symbol(&kernel->host, "vm_event_states", &address);
	if (!err)
		err = gg_per_cpu_offsets(kernel->symbols, &offsets, &count);
	const unsigned int word = kernel->host.address_size;
	for (size_t i = 0; !err && i < count; i++) {
		uint64_t value = 0;
		if (offsets[i])
			err = gg_host_read_uint(&kernel->host,
						address + offsets[i] + (uint64_t)event * word, word,
						&value);
		sum += value;
	}
	if (!err)
		*ret = (struct gg_known){ .is_known = true, .value = (int64_t)sum };
	return err;
}

static struct gg_error *read_oom_kills(const struct gg_answerers *kernel, struct gg_known *ret)
{
	int64_t event;
	struct gg_error *err =
		gg_types_enumerator(kernel->types, "vm_event_item", "OOM_KILL", &event);
	if (!err && event >= 0)
		err = sum_events(kernel, event, ret);
	return gg_error_unless_final(err);
}

// ---- Taint ----

// Finds the size of an entry of the table BYTES: 'P' and 'G', then 'F' and ' ' in the next entry, 'S'
// and ' ' in the one behind it. 0 without.
static size_t taint_entry_size(const uint8_t *bytes, size_t size)
{
	for (size_t stride = 3; 2 * stride + 1 < size && !memcmp(bytes, "PG", 2); stride++)
		if (!memcmp(bytes + stride, "F ", 2) && !memcmp(bytes + 2 * stride, "S ", 2))
			return stride;
	return 0;
}

static void name_taints(const uint8_t *bytes, size_t size, struct gg_verdict *ret)
{
	const size_t stride = taint_entry_size(bytes, size);
	const uint64_t mask = (uint64_t)ret->taint.value;
	for (unsigned int bit = 0; bit < GG_TAINTS_MAX; bit++) {
		if (!(mask >> bit & 1))
			continue;
		const bool is_there = stride && bit * stride < size;
		const char letter = is_there ? (char)bytes[bit * stride] : '?';
		ret->taints[ret->taint_count++] = (struct gg_taint_flag){
			.bit = bit,
			.letter = letter >= 'A' && letter <= 'Z' ? letter : '?',
		};
	}
}

static struct gg_error *read_taint(const struct gg_answerers *kernel, struct gg_verdict *ret)
{
	enum { MOST = 1024 };
	uint8_t bytes[MOST];
	struct gg_symbol table;
	struct gg_error *err = read_variable(&kernel->host, "tainted_mask",
					     kernel->host.address_size, &ret->taint);
	if (err || !ret->taint.is_known)
		return err;
	size_t size = 0;
	err = gg_symbols_find(kernel->symbols, "taint_flags", &table);
	if (!err) {
		size = table.size < MOST ? table.size : MOST;
		err = gg_host_read(&kernel->host, table.address, bytes, size);
	}
	name_taints(bytes, err ? 0 : size, ret);
	return gg_error_unless_final(err);
}

// ---- The state ----

// Linux include/linux/kernel.h: enum system_states.
static struct gg_error *read_phase(const struct gg_answerers *kernel, struct gg_verdict *ret)
{
	static const struct {
		const char *name, *word;
	} phases[] = {
		{ "SYSTEM_BOOTING", "booting" },
		{ "SYSTEM_SCHEDULING", "booting" },
		{ "SYSTEM_FREEING_INITMEM", "booting" },
		{ "SYSTEM_RUNNING", "running" },
		{ "SYSTEM_HALT", "halted" },
		{ "SYSTEM_POWER_OFF", "powering off" },
		{ "SYSTEM_RESTART", "restarting" },
		{ "SYSTEM_SUSPEND", "suspending" },
	};
	struct gg_known state = { .is_known = false };
	struct gg_error *err = read_variable(&kernel->host, "system_state", 4, &state);
	for (size_t i = 0; !err && state.is_known && i < sizeof(phases) / sizeof(*phases); i++) {
		int64_t value;
		err = gg_types_enumerator(kernel->types, "system_states", phases[i].name, &value);
		if (!err && value == state.value)
			ret->phase = phases[i].word;
		err = gg_error_unless_final(err);
	}
	return err;
}

static struct gg_error *read_load(const struct gg_host *host, struct gg_verdict *ret)
{
	enum { AVERAGES = sizeof(ret->load) / sizeof(*ret->load) };
	gg_gva_t address;
	struct gg_error *err = gg_host_symbol(host, "avenrun", &address);
	for (size_t i = 0; !err && i < AVERAGES; i++) {
		uint64_t value;
		err = gg_host_read_uint(host, address + i * host->address_size, host->address_size,
					&value);
		if (!err)
			ret->load[i] =
				(struct gg_known){ .is_known = true, .value = (int64_t)value };
	}
	return gg_error_unless_final(err);
}

static struct gg_error *count_online(const struct gg_answerers *kernel, struct gg_known *ret)
{
	_cleanup_free_ uint64_t *offsets = NULL;
	size_t count;
	gg_gva_t mask;
	int64_t online = 0;
	// "cpu_online_bits" became "__cpu_online_mask" in Linux commit 4b804c85dc37 (v4.5).
	struct gg_error *err = gg_host_symbol(&kernel->host, "__cpu_online_mask", &mask);
	if (!err)
		err = gg_per_cpu_offsets(kernel->symbols, &offsets, &count);
	for (size_t i = 0; !err && i < count; i++) {
		bool is_online = false;
		err = gg_cpu_mask_read(&kernel->host, mask, i, &is_online);
		online += is_online;
	}
	if (!err)
		*ret = (struct gg_known){ .is_known = true, .value = online };
	return gg_error_unless_final(err);
}

struct gg_error *gg_vitals_read(const struct gg_answerers *kernel, struct gg_verdict *ret)
{
	struct gg_error *err = read_counts(&kernel->host, ret);
	if (!err)
		err = read_oom_kills(kernel, &ret->troubles[GG_OOM_KILL].count);
	if (!err)
		err = read_taint(kernel, ret);
	if (!err)
		err = read_phase(kernel, ret);
	if (!err)
		err = read_load(&kernel->host, ret);
	return err ? err : count_online(kernel, &ret->online);
}
