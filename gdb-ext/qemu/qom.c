// SPDX-License-Identifier: GPL-3.0-or-later
#include "qom.h"
#include "base/cleanup.h"
#include "base/text.h"

struct layout {
	struct gg_member class, type, name;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, class, "Object", "class"),
	GG_LAYOUT_ROW(struct layout, type, "ObjectClass", "type"),
	GG_LAYOUT_ROW(struct layout, name, "TypeImpl", "name"),
};

struct gg_error *gg_qom_type_name(const struct gg_host *host, uint64_t object, char **ret)
{
	enum { MAX_TYPE_NAME = 256 };
	struct layout layout;
	uint64_t class, type, name_address;
	_cleanup_free_ char *name = NULL;
	struct gg_error *err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &layout);
	if (!err)
		err = gg_host_read_member(host, object, &layout.class, &class);
	if (!err)
		err = gg_host_read_member(host, class, &layout.type, &type);
	if (!err)
		err = gg_host_read_member(host, type, &layout.name, &name_address);
	if (!err)
		err = gg_host_read_text(host, name_address, MAX_TYPE_NAME, &name);
	if (err)
		return gg_error_context(err, "the object's type");
	*ret = gg_text_escape(name);
	return *ret ? NULL : gg_enomem;
}
