// SPDX-License-Identifier: GPL-3.0-or-later
//
// The paths of files, as /proc/PID/exe and /proc/PID/cwd have them.
#ifndef GG_PATH_H
#define GG_PATH_H

#include "host/record.h"
#include "linux/answerers/answerers.h"

struct gg_path_layout {
	struct gg_member name, name_length, parent, hash;     // of a dentry
	struct gg_member vfsmount, mount_parent, mount_point; // of a mount
	struct gg_member mount_root;                          // of a vfsmount
	struct gg_member file_mount, file_dentry;             // of a file
	struct gg_member directory_mount, directory_dentry;   // of an fs_struct
};

// A reader of many.
struct gg_path_reader {
	const struct gg_host *host;
	struct gg_path_layout layout;
	struct gg_record dentry, mount;
};

// Resolves all members. KERNEL must outlive RET.
struct gg_error *gg_path_reader_init(struct gg_path_reader *ret, const struct gg_answerers *kernel);

// READER may be zeros.
void gg_path_reader_deinit(struct gg_path_reader *reader);

// Reads the path of the struct file at ADDRESS; of the working directory in the struct fs_struct at
// ADDRESS. The caller frees the bytes; a path has no NUL within.
struct gg_error *gg_path_of_file(struct gg_path_reader *reader, gg_gva_t address, char **ret);
struct gg_error *gg_path_of_directory(struct gg_path_reader *reader, gg_gva_t address, char **ret);

#endif
