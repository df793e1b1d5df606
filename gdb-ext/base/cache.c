// SPDX-License-Identifier: GPL-3.0-or-later
#include "cache.h"
#include "cleanup.h"
#include "vector.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

// ---- The folder ----

// Finds the user's cache. A relative $XDG_CACHE_HOME is invalid, and ignored.
static struct gg_error *cache_home(char **ret)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	const struct passwd *entry = home && *home == '/' ? NULL : getpwuid(getuid());
	const bool is_named = cache && *cache == '/';
	if (entry)
		home = entry->pw_dir;
	if (!is_named && (!home || *home != '/'))
		return gg_error_create(GG_NOT_FOUND,
				       "the user has no home for a cache; set XDG_CACHE_HOME");
	const int length = is_named ? asprintf(ret, "%s", cache) : asprintf(ret, "%s/.cache", home);
	return length < 0 ? gg_enomem : NULL;
}

// Makes the folder PATH and the folders above it, for this user alone.
static struct gg_error *make_folders(char *path)
{
	for (char *slash = path + 1; (slash = strchrnul(slash, '/')); slash++) {
		const char kept = *slash;
		*slash = 0;
		struct gg_error *err = NULL;
		if (mkdir(path, 0700) && errno != EEXIST)
			err = gg_error_system(errno, "making the folder %s", path);
		*slash = kept;
		if (err || !kept)
			return err;
	}
	return NULL;
}

struct gg_error *gg_cache_folder(const char *name, char **ret)
{
	struct stat status;
	_cleanup_free_ char *home = NULL, *path = NULL;
	struct gg_error *err = cache_home(&home);
	if (err)
		return err;
	if (asprintf(&path, "%s/gdb-guest/%s", home, name) < 0) {
		path = NULL;
		return gg_enomem;
	}
	err = make_folders(path);
	if (err)
		return err;
	if (stat(path, &status) || !S_ISDIR(status.st_mode) || status.st_uid != geteuid())
		return gg_error_create(GG_INVALID, "%s is no folder of this user's", path);
	*ret = no_cleanup_ptr(path);
	return NULL;
}

bool gg_cache_use(const char *path, uint64_t *size)
{
	struct stat status;
	if (lstat(path, &status) || !S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
	    !status.st_size)
		return false;
	*size = (uint64_t)status.st_size;
	return !utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

// ---- Old files ----

struct file {
	char *name;
	uint64_t size;
	struct timespec used;
};

struct files {
	struct file *files;
	size_t count;
};

static void cleanup_files(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->files[i].name);
	free(files->files);
}

static struct gg_error *add_file(struct files *files, int folder, const char *name)
{
	struct stat status;
	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode))
		return NULL;
	struct gg_error *err = gg_vector_grow(&files->files, files->count, sizeof(*files->files));
	if (err)
		return err;
	struct file *file = &files->files[files->count];
	*file = (struct file){ .name = strdup(name),
			       .size = (uint64_t)status.st_size,
			       .used = status.st_mtim };
	files->count += file->name != NULL;
	return file->name ? NULL : gg_enomem;
}

// Orders files by their use, the last first.
static int compare_files(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	if (x->used.tv_sec != y->used.tv_sec)
		return x->used.tv_sec < y->used.tv_sec ? 1 : -1;
	return x->used.tv_nsec < y->used.tv_nsec ? 1 : x->used.tv_nsec > y->used.tv_nsec ? -1 : 0;
}

struct gg_error *gg_cache_prune(const char *folder, size_t count, uint64_t size)
{
	_cleanup_(cleanup_files) struct files files = { 0 };
	struct gg_error *err = NULL;
	uint64_t kept = 0;
	DIR *entries = opendir(folder);
	if (!entries)
		return gg_error_system(errno, "opening %s", folder);
	for (const struct dirent *entry; !err && (entry = readdir(entries));)
		err = add_file(&files, dirfd(entries), entry->d_name);
	if (!err)
		qsort(files.files, files.count, sizeof(*files.files), compare_files);
	for (size_t i = 0; !err && i < files.count; i++) {
		kept += files.files[i].size;
		// A file that another process has removed meanwhile is no error.
		if (i && (i >= count || kept > size))
			unlinkat(dirfd(entries), files.files[i].name, 0);
	}
	closedir(entries);
	return err;
}
