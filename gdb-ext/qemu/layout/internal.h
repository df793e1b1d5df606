// SPDX-License-Identifier: GPL-3.0-or-later
//
// What those who find QEMU's structures tell each other.
#ifndef GG_STRUCTURE_INTERNAL_H
#define GG_STRUCTURE_INTERNAL_H

#include "base/debug.h"
#include "host-code.h"
#include "image.h"
#include "peek.h"

// ---- Answers ----

struct gg_answer {
	char type[24], path[48];
	struct gg_member member;
	char *proof;
};

struct gg_answers {
	struct gg_answer *list;
	size_t count;
};

void gg_answers_deinit(struct gg_answers *answers);

// FORMAT is the proof.
struct gg_error *gg_answers_add(struct gg_answers *answers, const char *type, const char *path,
				uint64_t offset, uint64_t size, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

// NULL where there is none.
const struct gg_answer *gg_answers_find(const struct gg_answers *answers, const char *type,
					const char *path);

// ---- What there is to look into ----

struct gg_finder {
	struct gg_peek *peek;
	const struct gg_host *host;       // the same memory; symbols that are the debugger's
	bool foreign_symbols;             // which has those of another program
	const struct gg_process_map *map; // NULL where not known
	const struct gg_images *images;
	const struct gg_debug *debug; // NULL: off
};

// Is every byte mapped? Where the areas are not known, the first one and the last can be read.
bool gg_finder_is_mapped(const struct gg_finder *finder, uint64_t address, uint64_t size);

// The symbol NAME of a program that is mapped, or else of the debugger's; GG_NOT_FOUND.
struct gg_error *gg_finder_symbol(const struct gg_finder *finder, const char *name,
				  struct gg_image_symbol *ret);

// The name of the type of the QOM object at ADDRESS (QEMU include/qom/object.h: an Object begins
// with its class, a class with its type, a type with its name). False where nothing like one is.
enum { GG_TYPE_NAME_SIZE = 80 };
bool gg_finder_type_name(const struct gg_finder *finder, uint64_t address, char *ret);

// Is it, and does its type's name end with SUFFIX?
bool gg_finder_is_object(const struct gg_finder *finder, uint64_t address, const char *suffix);

// ---- Those who find ----

// An object that knows which parts of SIZE bytes of RAM are there; address 0: there is none.
struct gg_discard_manager {
	uint64_t address, size;
};

// AddressSpace, FlatView, FlatRange, MemoryRegion, RAMBlock. The AddressSpace at ADDRESS has SIZE
// bytes, 0 where that is not known. MANAGER becomes that of some RAM, or is left alone.
struct gg_error *gg_find_ram(const struct gg_finder *finder, uint64_t address, uint64_t size,
			     struct gg_answers *answers, struct gg_discard_manager *manager);

// CPUState, from the head of QEMU's list of CPUs. FIRST becomes the first CPU.
struct gg_error *gg_find_cpus(const struct gg_finder *finder, uint64_t head,
			      struct gg_answers *answers, uint64_t *first);

// Does a list of CPUs have its head at ADDRESS?
bool gg_is_cpus_head(const struct gg_finder *finder, uint64_t address);

// QEnumLookup, from the table of names at ADDRESS.
struct gg_error *gg_find_enum_lookup(const struct gg_finder *finder, uint64_t address,
				     struct gg_answers *answers);

// Where in a VMStateField what is; stride 0 where that is not known.
struct gg_field_layout {
	size_t stride, offset, size, num;
};

// What the VMStateDescription of the CPU at CPU names: its members, and those of its parts. LAYOUT
// is found even where the CPU's architecture is not known.
struct gg_error *gg_find_cpu_fields(const struct gg_finder *finder, uint64_t cpu,
				    struct gg_answers *answers, struct gg_field_layout *layout);

// The CPU's apic_state and APICCommonState, from the CPU at CPU. GG_NOT_FOUND where it has no APIC.
struct gg_error *gg_find_apic(const struct gg_finder *finder, uint64_t cpu,
			      const struct gg_field_layout *layout, struct gg_answers *answers);

// VirtIOMEM, from one that is MANAGER, by the LAYOUT that the CPU's description has shown; and
// RamDiscardManager, should that stand between the RAM and it.
struct gg_error *gg_find_virtio_mem(const struct gg_finder *finder,
				    const struct gg_field_layout *layout,
				    const struct gg_discard_manager *manager,
				    struct gg_answers *answers);

// Returns the name in QEMU's source of the type of the CPU at CPU: "ARMCPU"; NULL where it is not
// known here.
const char *gg_cpu_type(const struct gg_finder *finder, uint64_t cpu);

// The variables, by what they lead to, in the data of the programs: 0 where there is none or no
// single one.
struct gg_variables {
	uint64_t address_space_memory, cpus, current_machine;
};
struct gg_error *gg_find_variables(const struct gg_finder *finder, struct gg_variables *ret);

// ---- What the binary's own code says ----

// Finds the place that FUNCTION accesses: an offset, for a variable an address. GG_NOT_FOUND where
// its code does not show that.
struct gg_error *gg_code_place(const struct gg_finder *finder, const char *function,
			       enum gg_code_access access, uint64_t *ret);

#endif
