// SPDX-License-Identifier: GPL-3.0-or-later
//
// The modules of a guest's kernel. The list is read at the first question and kept with the kernel.
#ifndef GG_MODULES_H
#define GG_MODULES_H

#include "linux/answerers/answerers.h"

enum {
	GG_MODULE_RANGES = 7, // MOD_MEM_NUM_TYPES
	GG_BUILD_ID_MAX = 64,
};

// The kernel's own values (enum module_state).
enum gg_module_state { GG_MODULE_LIVE, GG_MODULE_COMING, GG_MODULE_GOING, GG_MODULE_UNFORMED };

struct gg_module_range {
	gg_gva_t start;
	uint64_t size; // 0: none
	uint64_t code; // the bytes at the start that are code
};

struct gg_module {
	gg_gva_t address; // of its struct module
	char *name;       // escaped
	enum gg_module_state state;
	// The range of the text first, the ranges of the init sections last.
	struct gg_module_range ranges[GG_MODULE_RANGES];
	uint64_t size;      // of all ranges
	uint64_t taints;    // a bit for each (enum taint_flags: TAINT_ ...)
	int64_t references; // -1: not known
	bool is_permanent;  // it has an init function and no exit function
	gg_gva_t per_cpu;   // its per-CPU variables, as symbols have them
	uint64_t per_cpu_size;
	// Addresses of its tables; 0 for a table that it lacks.
	gg_gva_t kallsyms, notes;
	gg_gva_t btf; // split BTF, which builds on the kernel's
	uint32_t btf_size;
	gg_gva_t btf_base; // distilled base BTF (Linux commit 8646db238997, v6.11)
	uint32_t btf_base_size;
	gg_gva_t orc_ip, orc; // of ORC_COUNT elements
	uint32_t orc_count;
};

// The modules in the kernel's order, the newest first.
struct gg_module_list {
	struct gg_module *modules;
	size_t count;
	struct gg_error *damage; // the reason the list may lack modules, or NULL
};

struct gg_modules;

// Reads the list, once; owned by KERNEL. GG_NOT_FOUND where the kernel has no modules, or its types
// are not known.
struct gg_error *gg_modules_list(const struct gg_answerers *kernel,
				 const struct gg_module_list **ret);

// Finds the module that has ADDRESS, or is called NAME ("-" and "_" are the same); NULL without.
const struct gg_module *gg_modules_at(const struct gg_module_list *list, gg_gva_t address);
const struct gg_module *gg_modules_named(const struct gg_module_list *list, const char *name);

// Lists the modules that use MODULE, by the addresses of their struct module. The caller frees RET.
struct gg_error *gg_module_users(const struct gg_answerers *kernel, const struct gg_module *module,
				 gg_gva_t **ret, size_t *count);

// Reads MODULE's build ID, of at most GG_BUILD_ID_MAX bytes. GG_NOT_FOUND where it has none.
struct gg_error *gg_module_build_id(const struct gg_answerers *kernel,
				    const struct gg_module *module, uint8_t ret[GG_BUILD_ID_MAX],
				    size_t *size);

// Calls VISIT with MODULE's symbols, ascending by address. An error of VISIT's ends it.
struct gg_error *gg_module_symbols(const struct gg_answerers *kernel,
				   const struct gg_module *module, gg_visit_symbol_fn *visit,
				   void *data);

// Registers the finder of the modules' symbols; nothing is read yet. AREA is where modules may be.
// KERNEL's modules can be asked for then.
struct gg_error *gg_modules_add_finder(struct gg_answerers *kernel, int order, gg_gva_t area,
				       uint64_t area_size, const struct gg_debug *debug);

// Registers the finder of the code that BPF has made in AREA, whose symbols have the module "bpf".
struct gg_error *gg_bpf_add_finder(struct gg_answerers *kernel, int order, gg_gva_t area,
				   uint64_t area_size, const struct gg_debug *debug);

#endif
