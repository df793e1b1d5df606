// SPDX-License-Identifier: GPL-3.0-or-later
//
// The public interface of libgdb-guest: what is inside the guest of a QEMU that a debugger has in
// front of it.
//
// A caller (a debugger's extension, a test, a program of its own) answers the four questions of
// `struct gg_host`, creates a `struct gg_guest` over it, and asks that for the guest's memory, or
// has it dumped.
//
// Every function that can fail returns an error object that the caller owns, NULL being success,
// and hands its result out through a pointer, last. Sizes and offsets are in bytes. Nothing here is
// safe to call from two threads at once on the same object; two guests share nothing.
#ifndef GDB_GUEST_H
#define GDB_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma GCC visibility push(default)

// The three kinds of address. An address of the target that the host interface reads (QEMU's
// virtual memory for a core or a process) is an hva; what the guest's CPUs put on the bus is a gpa;
// what the guest's programs use is a gva.
typedef uint64_t gg_hva_t;
typedef uint64_t gg_gpa_t;
typedef uint64_t gg_gva_t;

// ---- Errors ----

// X(name, word): the word is what a script sees as the error's kind.
#define GG_ERROR_KINDS(X)                                                                          \
	X(NOT_FOUND, "not-found")     /* no such symbol, type, member, register */                 \
	X(FAULT, "fault")             /* an address that cannot be read; see gg_error_address() */ \
	X(ABSENT, "absent")           /* memory that existed, and that the core does not hold */   \
	X(BAD_DATA, "bad-data")       /* what was read contradicts itself or its limits */         \
	X(INVALID, "invalid")         /* the caller asked for something that makes no sense */     \
	X(UNSUPPORTED, "unsupported") /* known, and not handled here */                            \
	X(INTERRUPTED, "interrupted") /* the user stopped it */                                    \
	X(SYSTEM, "system")           /* the operating system refused */                           \
	X(LOST, "lost")               /* the target does not answer any more */                    \
	X(NO_MEMORY, "no-memory")     /* this process has no memory left */

enum gg_error_kind {
#define X(name, word) GG_##name,
	GG_ERROR_KINDS(X)
#undef X
};

struct gg_error;

// A new error of KIND. It never fails: without memory it is an error of the kind GG_NO_MEMORY.
struct gg_error *gg_error_create(enum gg_error_kind kind, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// An error of the kind GG_SYSTEM; the text of ERRNUM (an errno value) is appended to the message.
struct gg_error *gg_error_system(int errnum, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// An error of the kind GG_FAULT for ADDRESS.
struct gg_error *gg_error_fault(uint64_t address, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// Puts "FORMAT...: " before ERR's message and returns ERR: each level says what it was about to do.
struct gg_error *gg_error_context(struct gg_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

enum gg_error_kind gg_error_kind(const struct gg_error *err);
const char *gg_error_kind_word(enum gg_error_kind kind);

// One line, valid as long as ERR is.
const char *gg_error_message(const struct gg_error *err);

// The address that could not be read; 0 for other kinds than GG_FAULT.
uint64_t gg_error_address(const struct gg_error *err);

// NULL is allowed.
void gg_error_destroy(struct gg_error *err);

// ---- The host interface ----

// Where a member is in its type, and how large it is.
struct gg_member {
	uint64_t offset;
	uint64_t size;
};

// The four questions. Each gets the host's DATA first. An answer is right or an error: a host never
// fills in zeros for what it does not know.
struct gg_host_ops {
	// Reads SIZE bytes (at least 1) at ADDRESS. All or an error: GG_FAULT, GG_ABSENT where the
	// memory existed and was left out of the core, GG_INTERRUPTED.
	struct gg_error *(*read)(void *data, uint64_t address, void *buffer, size_t size);

	// The address of the object or function NAME; GG_NOT_FOUND where there is none.
	struct gg_error *(*symbol)(void *data, const char *name, uint64_t *ret);

	// Where in TYPE (a struct, union, enum or typedef name, without a keyword) the member PATH
	// is, "a.b.c" for members of members (anonymous ones are seen through). An empty PATH asks
	// for the type itself: offset 0, its size. In an enumeration PATH is an enumerator, its
	// value, which is not negative, the offset. GG_NOT_FOUND where there is no such type or
	// member.
	struct gg_error *(*member)(void *data, const char *type, const char *path,
				   struct gg_member *ret);

	// The raw bytes, in the target's byte order, of the register NAME (GDB's name for it) of
	// THREAD (the debugger's number for it, from 1). SIZE is BUFFER's size; the register's goes
	// to RET. GG_NOT_FOUND where the thread has none.
	struct gg_error *(*registers)(void *data, unsigned int thread, const char *name,
				      void *buffer, size_t size, size_t *ret);
};

struct gg_host {
	const struct gg_host_ops *ops;
	void *data;
	bool big_endian;
	unsigned int address_size; // of a pointer: 4 or 8
};

// ---- The guest ----

// What tells a kernel in the guest's RAM from others, and from what is there later.
struct gg_kernel_choice {
	gg_gpa_t note;     // where its VMCOREINFO is
	uint64_t identity; // a checksum of that
};

// What the debugger has in front of it.
struct gg_target {
	const char *core_path;    // of a core file, or NULL
	const char *program_path; // of QEMU's binary, or NULL where it is not known
	pid_t pid;                // of a live process, or 0
	// Read guest memory by way of the host's read only: slow, and what the faster ways are
	// tested against.
	bool via_host;

	// Where the debugger is connected to QEMU's gdbstub: what QEMU's monitor printed, in the
	// order of enum gg_monitor_text, "" for what it refused; copied. NULL elsewhere. The host's
	// read takes guest-physical addresses then, and is asked for RAM only; its registers are a
	// vCPU's, the thread being 1 for the first one.
	const char *const *monitor;
	// A file with the guest's memory as QEMU's own dump-guest-memory wrote it, to be read in
	// place of the gdbstub; or NULL.
	const char *memory_path;
	// Where this guest's VMCOREINFO was when it was last looked at, or 0: it is looked for
	// there first, and believed if it is borne out again.
	gg_gpa_t note;
	// The kernel that the user has chosen, as gg_guest_kernels() showed it; its note is 0
	// where none is chosen.
	struct gg_kernel_choice choice;
};

// What is asked of QEMU's monitor.
enum gg_monitor_text {
	GG_MONITOR_MEMORY_MAP,
	GG_MONITOR_MEMORY_DEVICES,
	GG_MONITOR_REGISTERS,
	GG_MONITOR_VERSION,
	GG_MONITOR_MACHINE,
	GG_MONITOR_STATUS,
	GG_MONITOR_KVM,
	GG_MONITOR_JIT,
	GG_MONITOR_TEXTS
};

// The monitor's command that prints TEXT; NULL for a number that is none.
const char *gg_monitor_command(enum gg_monitor_text text);

// The monitor's command that has QEMU write the guest's memory to the file PATH on its side, in
// background; it prints what went wrong, and nothing else. The caller frees RET.
struct gg_error *gg_monitor_dump_command(const char *path, char **ret);

// The command that tells how far that is, and what it printed: to DONE, which is 0 to 1. GG_SYSTEM
// where QEMU gave up, GG_BAD_DATA where TEXT is not what QEMU prints.
extern const char gg_monitor_dump_query[];
struct gg_error *gg_monitor_dump_progress(const char *text, double *done, bool *ended);

struct gg_guest;

// A guest over HOST, which must stay valid, unmoved, until the guest is destroyed. TARGET's strings
// are copied. A core that cannot be opened, or is not an ELF core, is an error.
struct gg_error *gg_guest_create(const struct gg_host *host, const struct gg_target *target,
				 struct gg_guest **ret);

// NULL is allowed.
void gg_guest_destroy(struct gg_guest *guest);

// To be called before GUEST is asked anything after the debugger let it run: what may be different
// by now is forgotten. What is not: where its RAM is, and its kernel.
void gg_guest_ran(struct gg_guest *guest);

// The four questions, asked of GUEST's host; what a core does not hold is GG_ABSENT whatever the
// host itself says. Valid as long as GUEST is.
const struct gg_host *gg_guest_host(const struct gg_guest *guest);

// The guest-physical address of the VMCOREINFO of GUEST's kernel, if that has been found, and is
// not the user's choice; else 0.
gg_gpa_t gg_guest_note(const struct gg_guest *guest);

// A range of guest-physical memory that is RAM or ROM and would be in a dump by QEMU.
struct gg_ram_range {
	gg_gpa_t start;
	uint64_t size;     // at least 1; start + size - 1 does not wrap
	gg_hva_t hva;      // where its first byte is in QEMU; by a gdbstub: start
	const char *block; // the RAMBlock's name, escaped for a terminal; owned by the map
	uint64_t offset;   // of its first byte in the RAMBlock
};

// Calls VISIT for every range of guest RAM, ascending by guest-physical address, none overlapping
// another. An error of VISIT's ends it.
struct gg_error *
gg_guest_ram(struct gg_guest *guest,
	     struct gg_error *(*visit)(void *data, const struct gg_ram_range *range), void *data);

// The same for every piece of RAM whose bytes are not to be had: the core was made without them,
// they had not arrived by migration, they cannot be read.
struct gg_error *gg_guest_absent(struct gg_guest *guest,
				 struct gg_error *(*visit)(void *data,
							   const struct gg_ram_range *piece),
				 void *data);

// The same for every piece of the RAM at guest-physical 0 that the memory map hides from the CPUs:
// a device's memory, a ROM or SMRAM is mapped over the piece. QEMU's own dump lacks these too.
struct gg_error *gg_guest_hidden(struct gg_guest *guest,
				 struct gg_error *(*visit)(void *data,
							   const struct gg_ram_range *piece),
				 void *data);

// The reason why absent memory is absent, and what is to be done. Valid as long as GUEST is.
const char *gg_guest_absent_advice(const struct gg_guest *guest);

// ---- CPUs ----

// Whether the registers that QEMU has are the CPU's.
enum gg_freshness {
	GG_CURRENT, // they are
	GG_STALE,   // the CPU has run under KVM since QEMU last asked for them
	GG_UNKNOWN, // QEMU does not say, or TCG was executing
};

// Whether a CPU executes a nested guest: one that the guest, a hypervisor itself, runs.
enum gg_nesting {
	GG_NOT_NESTED,
	GG_NESTED,
	GG_MAYBE_NESTED, // the source of the registers does not say
};

struct gg_register {
	const char *name;     // GDB's, where GDB has one: "rip", "cs_base", "zmm0"
	unsigned int size;    // in bytes, 1 to 64
	uint64_t value;       // of one with up to 8 bytes
	uint64_t unknown;     // the bits of VALUE that nobody knows; of a larger one the bytes
	const uint8_t *bytes; // of a larger one, lowest first
};

// A vCPU and its registers. Valid only as long as the call that shows it. The registers are the
// guest's own: of a CPU that executes a nested guest those with which it leaves that guest.
struct gg_cpu {
	uint32_t index; // QEMU's cpu_index
	enum gg_freshness freshness;
	const char *why;       // it is not current; "" for one that is
	const char *activity;  // "running", "halted", "nested", or the state of one not started yet
	unsigned int bits;     // of the code that it executes: 16, 32 or 64
	const char *privilege; // "kernel", "user", "ring 1", "ring 2", "real", "vm86", "SMM"
	gg_gva_t pc, sp;       // as paging sees them: with the segments' bases
	const char *place;     // segment:offset of the pc, where that is not the pc; else ""
	uint64_t root;         // CR3
	const struct gg_register *registers;
	size_t register_count;
	// As QEMU's "info registers" shows them, "?" for what is not known; behind that lines with
	// what QEMU does not show.
	const char *text;
	enum gg_nesting
		nesting;     // where it is GG_MAYBE_NESTED the registers may be a nested guest's
	const char *unknown; // why no register is known; "" where some are
	const struct gg_cpu *nested; // the CPU as the nested guest has it, or NULL
};

// Calls VISIT for every vCPU, in QEMU's order. An error of VISIT's ends it.
struct gg_error *gg_guest_cpus(struct gg_guest *guest,
			       struct gg_error *(*visit)(void *data, const struct gg_cpu *cpu),
			       void *data);

// ---- Kernels ----

// A Linux kernel in the guest's RAM. Valid only as long as the call that shows it; texts that the
// guest wrote are escaped.
struct gg_kernel_info {
	struct gg_kernel_choice choice; // what chooses it
	const char *release;            // as uname -r says
	const char *architecture;
	const char *finder;   // "scan", "device", "tables", "choice" or "kdump"
	bool is_chosen;       // it is the kernel that all functions show
	const uint32_t *cpus; // cpu_index of those that run it
	size_t cpu_count;
	bool has_crashed;    // it has said so to a kernel for crashes
	uint64_t crash_time; // in seconds since 1970
	const char *panic;   // the last line of its log that tells of a panic, or NULL
	const char *last;    // the last line of its log, or NULL
	bool has_time;
	uint64_t time; // of that, in nanoseconds of the kernel's clock
};

// Calls VISIT for every kernel in the guest's RAM, those that more CPUs run first: the running one,
// the crashed one that a kernel for crashes was booted after, and what all of RAM has, which is
// looked at unless that is behind a gdbstub; with SCAN it is there too. GG_NOT_FOUND without any.
struct gg_error *gg_guest_kernels(struct gg_guest *guest, bool scan,
				  struct gg_error *(*visit)(void *data,
							    const struct gg_kernel_info *kernel),
				  void *data);

// The choice that GUEST was created with; its note is 0 once the kernel was found not to be there.
struct gg_kernel_choice gg_guest_choice(const struct gg_guest *guest);

// Tests whether the symbols are those of the kernel that the CPU with cpu_index INDEX runs, which
// they may not be where the user has chosen a kernel.
bool gg_guest_shows_kernel_of(struct gg_guest *guest, uint32_t index);

// ---- The kernel's symbols ----

struct gg_symbol {
	const char *name; // printable
	char type;        // nm's letter
	gg_gva_t address;
	uint64_t size; // to the next symbol, or to the end of the kernel's image
};

// The address of the guest kernel's symbol NAME, by VMCOREINFO or kallsyms; of several the lowest.
// GG_NOT_FOUND where there is no such symbol, no kallsyms or no Linux kernel.
struct gg_error *gg_guest_symbol(struct gg_guest *guest, const char *name, gg_gva_t *ret);

// The symbol NAME of the guest's kernel as the CPU whose cpu_index is CPU has it: of a per-CPU
// variable that CPU's own. With GG_KERNEL_TABLES for CPU a per-CPU variable is GG_INVALID. NOTICE,
// which may be NULL, gets a line where QEMU and the kernel number the CPU differently, or may.
// RET's name is NAME, or lives as long as GUEST. GG_NOT_FOUND where there is no such symbol or CPU.
struct gg_error *gg_guest_find_symbol(struct gg_guest *guest, const char *name, int64_t cpu,
				      struct gg_error *(*notice)(void *data, const char *text),
				      void *data, struct gg_symbol *ret);

// The symbol of the guest's kernel that ADDRESS is in; of several at one address the first, as in
// the kernel's own messages. The name lives as long as GUEST. GG_NOT_FOUND.
struct gg_error *gg_guest_symbol_at(struct gg_guest *guest, gg_gva_t address,
				    struct gg_symbol *ret);

// Calls VISIT with all symbols of the guest's kernel, ascending by address. An error of VISIT's
// ends it.
struct gg_error *
gg_guest_symbols(struct gg_guest *guest,
		 struct gg_error *(*visit)(void *data, const struct gg_symbol *symbol), void *data);

// Calls VISIT with the names of symbols that start with PREFIX, each once, ascending; where they
// are more than LIMIT (at least 2), with so many of them, the first and the last among these. An
// error of VISIT's ends it.
struct gg_error *gg_guest_complete_symbol(struct gg_guest *guest, const char *prefix, size_t limit,
					  struct gg_error *(*visit)(void *data, const char *name),
					  void *data);

// ---- Guest-virtual memory ----

// What page tables map.
struct gg_address_space;

// For gg_guest_address_space(): the kernel's own page tables rather than a CPU's.
enum { GG_KERNEL_TABLES = -1 };

// The address space of the CPU whose cpu_index is CPU, by its own CR3, or that of the guest's
// kernel; where no kernel is found, that of the first CPU. NOTICE, which may be NULL, gets a line
// where the tables may not be those that were asked for, or not be current. GG_NOT_FOUND where
// there is no such CPU. It is GUEST's, and valid until the next call for another one.
struct gg_error *gg_guest_address_space(struct gg_guest *guest, int64_t cpu,
					struct gg_error *(*notice)(void *data, const char *text),
					void *data, struct gg_address_space **ret);

// Reads SIZE bytes at GVA. GG_FAULT where one is not mapped, or not to RAM, GG_BAD_DATA for an
// address that there is not; the message has the entry that ends the walk.
struct gg_error *gg_address_space_read(struct gg_address_space *space, gg_gva_t gva, void *buffer,
				       size_t size);

// An entry of a page table.
struct gg_walk_entry {
	const char *level; // the architecture's name for it: "PDE"
	gg_gpa_t gpa;      // where it is
	uint64_t value;
	const char *flags; // the names of those that are set, "P RW US", or "not present"
};

// Where a walk ends.
struct gg_translation {
	bool mapped;
	gg_gpa_t gpa;          // of the address
	uint64_t page_size;    // in bytes, of all that the last entry maps, or would
	const char *block;     // the RAMBlock's name, escaped, owned by the guest; NULL: not RAM
	uint64_t block_offset; // of the address in it
	bool absent;           // RAM whose bytes are not to be had
};

// Calls VISIT with every entry on the way to GVA, the root's first; there are none where paging is
// off. An error of VISIT's ends it. GG_BAD_DATA for an address that there is not; GG_FAULT and
// GG_ABSENT where a table itself cannot be read.
struct gg_error *gg_address_space_walk(struct gg_address_space *space, gg_gva_t gva,
				       struct gg_error *(*visit)(void *data,
								 const struct gg_walk_entry *entry),
				       void *data, struct gg_translation *ret);

// ---- Code ----

struct gg_instruction {
	gg_gva_t address;
	unsigned int size; // in bytes
	bool is_whole;     // else it is a byte that is no instruction, "(bad)"
	char text[200];
	bool has_target; // it names an address by its distance: ...
	bool is_branch;  // ... where it leads, else the memory that it uses
	gg_gva_t target;
};

struct gg_disassembly {
	int64_t cpu; // whose address space and mode; or GG_KERNEL_TABLES
	gg_gva_t address;
	uint64_t count; // of instructions
	bool intel;     // in Intel's syntax rather than AT&T's
};

// Calls VISIT for each instruction that is asked for. An error of VISIT's ends it. GG_UNSUPPORTED
// for an architecture whose code is not shown yet; NOTICE and other errors are those of
// gg_guest_address_space() and gg_address_space_read().
struct gg_error *gg_guest_disassemble(
	struct gg_guest *guest, const struct gg_disassembly *what,
	struct gg_error *(*visit)(void *data, const struct gg_instruction *instruction),
	struct gg_error *(*notice)(void *data, const char *text), void *data);

// ---- Dumping ----

struct gg_dump_progress {
	const struct gg_ram_range *range; // the one being written
	uint64_t done;                    // bytes of guest memory, over all ranges
	uint64_t total;
	double seconds; // since the dump began
};

struct gg_dump_options {
	const char *path; // of the vmcore to write
	bool force;       // replace an existing file
	bool no_notes;    // leave out the CPUs' registers and VMCOREINFO, and do not look for them
	bool skip_absent; // leave out memory that is not to be had, and tell, instead of failing
	bool filter;      // only guest-physical BEGIN to BEGIN + LENGTH - 1, as in QMP's command
	gg_gpa_t begin;
	uint64_t length;

	// Called at the start of each range and then at most ten times a second. An error ends the
	// dump. May be NULL.
	struct gg_error *(*progress)(void *data, const struct gg_dump_progress *progress);

	// Called with what the user should know of the vmcore: a line each. May be NULL.
	struct gg_error *(*notice)(void *data, const char *text);

	void *data; // of both
};

struct gg_dump_result {
	uint64_t memory_size; // bytes of guest memory in the vmcore
	uint64_t file_size;
	double seconds;
};

// Writes the guest's memory as an ELF64 vmcore, with the notes that QEMU's own dump has, and a
// VMCOREINFO note and the kernel's virtual addresses where a Linux kernel is found in it. The file
// appears under its name when it is whole, or not at all. GG_ABSENT, with the ranges in the
// message, where the core lacks some of the guest's memory.
struct gg_error *gg_dump(struct gg_guest *guest, const struct gg_dump_options *options,
			 struct gg_dump_result *ret);

// ---- The kernel's log ----

// What is known of a record, and what it is.
enum gg_log_flags {
	GG_LOG_SEQ = 1 << 0,     // its number
	GG_LOG_TIME = 1 << 1,    // its time
	GG_LOG_LEVEL = 1 << 2,   // its level and facility
	GG_LOG_CALLER = 1 << 3,  // who wrote it
	GG_LOG_NEWLINE = 1 << 4, // the text ended with a newline, which is not part of it
	GG_LOG_CONT = 1 << 5,    // it is a piece of a line that was written in several
	GG_LOG_JOINS = 1 << 6,   // it goes on where the record before it left off
	GG_LOG_CLEARED = 1 << 7, // it is older than the last "dmesg --clear"
	GG_LOG_APART = 1 << 8,   // with lines of context: others between it and the one before
};

// In the caller of a record: it was not a task, but a CPU.
enum { GG_LOG_CALLER_CPU = 31 }; // the bit's number

struct gg_log_record {
	unsigned int flags; // of enum gg_log_flags
	uint64_t seq;       // 0 is the first one since boot
	uint64_t time;      // nanoseconds of the kernel's clock, which starts early in its boot
	unsigned int level; // 0 (emergency) to 7 (debug)
	unsigned int facility;
	uint32_t caller; // a task's id, or a CPU's number and bit GG_LOG_CALLER_CPU
	// Records between the one before and this one that are no longer there, or cannot be
	// trusted.
	uint64_t lost;
	const char *text; // any bytes at all, not terminated
	size_t text_size;
	const char *dict; // of a device: "KEY=VALUE", NULs in between; any bytes at all
	size_t dict_size;
};

// A time that records are chosen by; one without a time is not chosen then.
struct gg_log_bound {
	bool is_set;
	bool is_wall; // nanoseconds since 1970, in UTC; else of the log's own clock
	int64_t time;
};

// Which log, and which of its records.
struct gg_log_query {
	// The log is not the guest's, but in this transcript of what x or xp of QEMU's monitor
	// printed. Or NULL.
	const char *transcript;
	unsigned int levels;     // bit N for level N; 0 for all
	unsigned int facilities; // bit N for facility N, 0 to 31; 0 for all
	const char *pattern;     // a POSIX extended regular expression that the text has, or NULL
	uint64_t before, after;  // how many records of context come with what has the pattern
	struct gg_log_bound since, until;
	bool since_clear; // only those that are not GG_LOG_CLEARED
	uint64_t tail;    // only the last so many of them; 0 for all
};

// How a log is written. All but JSON is as dmesg has it: each line of a text gets the prefix;
// control characters and what is not UTF-8 are \xHH; where records were lost stands a line that
// starts "note:".
struct gg_log_style {
	bool raw;    // "<N>" before each line, N being 8 times the facility and the level
	bool decode; // the names of facility and level before each line
	bool caller; // who wrote it, behind the time
	bool json;   // a JSON object for each record, on one line, in ASCII
	bool colour; // with terminal escapes, by level
	bool ascii;  // everything but ASCII is \xHH
	// Times are in UTC, as the kernel has its clock now: a notice says so. GG_NOT_FOUND where
	// the kernel's clock is not found.
	bool wall;
	int64_t wall_offset; // filled in: nanoseconds from 1970 to the start of the log's clock
};

// The words of dmesg: "emerg" to "debug", "kern" to "local7". NULL where it has none.
const char *gg_log_level_name(unsigned int level);
const char *gg_log_facility_name(unsigned int facility);

// Calls VISIT for each record of GUEST's log that QUERY asks for, oldest first; a record is valid
// during the call. GUEST may be NULL if QUERY has a transcript. NOTICE, which may be NULL, gets a
// line for each thing that was assumed, or that could not be read or trusted: what can be, is
// visited. GG_NOT_FOUND where there is no log, GG_INVALID for a wrong QUERY. An error of VISIT's or
// NOTICE's ends it.
struct gg_error *gg_guest_log(struct gg_guest *guest, const struct gg_log_query *query,
			      struct gg_error *(*visit)(void *data,
							const struct gg_log_record *record),
			      struct gg_error *(*notice)(void *data, const char *text), void *data);

// The same records as text, in STYLE, to WRITE: any number of bytes at a time.
struct gg_error *
gg_guest_log_print(struct gg_guest *guest, const struct gg_log_query *query,
		   const struct gg_log_style *style,
		   struct gg_error *(*write)(void *data, const char *text, size_t size),
		   struct gg_error *(*notice)(void *data, const char *text), void *data);

// The log of a guest that lives in between two looks at it.
struct gg_log_follow;

// QUERY, which has no transcript, and STYLE are copied. GG_INVALID for a wrong QUERY.
struct gg_error *gg_log_follow_create(const struct gg_log_query *query,
				      const struct gg_log_style *style, struct gg_log_follow **ret);

// NULL is allowed.
void gg_log_follow_destroy(struct gg_log_follow *follow);

// Writes what QUERY asks for at the first look, and at each later one those of the records since
// that QUERY asks for: all of them once and in order; lines that start "note:" tell how many were
// overwritten in between. Of a kernel since Linux 5.10 only new records are read. A guest that was
// started anew is told of, and followed from its kernel's start; until that has a log RET is
// false. GUEST may be another object for the same guest at each look; one that is used again has
// not run since gg_guest_ran(). GG_UNSUPPORTED for a log whose records have neither numbers nor
// times.
struct gg_error *
gg_log_follow_look(struct gg_log_follow *follow, struct gg_guest *guest,
		   struct gg_error *(*write)(void *data, const char *text, size_t size),
		   struct gg_error *(*notice)(void *data, const char *text), void *data, bool *ret);

// The same as gg_guest_log_print() into the file PATH, which appears when it is whole. FORCE
// replaces an existing file. RET is how many records were written.
struct gg_error *gg_guest_log_save(struct gg_guest *guest, const struct gg_log_query *query,
				   const struct gg_log_style *style, const char *path, bool force,
				   struct gg_error *(*notice)(void *data, const char *text),
				   void *data, uint64_t *ret);

// ---- Interruption ----

// Between these two Ctrl-C (SIGINT) does not reach the debugger's handler, but makes the function
// at work return GG_INTERRUPTED. The pairs nest. Signal handlers belong to the process, and so does
// this: the only state that is shared.
void gg_interrupt_begin(void);
void gg_interrupt_end(void);

// GG_INTERRUPTED if Ctrl-C came since the outermost gg_interrupt_begin().
struct gg_error *gg_interrupt_check(void);

// That Ctrl-C has been heard, and there is something left to tidy up before all ends.
void gg_interrupt_forget(void);

// Puts the debugger's handler in place, inside of those, while the debugger waits for its user;
// false where it is in place. Nothing of the library's may be called before
// gg_interrupt_take_back().
bool gg_interrupt_lend(void);
void gg_interrupt_take_back(void);

// Between these two, which stand inside of those, the debugger lets its target run, and its own
// handler of Ctrl-C, which stops the target, is called once: when the target has run for
// MILLISECONDS (at least 1), or when the user presses Ctrl-C; not before the debugger waits for its
// target. More of the user's reach it only when the target has not stopped for seconds.
// A target that is a PROCESS (0: none) gets SIGINT itself instead, again each second, until the
// end. GG_INTERRUPTED if Ctrl-C came before. At the end: had the time passed?
struct gg_error *gg_interrupt_run_begin(unsigned int milliseconds, unsigned int process);
bool gg_interrupt_run_end(void);

// Tests whether PROCESS, which is stopped, has a SIGINT still to come.
bool gg_interrupt_is_pending(unsigned int process);

#pragma GCC visibility pop

#endif
