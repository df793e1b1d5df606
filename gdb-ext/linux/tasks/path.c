// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walk from a dentry up to the root (Linux fs/d_path.c, prepend_path() and d_path(), v5.2 to
// v7.2).
//
// In:  the kernel's members and memory.
// Out: a path, whose names may be any bytes but NUL.
// Trusts nothing it reads: the path's size and the number of steps are bounded.
#include "path.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PATH = 4096, MAX_NAME = 255, MAX_STEPS = 4096 };

static const char deleted[] = " (deleted)";

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct gg_path_layout, name, "dentry", "d_name.name"),
	GG_LAYOUT_ROW(struct gg_path_layout, name_length, "dentry", "d_name.len"),
	GG_LAYOUT_ROW(struct gg_path_layout, parent, "dentry", "d_parent"),
	GG_LAYOUT_ROW(struct gg_path_layout, hash, "dentry", "d_hash.pprev"),
	GG_LAYOUT_ROW(struct gg_path_layout, vfsmount, "mount", "mnt"),
	GG_LAYOUT_ROW(struct gg_path_layout, mount_parent, "mount", "mnt_parent"),
	GG_LAYOUT_ROW(struct gg_path_layout, mount_point, "mount", "mnt_mountpoint"),
	GG_LAYOUT_ROW(struct gg_path_layout, mount_root, "vfsmount", "mnt_root"),
	GG_LAYOUT_ROW(struct gg_path_layout, file_mount, "file", "f_path.mnt"),
	GG_LAYOUT_ROW(struct gg_path_layout, file_dentry, "file", "f_path.dentry"),
	GG_LAYOUT_ROW(struct gg_path_layout, directory_mount, "fs_struct", "pwd.mnt"),
	GG_LAYOUT_ROW(struct gg_path_layout, directory_dentry, "fs_struct", "pwd.dentry"),
};

enum { ROWS = sizeof(rows) / sizeof(*rows) };

// A path under construction, from its end.
struct path {
	char bytes[MAX_PATH + sizeof(deleted)];
	size_t start;
};

struct gg_error *gg_path_reader_init(struct gg_path_reader *ret, const struct gg_answerers *kernel)
{
	*ret = (struct gg_path_reader){ .host = &kernel->typed };
	struct gg_error *err = gg_layout_resolve(ret->host, rows, ROWS, &ret->layout);
	if (!err)
		err = gg_record_init(&ret->dentry, ret->host, "dentry", rows, ROWS, &ret->layout);
	if (!err)
		err = gg_record_init(&ret->mount, ret->host, "mount", rows, ROWS, &ret->layout);
	return err;
}

void gg_path_reader_deinit(struct gg_path_reader *reader)
{
	gg_record_deinit(&reader->dentry);
	gg_record_deinit(&reader->mount);
	*reader = (struct gg_path_reader){ 0 };
}

static struct gg_error *prepend(struct path *path, const char *bytes, size_t size)
{
	if (size > path->start)
		return gg_error_create(GG_BAD_DATA, "a path has more than %d bytes", MAX_PATH);
	path->start -= size;
	memcpy(path->bytes + path->start, bytes, size);
	return NULL;
}

// Prepends the name of the dentry that was read last.
static struct gg_error *prepend_name(struct gg_path_reader *reader, struct path *path)
{
	char name[MAX_NAME + 1];
	const uint64_t length = gg_record_value(&reader->dentry, &reader->layout.name_length);
	if (length > MAX_NAME)
		return gg_error_create(GG_BAD_DATA, "a file's name has %" PRIu64 " bytes", length);
	struct gg_error *err =
		gg_host_read(reader->host, gg_record_value(&reader->dentry, &reader->layout.name),
			     name, (size_t)length);
	if (!err)
		err = prepend(path, name, strnlen(name, (size_t)length));
	return err ? err : prepend(path, "/", 1);
}

// The place in the tree of mounts.
struct place {
	gg_gva_t mount, root; // a struct mount, and the dentry that is mounted
	gg_gva_t dentry;
};

static struct gg_error *enter_mount(struct gg_path_reader *reader, gg_gva_t mount,
				    struct place *place)
{
	const struct gg_path_layout *layout = &reader->layout;
	const struct gg_member root = { layout->vfsmount.offset + layout->mount_root.offset,
					layout->mount_root.size };
	struct gg_error *err = gg_record_read(&reader->mount, mount);
	place->mount = mount;
	place->root = err ? 0 : gg_record_value(&reader->mount, &root);
	return err;
}

// Moves PLACE one step up. *DONE at the root.
static struct gg_error *step(struct gg_path_reader *reader, struct place *place, struct path *path,
			     bool *done)
{
	const struct gg_path_layout *layout = &reader->layout;
	*done = false;
	if (place->dentry == place->root) {
		const gg_gva_t up = gg_record_value(&reader->mount, &layout->mount_parent);
		*done = up == place->mount;
		place->dentry = gg_record_value(&reader->mount, &layout->mount_point);
		return *done ? NULL : enter_mount(reader, up, place);
	}
	struct gg_error *err = gg_record_read(&reader->dentry, place->dentry);
	if (err)
		return err;
	const gg_gva_t parent = gg_record_value(&reader->dentry, &layout->parent);
	*done = parent == place->dentry;
	place->dentry = parent;
	return *done ? NULL : prepend_name(reader, path);
}

// Prepends the mark of a deleted file: its dentry is no root and not hashed. A root that is not
// mounted is a file without a place, as a memfd (simple_dname()): *DONE.
static struct gg_error *start_path(struct gg_path_reader *reader, const struct place *place,
				   struct path *path, bool *done)
{
	const struct gg_path_layout *layout = &reader->layout;
	struct gg_error *err = gg_record_read(&reader->dentry, place->dentry);
	*done = false;
	if (err)
		return err;
	const bool is_root = gg_record_value(&reader->dentry, &layout->parent) == place->dentry;
	*done = is_root && place->dentry != place->root;
	if (*done || (!is_root && !gg_record_value(&reader->dentry, &layout->hash)))
		err = prepend(path, deleted, sizeof(deleted) - 1);
	return err || !*done ? err : prepend_name(reader, path);
}

static struct gg_error *walk(struct gg_path_reader *reader, gg_gva_t vfsmount, gg_gva_t dentry,
			     struct path *path)
{
	struct place place = { .dentry = dentry };
	bool done = false;
	struct gg_error *err =
		enter_mount(reader, vfsmount - reader->layout.vfsmount.offset, &place);
	if (!err)
		err = start_path(reader, &place, path, &done);
	// The path of a file without a place is complete.
	const size_t empty = done ? 0 : path->start;
	for (unsigned int steps = 0; !err && !done; steps++) {
		if (steps == MAX_STEPS)
			return gg_error_create(GG_BAD_DATA, "a path has more than %d steps",
					       MAX_STEPS);
		err = step(reader, &place, path, &done);
	}
	return err || path->start != empty ? err : prepend(path, "/", 1);
}

static struct gg_error *read_path(struct gg_path_reader *reader, gg_gva_t address,
				  const struct gg_member *mount, const struct gg_member *dentry,
				  char **ret)
{
	uint64_t vfsmount, entry = 0;
	struct path path = { .start = sizeof(path.bytes) };
	struct gg_error *err = gg_host_read_member(reader->host, address, mount, &vfsmount);
	if (!err)
		err = gg_host_read_member(reader->host, address, dentry, &entry);
	if (!err)
		err = walk(reader, vfsmount, entry, &path);
	if (err)
		return err;
	*ret = strndup(path.bytes + path.start, sizeof(path.bytes) - path.start);
	return *ret ? NULL : gg_enomem;
}

struct gg_error *gg_path_of_file(struct gg_path_reader *reader, gg_gva_t address, char **ret)
{
	return read_path(reader, address, &reader->layout.file_mount, &reader->layout.file_dentry,
			 ret);
}

struct gg_error *gg_path_of_directory(struct gg_path_reader *reader, gg_gva_t address, char **ret)
{
	return read_path(reader, address, &reader->layout.directory_mount,
			 &reader->layout.directory_dentry, ret);
}
