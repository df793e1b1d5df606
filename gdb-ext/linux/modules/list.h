// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_MODULES_LIST_H
#define GG_MODULES_LIST_H

#include "modules.h"

// Members that the readers of struct module need.
struct gg_module_layout {
	// Members of struct module, read in one piece.
	struct gg_member state, list, name, taints, kallsyms;
	struct gg_member refcnt, init, exit, percpu, percpu_size, notes_attrs, source_list;
	struct gg_member btf_data, btf_data_size, btf_base_data, btf_base_data_size;
	struct gg_member num_orcs, orc_unwind_ip, orc_unwind;
	struct gg_member bases[GG_MODULE_RANGES], sizes[GG_MODULE_RANGES], codes[GG_MODULE_RANGES];
	// Members of other types.
	struct gg_member use_source, use_list;
	struct gg_member notes_count, notes_pointers, notes_first, note_stride, note_address,
		note_size;
	struct gg_member symtab, num_symtab, strtab, typetab;
	struct gg_member export_first, export_count; // of struct module, read one by one
	struct gg_member export_stride, export_value, export_name;
};

// Resolves all members.
struct gg_error *gg_module_layout_resolve(const struct gg_host *host, struct gg_module_layout *ret);

// Reads the list whose head is at HEAD. A damaged list is shorter, and has the damage.
struct gg_error *gg_module_list_read(const struct gg_answerers *kernel,
				     const struct gg_module_layout *layout, gg_gva_t head,
				     struct gg_module_list *ret);

// LIST may be zeros.
void gg_module_list_deinit(struct gg_module_list *list);

// Returns the layout of KERNEL's modules; NULL before the list was read.
const struct gg_module_layout *gg_modules_layout(const struct gg_answerers *kernel);

#endif
