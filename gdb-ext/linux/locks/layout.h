// SPDX-License-Identifier: GPL-3.0-or-later
//
// The members of the kernel's locks and of their waiters. No kernel has all of them; a missing member
// has the size 0.
#ifndef GG_LOCKS_LAYOUT_H
#define GG_LOCKS_LAYOUT_H

#include "locks.h"

// The members of a queue. A waiter is on its task's stack, and links to the other waiters.
struct gg_queue_layout {
	struct gg_member list; // in the waiter
	struct gg_member task; // in the waiter
	struct gg_member head; // in the lock: the list of the waiters
	// In the lock: the address of the first waiter, of a list without a head.
	struct gg_member first;
};

struct gg_locks_layout {
	struct gg_queue_layout mutex, rwsem, semaphore, completion, percpu, file_lock;
	struct gg_member mutex_owner, rwsem_count, rwsem_owner, semaphore_last_holder;
	struct gg_member rt_waiter_lock, rt_owner, percpu_writer;
	struct gg_member rwsem_rt_owner, rwsem_rt_readers; // of PREEMPT_RT alone
	struct gg_member file_lock_blocker, file_lock_pid;
	struct gg_member task_rt_waiter, task_blocker, task_blocked_on, task_vfork_done,
		task_last_run;
	struct gg_member mm_lock;
	// Pages, buffers and disks.
	struct gg_member page_folio, page_bit, page_task, page_function, folio_mapping,
		mapping_host;
	struct gg_member inode_number, inode_device, inode_super, super_name, bdev_of_inode,
		inode_of_bdev;
	struct gg_member bit_flags, bit_number, bit_task, bit_function, buffer_state, buffer_device,
		buffer_block;
	struct gg_member bio_device, bio_private, device_disk, disk_name;
};

// Finds the members. GG_NOT_FOUND where the kernel's types are not known.
struct gg_error *gg_locks_layout_read(const struct gg_answerers *kernel,
				      struct gg_locks_layout *ret);

#endif
