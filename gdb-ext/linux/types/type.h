// SPDX-License-Identifier: GPL-3.0-or-later
//
// A type of a BTF as a printer of its values needs it, and its declaration in C.
#ifndef GG_TYPE_H
#define GG_TYPE_H

#include "base/buffer.h"
#include "btf.h"

enum gg_type_kind {
	GG_TYPE_VOID,
	GG_TYPE_INT,
	GG_TYPE_BOOL,
	GG_TYPE_CHAR, // C's char: an array is a text
	GG_TYPE_FLOAT,
	GG_TYPE_POINTER,
	GG_TYPE_ARRAY,
	GG_TYPE_STRUCT,
	GG_TYPE_UNION,
	GG_TYPE_ENUM,
	GG_TYPE_FUNCTION,
	GG_TYPE_HIDDEN, // a struct or union that is declared only
};

struct gg_type {
	uint32_t id; // behind typedefs and qualifiers
	enum gg_type_kind kind;
	const char *name; // "" without; lives as long as the BTF
	uint64_t size;
	bool is_signed;
	bool has_alias;  // a typedef led to it
	uint32_t target; // of a pointer or an array: the type's id
	uint64_t count;  // of members, elements or enumerators
};

// Returns the type ID behind its typedefs and qualifiers. GG_BAD_DATA where the BTF is damaged.
struct gg_error *gg_btf_type(const struct gg_btf *btf, uint32_t id, struct gg_type *ret);

static inline bool gg_type_is_composite(const struct gg_type *type)
{
	return type->kind == GG_TYPE_STRUCT || type->kind == GG_TYPE_UNION;
}

// Returns the member INDEX, below the count, of TYPE, a struct or union; its name is "" without.
struct gg_error *gg_btf_member_at(const struct gg_btf *btf, const struct gg_type *type,
				  uint32_t index, const char **name, struct gg_btf_member *ret);

// Returns the enumerator INDEX, below the count, of TYPE, an enumeration.
void gg_btf_enumerator_at(const struct gg_btf *btf, const struct gg_type *type, uint32_t index,
			  const char **name, int64_t *value);

struct gg_prototype {
	uint32_t id;
	uint32_t result; // the type's id; 0: nothing is returned
	uint32_t count;  // of parameters, without the "..." of a function that takes more
};

// Finds the prototype of the function NAME in BTF, but not in its base, which has other functions. Returns false without
// a prototype: also where functions of the name differ.
bool gg_btf_find_function(const struct gg_btf *btf, const char *name, struct gg_prototype *ret);

// Tests whether BTF has a prototype only where all functions of the name agree: else the prototype is one function's, nobody
// knows which. pahole leaves out the others by consistent_func, which the kernel asks for together with the tags of kfuncs
// (Linux scripts/Makefile.btf, v6.10).
bool gg_btf_has_shared_prototypes(const struct gg_btf *btf);

// Returns the parameter INDEX, below the count; its name is "" without.
void gg_btf_parameter_at(const struct gg_btf *btf, const struct gg_prototype *prototype,
			 uint32_t index, const char **name, uint32_t *type);

// Appends the declaration of NAME, which may be empty, as of the type ID: "struct list_head *next".
// Types without a name have "{...}" for their members.
void gg_btf_declare(const struct gg_btf *btf, uint32_t id, const char *name, struct gg_buffer *out);

#endif
