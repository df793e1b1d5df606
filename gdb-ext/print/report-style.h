// SPDX-License-Identifier: GPL-3.0-or-later
//
// The style and the script of a report's page. Neither has a "<" or a "&": the page is XML too.
#ifndef GG_PRINT_REPORT_STYLE_H
#define GG_PRINT_REPORT_STYLE_H

extern const char gg_report_style[];

// Sorts tables and filters lines; the page is complete without the script.
extern const char gg_report_script[];

// The script's SHA-256 in base64, the only script that the page's policy lets run: tests/guest/test_report.py
// prints it where the script is another.
#define GG_REPORT_SCRIPT_HASH "ASIKXtiGo5lS1XCgJ0b5g7CMfZc7Xo9PmfLNPJabLpE="

#endif
