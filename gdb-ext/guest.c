// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest.h"
#include "cleanup.h"

#include <string.h>

struct gg_error *gg_guest_create(const struct gg_host *host, const struct gg_target *target,
				 struct gg_guest **ret)
{
	struct gg_guest *guest = calloc(1, sizeof(*guest));
	if (!guest)
		return gg_enomem;
	guest->pid = target->pid;

	struct gg_error *err = NULL;
	if (target->program_path && !(guest->program_path = strdup(target->program_path)))
		err = gg_enomem;
	if (!err && target->core_path)
		err = gg_core_file_open(target->core_path, &guest->core);
	if (err) {
		gg_guest_destroy(guest);
		return err;
	}
	gg_checked_host_init(&guest->checked, host, guest->core);
	guest->host = &guest->checked.host;
	gg_backing_init_host(&guest->backing, guest->host, guest->core);
	*ret = guest;
	return NULL;
}

void gg_guest_destroy(struct gg_guest *guest)
{
	if (!guest)
		return;
	gg_ram_map_destroy(guest->ram_map);
	gg_core_file_close(guest->core);
	free(guest->program_path);
	free(guest);
}

const struct gg_host *gg_guest_host(const struct gg_guest *guest)
{
	return guest->host;
}

struct gg_error *gg_guest_ram_map(struct gg_guest *guest, const struct gg_ram_map **ret)
{
	if (!guest->ram_map) {
		struct gg_qemu_ram ram;
		struct gg_error *err = gg_qemu_ram_read(guest->host, &ram);
		if (err)
			return err;
		err = gg_ram_map_create(&ram, &guest->ram_map);
		gg_qemu_ram_deinit(&ram);
		if (err)
			return err;
	}
	*ret = guest->ram_map;
	return NULL;
}

struct gg_error *
gg_guest_ram(struct gg_guest *guest,
	     struct gg_error *(*visit)(void *data, const struct gg_ram_range *range), void *data)
{
	const struct gg_ram_map *map;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	for (size_t i = 0; !err && i < map->count; i++)
		err = visit(data, &map->ranges[i]);
	return err;
}

struct gg_error *
gg_guest_absent(struct gg_guest *guest,
		struct gg_error *(*visit)(void *data, const struct gg_ram_range *piece), void *data)
{
	const struct gg_ram_map *map;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	return err ? err : gg_ram_map_absent(map, &guest->backing, visit, data);
}
