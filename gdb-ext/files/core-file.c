// SPDX-License-Identifier: GPL-3.0-or-later
//
// A core file by its own program headers (System V gABI, chapter 5; the kernel writes them in
// fs/binfmt_elf.c).
//
// In:  an ELF core, perhaps cut off, perhaps hostile.
// Out: the addresses that the file holds, and their places.
//
// A segment's p_filesz is the dumped part of its p_memsz; the rest was left out (MADV_DONTDUMP,
// coredump_filter), and GDB 13 reads it as zeros without a word. Here it is absent, and so is
// everything beyond the end of a file that was cut off.
#include "core-file.h"
#include "base/cleanup.h"
#include "other-format.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

struct segment {
	uint64_t start, end; // addresses held in the file, end exclusive
	uint64_t offset;
};

// A segment as the process had it, whatever the file holds of it.
struct area {
	uint64_t start, last;
	uint64_t
		dumped; // bytes, from the start on, that the core has, or had before it was cut off
	bool writable;
};

struct gg_core_file {
	int fd;
	Elf *elf;
	char *path;
	bool big_endian;
	bool cut_off;
	bool physical; // addresses are p_paddr
	unsigned int address_size;
	struct segment *segments; // ascending, disjoint, none empty
	size_t count;
	struct area *areas; // in the file's order
	size_t area_count;
};

static int compare_segments(const void *left, const void *right)
{
	const struct segment *a = left, *b = right;
	return (a->start > b->start) - (a->start < b->start);
}

// Appends the part of the segment that the file really holds.
static struct gg_error *add_segment(struct gg_core_file *core, const GElf_Phdr *phdr,
				    uint64_t file_size)
{
	uint64_t held = phdr->p_filesz < phdr->p_memsz ? phdr->p_filesz : phdr->p_memsz;
	uint64_t available = phdr->p_offset < file_size ? file_size - phdr->p_offset : 0;
	if (held > available) {
		held = available;
		core->cut_off = true;
	}
	if (!held)
		return NULL;
	if (phdr->p_vaddr + held < phdr->p_vaddr)
		return gg_error_create(GG_BAD_DATA,
				       "the segment at 0x%" PRIx64 " has %" PRIu64
				       " bytes and wraps around",
				       (uint64_t)phdr->p_vaddr, held);
	core->segments[core->count++] = (struct segment){
		.start = phdr->p_vaddr,
		.end = phdr->p_vaddr + held,
		.offset = phdr->p_offset,
	};
	return NULL;
}

static void add_area(struct gg_core_file *core, const GElf_Phdr *phdr)
{
	uint64_t last;
	if (phdr->p_memsz && !__builtin_add_overflow(phdr->p_vaddr, phdr->p_memsz - 1, &last))
		core->areas[core->area_count++] = (struct area){
			.start = phdr->p_vaddr,
			.last = last,
			.dumped = phdr->p_filesz,
			.writable = phdr->p_flags & PF_W,
		};
}

static struct gg_error *read_segments(struct gg_core_file *core, uint64_t file_size)
{
	size_t count;
	if (elf_getphdrnum(core->elf, &count))
		return gg_error_create(GG_BAD_DATA, "no program headers: %s", elf_errmsg(-1));
	core->segments = calloc(count ? count : 1, sizeof(*core->segments));
	core->areas = calloc(count ? count : 1, sizeof(*core->areas));
	if (!core->segments || !core->areas)
		return gg_enomem;

	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(core->elf, (int)i, &phdr))
			return gg_error_create(GG_BAD_DATA, "program header %zu: %s", i,
					       elf_errmsg(-1));
		if (phdr.p_type != PT_LOAD)
			continue;
		if (core->physical)
			phdr.p_vaddr = phdr.p_paddr;
		add_area(core, &phdr);
		struct gg_error *err = add_segment(core, &phdr, file_size);
		if (err)
			return err;
	}

	qsort(core->segments, core->count, sizeof(*core->segments), compare_segments);
	for (size_t i = 1; i < core->count; i++)
		if (core->segments[i].start < core->segments[i - 1].end)
			return gg_error_create(GG_BAD_DATA,
					       "two segments hold the address 0x%" PRIx64,
					       core->segments[i].start);
	return NULL;
}

// The part of a core's headers that is read.
enum part {
	OF_PROCESS,      // the segments by their virtual addresses
	OF_VMCORE,       // the segments by their physical addresses
	WITHOUT_SEGMENTS // nothing is said about the memory
};

static struct gg_error *read_headers(struct gg_core_file *core, enum part part)
{
	struct stat status;
	if (fstat(core->fd, &status))
		return gg_error_system(errno, "fstat");
	if (!S_ISREG(status.st_mode))
		return gg_error_create(GG_BAD_DATA, "not a regular file");

	elf_version(EV_CURRENT);
	core->elf = elf_begin(core->fd, ELF_C_READ, NULL);
	if (!core->elf)
		return gg_error_create(GG_BAD_DATA, "not readable as ELF: %s", elf_errmsg(-1));
	GElf_Ehdr ehdr;
	if (elf_kind(core->elf) != ELF_K_ELF || !gelf_getehdr(core->elf, &ehdr))
		return gg_other_format_error(core->fd, "not an ELF file");
	if (ehdr.e_type != ET_CORE)
		return gg_error_create(GG_BAD_DATA, "not a core (e_type is %u, not %u)",
				       ehdr.e_type, ET_CORE);
	core->big_endian = ehdr.e_ident[EI_DATA] == ELFDATA2MSB;
	core->address_size = ehdr.e_ident[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	core->physical = part == OF_VMCORE;
	return part == WITHOUT_SEGMENTS ? NULL : read_segments(core, (uint64_t)status.st_size);
}

static struct gg_error *open_core(const char *path, enum part part, struct gg_core_file **ret)
{
	struct gg_core_file *core = calloc(1, sizeof(*core));
	if (!core)
		return gg_enomem;

	struct gg_error *err = NULL;
	core->fd = open(path, O_RDONLY | O_CLOEXEC);
	core->path = strdup(path);
	if (core->fd < 0)
		err = gg_error_system(errno, "open");
	else if (!core->path)
		err = gg_enomem;
	else
		err = read_headers(core, part);
	if (err) {
		gg_core_file_close(core);
		return gg_error_context(err, "core file %s", path);
	}
	*ret = core;
	return NULL;
}

struct gg_error *gg_core_file_open(const char *path, struct gg_core_file **ret)
{
	return open_core(path, OF_PROCESS, ret);
}

struct gg_error *gg_core_file_open_vmcore(const char *path, struct gg_core_file **ret)
{
	return open_core(path, OF_VMCORE, ret);
}

void gg_core_file_close(struct gg_core_file *core)
{
	if (!core)
		return;
	elf_end(core->elf);
	if (core->fd >= 0)
		close(core->fd);
	free(core->path);
	free(core->segments);
	free(core->areas);
	free(core);
}

const char *gg_core_file_path(const struct gg_core_file *core)
{
	return core->path;
}

int gg_core_file_fd(const struct gg_core_file *core)
{
	return core->fd;
}

bool gg_core_file_big_endian(const struct gg_core_file *core)
{
	return core->big_endian;
}

unsigned int gg_core_file_address_size(const struct gg_core_file *core)
{
	return core->address_size;
}

bool gg_core_file_is_cut_off(const struct gg_core_file *core)
{
	return core->cut_off;
}

bool gg_core_file_is_left_to_file(const struct gg_core_file *core, uint64_t address)
{
	for (size_t i = 0; i < core->area_count; i++) {
		const struct area *area = &core->areas[i];
		if (address >= area->start && address <= area->last &&
		    (area->writable || address - area->start < area->dumped))
			return false;
	}
	return true;
}

bool gg_core_file_area(const struct gg_core_file *core, size_t index, uint64_t *start,
		       uint64_t *last)
{
	if (index >= core->area_count)
		return false;
	*start = core->areas[index].start;
	*last = core->areas[index].last;
	return true;
}

bool gg_core_file_may_lack_areas(const struct gg_core_file *core)
{
	for (size_t i = 0; i < core->area_count; i++)
		if (core->areas[i].dumped <= core->areas[i].last - core->areas[i].start)
			return false;
	return true;
}

// Returns the descriptor of OWNER's note of TYPE in one PT_NOTE, or NULL.
static const uint8_t *find_note(Elf_Data *data, const char *owner, uint32_t type, size_t *size)
{
	size_t name, descriptor;
	GElf_Nhdr nhdr;
	for (size_t at = 0; (at = gelf_getnote(data, at, &nhdr, &name, &descriptor));) {
		if (nhdr.n_type != type || nhdr.n_namesz != strlen(owner) + 1 ||
		    memcmp((const char *)data->d_buf + name, owner, nhdr.n_namesz) != 0)
			continue;
		*size = nhdr.n_descsz;
		return (const uint8_t *)data->d_buf + descriptor;
	}
	return NULL;
}

static const uint8_t *find_owners_note(const struct gg_core_file *core, const char *owner,
				       uint32_t type, size_t *size)
{
	size_t count;
	if (elf_getphdrnum(core->elf, &count))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;
		if (!gelf_getphdr(core->elf, (int)i, &phdr) || phdr.p_type != PT_NOTE)
			continue;
		Elf_Data *data = elf_getdata_rawchunk(core->elf, (int64_t)phdr.p_offset,
						      phdr.p_filesz, ELF_T_NHDR);
		const uint8_t *descriptor = data ? find_note(data, owner, type, size) : NULL;
		if (descriptor)
			return descriptor;
	}
	return NULL;
}

const uint8_t *gg_core_file_note(const struct gg_core_file *core, uint32_t type, size_t *size)
{
	return find_owners_note(core, "CORE", type, size);
}

// ---- Vmcores ----

// Tests for the one segment of a machine whose RAM begins at 0, as QEMU writes it (dump/dump.c: no flags, no alignment). A
// process's segment at 0 has its page's alignment by Linux (fs/binfmt_elf.c) and by GDB.
static bool is_ram_at_zero(const GElf_Phdr *phdr)
{
	return !phdr->p_vaddr && !phdr->p_paddr && !phdr->p_flags && !phdr->p_align &&
	       phdr->p_filesz;
}

// A process has no physical addresses.
static bool has_physical_addresses(const struct gg_core_file *core)
{
	size_t count;
	GElf_Phdr phdr;
	if (elf_getphdrnum(core->elf, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(core->elf, (int)i, &phdr) && phdr.p_type == PT_LOAD &&
		    (phdr.p_paddr || is_ram_at_zero(&phdr)))
			return true;
	return false;
}

static bool is_vmcore(const struct gg_core_file *core)
{
	size_t size;
	if (find_owners_note(core, "QEMU", 0, &size) ||
	    find_owners_note(core, "VMCOREINFO", 0, &size))
		return true;
	return !gg_core_file_note(core, NT_PRPSINFO, &size) &&
	       !gg_core_file_note(core, NT_AUXV, &size) && has_physical_addresses(core);
}

bool gg_core_file_is_vmcore(const char *path)
{
	struct gg_core_file *core = NULL;
	struct gg_error *err = open_core(path, WITHOUT_SEGMENTS, &core);
	const bool is = !err && is_vmcore(core);
	gg_error_destroy(err);
	gg_core_file_close(core);
	return is;
}

// --------

// Returns the first segment that ends after ADDRESS, or the count.
static size_t find_segment(const struct gg_core_file *core, uint64_t address)
{
	size_t low = 0, high = core->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (core->segments[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void gg_core_file_extent(const struct gg_core_file *core, uint64_t address, uint64_t size,
			 struct gg_core_extent *ret)
{
	*ret = (struct gg_core_extent){ .size = size };
	size_t i = find_segment(core, address);
	if (i == core->count)
		return;

	const struct segment *segment = &core->segments[i];
	ret->held = segment->start <= address;
	uint64_t alike = (ret->held ? segment->end : segment->start) - address;
	if (alike < size)
		ret->size = alike;
	if (ret->held)
		ret->offset = segment->offset + (address - segment->start);
}

struct gg_error *gg_core_file_absent(const struct gg_core_file *core, uint64_t address)
{
	return gg_error_create(GG_ABSENT,
			       "the core file does not hold the memory at 0x%" PRIx64 "%s", address,
			       core->cut_off ? ": it is cut off (look at ulimit -c, and at the "
					       "disk it was written to)"
					     : "");
}

struct gg_error *gg_core_file_check(const struct gg_core_file *core, uint64_t address,
				    uint64_t size)
{
	while (size) {
		struct gg_core_extent extent;
		gg_core_file_extent(core, address, size, &extent);
		if (!extent.held)
			return gg_core_file_absent(core, address);
		address += extent.size;
		size -= extent.size;
	}
	return NULL;
}

struct gg_error *gg_core_file_read(const struct gg_core_file *core, uint64_t address, void *buffer,
				   size_t size)
{
	uint8_t *bytes = buffer;
	while (size) {
		struct gg_core_extent extent;
		gg_core_file_extent(core, address, size, &extent);
		if (!extent.held)
			return gg_core_file_check(core, address, size);
		ssize_t got = pread(core->fd, bytes, extent.size, (off_t)extent.offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return gg_error_system(errno, "reading %s", core->path);
		if (!got)
			return gg_error_create(GG_ABSENT,
					       "%s ends before its offset %" PRIu64
					       " (was it cut off just now?)",
					       core->path, extent.offset);
		bytes += got;
		address += (uint64_t)got;
		size -= (size_t)got;
	}
	return NULL;
}
