// SPDX-License-Identifier: GPL-3.0-or-later
//
// Waits for disks: for a bit of a page (struct wait_page_queue) or of another word (struct
// wait_bit_queue_entry), for a bio.
//
// In:  the task's stack.
// Out: the page, buffer or bit, and its disk or file.
#include "search.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DISK_NAME = 32, // DISK_NAME_LEN, and the size of s_id
	MAPPING_FLAGS = 3,
};

// Reads the name MEMBER, at most DISK_NAME bytes with its NUL, of the struct at ADDRESS; an
// empty text if the bytes are no name.
static struct gg_error *read_name(const struct gg_search *search, gg_gva_t address,
				  const struct gg_member *member, char ret[DISK_NAME])
{
	*ret = 0;
	if (!address || !member->size)
		return NULL;
	struct gg_error *err = gg_host_read(&search->kernel->typed, address + member->offset, ret,
					    member->size < DISK_NAME ? member->size : DISK_NAME);
	if (err)
		*ret = 0;
	ret[DISK_NAME - 1] = 0;
	for (const char *c = ret; *c; c++)
		if (*c <= ' ' || *c > '~')
			*ret = 0;
	return gg_error_unless_final(err);
}

// Reads the name of the disk of the block_device at ADDRESS.
static struct gg_error *read_disk(const struct gg_search *search, gg_gva_t address,
				  char ret[DISK_NAME])
{
	uint64_t disk = 0;
	*ret = 0;
	struct gg_error *err = NULL;
	if (address)
		err = gg_search_word(search, address, &search->layout.device_disk, &disk);
	return err ? err : read_name(search, disk, &search->layout.disk_name, ret);
}

// Describes the owner of a page: a disk, or a file of a file system.
static struct gg_error *describe_inode(const struct gg_search *search, gg_gva_t inode,
				       struct gg_wait *wait)
{
	const struct gg_locks_layout *layout = &search->layout;
	const size_t used = strlen(wait->about);
	uint64_t super, number;
	char name[DISK_NAME];
	struct gg_error *err = gg_search_word(search, inode, &layout->inode_super, &super);
	if (!err)
		err = gg_search_word(search, inode, &layout->inode_number, &number);
	if (!err)
		err = read_name(search, super, &layout->super_name, name);
	const bool is_disk = !err && !strcmp(name, "bdev") && layout->inode_of_bdev.size;
	if (is_disk)
		err = read_disk(search,
				inode - layout->inode_of_bdev.offset + layout->bdev_of_inode.offset,
				name);
	if (err || !*name)
		return err;
	if (is_disk)
		snprintf(wait->about + used, sizeof(wait->about) - used, " of the disk %s", name);
	else
		snprintf(wait->about + used, sizeof(wait->about) - used,
			 " of the file with inode %" PRIu64 " on %s", number, name);
	return NULL;
}

static struct gg_error *describe_page(const struct gg_search *search, uint64_t bit,
				      struct gg_wait *wait)
{
	int64_t locked = -1, writeback = -1;
	uint64_t mapping, inode = 0;
	struct gg_types *types = search->kernel->types;
	gg_error_destroy(gg_types_enumerator(types, "pageflags", "PG_locked", &locked));
	gg_error_destroy(gg_types_enumerator(types, "pageflags", "PG_writeback", &writeback));
	if ((int64_t)bit == locked)
		snprintf(wait->about, sizeof(wait->about), "lock");
	else if ((int64_t)bit == writeback)
		snprintf(wait->about, sizeof(wait->about), "writeback");
	else
		snprintf(wait->about, sizeof(wait->about), "bit %" PRIu64, bit);
	struct gg_error *err =
		gg_search_word(search, wait->lock, &search->layout.folio_mapping, &mapping);
	if (!err && mapping && !(mapping & MAPPING_FLAGS))
		err = gg_search_word(search, mapping, &search->layout.mapping_host, &inode);
	return err || !inode ? err : describe_inode(search, inode, wait);
}

// Finds the waiter in the frame that waits: its member TASK is the task, its member FUNCTION the
// function NAME. *RET becomes the waiter's address; 0 without.
static struct gg_error *find_entry(const struct gg_search *search, const struct gg_member *task,
				   const struct gg_member *function, const char *name,
				   gg_gva_t *ret)
{
	gg_gva_t at = search->window.frame + task->offset;
	*ret = 0;
	if (!task->size || !function->size)
		return NULL;
	for (; !*ret && gg_window_find(search, search->task->address, &at);
	     at += search->kernel->typed.address_size) {
		const gg_gva_t waiter = at - task->offset;
		struct gg_symbol symbol = { .name = "" };
		uint64_t wake;
		struct gg_error *err = gg_search_word(search, waiter, function, &wake);
		if (!err)
			err = gg_symbols_at(search->kernel->symbols, wake, &symbol);
		if (gg_error_is_final(err))
			return err;
		if (!err && symbol.address == wake && !strcmp(symbol.name, name))
			*ret = waiter;
		gg_error_destroy(err);
	}
	return NULL;
}

struct gg_error *gg_search_page(struct gg_search *search, struct gg_wait *wait)
{
	const struct gg_locks_layout *layout = &search->layout;
	gg_gva_t waiter;
	uint64_t folio, bit = 0;
	struct gg_error *err = find_entry(search, &layout->page_task, &layout->page_function,
					  "wake_page_function", &waiter);
	if (err || !waiter)
		return err;
	err = gg_search_word(search, waiter, &layout->page_folio, &folio);
	if (!err)
		err = gg_search_word(search, waiter, &layout->page_bit, &bit);
	if (err || !folio)
		return err;
	wait->lock = folio;
	wait->found = GG_FOUND_BY_WAITER;
	return describe_page(search, bit, wait);
}

// Describes the disk and the block of the buffer_head whose b_state is WORD.
static struct gg_error *describe_buffer(const struct gg_search *search, gg_gva_t word,
					struct gg_wait *wait)
{
	const struct gg_locks_layout *layout = &search->layout;
	const gg_gva_t buffer = word - layout->buffer_state.offset;
	uint64_t device, block;
	char name[DISK_NAME];
	struct gg_error *err = gg_search_word(search, buffer, &layout->buffer_device, &device);
	if (!err)
		err = gg_search_word(search, buffer, &layout->buffer_block, &block);
	if (!err)
		err = read_disk(search, device, name);
	if (!err && *name)
		snprintf(wait->about, sizeof(wait->about), "block %" PRIu64 " of the disk %s",
			 block, name);
	return err;
}

struct gg_error *gg_search_bit(struct gg_search *search, struct gg_wait *wait)
{
	const struct gg_locks_layout *layout = &search->layout;
	gg_gva_t waiter;
	uint64_t word, bit = 0;
	struct gg_error *err = find_entry(search, &layout->bit_task, &layout->bit_function,
					  "wake_bit_function", &waiter);
	if (err || !waiter)
		return err;
	err = gg_search_word(search, waiter, &layout->bit_flags, &word);
	if (!err)
		err = gg_search_word(search, waiter, &layout->bit_number, &bit);
	if (err || !word)
		return err;
	wait->lock = word;
	wait->found = GG_FOUND_BY_WAITER;
	if (wait->kind == GG_WAIT_BUFFER)
		return describe_buffer(search, word, wait);
	snprintf(wait->about, sizeof(wait->about), "bit %" PRIu64, bit);
	return NULL;
}

// Takes the bio at ADDRESS if its disk has a name.
static struct gg_error *try_bio(const struct gg_search *search, gg_gva_t address,
				struct gg_wait *wait)
{
	uint64_t device;
	char name[DISK_NAME] = "";
	struct gg_error *err = gg_search_word(search, address, &search->layout.bio_device, &device);
	if (!err)
		err = read_disk(search, device, name);
	if (err || !*name)
		return err;
	wait->kind = GG_WAIT_BIO;
	wait->lock = address;
	wait->found = GG_FOUND_BY_WORD;
	snprintf(wait->about, sizeof(wait->about), "the disk %s", name);
	return NULL;
}

// Finds the bio whose bi_private is the completion that the task waits for: on its stack, or behind a
// pointer there.
struct gg_error *gg_search_bio(struct gg_search *search, struct gg_wait *wait)
{
	const struct gg_member *private = &search->layout.bio_private;
	const unsigned int word = search->kernel->typed.address_size;
	const struct gg_window *window = &search->window;
	const gg_gva_t completion = wait->lock;
	struct gg_error *err = NULL;
	gg_gva_t at = window->start;
	if (!private->size || !completion)
		return NULL;
	for (; !err && wait->kind != GG_WAIT_BIO && gg_window_find(search, completion, &at);
	     at += word)
		err = try_bio(search, at - private->offset, wait);
	for (at = window->start;
	     !err && wait->kind != GG_WAIT_BIO && at - window->start < window->size; at += word) {
		uint64_t address, found;
		if (!gg_window_word(search, at, &address) || !gg_search_is_pointer(search, address))
			continue;
		err = gg_search_word(search, address, private, &found);
		if (!err && found == completion)
			err = try_bio(search, address, wait);
	}
	return err;
}
