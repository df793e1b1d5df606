// SPDX-License-Identifier: GPL-3.0-or-later
//
// Sources and the machine over them: a sham of a source is one file and one row.
#include "unit.h"
#include "fake-kernel.h"
#include "sham-source.h"

#include "guest/guest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, TEXT = 0x800000, NOTE = 0x300000, TABLES = 0x100000, LOG = TEXT + 0x1000 };

static const struct fake_kernel kernel = {
	.tables = TABLES, .note = NOTE, .text_gpa = TEXT, .release = "6.1.0-sham", .log = LOG
};

static const struct gg_target sham_target = { .program_path = "sham" };

static struct sham sham;
static struct gg_host host;
static struct gg_guest *guest;

// All CPUs run the kernel.
static int begin_test(void **state)
{
	(void)state;
	sham_init(&sham);
	fake_kernel_write(sham.ram, &kernel);
	for (size_t i = 0; i < SHAM_CPUS; i++)
		sham.roots[i] = TABLES;
	host = sham_host(&sham);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	gg_guest_destroy(guest);
	guest = NULL;
	sham_deinit(&sham);
	return 0;
}

static struct gg_error *try_to_create(const struct gg_target *target)
{
	const struct gg_source_ops *const rows[] = { &sham_source, &gg_source_stub, NULL };
	return gg_guest_create_from(rows, &host, target, &guest);
}

static void create(void)
{
	assert_success(try_to_create(&sham_target));
}

static const struct gg_kernel *find_kernel(void)
{
	const struct gg_kernel *found = NULL;
	assert_success(gg_guest_kernel(guest, NULL, NULL, &found));
	char *release = gg_vmcoreinfo_value(&found->info, "OSRELEASE");
	assert_string_equal(release, "6.1.0-sham");
	free(release);
	return found;
}

static unsigned int count_cpu_reads(void)
{
	unsigned int count = 0;
	for (size_t i = 0; i < SHAM_CPUS; i++)
		count += sham.cpu_reads[i];
	return count;
}

// ---- A new source ----

static struct gg_error *check_range(void *data, const struct gg_ram_range *range)
{
	assert_int_equal(range->start, 0);
	assert_int_equal(range->size, FAKE_KERNEL_RAM);
	assert_string_equal(range->block, "sham.ram");
	(*(unsigned int *)data)++;
	return NULL;
}

static struct gg_error *check_cpu(void *data, const struct gg_cpu *cpu)
{
	unsigned int *count = data;
	assert_int_equal(cpu->index, *count);
	assert_int_equal(cpu->pc, 0x1000 + *count);
	assert_int_equal(cpu->root, TABLES);
	(*count)++;
	return NULL;
}

static struct gg_error *count_record(void *data, const struct gg_log_record *record)
{
	(void)record;
	(*(unsigned int *)data)++;
	return NULL;
}

static void test_row(void **state)
{
	(void)state;
	unsigned int ranges = 0, cpus = 0, records = 0;
	const struct gg_log_query query = { 0 };
	struct gg_address_space *space;
	char path[] = "/tmp/test-source-XXXXXX";
	struct gg_dump_result result;
	gg_gva_t address;
	uint8_t word[8];
	create();
	assert_success(gg_guest_ram(guest, check_range, &ranges));
	assert_int_equal(ranges, 1);
	assert_success(gg_guest_cpus(guest, check_cpu, &cpus));
	assert_int_equal(cpus, SHAM_CPUS);
	assert_int_equal(find_kernel()->running, SHAM_CPUS);
	assert_success(gg_guest_symbol(guest, "_stext", &address));
	assert_int_equal(address, FAKE_KERNEL_STEXT);
	assert_success(gg_guest_log(guest, &query, count_record, &records, NULL));
	assert_true(records > 0);
	put_uint(sham.ram + TEXT, 8, 0x1122334455667788);
	for (int64_t cpu = GG_KERNEL_TABLES; cpu < SHAM_CPUS; cpu++) {
		assert_success(gg_guest_address_space(guest, cpu, NULL, &space));
		assert_success(gg_address_space_read(space, address, word, sizeof(word)));
		assert_int_equal(word[7], 0x11);
	}
	close(mkstemp(path));
	const struct gg_dump_options options = { .path = path, .force = true };
	assert_success(gg_dump(guest, &options, &result));
	assert_int_equal(result.memory_size, FAKE_KERNEL_RAM);
	unlink(path);
}

static void test_table(void **state)
{
	(void)state;
	const struct gg_target other = { .program_path = "qemu" };
	const struct gg_target both = { .program_path = "sham",
					.monitor = (const char *[GG_MONITOR_TEXTS]){ 0 } };
	assert_error(try_to_create(&other), GG_UNSUPPORTED, "no guest can be looked at here");
	// The stub, which accepts it too, would fail.
	assert_success(try_to_create(&both));
	find_kernel();
}

static void test_unknown_facts(void **state)
{
	(void)state;
	struct gg_source_facts facts;
	char *text = NULL;
	create();
	assert_success(gg_guest_facts(guest, &facts));
	assert_null(facts.layout);
	const struct gg_fact *const all[] = { &facts.version, &facts.machine, &facts.run_state,
					      &facts.accelerator };
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_null(all[i]->text);
		assert_null(all[i]->err);
	}
	gg_source_facts_deinit(&facts);
	assert_error(gg_guest_run_state(guest, &text), GG_UNSUPPORTED, "a sham has no run state");
	assert_error(gg_guest_compare_layouts(guest, NULL, NULL), GG_UNSUPPORTED,
		     "the sham shows the guest's memory, not QEMU's own");
	assert_non_null(gg_guest_absent_advice(guest));
	assert_null(gg_guest_files(guest)[0]);
}

static void test_note(void **state)
{
	(void)state;
	sham.note = NOTE;
	create();
	const uint64_t before = gg_bytes_host_reads(sham.bytes);
	assert_int_equal(find_kernel()->finder, GG_FOUND_BY_DEVICE);
	const uint64_t by_note = gg_bytes_host_reads(sham.bytes) - before;
	end_test(NULL);

	// A place that leads nowhere is no error: RAM is looked at.
	begin_test(NULL);
	sham.note = NOTE + PAGE;
	create();
	assert_int_equal(find_kernel()->finder, GG_FOUND_BY_SCAN);
	assert_true(gg_bytes_host_reads(sham.bytes) > by_note);
}

static struct gg_error *count_kernel(void *data, const struct gg_kernel_info *info)
{
	(void)info;
	(*(unsigned int *)data)++;
	return NULL;
}

static void test_cost(void **state)
{
	(void)state;
	const struct gg_kernel *found;
	unsigned int count = 0;
	sham.cost = GG_COST_WIRE;
	create();
	// The image has no pointer to the note.
	assert_error(gg_guest_kernel(guest, NULL, NULL, &found), GG_NOT_FOUND,
		     "guest-kernel -scan looks at all of RAM");
	assert_success(gg_guest_kernels(guest, true, count_kernel, &count));
	assert_int_equal(count, 1);
}

// ---- The machine ----

static void test_once(void **state)
{
	(void)state;
	unsigned int ranges = 0, cpus = 0;
	struct gg_address_space *space;
	create();
	assert_int_equal(sham.maps + sham.lists + count_cpu_reads(), 0);
	assert_success(gg_guest_ram(guest, check_range, &ranges));
	assert_int_equal(sham.maps, 1);
	assert_int_equal(sham.lists + count_cpu_reads(), 0);
	// The page tables of a CPU need no other CPU.
	assert_success(gg_guest_address_space(guest, 1, NULL, &space));
	assert_int_equal(sham.cpu_reads[1], 1);
	assert_int_equal(count_cpu_reads(), 1);
	find_kernel();
	assert_success(gg_guest_cpus(guest, check_cpu, &cpus));
	assert_success(gg_guest_address_space(guest, 2, NULL, &space));
	assert_int_equal(sham.maps, 1);
	assert_int_equal(sham.lists, 1);
	for (size_t i = 0; i < SHAM_CPUS; i++)
		assert_int_equal(sham.cpu_reads[i], 1);
}

static void test_unreadable(void **state)
{
	(void)state;
	struct gg_address_space *space;
	sham.unreadable[1] = true;
	create();
	for (unsigned int i = 0; i < 2; i++)
		assert_error(gg_guest_address_space(guest, 1, NULL, &space), GG_FAULT,
			     "the sham's CPU is damaged");
	// Without a vote of it all others agree.
	bool is_running = false;
	const struct gg_kernel *found = find_kernel();
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	assert_int_equal(found->running, 2);
	assert_success(gg_kernel_is_running(&site, found, &is_running));
	assert_true(is_running);
	assert_success(gg_guest_address_space(guest, 2, NULL, &space));
	assert_int_equal(sham.cpu_reads[1], 1);
	end_test(NULL);

	// Without their list there is no architecture, and RAM all the same.
	begin_test(NULL);
	unsigned int ranges = 0;
	const struct gg_arch *arch;
	sham.no_cpus = true;
	create();
	assert_success(gg_guest_ram(guest, check_range, &ranges));
	assert_error(gg_guest_cpu_arch(guest, &arch), GG_BAD_DATA, "lost its CPUs");
}

static void test_ran(void **state)
{
	(void)state;
	struct gg_address_space *space;
	const struct gg_kernel *found;
	uint8_t byte;
	create();
	found = find_kernel();
	assert_success(gg_guest_address_space(guest, 0, NULL, &space));
	assert_success(gg_address_space_read(space, FAKE_KERNEL_STEXT, &byte, 1));
	sham.roots[0] = 0;
	gg_guest_ran(guest);
	assert_int_equal(sham.runs, 1);
	assert_success(gg_guest_address_space(guest, 0, NULL, &space));
	assert_error(gg_address_space_read(space, FAKE_KERNEL_STEXT, &byte, 1), GG_BAD_DATA, "");
	assert_int_equal(sham.lists, 2);
	assert_int_equal(sham.cpu_reads[0], 2);
	// The RAM and the kernel stay.
	assert_int_equal(sham.maps, 1);
	assert_ptr_equal(find_kernel(), found);
}

#define TEST(sentence, function) UNIT_TEST_WITH(begin_test, end_test, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a guest over a new source has RAM, CPUs, a kernel, its log, a vmcore",
		     test_row),
		TEST("the first row that accepts a target opens it", test_table),
		TEST("facts that a source does not have are left out", test_unknown_facts),
		TEST("the kernel is found where the source has its note", test_note),
		TEST("all of RAM is looked at unasked only where that costs little", test_cost),
		TEST("each part is read once, and nothing that is not needed", test_once),
		TEST("a CPU that cannot be read does not break the others", test_unreadable),
		TEST("after the guest ran the CPUs are read anew", test_ran),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
