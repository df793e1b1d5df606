// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  all of RAM, or a transcript of a part of it.
// Out: where the log is, and of which format, as a kernel that can be asked (log-guess.h).
//
// A printk_ringbuffer (v5.10 on) is known by its two rings, whose sizes agree, whose ends are not
// farther apart than that, and whose descriptors and infos have each other's numbers. The older
// logs are known by the record or line that a boot starts with, which is gone once they wrapped;
// in a transcript, by what follows the start of a range.
#include "find.h"
#include "memory/ram-scan.h"
#include "log.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_TEXTS = 64,
	LONG_SIZE = 8,
	DESC_SIZE = 24,
	MAX_COUNT_BITS = 26,
	MIN_COUNT_BITS = 2,
	MAX_SIZE_BITS = 31,
	MAX_CHAIN =
		1 << 24, // bytes of an older log: kernels have 128 KiB, few have more than 16 MiB
	MIN_CHAIN = 3,   // records or lines of one, to be believed
};

static const char first_text[] = "Linux version ";

struct find {
	struct gg_log_search *search;
	struct gg_log_guess *guess; // the one that is tried
	struct gg_log_guess best;   // the ring so far that has the newest record
	uint64_t best_time;
	gg_gpa_t best_at;
	gg_gpa_t texts[MAX_TEXTS]; // where first_text is
	size_t text_count;
	bool found;
	size_t rings_tried; // at any distance
};

const char *gg_guess_format_name(enum gg_guess_format format)
{
	static const char *const names[] = {
		[GG_GUESS_RING] = "a printk_ringbuffer (Linux 5.10 or later)",
		[GG_GUESS_RECORDS] = "a buffer of records (Linux 3.5 to 5.9)",
		[GG_GUESS_BYTES] = "a buffer of lines (Linux before 3.5)",
	};
	return names[format];
}

static uint64_t get(const uint8_t *bytes, unsigned int size)
{
	uint64_t value = 0;
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)bytes[i] << 8 * i;
	return value;
}

static bool read_map(const struct find *find, gg_gpa_t gpa, void *buffer, size_t size)
{
	struct gg_error *err = gg_ram_map_read(find->search->map, gpa, buffer, size);
	const bool done = !err;
	gg_error_destroy(err);
	return done;
}

// ---- The ring buffer ----

struct ring {
	uint64_t count, descs, infos, head_id, tail_id;
};

// x86_64's kernel is in the upper half of the address space.
static bool is_kernel_pointer(uint64_t value)
{
	return value >= UINT64_C(0xff00000000000000) && value % LONG_SIZE == 0;
}

// Tests whether these are the bytes of a printk_ringbuffer whose text_data_ring is at DATA_RING.
static bool is_ring(const uint8_t *bytes, uint64_t data_ring)
{
	const uint64_t count_bits = get(bytes, 8), size_bits = get(bytes + data_ring, 8);
	if (count_bits < MIN_COUNT_BITS || count_bits > MAX_COUNT_BITS || size_bits <= count_bits ||
	    size_bits > MAX_SIZE_BITS)
		return false;
	const uint64_t data_size = UINT64_C(1) << size_bits;
	const uint64_t head_lpos = get(bytes + data_ring + 16, 8),
		       tail_lpos = get(bytes + data_ring + 24, 8);
	return is_kernel_pointer(get(bytes + 8, 8)) && is_kernel_pointer(get(bytes + 16, 8)) &&
	       is_kernel_pointer(get(bytes + data_ring + 8, 8)) &&
	       get(bytes + 24, 8) - get(bytes + 32, 8) < UINT64_C(1) << count_bits &&
	       head_lpos - tail_lpos <= data_size && head_lpos % LONG_SIZE == 0 &&
	       tail_lpos % LONG_SIZE == 0;
}

static bool read_guess(const struct gg_log_guess *guess, uint64_t address, uint8_t *bytes,
		       size_t size)
{
	struct gg_error *err = gg_host_read(&guess->host, address, bytes, size);
	const bool done = !err;
	gg_error_destroy(err);
	return done;
}

// Tests whether the info of the record with ID has its number, if infos are SIZE bytes apart. The
// low 30 bits of the number follow from the ID (see ring.c).
static bool has_number(const struct gg_log_guess *guess, const struct ring *ring, uint64_t id,
		       uint64_t size)
{
	const uint64_t number_bits = 0x3fffffff;
	uint8_t bytes[8];
	return read_guess(guess, ring->infos + (id & (ring->count - 1)) * size, bytes, 8) &&
	       !((get(bytes, 8) ^ (id + ring->count)) & number_bits);
}

enum { SAMPLES = 4, MAX_BACK = 64 };

// Ids of the newest records that are written.
static size_t sample(const struct gg_log_guess *guess, const struct ring *ring,
		     uint64_t ids[SAMPLES])
{
	const uint64_t id_mask = UINT64_MAX >> 2;
	const uint64_t distance = ring->head_id - ring->tail_id;
	size_t count = 0;
	for (uint64_t back = 0; back <= distance && back < MAX_BACK && count < SAMPLES; back++) {
		const uint64_t id = ring->head_id - back;
		uint8_t bytes[8];
		if (!read_guess(guess, ring->descs + (id & (ring->count - 1)) * DESC_SIZE, bytes,
				8))
			return count;
		const uint64_t state = get(bytes, 8) >> 62;
		if ((get(bytes, 8) & id_mask) == id && (state == 1 || state == 2))
			ids[count++] = id;
	}
	return count;
}

// Finds how large an info is, too.
static bool is_sound(struct gg_log_guess *guess, const struct ring *ring)
{
	enum { SMALLEST = 88, LARGEST = 160 };
	uint64_t ids[SAMPLES];
	const size_t count = sample(guess, ring, ids);
	for (uint64_t size = SMALLEST; count && size <= LARGEST; size += LONG_SIZE) {
		size_t right = 0;
		while (right < count && has_number(guess, ring, ids[right], size))
			right++;
		guess->info_size = size;
		if (right == count)
			return true;
	}
	return false;
}

static bool try_mapping(struct find *find, const uint8_t *bytes, uint64_t data_ring,
			const struct gg_guess_mapping *mapping)
{
	const struct ring ring = {
		.count = UINT64_C(1) << get(bytes, 4),
		.descs = get(bytes + 8, 8),
		.infos = get(bytes + 16, 8),
		.head_id = get(bytes + 24, 8),
		.tail_id = get(bytes + 32, 8),
	};
	gg_log_guess_init(find->guess, GG_GUESS_RING, find->search->map, mapping);
	find->guess->data_ring = data_ring;
	gg_log_guess_set_ring(find->guess, bytes);
	return is_sound(find->guess, &ring);
}

// Tests whether the descriptor of the record with ID is at address AT, and all other addresses of
// the ring have the same distance from their places.
static bool try_distance(struct find *find, const uint8_t *bytes, uint64_t data_ring, uint64_t id,
			 uint64_t at)
{
	const uint64_t count = UINT64_C(1) << get(bytes, 4), descs = get(bytes + 8, 8);
	const struct gg_guess_mapping mapping = { .offset = descs + (id & (count - 1)) * DESC_SIZE -
							    at };
	return try_mapping(find, bytes, data_ring, &mapping);
}

// Looks in RANGE for the first word of a descriptor.
static bool try_word(struct find *find, const uint8_t *bytes, uint64_t data_ring,
		     const struct gg_ram_range *range, uint64_t id, uint64_t word)
{
	enum { PIECE = 4096 };
	uint8_t piece[PIECE];
	const uint64_t first = (LONG_SIZE - range->start % LONG_SIZE) % LONG_SIZE;
	for (uint64_t done = first; done + LONG_SIZE <= range->size; done += PIECE) {
		const size_t size =
			range->size - done < PIECE ? (size_t)(range->size - done) : PIECE;
		if (!read_map(find, range->start + done, piece, size))
			return false;
		for (size_t at = 0; at + LONG_SIZE <= size; at += LONG_SIZE)
			if (get(piece + at, LONG_SIZE) == word &&
			    try_distance(find, bytes, data_ring, id, range->start + done + at))
				return true;
	}
	return false;
}

// A transcript may have virtual addresses, as the ring itself has, or physical ones, which are all
// as far from those: how far, the descriptor of a record that is among the newest tells.
static bool try_offsets(struct find *find, const uint8_t *bytes, uint64_t data_ring)
{
	enum { BACK = 4, MAX_TRIED = 16 };
	static const uint64_t states[] = { 2, 1 }; // finalized, committed
	const struct gg_ram_map *map = find->search->map;
	const struct gg_guess_mapping same = { 0 };
	if (try_mapping(find, bytes, data_ring, &same))
		return true;
	if (find->rings_tried++ >= MAX_TRIED)
		return false;
	for (size_t i = 0; i < BACK * 2; i++) {
		const uint64_t id = (get(bytes + 24, 8) - i / 2) & UINT64_MAX >> 2;
		for (size_t j = 0; j < map->count; j++)
			if (try_word(find, bytes, data_ring, &map->ranges[j], id,
				     states[i % 2] << 62 | id))
				return true;
	}
	return false;
}

static bool try_ring(struct find *find, const uint8_t *bytes)
{
	// prb_desc_ring has got last_finalized_id, later last_finalized_seq, at its end in v5.18.
	static const uint64_t data_rings[] = { 48, 40 };
	const struct gg_log_search *search = find->search;
	for (size_t i = 0; i < sizeof(data_rings) / sizeof(*data_rings); i++) {
		if (!is_ring(bytes, data_rings[i]))
			continue;
		if (search->is_transcript && try_offsets(find, bytes, data_rings[i]))
			return true;
		for (size_t j = 0; j < search->table_count; j++) {
			const struct gg_guess_mapping mapping = { .table = search->tables[j] };
			if (try_mapping(find, bytes, data_rings[i], &mapping))
				return true;
		}
	}
	return false;
}

// A kernel that got a larger log while it booted has left the first one behind.
static void try_and_keep(struct find *find, gg_gpa_t at, const uint8_t *bytes)
{
	uint64_t time;
	if (!try_ring(find, bytes))
		return;
	struct gg_error *err = gg_log_ring_newest(&find->guess->host, &time);
	gg_debug(find->search->debug, "log at 0x%" PRIx64 ": what looks like a ring buffer: %s", at,
		 err ? gg_error_message(err) : "sound");
	if (!err && (!find->found || time > find->best_time)) {
		gg_log_guess_copy(&find->best, find->guess);
		find->best_time = time;
		find->best_at = at;
		find->found = true;
	}
	gg_error_destroy(err);
}

// ---- One look at everything ----

static void note_texts(struct find *find, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	const size_t length = sizeof(first_text) - 1;
	const uint8_t *at = bytes;
	while (find->text_count < MAX_TEXTS &&
	       (at = memmem(at, size - (size_t)(at - bytes), first_text, length))) {
		const gg_gpa_t text = gpa + (uint64_t)(at - bytes);
		if (!find->text_count || find->texts[find->text_count - 1] != text)
			find->texts[find->text_count++] = text;
		at++;
	}
}

static bool look(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	struct find *find = data;
	for (size_t at = (LONG_SIZE - gpa % LONG_SIZE) % LONG_SIZE; at + GG_GUESS_RING_SIZE <= size;
	     at += LONG_SIZE) {
		// Nearly every word fails here: this is what takes the time.
		uint64_t count_bits;
		memcpy(&count_bits, bytes + at, LONG_SIZE);
		if (le64toh(count_bits) - MIN_COUNT_BITS > MAX_COUNT_BITS - MIN_COUNT_BITS)
			continue;
		try_and_keep(find, gpa + at, bytes + at);
	}
	note_texts(find, gpa, bytes, size);
	return false;
}

// A range of a transcript may end with the ring.
static void look_at_range(struct find *find, const struct gg_ram_range *range)
{
	uint8_t bytes[GG_GUESS_RING_SIZE] = { 0 };
	const size_t size = range->size < sizeof(bytes) ? (size_t)range->size : sizeof(bytes);
	if (read_map(find, range->start, bytes, size))
		try_and_keep(find, range->start, bytes);
}

// ---- Records ----

// Up to where records follow each other from START on.
struct chain {
	uint64_t size;  // bytes
	uint64_t count; // records
	uint64_t first_time;
	bool wraps; // what is behind them says that the next one is at the buffer's start
};

static bool is_record(const uint8_t *bytes, uint64_t header_size, uint64_t *len)
{
	enum { PADDING = 8, ALIGNMENT = 4, LONGEST_TEXT = 2048 };
	const uint64_t text_len = get(bytes + 10, 2), dict_len = get(bytes + 12, 2);
	const uint64_t needed = header_size + text_len + dict_len;
	*len = get(bytes + 8, 2);
	return *len >= needed && *len - needed < PADDING && *len % ALIGNMENT == 0 &&
	       text_len <= LONGEST_TEXT;
}

// Records that are older than the first one do not follow it.
static struct chain follow(const struct find *find, gg_gpa_t start, uint64_t header_size,
			   uint64_t limit)
{
	enum { KNOWN = 16 };
	struct chain chain = { 0 };
	uint8_t bytes[KNOWN];
	uint64_t len;
	while (chain.size + header_size <= limit &&
	       read_map(find, start + chain.size, bytes, KNOWN)) {
		const uint64_t time = get(bytes, 8);
		chain.wraps = !get(bytes + 8, 2);
		if (!is_record(bytes, header_size, &len) || len > limit - chain.size)
			break;
		if (!chain.count)
			chain.first_time = time;
		if (time < chain.first_time)
			break;
		chain.count++;
		chain.size += len;
	}
	return chain;
}

static void guess_records(struct find *find, gg_gpa_t start, uint64_t size, uint64_t first,
			  uint64_t next, uint64_t header_size)
{
	const struct gg_guess_mapping mapping = { 0 };
	gg_log_guess_init(find->guess, GG_GUESS_RECORDS, find->search->map, &mapping);
	find->guess->header_size = header_size;
	gg_log_guess_set(find->guess, "log_buf", start);
	gg_log_guess_set(find->guess, "log_buf_len", size);
	gg_log_guess_set(find->guess, "log_first_idx", first);
	gg_log_guess_set(find->guess, "log_next_idx", next);
	find->search->at = start;
}

// The sizes of v3.5, of v5.1 with CONFIG_PRINTK_CALLER, and of the latter aligned to 8 bytes.
static const uint64_t header_sizes[] = { 16, 20, 24 };

// The record of a boot's first text.
static bool try_first_record(struct find *find, gg_gpa_t text)
{
	for (size_t i = 0; i < sizeof(header_sizes) / sizeof(*header_sizes); i++) {
		const uint64_t header = header_sizes[i];
		const struct chain chain = follow(find, text - header, header, MAX_CHAIN);
		if (chain.count < MIN_CHAIN)
			continue;
		guess_records(find, text - header, chain.size + header, 0, chain.size, header);
		return true;
	}
	return false;
}

// In a log that wrapped the oldest records are behind the newest, of which one may have been
// overwritten in part.
static uint64_t find_oldest(const struct find *find, const struct gg_ram_range *range,
			    uint64_t from, uint64_t header)
{
	enum { STEP = 4 };
	for (uint64_t at = from; at + header <= range->size; at += STEP) {
		const struct chain chain =
			follow(find, range->start + at, header, range->size - at);
		const bool ends = chain.wraps || at + chain.size + header > range->size;
		if (chain.count >= MIN_CHAIN || (chain.count && ends))
			return at;
	}
	return 0;
}

static bool try_range_as_records(struct find *find, const struct gg_ram_range *range)
{
	for (size_t i = 0; i < sizeof(header_sizes) / sizeof(*header_sizes); i++) {
		const uint64_t header = header_sizes[i];
		const struct chain chain = follow(find, range->start, header, range->size);
		if (chain.count < MIN_CHAIN)
			continue;
		const uint64_t first = find_oldest(find, range, chain.size, header);
		guess_records(find, range->start, range->size, first, chain.size, header);
		return true;
	}
	return false;
}

// ---- Lines ----

static void guess_bytes(struct find *find, gg_gpa_t start, uint64_t size, uint64_t end)
{
	const struct gg_guess_mapping mapping = { 0 };
	gg_log_guess_init(find->guess, GG_GUESS_BYTES, find->search->map, &mapping);
	gg_log_guess_set(find->guess, "log_buf", start);
	gg_log_guess_set(find->guess, "log_buf_len", size);
	gg_log_guess_set(find->guess, "log_end", end);
	find->search->at = start;
}

static uint64_t power_above(uint64_t size)
{
	uint64_t power = 1;
	while (power <= size)
		power *= 2;
	return power;
}

struct lines {
	uint64_t size;   // bytes up to the first NUL, or the end
	uint64_t count;  // that start as lines of a log do
	uint64_t oldest; // where the time falls back: the log has wrapped there
	// On the way:
	bool in_line, has_prefix;
	uint64_t last_time;
	uint64_t end; // of the last line that has a prefix
};

static void begin_line(struct lines *lines, const char *line, size_t size)
{
	enum { JITTER = 1000000000 }; // ns that one CPU's clock may be behind another's
	struct gg_log_record record = { 0 };
	lines->in_line = true;
	lines->has_prefix =
		gg_log_line_prefix(line, size, &record) && (record.flags & GG_LOG_LEVEL);
	if (!lines->has_prefix)
		return;
	lines->count++;
	if (!(record.flags & GG_LOG_TIME))
		return;
	// The rest of a line that was overwritten in part is old, too.
	if (!lines->oldest && record.time + JITTER < lines->last_time)
		lines->oldest = lines->end;
	lines->last_time = record.time;
}

// Returns how many bytes it got along.
static size_t follow_piece(struct lines *lines, const char *text, size_t size, bool is_last)
{
	enum { LONGEST_PREFIX = 32 };
	size_t at = 0;
	while (at < size) {
		// A prefix may be cut off by the piece's end: the next one has it whole.
		if (!lines->in_line && !is_last && at && size - at < LONGEST_PREFIX)
			break;
		if (!lines->in_line)
			begin_line(lines, text + at, size - at);
		const char *end = memchr(text + at, '\n', size - at);
		at = end ? (size_t)(end - text) + 1 : size;
		lines->in_line = !end;
		if (end && lines->has_prefix)
			lines->end = lines->size + at;
	}
	return at;
}

static struct lines follow_lines(const struct find *find, gg_gpa_t start, uint64_t limit)
{
	enum { PIECE = 4096 };
	struct lines lines = { 0 };
	char text[PIECE];
	while (lines.size < limit) {
		size_t size = limit - lines.size < PIECE ? (size_t)(limit - lines.size) : PIECE;
		// Less at the end of what there is.
		while (size && !read_map(find, start + lines.size, text, size))
			size /= 2;
		const size_t used = strnlen(text, size);
		lines.size += follow_piece(&lines, text, used, used < PIECE);
		if (!size || used < size)
			break;
	}
	return lines;
}

static bool try_first_line(struct find *find, gg_gpa_t text)
{
	enum { LONGEST_PREFIX = 32 };
	char before[LONGEST_PREFIX + sizeof(first_text)];
	if (!read_map(find, text - LONGEST_PREFIX, before, sizeof(before)))
		return false;
	for (size_t at = 0; at < LONGEST_PREFIX; at++) {
		struct gg_log_record record = { 0 };
		if (before[at] != '<' || gg_log_line_prefix(before + at, sizeof(before) - at,
							    &record) != LONGEST_PREFIX - at)
			continue;
		const gg_gpa_t start = text - LONGEST_PREFIX + at;
		const struct lines lines = follow_lines(find, start, MAX_CHAIN);
		if (lines.count < MIN_CHAIN)
			continue;
		guess_bytes(find, start, power_above(lines.size), lines.size);
		return true;
	}
	return false;
}

static bool try_range_as_lines(struct find *find, const struct gg_ram_range *range)
{
	const struct lines lines = follow_lines(find, range->start, range->size);
	const bool is_power = !(range->size & (range->size - 1));
	if (lines.count < MIN_CHAIN)
		return false;
	if (lines.size == range->size && lines.oldest && is_power)
		guess_bytes(find, range->start, range->size, range->size + lines.oldest);
	else
		guess_bytes(find, range->start, power_above(lines.size), lines.size);
	return true;
}

// ---- All of it ----

static bool take_ring(struct find *find)
{
	if (!find->found)
		return false;
	gg_log_guess_copy(find->guess, &find->best);
	find->search->at = find->best_at;
	return true;
}

static bool try_ranges(struct find *find)
{
	const struct gg_ram_map *map = find->search->map;
	for (size_t i = 0; i < map->count; i++)
		look_at_range(find, &map->ranges[i]);
	if (take_ring(find))
		return true;
	for (size_t i = 0; i < map->count; i++)
		if (try_range_as_records(find, &map->ranges[i]) ||
		    try_range_as_lines(find, &map->ranges[i]))
			return true;
	return false;
}

static bool try_texts(struct find *find)
{
	for (size_t i = 0; i < find->text_count; i++)
		if (try_first_record(find, find->texts[i]) || try_first_line(find, find->texts[i]))
			return true;
	return false;
}

struct gg_error *gg_log_find(struct gg_log_search *search, struct gg_log_guess *ret)
{
	struct find find = { .search = search, .guess = ret };
	struct gg_error *err =
		gg_ram_scan(search->map, GG_GUESS_RING_SIZE, look, &find, &search->missing);
	if (err)
		return gg_error_context(err, "looking for the kernel's log");
	search->has_kernel = find.text_count;
	gg_debug(search->debug, "log: %zu texts \"%s\", %s ring buffer", find.text_count,
		 first_text, find.found ? "a" : "no");
	if (take_ring(&find) || (search->is_transcript && try_ranges(&find)) || try_texts(&find))
		return NULL;
	return gg_error_create(
		GG_NOT_FOUND,
		"no printk_ringbuffer (Linux 5.10 or later), no record and no line \"%s...\" that "
		"others follow (before that)",
		first_text);
}
