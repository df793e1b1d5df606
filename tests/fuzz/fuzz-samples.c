// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest at a gdbstub that answers anything at all, where it is looked at while it runs: rounds of samples with stacks, and the stops of a trace. The
// input's first byte chooses; the rest are the answers: a byte that chooses between a sound answer and damage, and a value.
#include "fuzz.h"

#include "../unit/page-image.h"
#include "../unit/stack-image.h"
#include "guest/profile-stub.h"
#include "guest/trace-stop.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CPUS = 2,
	CURRENT = 0x1000, // guest-physical, of a CPU's current task
	ROOM = 8192,
	PIECE = 4096, // digits of an answer, at most
	ROUNDS = 4,
	STACKS = 1, // bits of the first byte
	TRACE = 2,
	SYSCALL = 4,
	DAMAGE = 0xe0, // an answer's first byte: from here on the answer is damaged
};

#define TASKS UINT64_C(0xffff888000000000)
#define STACK UINT64_C(0xffffc90000000000)

static struct gg_trace_function function = {
	.name = (char *)"called",
	.entry = STACK_IMAGE_TEXT,
	.parameters = { { .name = "a", .is_placed = true, .is_text = true },
			{ .name = "b", .is_placed = true },
			{ .name = "c", .is_placed = true },
			{ .name = "d", .is_placed = true, .is_text = true },
			{ .name = "e", .is_placed = true },
			{ .name = "f", .is_placed = true },
			{ .name = "g", .is_placed = true },
			{ .name = "h", .is_placed = true, .is_text = true } },
	.result = { .is_placed = true, .is_text = true },
};

// ---- The gdbstub: the other end of the socket, in a thread ----

struct peer {
	int fd;
	const uint8_t *data;
	size_t size;
	bool is_lost;
};

static uint8_t next_byte(struct peer *peer)
{
	if (!peer->size)
		return 0;
	peer->size--;
	return *peer->data++;
}

// Returns an address that leads somewhere, or any number.
static uint64_t next_value(struct peer *peer)
{
	static const uint64_t places[] = { STACK_IMAGE_TEXT, STACK_IMAGE_TEXT + 0x110,
					   STACK + 0x3e00,   TASKS + 0x1000,
					   TASKS + 0x2000,   0x400000 };
	enum { COUNT = sizeof(places) / sizeof(*places) };
	const uint8_t choice = next_byte(peer);
	uint64_t value = 0;
	if (choice < 0x80)
		return places[choice % COUNT];
	for (unsigned int i = 0; i < sizeof(value); i++)
		value = value << 8 | next_byte(peer);
	return value;
}

static void append_digits(char *text, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes && 2 * i < PIECE; i++)
		sprintf(text + 2 * i, "%02x", (unsigned int)(value >> 8 * (i % 8)) & 0xff);
}

// Makes the sound answer. Returns false where a packet has none.
static bool answer_soundly(struct peer *peer, const char *packet, char *text)
{
	unsigned long long at, size;
	if (*packet == '\003')
		strcpy(text, "T02thread:p01.01;");
	else if (*packet == 'v')
		return false;
	else if (*packet == 'p')
		append_digits(text, 8, next_value(peer));
	else if (sscanf(packet, "m%llx,%llx", &at, &size) == 2)
		append_digits(text, size, next_value(peer));
	else
		strcpy(text, *packet == 'q' ? "5b68616c746564" : "OK");
	return true;
}

static void damage(struct peer *peer, char *text)
{
	const uint8_t kind = next_byte(peer);
	const size_t size = strlen(text);
	peer->is_lost = kind == 0xff;
	switch (kind % 6) {
	case 0:
		strcpy(text, "E14");
		break;
	case 1:
		text[0] = 0;
		break;
	case 2:
		text[size / 2] = 0;
		break;
	case 3:
		memset(text, '7', ROOM - 1);
		text[ROOM / 2] = 0;
		break;
	case 4:
		text[0] = (char)next_byte(peer);
		break;
	default:
		strcpy(text, "T05");
	}
}

static void answer(struct peer *peer, const char *packet)
{
	char text[ROOM] = "", reply[ROOM + 8];
	unsigned int sum = 0;
	const uint8_t choice = next_byte(peer);
	if (!answer_soundly(peer, packet, text))
		return;
	if (choice >= DAMAGE)
		damage(peer, text);
	for (const char *at = text; *at; at++)
		sum += (unsigned char)*at;
	const int size = snprintf(reply, sizeof(reply), "+$%s#%02x", text, sum & 0xff);
	if (send(peer->fd, reply, (size_t)size, MSG_NOSIGNAL) != size)
		peer->is_lost = true;
}

static void *serve(void *data)
{
	struct peer *peer = data;
	char packet[ROOM];
	size_t size = 0;
	char byte;
	while (!peer->is_lost && read(peer->fd, &byte, 1) == 1) {
		if (byte == '\003')
			answer(peer, "\003");
		else if (byte == '$')
			size = 0;
		else if (byte != '#' && size < sizeof(packet) - 1)
			packet[size++] = byte;
		packet[size] = 0;
		if (byte == '#') {
			answer(peer, packet);
			size = 0;
		}
	}
	shutdown(peer->fd, SHUT_RDWR);
	return NULL;
}

// ---- The kernel ----

struct world {
	struct stack_image *image;
	struct page_image *pages;
	struct gg_answerers kernel;
	struct gg_stub_run run;
	unsigned int flags;
};

static struct gg_error *make_kernel(struct world *world)
{
	static const char *const lines[] = {
		"orc 3",
		"function called 0xffffffff81000000 0x100",
		"function asm_exc_debug 0xffffffff81000100 0x100",
		"entry 0xffffffff81000000 call sp=SP+8",
		"entry 0xffffffff81000100 regs sp=SP+0 signal",
		"area 0xffffc90000000000 0x4000",
	};
	static const char *const tables[] = {
		"format x86-64 root=0x1000",
		"ram 0 0x4000",
		"word 0x1888 0x2003",
		"word 0x2000 0x83",
	};
	const struct gg_answerers *kernel = NULL;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (!stack_image_line(world->image, lines[i]))
			abort();
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (!page_image_line(world->pages, tables[i]))
			abort();
	struct gg_error *err = stack_image_kernel(world->image, &kernel);
	if (err)
		return err;
	world->kernel = *kernel;
	return page_image_table(world->pages, &world->kernel.memory.table);
}

// ---- Samples ----

static struct gg_sampled_cpu *make_cpus(void)
{
	struct gg_sampled_cpu *cpus = calloc(CPUS, sizeof(*cpus));
	for (uint32_t i = 0; i < CPUS; i++)
		cpus[i] = (struct gg_sampled_cpu){ .index = i,
						   .current = CURRENT + 8 * i,
						   .task = SIZE_MAX };
	return cpus;
}

static void sample(struct world *world)
{
	static const uint32_t cpus[CPUS] = { 0, 1 };
	const struct gg_profile_options options = { .hz = 99, .seconds = 1 };
	const struct gg_profile_request request = { &options, cpus, CPUS, NULL, NULL };
	uint64_t delays[ROUNDS];
	struct gg_profile profile = { .delays = delays };
	struct gg_sampler sampler = { .request = &request,
				      .kernel = &world->kernel,
				      .members = { { 32, 4 }, { 48, 16 }, { 8, 8 } },
				      .profile = &profile,
				      .cpus = make_cpus() };
	struct gg_stub_round round = { .sampler = &sampler,
				       .set = world->kernel.arch->stub,
				       .stub = world->run,
				       .cpus = calloc(CPUS, sizeof(*round.cpus)) };
	struct gg_error *err =
		world->flags & STACKS ? gg_stub_stacks_create(&sampler, &round.stacks) : NULL;
	for (unsigned int i = 0; !err && i < ROUNDS; i++) {
		err = gg_stub_round_take(&round, gg_wire_now());
		if (!err)
			err = gg_sampler_keep(&sampler, i);
	}
	gg_error_destroy(err);
	profile.delays = NULL;
	gg_profile_deinit(&profile);
	world->run = round.stub;
	gg_stub_stacks_destroy(round.stacks);
	gg_sampler_deinit(&sampler);
	free(round.cpus);
}

// ---- The stops of a trace ----

static struct gg_error *read_stop(struct gg_trace_stop *stop, struct gg_trace_cpu *cpu)
{
	struct gg_trace_value values[GG_TRACE_PARAMETERS], result;
	struct gg_error *err = gg_trace_stop_read(stop, cpu);
	if (!err && stop->function)
		err = gg_trace_read_arguments(stop, values);
	if (!err)
		err = gg_trace_read_result(stop, &function, &result);
	if (!err && stop->unwinder && stop->function)
		err = gg_trace_read_stack(stop);
	for (size_t i = 0; !err && stop->function && i < function.parameter_count; i++)
		if (values[i].size > GG_TRACE_TEXT || strlen(stop->comm) > GG_TASK_COMM)
			abort();
	return err;
}

static void trace(struct world *world)
{
	struct gg_trace trace = { .functions = &function, .function_count = 1 };
	struct gg_trace_cpu cpus[CPUS] = { { .index = 0, .current = TASKS },
					   { .index = 1, .current = TASKS + 8 } };
	struct gg_trace_stop stop = { .run = &world->run,
				      .kernel = &world->kernel,
				      .with_arguments = true,
				      .with_results = true,
				      .layout = { { 32, 4 }, { 48, 16 }, { 8, 8 } },
				      .trace = &trace };
	struct gg_error *err = NULL;
	function.is_syscall = world->flags & SYSCALL;
	function.parameter_count = function.is_syscall ? GG_SYSCALL_ARGUMENTS : 8;
	stop.registers = malloc(sizeof(*stop.registers));
	if (world->flags & STACKS)
		err = gg_unwinder_create(&world->kernel, &stop.unwinder);
	for (unsigned int i = 0; !err && i < ROUNDS; i++)
		err = read_stop(&stop, &cpus[i % CPUS]);
	gg_error_destroy(err);
	gg_trace_stop_deinit(&stop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int ends[2];
	pthread_t thread;
	struct world *world = calloc(1, sizeof(*world));
	if (!world || !size || socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
		free(world);
		return 0;
	}
	struct peer peer = { .fd = ends[1], .data = data + 1, .size = size - 1 };
	world->image = stack_image_create();
	world->pages = page_image_create();
	world->run.wire.fd = ends[0];
	world->flags = data[0];
	struct gg_error *err = make_kernel(world);
	if (err || pthread_create(&thread, NULL, serve, &peer))
		abort();
	if (world->flags & TRACE)
		trace(world);
	else
		sample(world);
	shutdown(ends[0], SHUT_RDWR);
	pthread_join(thread, NULL);
	close(ends[0]);
	close(ends[1]);
	gg_stub_run_deinit(&world->run);
	page_image_destroy(world->pages);
	stack_image_destroy(world->image);
	free(world);
	return 0;
}
