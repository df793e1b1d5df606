// SPDX-License-Identifier: GPL-3.0-or-later
//
// The keys are those of Linux 6.18, drivers/tty/sysrq.c, sysrq_key_table; older kernels have fewer.
// On x86 some are there for other architectures only, or for a driver to claim.
#include <gdb-guest/sysrq.h>

#include <string.h>

static const struct gg_sysrq_key keys[] = {
	{ 'a', false, "does nothing, but where a driver has claimed the key" },
	{ 'b', true, "resets the machine at once: nothing is written to disks, nothing unmounted" },
	{ 'c', true, "crashes, and runs the kernel for crash dumps if one is loaded" },
	{ 'd', false, "logs the locks that are held (with CONFIG_LOCKDEP)" },
	{ 'e', true, "sends SIGTERM to all processes but init" },
	{ 'f', true, "has the OOM killer kill a process" },
	{ 'g', true, "stops in its debugger (with CONFIG_KGDB)" },
	{ 'h', false, "logs the keys that it knows" },
	{ 'i', true, "sends SIGKILL to all processes but init" },
	{ 'j', false, "thaws file systems that were frozen (FIFREEZE)" },
	{ 'k', true, "kills all processes of the current virtual console (Secure Access Key)" },
	{ 'l', false, "logs the stack of what each busy CPU executes" },
	{ 'm', false, "logs how memory is used" },
	{ 'n', false, "makes real-time processes ordinary ones" },
	{ 'o', true, "switches the machine off" },
	{ 'p', false, "logs the registers of the CPU that gets the key" },
	{ 'q', false, "logs the timers of each CPU" },
	{ 'r', false, "takes the keyboard out of raw mode" },
	{ 's', false, "writes to disks what has not been written yet" },
	{ 't', false, "logs all tasks with their stacks" },
	{ 'u', true, "makes all file systems read-only, once they are written" },
	{ 'v', false, "restores the console of a frame buffer" },
	{ 'w', false, "logs the tasks that wait without being interruptible (state D)" },
	{ 'x', false, "does nothing, but where a driver has claimed the key" },
	{ 'y', false, "does nothing, but where a driver has claimed the key" },
	{ 'z', false, "logs what ftrace has recorded, and empties that" },
	{ 'R', false, "writes its log to the consoles once more (since 6.10)" },
	{ '0', false, "shows nothing on its consoles, until it crashes" },
	{ '1', false, "shows messages of level 0 (emerg) on its consoles" },
	{ '2', false, "shows messages up to level 1 (alert) on its consoles" },
	{ '3', false, "shows messages up to level 2 (crit) on its consoles" },
	{ '4', false, "shows messages up to level 3 (err) on its consoles" },
	{ '5', false, "shows messages up to level 4 (warn) on its consoles" },
	{ '6', false, "shows messages up to level 5 (notice) on its consoles" },
	{ '7', false, "shows messages up to level 6 (info) on its consoles" },
	{ '8', false, "shows all messages on its consoles" },
	{ '9', false, "shows all messages on its consoles" },
};

const struct gg_sysrq_key *gg_sysrq_keys(size_t *ret_count)
{
	*ret_count = sizeof(keys) / sizeof(*keys);
	return keys;
}

// A row of a keyboard has codes that follow each other (set 1; "Print Screen" with Alt is SysRq).
static const struct {
	const char *keys;
	uint8_t first;
} rows[] = {
	{ "1234567890", 0x02 },
	{ "qwertyuiop", 0x10 },
	{ "asdfghjkl", 0x1e },
	{ "zxcvbnm", 0x2c },
};

enum { ALT = 0x38, SYSRQ = 0x54, SHIFT = 0x2a, RELEASED = 0x80 };

static uint8_t code_of(char key)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *at = strchr(rows[i].keys, key);
		if (at)
			return (uint8_t)(rows[i].first + (at - rows[i].keys));
	}
	return 0;
}

void gg_sysrq_type(char key, struct gg_sysrq_codes *ret)
{
	const bool is_capital = key >= 'A' && key <= 'Z';
	*ret = (struct gg_sysrq_codes){ 0 };
	ret->press[ret->press_count++] = ALT;
	ret->press[ret->press_count++] = SYSRQ;
	if (is_capital)
		ret->press[ret->press_count++] = SHIFT;
	ret->press[ret->press_count++] = code_of(is_capital ? (char)(key - 'A' + 'a') : key);
	// The last one is let go first.
	while (ret->release_count < ret->press_count) {
		const size_t i = ret->release_count++;
		ret->release[i] = ret->press[ret->press_count - 1 - i] | RELEASED;
	}
}
