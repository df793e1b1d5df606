// SPDX-License-Identifier: GPL-2.0-or-later
//
// A kernel module for test guests: makes tasks wait for each other and CPUs stand still, in known ways.
//
// In:  words written to /proc/lab_waits, in any order, each at most once:
//
//   deadlock2     lab-two-0 and lab-two-1 take two mutexes crosswise
//   deadlock3     lab-three-0, -1 and -2 take three mutexes in a circle
//   self          lab-self takes a mutex that it holds
//   mutex         lab-mutex holds lab_mutex and sleeps; five lab-mutex-wait are behind it
//   chain         lab-chain-a waits for lab-chain-b, that for lab-chain-c, which sleeps (mutexes)
//   gone          lab-gone ends with lab_gone_mutex held; lab-gone-wait waits for it
//   rwsem_write   lab-write holds lab_write_sem for writing; two lab-write-r and a lab-write-w are behind it
//   rwsem_read    lab-read holds lab_read_sem for reading; a lab-read-w is behind it, and behind that a lab-read-r
//   semaphore     lab-sem is inside of lab_semaphore; lab-sem-wait and, interruptible, lab-sem-sleep are behind it
//   rt_mutex      lab-rt holds lab_rt_mutex, lab-rt-wait waits for it
//   percpu_write  lab-pcpu holds lab_percpu_sem for writing, lab-pcpu-r waits to read
//   percpu_read   lab-pcpur holds lab_percpu_read_sem for reading, lab-pcpur-w waits to write
//   completion    lab-done waits for lab_completion, which nobody completes
//   page          lab-page waits for a page whose lock nobody gives back
//   buffer        lab-buffer waits for a buffer_head that stays locked
//   disk          there is a disk /dev/lab_never, whose reads and writes do not end
//   mmap          the writer itself sleeps with the mmap_lock of its memory held for writing
//   probed        lab-probed sleeps in lab_probed_sleep(), which a kretprobe has a look at
//   softlockup    lab-soft loops with preemption off
//   hardlockup    lab-hard loops with interrupts off
//   warn          a WARN in lab-warn
//   oops          lab-oops writes to NULL
//   panic         lab-panic panics
//
// Out: kernel threads that wait as said. rmmod ends all waits that can end, and waits for the threads. The module stays in
//      use after deadlock2, deadlock3, self, gone, mmap and hardlockup, and while the disk is open.
#include <linux/blkdev.h>
#include <linux/buffer_head.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/percpu-rwsem.h>
#include <linux/proc_fs.h>
#include <linux/rtmutex.h>
#include <linux/semaphore.h>
#include <linux/uaccess.h>
#include <linux/version.h>

enum { MAX_THREADS = 64, IN_CIRCLE = 3 };

static struct task_struct *threads[MAX_THREADS];
static int thread_count;
static bool let_go; // all waits that can end are to end

// Sleeps as a task in the state S.
static noinline void lab_sleep(void)
{
	while (!READ_ONCE(let_go))
		schedule_timeout_interruptible(HZ * 3600);
}

// ---- Mutexes ----

struct circle {
	struct mutex mutexes[IN_CIRCLE];
	int size;
	atomic_t held;
};

struct place {
	struct circle *circle;
	int at;
};

static struct circle lab_two = { .size = 2 }, lab_three = { .size = 3 };

// Takes its mutex, waits until all have theirs, takes the next task's.
static int lab_circle(void *data)
{
	const struct place place = *(struct place *)data;
	struct circle *circle = place.circle;
	kfree(data);
	mutex_lock(&circle->mutexes[place.at]);
	atomic_inc(&circle->held);
	while (atomic_read(&circle->held) < circle->size)
		schedule_timeout_idle(1);
	mutex_lock(&circle->mutexes[(place.at + 1) % circle->size]);
	return 0;
}

static DEFINE_MUTEX(lab_self_mutex);

static int lab_self(void *data)
{
	mutex_lock(&lab_self_mutex);
	mutex_lock(&lab_self_mutex);
	return 0;
}

static DEFINE_MUTEX(lab_mutex);
static DEFINE_MUTEX(lab_chain_b_mutex);
static DEFINE_MUTEX(lab_chain_c_mutex);
static DEFINE_MUTEX(lab_gone_mutex);

static int lab_mutex_holder(void *data)
{
	mutex_lock(data);
	lab_sleep();
	mutex_unlock(data);
	return 0;
}

static int lab_mutex_waiter(void *data)
{
	mutex_lock(data);
	mutex_unlock(data);
	return 0;
}

static int lab_chain_b(void *data)
{
	mutex_lock(&lab_chain_b_mutex);
	mutex_lock(&lab_chain_c_mutex);
	mutex_unlock(&lab_chain_c_mutex);
	mutex_unlock(&lab_chain_b_mutex);
	return 0;
}

static int lab_gone(void *data)
{
	mutex_lock(&lab_gone_mutex);
	return 0;
}

// ---- Other locks ----

static DECLARE_RWSEM(lab_write_sem);
static DECLARE_RWSEM(lab_read_sem);

static int lab_write_holder(void *data)
{
	down_write(&lab_write_sem);
	lab_sleep();
	up_write(&lab_write_sem);
	return 0;
}

static int lab_read_holder(void *data)
{
	down_read(&lab_read_sem);
	lab_sleep();
	up_read(&lab_read_sem);
	return 0;
}

static int lab_writer(void *data)
{
	down_write(data);
	up_write(data);
	return 0;
}

static int lab_reader(void *data)
{
	down_read(data);
	up_read(data);
	return 0;
}

static struct semaphore lab_semaphore;

static int lab_semaphore_holder(void *data)
{
	down(&lab_semaphore);
	lab_sleep();
	up(&lab_semaphore);
	return 0;
}

static int lab_semaphore_waiter(void *data)
{
	down(&lab_semaphore);
	up(&lab_semaphore);
	return 0;
}

static int lab_semaphore_sleeper(void *data)
{
	if (!down_interruptible(&lab_semaphore))
		up(&lab_semaphore);
	return 0;
}

static DEFINE_RT_MUTEX(lab_rt_mutex);

static int lab_rt_holder(void *data)
{
	rt_mutex_lock(&lab_rt_mutex);
	lab_sleep();
	rt_mutex_unlock(&lab_rt_mutex);
	return 0;
}

static int lab_rt_waiter(void *data)
{
	rt_mutex_lock(&lab_rt_mutex);
	rt_mutex_unlock(&lab_rt_mutex);
	return 0;
}

static struct percpu_rw_semaphore lab_percpu_sem, lab_percpu_read_sem;

static int lab_percpu_holder(void *data)
{
	percpu_down_write(&lab_percpu_sem);
	lab_sleep();
	percpu_up_write(&lab_percpu_sem);
	return 0;
}

static int lab_percpu_reader(void *data)
{
	percpu_down_read(&lab_percpu_sem);
	percpu_up_read(&lab_percpu_sem);
	return 0;
}

static int lab_percpu_read_holder(void *data)
{
	percpu_down_read(&lab_percpu_read_sem);
	lab_sleep();
	percpu_up_read(&lab_percpu_read_sem);
	return 0;
}

static int lab_percpu_writer(void *data)
{
	percpu_down_write(&lab_percpu_read_sem);
	percpu_up_write(&lab_percpu_read_sem);
	return 0;
}

// ---- Pages, buffers, completions, disks ----

static DECLARE_COMPLETION(lab_completion);

static int lab_completion_waiter(void *data)
{
	wait_for_completion(&lab_completion);
	return 0;
}

static struct page *lab_page;

static int lab_page_waiter(void *data)
{
	lock_page(lab_page);
	unlock_page(lab_page);
	return 0;
}

static struct buffer_head lab_buffer;

static int lab_buffer_waiter(void *data)
{
	wait_on_buffer(&lab_buffer);
	return 0;
}

static struct gendisk *lab_disk;
static struct bio_list lab_bios;
static DEFINE_SPINLOCK(lab_bios_lock);

static void lab_submit_bio(struct bio *bio)
{
	spin_lock(&lab_bios_lock);
	bio_list_add(&lab_bios, bio);
	spin_unlock(&lab_bios_lock);
}

static const struct block_device_operations lab_disk_ops = { .owner = THIS_MODULE,
							     .submit_bio = lab_submit_bio };

static int make_disk(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	lab_disk = blk_alloc_disk(NULL, NUMA_NO_NODE);
	if (IS_ERR(lab_disk)) {
		lab_disk = NULL;
		return -ENOMEM;
	}
#else
	lab_disk = blk_alloc_disk(NUMA_NO_NODE);
	if (!lab_disk)
		return -ENOMEM;
#endif
	lab_disk->fops = &lab_disk_ops;
	// The search for partitions would be the first read that does not end.
	lab_disk->flags |= GENHD_FL_NO_PART;
	strscpy(lab_disk->disk_name, "lab_never", sizeof(lab_disk->disk_name));
	set_capacity(lab_disk, 2048);
	return add_disk(lab_disk);
}

static void end_bios(void)
{
	struct bio *bio;
	do {
		spin_lock(&lab_bios_lock);
		bio = bio_list_pop(&lab_bios);
		spin_unlock(&lab_bios_lock);
		if (bio)
			bio_io_error(bio);
	} while (bio);
}

// ---- Probes ----

static noinline int lab_probed_sleep(void)
{
	lab_sleep();
	return READ_ONCE(let_go);
}

static int lab_probed(void *data)
{
	lab_probed_sleep();
	return 0;
}

static int lab_probe(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return 0;
}

static struct kretprobe lab_kretprobe = {
	.handler = lab_probe,
	.kp.addr = (kprobe_opcode_t *)lab_probed_sleep,
	.maxactive = 4,
};
static bool is_probed;

// ---- CPUs ----

static int lab_soft(void *data)
{
	preempt_disable();
	while (!READ_ONCE(let_go))
		cpu_relax();
	preempt_enable();
	return 0;
}

static int lab_hard(void *data)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
	return 0;
}

static int lab_warn(void *data)
{
	WARN(1, "lab: a warning\n");
	return 0;
}

static int lab_oops(void *data)
{
	int *volatile nothing = NULL;
	WRITE_ONCE(*nothing, 1);
	return 0;
}

static int lab_panic(void *data)
{
	panic("lab: a panic");
}

// ---- The words ----

static int start(int (*function)(void *), void *data, const char *name)
{
	struct task_struct *thread;
	if (thread_count == MAX_THREADS)
		return -ENOSPC;
	thread = kthread_create(function, data, "%s", name);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	// A thread that ends by itself must exist for kthread_stop().
	get_task_struct(thread);
	threads[thread_count++] = thread;
	wake_up_process(thread);
	return 0;
}

// Waits until the thread that was started last sleeps or has ended, and a little longer.
static void let_sleep(void)
{
	do
		schedule_timeout_idle(HZ / 10);
	while (task_is_running(threads[thread_count - 1]));
}

// Starts a thread when the thread before it has fallen asleep.
static int start_behind(int (*function)(void *), void *data, const char *name)
{
	let_sleep();
	return start(function, data, name);
}

static int start_circle(struct circle *circle, const char *name)
{
	int i, err = 0;
	__module_get(THIS_MODULE);
	for (i = 0; i < circle->size; i++)
		mutex_init(&circle->mutexes[i]);
	for (i = 0; !err && i < circle->size; i++) {
		struct place *place = kmalloc(sizeof(*place), GFP_KERNEL);
		char full[TASK_COMM_LEN];
		if (!place)
			return -ENOMEM;
		*place = (struct place){ circle, i };
		snprintf(full, sizeof(full), "%s-%d", name, i);
		err = start(lab_circle, place, full);
	}
	return err;
}

static int make_deadlock2(void)
{
	return start_circle(&lab_two, "lab-two");
}
static int make_deadlock3(void)
{
	return start_circle(&lab_three, "lab-three");
}

static int make_self(void)
{
	__module_get(THIS_MODULE);
	return start(lab_self, NULL, "lab-self");
}

static int make_mutex(void)
{
	int i, err = start(lab_mutex_holder, &lab_mutex, "lab-mutex");
	for (i = 0; !err && i < 5; i++)
		err = start_behind(lab_mutex_waiter, &lab_mutex, "lab-mutex-wait");
	return err;
}

static int make_chain(void)
{
	return start(lab_mutex_holder, &lab_chain_c_mutex, "lab-chain-c") ?:
	       start_behind(lab_chain_b, NULL, "lab-chain-b") ?:
	       start_behind(lab_mutex_waiter, &lab_chain_b_mutex, "lab-chain-a");
}

static int make_gone(void)
{
	struct task_struct *gone;
	int err;
	__module_get(THIS_MODULE);
	err = start(lab_gone, NULL, "lab-gone");
	if (!err) {
		let_sleep();
		// In the memory of lab-gone the waiter would seem to wait for itself.
		gone = threads[--thread_count];
		err = start(lab_mutex_waiter, &lab_gone_mutex, "lab-gone-wait");
		// The last reference: the next task that is started may get the memory.
		put_task_struct(gone);
		schedule_timeout_idle(HZ / 10);
	}
	return err;
}

static int make_rwsem_write(void)
{
	return start(lab_write_holder, NULL, "lab-write") ?:
	       start_behind(lab_reader, &lab_write_sem, "lab-write-r") ?:
	       start_behind(lab_writer, &lab_write_sem, "lab-write-w") ?:
	       start_behind(lab_reader, &lab_write_sem, "lab-write-r");
}

static int make_rwsem_read(void)
{
	return start(lab_read_holder, NULL, "lab-read") ?:
	       start_behind(lab_writer, &lab_read_sem, "lab-read-w") ?:
	       start_behind(lab_reader, &lab_read_sem, "lab-read-r");
}

static int make_semaphore(void)
{
	sema_init(&lab_semaphore, 1);
	return start(lab_semaphore_holder, NULL, "lab-sem") ?:
	       start_behind(lab_semaphore_waiter, NULL, "lab-sem-wait") ?:
	       start_behind(lab_semaphore_sleeper, NULL, "lab-sem-sleep");
}

static int make_rt_mutex(void)
{
	return start(lab_rt_holder, NULL, "lab-rt")
		       ?: start_behind(lab_rt_waiter, NULL, "lab-rt-wait");
}

static int make_percpu_write(void)
{
	int err = percpu_init_rwsem(&lab_percpu_sem) ?: start(lab_percpu_holder, NULL, "lab-pcpu");
	// The writer sleeps for RCU's sake before it keeps readers out.
	while (!err && !atomic_read(&lab_percpu_sem.block))
		schedule_timeout_idle(HZ / 100);
	return err ?: start_behind(lab_percpu_reader, NULL, "lab-pcpu-r");
}

static int make_percpu_read(void)
{
	return percpu_init_rwsem(&lab_percpu_read_sem) ?:
	       start(lab_percpu_read_holder, NULL, "lab-pcpur") ?:
	       start_behind(lab_percpu_writer, NULL, "lab-pcpur-w");
}

static int make_completion(void)
{
	return start(lab_completion_waiter, NULL, "lab-done");
}

static int make_page(void)
{
	lab_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!lab_page)
		return -ENOMEM;
	lock_page(lab_page);
	return start(lab_page_waiter, NULL, "lab-page");
}

static int make_buffer(void)
{
	lock_buffer(&lab_buffer);
	atomic_set(&lab_buffer.b_count, 1);
	return start(lab_buffer_waiter, NULL, "lab-buffer");
}

static int make_mmap(void)
{
	__module_get(THIS_MODULE);
	mmap_write_lock(current->mm);
	lab_sleep();
	mmap_write_unlock(current->mm);
	return 0;
}

static int make_probed(void)
{
	int err = register_kretprobe(&lab_kretprobe);
	is_probed = !err;
	return err ?: start(lab_probed, NULL, "lab-probed");
}

static int make_softlockup(void)
{
	return start(lab_soft, NULL, "lab-soft");
}

static int make_hardlockup(void)
{
	__module_get(THIS_MODULE);
	return start(lab_hard, NULL, "lab-hard");
}

static int make_warn(void)
{
	return start(lab_warn, NULL, "lab-warn");
}
static int make_oops(void)
{
	return start(lab_oops, NULL, "lab-oops");
}
static int make_panic(void)
{
	return start(lab_panic, NULL, "lab-panic");
}

static const struct {
	const char *name;
	int (*make)(void);
} words[] = {
	{ "deadlock2", make_deadlock2 },
	{ "deadlock3", make_deadlock3 },
	{ "self", make_self },
	{ "mutex", make_mutex },
	{ "chain", make_chain },
	{ "gone", make_gone },
	{ "rwsem_write", make_rwsem_write },
	{ "rwsem_read", make_rwsem_read },
	{ "semaphore", make_semaphore },
	{ "rt_mutex", make_rt_mutex },
	{ "percpu_write", make_percpu_write },
	{ "percpu_read", make_percpu_read },
	{ "completion", make_completion },
	{ "page", make_page },
	{ "buffer", make_buffer },
	{ "disk", make_disk },
	{ "mmap", make_mmap },
	{ "probed", make_probed },
	{ "softlockup", make_softlockup },
	{ "hardlockup", make_hardlockup },
	{ "warn", make_warn },
	{ "oops", make_oops },
	{ "panic", make_panic },
};

static bool made[ARRAY_SIZE(words)];

static int make(const char *word)
{
	size_t i;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].name, word)) {
			if (made[i])
				return -EBUSY;
			made[i] = true;
			return words[i].make();
		}
	pr_err("lab_waits: no word '%s'\n", word);
	return -EINVAL;
}

static ssize_t lab_write(struct file *file, const char __user *bytes, size_t size, loff_t *offset)
{
	char text[256], *rest = text, *word;
	if (size >= sizeof(text))
		return -E2BIG;
	if (copy_from_user(text, bytes, size))
		return -EFAULT;
	text[size] = 0;
	while ((word = strsep(&rest, " ,\n"))) {
		int err = *word ? make(word) : 0;
		if (err)
			return err;
	}
	return size;
}

static const struct proc_ops lab_proc_ops = { .proc_write = lab_write };

static int __init lab_init(void)
{
	return proc_create("lab_waits", 0200, NULL, &lab_proc_ops) ? 0 : -ENOMEM;
}

static void __exit lab_exit(void)
{
	int i;
	remove_proc_entry("lab_waits", NULL);
	WRITE_ONCE(let_go, true);
	complete_all(&lab_completion);
	if (lab_page)
		unlock_page(lab_page);
	if (test_bit(BH_Lock, &lab_buffer.b_state))
		unlock_buffer(&lab_buffer);
	for (i = 0; i < thread_count; i++)
		wake_up_process(threads[i]);
	for (i = 0; i < thread_count; i++) {
		kthread_stop(threads[i]);
		put_task_struct(threads[i]);
	}
	if (lab_page)
		__free_page(lab_page);
	if (is_probed)
		unregister_kretprobe(&lab_kretprobe);
	if (lab_disk) {
		end_bios();
		del_gendisk(lab_disk);
		end_bios();
		put_disk(lab_disk);
	}
	percpu_free_rwsem(&lab_percpu_sem);
	percpu_free_rwsem(&lab_percpu_read_sem);
}

module_init(lab_init);
module_exit(lab_exit);
MODULE_DESCRIPTION("Tasks that wait for each other, for tests");
MODULE_LICENSE("GPL");
