// SPDX-License-Identifier: GPL-3.0-or-later
#include "dwarf-encoder.h"

void gg_dwarf_put(struct gg_dwarf_encoder *encoder, unsigned int size, uint64_t value)
{
	gg_buffer_uint(&encoder->dwarf->info, size, value);
}

void gg_dwarf_put_code(struct gg_dwarf_encoder *encoder, enum gg_dwarf_entry code)
{
	gg_dwarf_append_uleb(&encoder->dwarf->info, code);
}

void gg_dwarf_put_name(struct gg_dwarf_encoder *encoder, uint32_t offset)
{
	gg_dwarf_put(encoder, 4, offset < encoder->base_names ? offset : offset + encoder->names);
}

void gg_dwarf_put_address(struct gg_dwarf_encoder *encoder, gg_gva_t address)
{
	gg_dwarf_put(encoder, encoder->dwarf->word, address);
}

uint32_t gg_dwarf_resolve(const struct gg_dwarf_encoder *encoder, uint32_t id)
{
	for (unsigned int i = 0; i < GG_DWARF_MODIFIERS; i++) {
		const struct btf_type *type = id ? btf__type_by_id(encoder->btf, id) : NULL;
		if (!type)
			return 0;
		if (!btf_is_type_tag(type))
			return id;
		id = type->type;
	}
	return 0;
}

void gg_dwarf_put_type(struct gg_dwarf_encoder *encoder, uint32_t id)
{
	const struct gg_dwarf_reference reference = { encoder->dwarf->info.size, id };
	gg_buffer_append(&encoder->references, &reference, sizeof(reference));
	gg_dwarf_put(encoder, 4, 0);
}
