// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest's kernel log, from whatever there is of the guest to where it is wanted.
#include "guest.h"
#include "linux/kernel-host.h"
#include "linux/log-filter.h"
#include "linux/log-text.h"
#include "output.h"

#include <string.h>

// ---- Records ----

struct request {
	struct gg_guest *guest;
	const struct gg_log_query *query;
	gg_notice_fn *notice;
	void *data;
};

// By VMCOREINFO.
static struct gg_error *read_kernel(const struct request *request, struct gg_log_sink *sink)
{
	const struct gg_kernel *kernel;
	struct gg_host host;
	struct gg_error *err =
		gg_guest_kernel(request->guest, NULL, request->notice, request->data, &kernel);
	if (err)
		return err;
	if (!kernel->table)
		return gg_error_create(GG_UNSUPPORTED,
				       "the page tables of %s guests are not walked yet",
				       request->guest->arch->name);
	gg_kernel_host_init(&host, kernel);
	return gg_log_read(&host, sink);
}

static struct gg_error *filter_record(void *data, const struct gg_log_record *record)
{
	return gg_log_filter_record(data, record);
}

// The sink's data is the filter, the notices' is the caller's: both go by way of this.
struct listener {
	struct gg_log_filter filter;
	gg_notice_fn *notice;
	void *data;
};

static struct gg_error *pass_record(void *data, const struct gg_log_record *record)
{
	struct listener *listener = data;
	return filter_record(&listener->filter, record);
}

static struct gg_error *pass_notice(void *data, const char *text)
{
	struct listener *listener = data;
	return listener->notice ? listener->notice(listener->data, text) : NULL;
}

struct gg_error *gg_guest_log(struct gg_guest *guest, const struct gg_log_query *query,
			      struct gg_error *(*visit)(void *data,
							const struct gg_log_record *record),
			      struct gg_error *(*notice)(void *data, const char *text), void *data)
{
	const struct request request = { guest, query, notice, data };
	struct listener listener = { .notice = notice, .data = data };
	struct gg_log_sink sink = { .record = pass_record,
				    .notice = pass_notice,
				    .data = &listener };
	struct gg_error *err = gg_log_filter_init(&listener.filter, query, visit, data);
	if (err)
		return err;
	listener.filter.from = &sink;
	err = read_kernel(&request, &sink);
	if (!err)
		err = gg_log_filter_end(&listener.filter);
	gg_log_filter_deinit(&listener.filter);
	gg_log_sink_deinit(&sink);
	return err;
}

// ---- Text ----

struct printer {
	const struct gg_log_style *style;
	struct gg_buffer text;
	bool open;
	struct gg_error *(*write)(void *data, const char *text, size_t size);
	gg_notice_fn *notice;
	void *data;
};

static struct gg_error *flush(struct printer *printer)
{
	struct gg_error *err = gg_buffer_check(&printer->text);
	if (!err && printer->text.size)
		err = printer->write(printer->data, (const char *)printer->text.bytes,
				     printer->text.size);
	printer->text.size = 0;
	return err;
}

static struct gg_error *print_record(void *data, const struct gg_log_record *record)
{
	enum { PIECE = 65536 };
	struct printer *printer = data;
	if (printer->style->json)
		gg_log_json_append(&printer->text, record);
	else
		gg_log_text_append(&printer->text, printer->style, record, &printer->open);
	return printer->text.size < PIECE ? NULL : flush(printer);
}

static struct gg_error *print_notice(void *data, const char *text)
{
	const struct printer *printer = data;
	return printer->notice ? printer->notice(printer->data, text) : NULL;
}

struct gg_error *
gg_guest_log_print(struct gg_guest *guest, const struct gg_log_query *query,
		   const struct gg_log_style *style,
		   struct gg_error *(*write)(void *data, const char *text, size_t size),
		   struct gg_error *(*notice)(void *data, const char *text), void *data)
{
	struct printer printer = { .style = style, .write = write, .notice = notice, .data = data };
	struct gg_error *err = gg_guest_log(guest, query, print_record, print_notice, &printer);
	if (!err) {
		gg_log_text_end(&printer.text, &printer.open);
		err = flush(&printer);
	}
	gg_buffer_deinit(&printer.text);
	return err;
}

// ---- A file ----

struct file {
	struct gg_output *output;
	uint64_t size;
	gg_notice_fn *notice;
	void *data;
};

static struct gg_error *write_file(void *data, const char *text, size_t size)
{
	struct file *file = data;
	struct gg_error *err = gg_output_write(file->output, file->size, text, size);
	file->size += size;
	return err;
}

static struct gg_error *file_notice(void *data, const char *text)
{
	const struct file *file = data;
	return file->notice ? file->notice(file->data, text) : NULL;
}

struct gg_error *gg_guest_log_save(struct gg_guest *guest, const struct gg_log_query *query,
				   const struct gg_log_style *style, const char *path, bool force,
				   struct gg_error *(*notice)(void *data, const char *text),
				   void *data)
{
	const char *looked_at[4] = { 0 };
	size_t count = 0;
	struct file file = { .notice = notice, .data = data };
	if (guest && guest->core)
		looked_at[count++] = gg_core_file_path(guest->core);
	if (guest && guest->program_path)
		looked_at[count++] = guest->program_path;
	if (query->transcript)
		looked_at[count++] = query->transcript;
	struct gg_error *err = gg_output_create(path, force, looked_at, &file.output);
	if (err)
		return err;
	err = gg_guest_log_print(guest, query, style, write_file, file_notice, &file);
	if (!err)
		err = gg_output_commit(file.output, file.size);
	gg_output_destroy(file.output);
	return err;
}
