// SPDX-License-Identifier: GPL-3.0-or-later
#include "printer.h"
#include "text.h"

static struct gg_error *flush(struct gg_log_printer *printer)
{
	struct gg_error *err = gg_buffer_check(&printer->text);
	if (!err && printer->text.size)
		err = printer->writer->write(printer->writer->data,
					     (const char *)printer->text.bytes, printer->text.size);
	printer->text.size = 0;
	return err;
}

struct gg_error *gg_log_printer_record(struct gg_log_printer *printer,
				       const struct gg_log_record *record)
{
	enum { PIECE = 65536 };
	if (printer->records++ && (record->flags & GG_LOG_APART) && !printer->style->json) {
		gg_log_text_end(&printer->text, &printer->open);
		gg_buffer_append(&printer->text, "--\n", 3); // as grep has it
	}
	if (printer->style->json)
		gg_log_json_append(&printer->text, printer->style, record);
	else
		gg_log_text_append(&printer->text, printer->style, record, &printer->open);
	return printer->text.size < PIECE ? NULL : flush(printer);
}

struct gg_error *gg_log_printer_end(struct gg_log_printer *printer)
{
	gg_log_text_end(&printer->text, &printer->open);
	return flush(printer);
}

void gg_log_printer_deinit(struct gg_log_printer *printer)
{
	gg_buffer_deinit(&printer->text);
}
