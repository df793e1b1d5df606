// SPDX-License-Identifier: GPL-3.0-or-later
#include "layout.h"

#define ROW(member, type, ...)                                                                     \
	GG_LAYOUT_ROW_OPTIONAL(struct gg_locks_layout, member, type, __VA_ARGS__)

// "wait_list" became "first_waiter" in v7.1: since then the lists have no head.
static const struct gg_layout_row rows[] = {
	ROW(mutex.list, "mutex_waiter", "list"),
	ROW(mutex.task, "mutex_waiter", "task"),
	ROW(mutex.head, "mutex", "wait_list"),
	ROW(mutex.first, "mutex", "first_waiter"),
	ROW(mutex_owner, "mutex", "owner"),
	ROW(rwsem.list, "rwsem_waiter", "list"),
	ROW(rwsem.task, "rwsem_waiter", "task"),
	ROW(rwsem.head, "rw_semaphore", "wait_list"),
	ROW(rwsem.first, "rw_semaphore", "first_waiter"),
	ROW(rwsem_count, "rw_semaphore", "count"),
	ROW(rwsem_owner, "rw_semaphore", "owner"),
	ROW(semaphore.list, "semaphore_waiter", "list"),
	ROW(semaphore.task, "semaphore_waiter", "task"),
	ROW(semaphore.head, "semaphore", "wait_list"),
	ROW(semaphore.first, "semaphore", "first_waiter"),
	// CONFIG_DETECT_HUNG_TASK_BLOCKER, v6.16.
	ROW(semaphore_last_holder, "semaphore", "last_holder"),
	ROW(completion.list, "swait_queue", "task_list"),
	ROW(completion.task, "swait_queue", "task"),
	ROW(completion.head, "completion", "wait.task_list"),
	ROW(percpu.list, "wait_queue_entry", "entry"),
	ROW(percpu.task, "wait_queue_entry", "private"),
	ROW(percpu.head, "percpu_rw_semaphore", "waiters.head"),
	ROW(percpu_writer, "percpu_rw_semaphore", "writer.task"),
	ROW(file_lock.list, "wait_queue_entry", "entry"),
	ROW(file_lock.task, "wait_queue_entry", "private"),
	// struct file_lock_core came in v6.9.
	ROW(file_lock.head, "file_lock", "c.flc_wait.head", "fl_wait.head"),
	ROW(file_lock_blocker, "file_lock", "c.flc_blocker", "fl_blocker"),
	ROW(file_lock_pid, "file_lock", "c.flc_pid", "fl_pid"),
	ROW(rt_waiter_lock, "rt_mutex_waiter", "lock"),
	// rt_mutex_base came in v5.15.
	ROW(rt_owner, "rt_mutex_base", "owner"),
	ROW(rwsem_rt_owner, "rw_semaphore", "rwbase.rtmutex.owner"),
	ROW(rwsem_rt_readers, "rw_semaphore", "rwbase.readers.counter"),
	ROW(task_rt_waiter, "task_struct", "pi_blocked_on"),
	ROW(task_blocker, "task_struct", "blocker"),
	ROW(task_blocked_on, "task_struct", "blocked_on"),
	ROW(task_vfork_done, "task_struct", "vfork_done"),
	ROW(task_last_run, "task_struct", "se.exec_start"),
	ROW(mm_lock, "mm_struct", "mmap_lock", "mmap_sem"),
	ROW(page_folio, "wait_page_queue", "folio", "page"),
	ROW(page_bit, "wait_page_queue", "bit_nr"),
	ROW(page_task, "wait_page_queue", "wait.private"),
	ROW(page_function, "wait_page_queue", "wait.func"),
	ROW(folio_mapping, "folio", "mapping"),
	ROW(mapping_host, "address_space", "host"),
	ROW(inode_number, "inode", "i_ino"),
	ROW(inode_device, "inode", "i_rdev"),
	ROW(inode_super, "inode", "i_sb"),
	ROW(super_name, "super_block", "s_id"),
	ROW(bit_flags, "wait_bit_queue_entry", "key.flags"),
	ROW(bit_number, "wait_bit_queue_entry", "key.bit_nr"),
	ROW(bit_task, "wait_bit_queue_entry", "wq_entry.private"),
	ROW(bit_function, "wait_bit_queue_entry", "wq_entry.func"),
	ROW(buffer_state, "buffer_head", "b_state"),
	ROW(buffer_device, "buffer_head", "b_bdev"),
	ROW(buffer_block, "buffer_head", "b_blocknr"),
	ROW(bio_device, "bio", "bi_bdev"),
	ROW(bio_private, "bio", "bi_private"),
	ROW(device_disk, "block_device", "bd_disk"),
	ROW(disk_name, "gendisk", "disk_name"),
	ROW(bdev_of_inode, "bdev_inode", "bdev"),
	ROW(inode_of_bdev, "bdev_inode", "vfs_inode"),
};

struct gg_error *gg_locks_layout_read(const struct gg_answerers *kernel,
				      struct gg_locks_layout *ret)
{
	*ret = (struct gg_locks_layout){ 0 };
	return gg_layout_resolve(&kernel->typed, rows, sizeof(rows) / sizeof(*rows), ret);
}
