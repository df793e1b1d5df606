// SPDX-License-Identifier: GPL-3.0-or-later
//
// sleepers TRUTH: some 100 tasks of a guest that sleep in as many ways, and three that never sleep after SIGUSR1.
//
// In:  the guest that lab/sleepers.sh prepares: the modules fuse, tun, vsock, a loopback interface that is up, cgroup2 at /cgroup2,
//      the freezer's hierarchy at /freezer, a ramfs at /ramfs, a tmpfs at /tmpfs.
// Out: the file TRUTH, which appears whole, when all tasks are asleep (sleepers-truth.c).
#include "sleepers-truth.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char **own_arguments;

static void name_task(const char *name)
{
	MUST(prctl(PR_SET_NAME, name));
}

static void __attribute__((noreturn)) rest(void)
{
	for (;;)
		pause();
}

// Forks a child with a name, which must not return; false in the parent.
static int is_child(const char *name, pid_t *pid)
{
	*pid = (pid_t)MUST(fork());
	if (*pid)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	name_task(name);
	return 1;
}

static void write_text(const char *path, const char *text)
{
	const int file = (int)must(open(path, O_WRONLY | O_CREAT, 0644), path);
	must(write(file, text, strlen(text)), path);
	close(file);
}

// ---- Pipes and polling ----

static struct pipe {
	int in, out;
} make_pipe(void)
{
	int ends[2];
	MUST(pipe(ends));
	return (struct pipe){ ends[0], ends[1] };
}

static void pipe_read(void)
{
	char byte;
	MUST(read(make_pipe().in, &byte, 1));
}

static void pipe_write(void)
{
	static char bytes[1 << 17];
	MUST(write(make_pipe().out, bytes, sizeof(bytes)));
}

static void fifo_open(void)
{
	MUST(mkfifo("/tmpfs/fifo", 0600));
	MUST(open("/tmpfs/fifo", O_RDONLY));
}

static void splice_pipes(void)
{
	MUST(splice(make_pipe().in, NULL, make_pipe().out, NULL, 1, 0));
}

static void poll_pipe(void)
{
	MUST(poll(&(struct pollfd){ .fd = make_pipe().in, .events = POLLIN }, 1, -1));
}

static void ppoll_long(void)
{
	MUST(ppoll(&(struct pollfd){ .fd = make_pipe().in, .events = POLLIN }, 1,
		   &(struct timespec){ .tv_sec = 1000000 }, NULL));
}

static void select_pipe(void)
{
	const int in = make_pipe().in;
	fd_set set;
	FD_ZERO(&set);
	FD_SET(in, &set);
	MUST(select(in + 1, &set, NULL, NULL, NULL));
}

static void pselect_nothing(void)
{
	MUST(pselect(0, NULL, NULL, NULL, &(struct timespec){ .tv_sec = 1000000 }, NULL));
}

static void epoll_pipe(void)
{
	const int file = (int)MUST(epoll_create1(0));
	struct epoll_event event = { .events = EPOLLIN };
	MUST(epoll_ctl(file, EPOLL_CTL_ADD, make_pipe().in, &event));
	MUST(epoll_wait(file, &event, 1, -1));
}

static void eventfd_read_none(void)
{
	eventfd_t value;
	MUST(eventfd_read((int)MUST(eventfd(0, 0)), &value));
}

static void signalfd_read(void)
{
	char bytes[128];
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(read((int)MUST(signalfd(-1, &set, 0)), bytes, sizeof(bytes)));
}

static void timerfd_read(void)
{
	char bytes[8];
	const int file = (int)MUST(timerfd_create(CLOCK_MONOTONIC, 0));
	MUST(timerfd_settime(file, 0, &(struct itimerspec){ .it_value.tv_sec = 1000000 }, NULL));
	MUST(read(file, bytes, sizeof(bytes)));
}

static void inotify_read(void)
{
	char bytes[4096];
	const int file = (int)MUST(inotify_init1(0));
	MUST(inotify_add_watch(file, "/tmpfs", IN_DELETE_SELF));
	MUST(read(file, bytes, sizeof(bytes)));
}

// A listener that never decides on the opening of a file, and the task that opens the file.
static void fanotify_decide(void)
{
	char bytes[4096];
	pid_t pid;
	write_text("/tmpfs/watched", "");
	const int file = (int)MUST(fanotify_init(FAN_CLASS_CONTENT, O_RDONLY));
	MUST(fanotify_mark(file, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "/tmpfs/watched"));
	if (is_child("s-fanotify-perm", &pid)) {
		close(file);
		MUST(open("/tmpfs/watched", O_RDONLY));
	}
	for (;;)
		MUST(read(file, bytes, sizeof(bytes)));
}

// ---- Times and signals ----

static void nanosleep_long(void)
{
	MUST(syscall(SYS_nanosleep, &(struct timespec){ .tv_sec = 1000000 }, NULL));
}

static void sleep_until(void)
{
	struct timespec now;
	MUST(clock_gettime(CLOCK_REALTIME, &now));
	now.tv_sec += 1000000;
	clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &now, NULL);
}

static void sigsuspend_none(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigsuspend(&set);
}

static void sigwait_one(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	sigwaitinfo(&set, NULL);
}

static void pause_in_32_bits(void)
{
	int result = 29;
	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
}

// A sleep that goes on after a signal is another system call, restart_syscall.
static void restarted_parent(void)
{
	pid_t pid;
	int status;
	if (is_child("s-restarted", &pid))
		nanosleep_long();
	usleep(300000);
	MUST(kill(pid, SIGSTOP));
	MUST(waitpid(pid, &status, WUNTRACED));
	MUST(kill(pid, SIGCONT));
	MUST(waitpid(pid, &status, 0));
}

// ---- Locks ----

static void futex_wait(void)
{
	static int word;
	MUST(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0));
}

static void *hold_futex(void *word)
{
	name_task("s-futex-owner");
	MUST(syscall(SYS_futex, word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	rest();
}

static void futex_pi(void)
{
	static volatile int word;
	pthread_t thread;
	pthread_create(&thread, NULL, hold_futex, (void *)&word);
	while (!word)
		usleep(1000);
	MUST(syscall(SYS_futex, &word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
}

static void futex_waitv(void)
{
	static unsigned int word;
	struct futex_waitv waiter = { .uaddr = (uintptr_t)&word, .flags = FUTEX_32 };
	MUST(syscall(SYS_futex_waitv, &waiter, 1, 0, NULL, 0));
}

static void semaphore_wait(void)
{
	static sem_t semaphore;
	sem_init(&semaphore, 0, 0);
	MUST(sem_wait(&semaphore));
}

static void mutex_lock(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&mutex);
	pthread_mutex_lock(&mutex);
}

static void flock_wait(void)
{
	const char path[] = "/tmpfs/flock";
	MUST(flock((int)MUST(open(path, O_RDWR | O_CREAT, 0600)), LOCK_EX));
	MUST(flock((int)MUST(open(path, O_RDWR)), LOCK_EX));
}

static void lock_range(const char *path, int command)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	MUST(fcntl((int)MUST(open(path, O_RDWR | O_CREAT, 0600)), command, &lock));
}

static void ofd_lock(void)
{
	lock_range("/tmpfs/ofd-lock", F_OFD_SETLKW);
	lock_range("/tmpfs/ofd-lock", F_OFD_SETLKW);
}

static void posix_lock(void)
{
	const struct pipe ready = make_pipe();
	char byte = 0;
	pid_t pid;
	if (is_child("s-lock-owner", &pid)) {
		lock_range("/tmpfs/posix-lock", F_SETLKW);
		MUST(write(ready.out, &byte, 1));
		rest();
	}
	MUST(read(ready.in, &byte, 1));
	lock_range("/tmpfs/posix-lock", F_SETLKW);
}

static void message_receive(void)
{
	char bytes[64];
	MUST(msgrcv((int)MUST(msgget(IPC_PRIVATE, 0600)), bytes, 8, 0, 0));
}

static void message_send(void)
{
	static struct {
		long type;
		char bytes[8000];
	} message = { .type = 1 };
	const int queue = (int)MUST(msgget(IPC_PRIVATE, 0600));
	for (;;)
		MUST(msgsnd(queue, &message, sizeof(message.bytes), 0));
}

static void semaphore_take(void)
{
	MUST(semop((int)MUST(semget(IPC_PRIVATE, 1, 0600)), &(struct sembuf){ .sem_op = -1 }, 1));
}

static mqd_t open_queue(const char *name)
{
	struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	return (mqd_t)MUST(mq_open(name, O_RDWR | O_CREAT, 0600, &attributes));
}

static void queue_receive(void)
{
	char bytes[8];
	MUST(mq_receive(open_queue("/receive"), bytes, sizeof(bytes), NULL));
}

static void queue_send(void)
{
	const mqd_t queue = open_queue("/send");
	for (;;)
		MUST(mq_send(queue, "", 1, 0));
}

// ---- Processes ----

static void wait_child(void)
{
	pid_t pid;
	if (is_child("s-child", &pid))
		rest();
	MUST(wait4(pid, NULL, 0, NULL));
}

static void waitid_pidfd(void)
{
	siginfo_t info;
	pid_t pid;
	if (is_child("s-child", &pid))
		rest();
	MUST(waitid(P_PIDFD, (id_t)MUST(syscall(SYS_pidfd_open, pid, 0)), &info, WEXITED));
}

static void poll_pidfd(void)
{
	pid_t pid;
	if (is_child("s-child", &pid))
		rest();
	MUST(poll(&(struct pollfd){ .fd = (int)MUST(syscall(SYS_pidfd_open, pid, 0)),
				    .events = POLLIN },
		  1, -1));
}

static void vfork_parent(void)
{
	if (!MUST(vfork())) {
		name_task("s-vfork-child");
		rest();
	}
}

static void stopped(void)
{
	raise(SIGSTOP);
}

static void tracer(void)
{
	pid_t pid;
	int status;
	if (is_child("s-traced", &pid)) {
		MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
	}
	MUST(waitpid(pid, &status, 0));
	if (is_child("s-traced-sys", &pid)) {
		MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		getppid();
	}
	MUST(waitpid(pid, &status, 0));
	MUST(ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
	MUST(waitpid(pid, &status, 0));
}

static void zombie_parent(void)
{
	pid_t pid;
	if (is_child("s-zombie", &pid))
		_exit(7);
}

static void *rest_thread(void *name)
{
	name_task(name);
	rest();
}

static void *poll_thread(void *name)
{
	name_task(name);
	poll_pipe();
	return NULL;
}

static void start_threads(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, rest_thread, "s-thread-pause");
	pthread_create(&thread, NULL, poll_thread, "s-thread-poll");
}

static void threads(void)
{
	start_threads();
	futex_wait();
}

static void dead_leader(void)
{
	start_threads();
	syscall(SYS_exit, 0);
}

static void in_pid_namespace(void)
{
	pid_t pid;
	MUST(unshare(CLONE_NEWPID));
	if (is_child("s-pid-ns-init", &pid)) {
		if (is_child("s-pid-ns-child", &pid))
			rest();
		rest();
	}
	MUST(waitpid(pid, NULL, 0));
}

static void real_time(void)
{
	MUST(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 7 }));
}

static void other_user(void)
{
	MUST(setgid(1001));
	MUST(setuid(1000));
}

// Freezes a child by way of files of its control group.
static void freeze(const char *name, const char *processes, const char *file, const char *frozen)
{
	const struct pipe ready = make_pipe();
	char text[16];
	pid_t pid;
	if (is_child(name, &pid)) {
		MUST(write(ready.out, "", 1));
		rest();
	}
	MUST(read(ready.in, text, 1));
	snprintf(text, sizeof(text), "%d", pid);
	write_text(processes, text);
	write_text(file, frozen);
}

static void freezer(void)
{
	MUST(mkdir("/cgroup2/frozen", 0755));
	freeze("s-frozen-2", "/cgroup2/frozen/cgroup.procs", "/cgroup2/frozen/cgroup.freeze", "1");
	MUST(mkdir("/freezer/frozen", 0755));
	freeze("s-frozen-1", "/freezer/frozen/cgroup.procs", "/freezer/frozen/freezer.state",
	       "FROZEN");
}

static void seccomp_notify(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(*filter), .filter = filter };
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		     &program));
	getppid();
}

// ---- Sockets ----

static int make_socket(int domain, int type)
{
	return (int)MUST(socket(domain, type, 0));
}

static int unix_listener(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmpfs/%s", name);
	const int file = make_socket(AF_UNIX, SOCK_STREAM);
	MUST(bind(file, (struct sockaddr *)&address, sizeof(address)));
	MUST(listen(file, 0));
	return file;
}

static void unix_accept(void)
{
	MUST(accept(unix_listener("accept"), NULL, NULL));
}

static void unix_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/tmpfs/connect" };
	unix_listener("connect");
	for (;;)
		MUST(connect(make_socket(AF_UNIX, SOCK_STREAM), (struct sockaddr *)&address,
			     sizeof(address)));
}

static int make_pair(int type)
{
	int ends[2];
	MUST(socketpair(AF_UNIX, type, 0, ends));
	return ends[0];
}

static void receive(int file)
{
	char byte;
	MUST(recv(file, &byte, 1, 0));
}

static void unix_receive(void)
{
	receive(make_pair(SOCK_STREAM));
}

static void unix_datagram(void)
{
	receive(make_pair(SOCK_DGRAM));
}

static void unix_send(void)
{
	static char bytes[1 << 16];
	const int file = make_pair(SOCK_STREAM);
	for (;;)
		MUST(send(file, bytes, sizeof(bytes), 0));
}

static int tcp_listener(in_port_t port, struct sockaddr_in *address)
{
	*address = (struct sockaddr_in){ AF_INET, htons(port), { htonl(INADDR_LOOPBACK) }, { 0 } };
	const int file = make_socket(AF_INET, SOCK_STREAM);
	MUST(bind(file, (struct sockaddr *)address, sizeof(*address)));
	MUST(listen(file, 1));
	return file;
}

static void tcp_accept(void)
{
	struct sockaddr_in address;
	MUST(accept(tcp_listener(1000, &address), NULL, NULL));
}

static void tcp_receive(void)
{
	struct sockaddr_in address;
	tcp_listener(1001, &address);
	const int file = make_socket(AF_INET, SOCK_STREAM);
	MUST(connect(file, (struct sockaddr *)&address, sizeof(address)));
	receive(file);
}

static void udp_receive(void)
{
	receive(make_socket(AF_INET, SOCK_DGRAM));
}

static void packet_receive(void)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_AARP) };
	const int file = make_socket(AF_PACKET, SOCK_RAW);
	MUST(bind(file, (struct sockaddr *)&address, sizeof(address)));
	receive(file);
}

static void netlink_receive(void)
{
	receive(make_socket(AF_NETLINK, SOCK_RAW));
}

static void vsock_accept(void)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK,
				       .svm_cid = VMADDR_CID_ANY,
				       .svm_port = 1000 };
	const int file = make_socket(AF_VSOCK, SOCK_STREAM);
	MUST(bind(file, (struct sockaddr *)&address, sizeof(address)));
	MUST(listen(file, 1));
	MUST(accept(file, NULL, NULL));
}

static void tun_read(void)
{
	char bytes[2048];
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "lab0" };
	const int file = (int)MUST(open("/dev/net/tun", O_RDWR));
	MUST(ioctl(file, TUNSETIFF, &request));
	MUST(read(file, bytes, sizeof(bytes)));
}

// ---- Devices, file systems, queues of requests ----

static int open_terminal(int *slave)
{
	const int master = (int)MUST(posix_openpt(O_RDWR | O_NOCTTY));
	MUST(grantpt(master));
	MUST(unlockpt(master));
	*slave = (int)MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	return master;
}

static void tty_read(void)
{
	int slave;
	char byte;
	open_terminal(&slave);
	MUST(read(slave, &byte, 1));
}

static void pty_read(void)
{
	int slave;
	char byte;
	const int master = open_terminal(&slave);
	MUST(read(master, &byte, 1));
}

// A file system whose server takes the kernel's first request and answers nothing; a task that looks for a file in it.
static void fuse_server(void)
{
	char options[80], bytes[1 << 16];
	struct stat status;
	pid_t pid;
	const int file = (int)MUST(open("/dev/fuse", O_RDWR));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", file);
	MUST(mkdir("/tmpfs/fuse", 0755));
	MUST(mount("lab", "/tmpfs/fuse", "fuse", 0, options));
	if (is_child("s-fuse-stat", &pid)) {
		close(file);
		MUST(stat("/tmpfs/fuse/file", &status));
	}
	for (;;)
		MUST(read(file, bytes, sizeof(bytes)));
}

static int make_userfaultfd(char **page)
{
	*page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (uintptr_t)*page, 4096 },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	const int file = (int)MUST(syscall(SYS_userfaultfd, O_CLOEXEC));
	MUST(ioctl(file, UFFDIO_API, &api));
	MUST(ioctl(file, UFFDIO_REGISTER, &range));
	return file;
}

static void fault_in_user_mode(void)
{
	char *page;
	make_userfaultfd(&page);
	*(volatile char *)page = 1;
}

static void fault_in_kernel(void)
{
	char *page;
	make_userfaultfd(&page);
	getcwd(page, 4096);
}

static void userfaultfd_read(void)
{
	char *page, bytes[64];
	MUST(read(make_userfaultfd(&page), bytes, sizeof(bytes)));
}

static void aio_wait(void)
{
	aio_context_t context = 0;
	struct io_event event;
	MUST(syscall(SYS_io_setup, 1, &context));
	MUST(syscall(SYS_io_getevents, context, 1, 1, &event, NULL));
}

// A queue with a kernel's thread that polls it, and a request that sleeps in a worker of the kernel's.
static void io_uring_wait(void)
{
	struct io_uring_params plain = { 0 },
			       polled = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 1 };
	static const char path[] = "/tmpfs/fifo-of-queue";
	MUST(mkfifo(path, 0600));
	MUST(syscall(SYS_io_uring_setup, 1, &polled));
	const int file = (int)MUST(syscall(SYS_io_uring_setup, 1, &plain));
	const int access = PROT_READ | PROT_WRITE;
	char *ring = mmap(NULL, 4096, access, MAP_SHARED | MAP_POPULATE, file, IORING_OFF_SQ_RING);
	struct io_uring_sqe *entry =
		mmap(NULL, 4096, access, MAP_SHARED | MAP_POPULATE, file, IORING_OFF_SQES);
	*entry = (struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
					.flags = IOSQE_ASYNC,
					.fd = AT_FDCWD,
					.addr = (uintptr_t)path,
					.open_flags = O_RDONLY };
	((unsigned int *)(ring + plain.sq_off.array))[0] = 0;
	*(volatile unsigned int *)(ring + plain.sq_off.tail) = 1;
	MUST(syscall(SYS_io_uring_enter, file, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
}

// ---- Arguments, names, directories, memory of processes ----

static void __attribute__((noreturn)) execute(const char *program, char **arguments)
{
	execv(program, arguments);
	die("%s", program);
}

// Executes the program that rests, which keeps its arguments and takes its name from the last of them.
static void odd_arguments(void)
{
	execute("/proc/self/exe",
		(char *[]){ "rest", "", "two words", "\"quoted\"", "line\nfeed\ttab\033[31m",
			    "\377\376", "\303\251", "s-odd-arguments", NULL });
}

static void long_arguments(void)
{
	static char bytes[6001];
	memset(bytes, 'x', sizeof(bytes) - 1);
	execute("/proc/self/exe", (char *[]){ "rest", bytes, "s-long-arguments", NULL });
}

// Writes a title over the arguments that is longer than they are, and so goes on in the environment.
static void title(void)
{
	char **last = environ;
	while (last[1])
		last++;
	const char text[] =
		"sleepers: a title that leaves the arguments and goes on in the environment";
	const size_t room = (size_t)(*last + strlen(*last) - *own_arguments);
	if (room < sizeof(text))
		die("the environment has %zu bytes", room);
	memset(*own_arguments, 0, room);
	memcpy(*own_arguments, text, sizeof(text));
}

static void short_title(void)
{
	memset(own_arguments[0], 0, strlen(own_arguments[0]));
	memcpy(own_arguments[0], "short", 5);
}

static void copy_program(const char *path)
{
	const int from = (int)MUST(open("/proc/self/exe", O_RDONLY)),
		  to = (int)MUST(open(path, O_WRONLY | O_CREAT, 0755));
	char bytes[4096];
	ssize_t size;
	while ((size = (ssize_t)MUST(read(from, bytes, sizeof(bytes)))))
		MUST(write(to, bytes, (size_t)size));
	close(to);
	close(from);
}

static void deleted_program(void)
{
	copy_program("/tmpfs/deleted");
	execute("/tmpfs/deleted", (char *[]){ "unlink", "/tmpfs/deleted", "s-deleted", NULL });
}

static void in_chroot(void)
{
	MUST(mkdir("/tmpfs/jail", 0755));
	MUST(mkdir("/tmpfs/jail/cell", 0755));
	MUST(chroot("/tmpfs/jail"));
	MUST(chdir("/cell"));
}

static void make_and_enter(const char *path)
{
	MUST(mkdir(path, 0755));
	MUST(chdir(path));
}

static void in_tmpfs(void)
{
	make_and_enter("/tmpfs/odd\n name\377 \\x");
}

static void in_deleted(void)
{
	make_and_enter("/tmpfs/gone");
	MUST(rmdir("/tmpfs/gone"));
}

static void in_bind_mount(void)
{
	make_and_enter("/tmpfs/bound");
	MUST(mkdir("inner", 0755));
	MUST(mkdir("/bind", 0755));
	MUST(mount("/tmpfs/bound", "/bind", NULL, MS_BIND, NULL));
	MUST(chdir("/bind/inner"));
}

static void in_detached_mount(void)
{
	MUST(mkdir("/detached", 0755));
	MUST(mount("lab", "/detached", "tmpfs", 0, NULL));
	make_and_enter("/detached/inner");
	MUST(umount2("/detached", MNT_DETACH));
}

static void in_mount_namespace(void)
{
	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("lab", "/mnt", "tmpfs", 0, NULL));
	make_and_enter("/mnt/private");
}

static void touch_all(volatile char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i += 4096)
		bytes[i] = bytes[i];
}

static void map(size_t size, int flags, int file)
{
	char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file, 0);
	if (bytes == MAP_FAILED)
		die("mmap");
	touch_all(bytes, size);
}

static void much_memory(void)
{
	map(3 << 20, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(2 << 20, MAP_SHARED | MAP_ANONYMOUS, -1);
	const int file = (int)MUST(open("/ramfs/file", O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(file, 1 << 20));
	map(1 << 20, MAP_SHARED, file);
}

// ---- Tasks that never sleep, from the end of the truth on ----

static struct pipe start_of_work;

static void wait_for_start(void)
{
	char byte;
	close(start_of_work.out);
	MUST(read(start_of_work.in, &byte, 1));
}

static void bind_to(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
}

static void busy_in_user_mode(void)
{
	bind_to(0);
	wait_for_start();
	for (;;)
		__asm__ volatile("pause");
}

// Waits for the CPU of the task above nearly all of the time.
static void runnable(void)
{
	bind_to(0);
	MUST(sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }));
	wait_for_start();
	for (;;)
		__asm__ volatile("pause");
}

static void busy_in_kernel(void)
{
	static char bytes[1 << 16];
	bind_to(1);
	wait_for_start();
	for (;;)
		MUST(getrandom(bytes, sizeof(bytes), 0));
}

static const struct sleeper {
	const char *name;
	void (*sleep)(void);
} sleepers[] = {
	{ "s-pipe-read", pipe_read },
	{ "s-pipe-write", pipe_write },
	{ "s-fifo-open", fifo_open },
	{ "s-splice", splice_pipes },
	{ "s-poll", poll_pipe },
	{ "s-ppoll", ppoll_long },
	{ "s-select", select_pipe },
	{ "s-pselect", pselect_nothing },
	{ "s-epoll", epoll_pipe },
	{ "s-eventfd", eventfd_read_none },
	{ "s-signalfd", signalfd_read },
	{ "s-timerfd", timerfd_read },
	{ "s-inotify", inotify_read },
	{ "s-fanotify", fanotify_decide },
	{ "s-nanosleep", nanosleep_long },
	{ "s-sleep-until", sleep_until },
	{ "s-pause", rest },
	{ "s-sigsuspend", sigsuspend_none },
	{ "s-sigwait", sigwait_one },
	{ "s-int80", pause_in_32_bits },
	{ "s-restart-wait", restarted_parent },
	{ "s-futex", futex_wait },
	{ "s-futex-pi", futex_pi },
	{ "s-futex-waitv", futex_waitv },
	{ "s-semaphore", semaphore_wait },
	{ "s-mutex", mutex_lock },
	{ "s-flock", flock_wait },
	{ "s-ofd-lock", ofd_lock },
	{ "s-posix-lock", posix_lock },
	{ "s-msgrcv", message_receive },
	{ "s-msgsnd", message_send },
	{ "s-semop", semaphore_take },
	{ "s-mq-receive", queue_receive },
	{ "s-mq-send", queue_send },
	{ "s-wait4", wait_child },
	{ "s-waitid", waitid_pidfd },
	{ "s-poll-pidfd", poll_pidfd },
	{ "s-vfork", vfork_parent },
	{ "s-stopped", stopped },
	{ "s-tracer", tracer },
	{ "s-zombie-wait", zombie_parent },
	{ "s-threads", threads },
	{ "s-dead-leader", dead_leader },
	{ "s-pid-ns", in_pid_namespace },
	{ "s-fifo-7", real_time },
	{ "s-user-1000", other_user },
	{ "s-freezer", freezer },
	{ "s-seccomp", seccomp_notify },
	{ "s-unix-accept", unix_accept },
	{ "s-unix-connect", unix_connect },
	{ "s-unix-receive", unix_receive },
	{ "s-unix-datagram", unix_datagram },
	{ "s-unix-send", unix_send },
	{ "s-tcp-accept", tcp_accept },
	{ "s-tcp-receive", tcp_receive },
	{ "s-udp-receive", udp_receive },
	{ "s-packet", packet_receive },
	{ "s-netlink", netlink_receive },
	{ "s-vsock-accept", vsock_accept },
	{ "s-tun-read", tun_read },
	{ "s-tty-read", tty_read },
	{ "s-pty-read", pty_read },
	{ "s-fuse-server", fuse_server },
	{ "s-fault-user", fault_in_user_mode },
	{ "s-fault-kernel", fault_in_kernel },
	{ "s-userfaultfd", userfaultfd_read },
	{ "s-aio", aio_wait },
	{ "s-io-uring", io_uring_wait },
	{ "s-odd-args", odd_arguments },
	{ "s-long-args", long_arguments },
	{ "s-title", title },
	{ "s-short-title", short_title },
	{ "s-deleted-exe", deleted_program },
	{ "s-chroot", in_chroot },
	{ "s-cwd-odd", in_tmpfs },
	{ "s-cwd-deleted", in_deleted },
	{ "s-cwd-bind", in_bind_mount },
	{ "s-cwd-detached", in_detached_mount },
	{ "s-mount-ns", in_mount_namespace },
	{ "s-memory", much_memory },
	{ "", rest },
	{ "two words", rest },
	{ "a) R 1 (b", rest },
	{ "]\"'`$%s\\", rest },
	{ "\033[31mred\a\n\t", rest },
	{ "\303\251\342\202\254 \360\237\230\200", rest },
	{ "\377\376\303(\355\240\200\302\233m", rest },
};

static const struct sleeper busy[] = {
	{ "s-busy-user", busy_in_user_mode },
	{ "s-busy-kernel", busy_in_kernel },
	{ "s-runnable", runnable },
};

static void start(const struct sleeper *sleeper)
{
	pid_t pid;
	if (is_child(sleeper->name, &pid)) {
		sleeper->sleep();
		rest();
	}
}

// ---- The beginning ----

// Adds up the voluntary switches of the sleepers.
static long count_sleeps(void)
{
	static char bytes[8192];
	long total = 0;
	glob_t found;
	if (glob("/proc/[0-9]*/task/[0-9]*/status", GLOB_NOSORT, NULL, &found))
		die("/proc");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const ssize_t size = read_all(found.gl_pathv[i], bytes, sizeof(bytes) - 1);
		if (size < 0 || !strncmp(found.gl_pathv[i], "/proc/self", 10))
			continue;
		bytes[size] = 0;
		const char *count = strstr(bytes, "\nvoluntary_ctxt_switches:");
		if (count && strstr(bytes, "\nName:\ts-"))
			total += atol(count + 25);
	}
	globfree(&found);
	return total;
}

// Waits until no sleeper has run for 0.4 s; a sleeper that has ended is an error.
static void settle(void)
{
	long before = -1, now;
	siginfo_t info = { 0 };
	while ((now = count_sleeps()) != before) {
		before = now;
		usleep(400000);
	}
	if (!waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid > 0) {
		errno = 0;
		die("the task %d has ended", info.si_pid);
	}
}

int main(int count, char **arguments)
{
	own_arguments = arguments;
	if (count > 2) {
		// A program that odd_arguments() and the like execute.
		if (!strcmp(arguments[0], "unlink"))
			MUST(unlink(arguments[1]));
		name_task(arguments[count - 1]);
		rest();
	}
	if (count != 2)
		return 2;
	// Keeps the shell's terminal and signals away from the sleepers.
	MUST(setsid());
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (size_t i = 0; i < sizeof(sleepers) / sizeof(*sleepers); i++)
		start(&sleepers[i]);
	start_of_work = make_pipe();
	for (size_t i = 0; i < sizeof(busy) / sizeof(*busy); i++)
		start(&busy[i]);
	settle();
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
	write_truth(arguments[1]);
	sigwaitinfo(&set, NULL);
	close(start_of_work.out);
	rest();
}
