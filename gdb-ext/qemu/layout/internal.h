// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parts that the finders of QEMU's structures share.
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

// Tests whether every byte is mapped; where the areas are not known, whether the first and the last
// can be read.
bool gg_finder_is_mapped(const struct gg_finder *finder, uint64_t address, uint64_t size);

// Finds the symbol NAME in a program that is mapped, or else by the debugger; GG_NOT_FOUND.
struct gg_error *gg_finder_symbol(const struct gg_finder *finder, const char *name,
				  struct gg_image_symbol *ret);

// Reads the name of the type of the QOM object at ADDRESS (QEMU include/qom/object.h: an Object
// begins with its class, a class with its type, a type with its name). False where there is no
// object.
enum { GG_TYPE_NAME_SIZE = 80 };
bool gg_finder_type_name(const struct gg_finder *finder, uint64_t address, char *ret);

// Tests whether there is an object whose type's name ends with SUFFIX.
bool gg_finder_is_object(const struct gg_finder *finder, uint64_t address, const char *suffix);

// ---- Those who find ----

// An object that has the plugged parts of SIZE bytes of RAM; address 0: there is none.
struct gg_discard_manager {
	uint64_t address, size;
};

// Finds AddressSpace, FlatView, FlatRange, MemoryRegion, RAMBlock. The AddressSpace at ADDRESS has
// SIZE bytes, 0 where that is not known. MANAGER becomes the manager of some RAM, or is left alone.
struct gg_error *gg_find_ram(const struct gg_finder *finder, uint64_t address, uint64_t size,
			     struct gg_answers *answers, struct gg_discard_manager *manager);

// Finds CPUState, from the head of QEMU's list of CPUs. FIRST becomes the first CPU.
struct gg_error *gg_find_cpus(const struct gg_finder *finder, uint64_t head,
			      struct gg_answers *answers, uint64_t *first);

// Tests whether a list of CPUs has its head at ADDRESS.
bool gg_is_cpus_head(const struct gg_finder *finder, uint64_t address);

// Finds QEnumLookup, from the table of names at ADDRESS.
struct gg_error *gg_find_enum_lookup(const struct gg_finder *finder, uint64_t address,
				     struct gg_answers *answers);

// The places of the members of a VMStateField; stride 0 where they are not known.
struct gg_field_layout {
	size_t stride, offset, size, num;
};

// Finds the members that the VMStateDescription of the CPU at CPU names, and the members of its
// parts. LAYOUT is found even where the CPU's architecture is not known.
struct gg_error *gg_find_cpu_fields(const struct gg_finder *finder, uint64_t cpu,
				    struct gg_answers *answers, struct gg_field_layout *layout);

// Finds the CPU's apic_state and APICCommonState, from the CPU at CPU. GG_NOT_FOUND without an
// APIC.
struct gg_error *gg_find_apic(const struct gg_finder *finder, uint64_t cpu,
			      const struct gg_field_layout *layout, struct gg_answers *answers);

// Finds VirtIOMEM, from the object MANAGER, by the LAYOUT that the CPU's description has shown; and
// RamDiscardManager, if it stands between the RAM and the VirtIOMEM.
struct gg_error *gg_find_virtio_mem(const struct gg_finder *finder,
				    const struct gg_field_layout *layout,
				    const struct gg_discard_manager *manager,
				    struct gg_answers *answers);

// Returns the name in QEMU's source of the type of the CPU at CPU: "ARMCPU"; NULL where it is not
// known here.
const char *gg_cpu_type(const struct gg_finder *finder, uint64_t cpu);

// Finds the variables, by the structures that they lead to, in the data of the programs: 0 where
// there is no candidate, or more than one.
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
