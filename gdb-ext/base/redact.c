// SPDX-License-Identifier: GPL-3.0-or-later
#include "redact.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// ---- Host names ----

void gg_redact_deinit(struct gg_redact *redact)
{
	for (size_t i = 0; i < redact->count; i++)
		free(redact->names[i]);
	redact->count = 0;
}

static struct gg_error *add_name(struct gg_redact *redact, const char *name, size_t size)
{
	enum { SHORTEST = 2 };
	if (size < SHORTEST || redact->count == GG_REDACT_NAMES)
		return NULL;
	char *copy = strndup(name, size);
	if (!copy)
		return gg_enomem;
	redact->names[redact->count++] = copy;
	return NULL;
}

struct gg_error *gg_redact_add_host(struct gg_redact *redact, const char *name)
{
	static const char *const common[] = { "(none)", "localhost", "localhost.localdomain",
					      "linux", NULL };
	for (const char *const *other = common; *other; other++)
		if (!strcasecmp(name, *other))
			return NULL;
	const char *dot = strchr(name, '.');
	struct gg_error *err = add_name(redact, name, strlen(name));
	if (!err && dot)
		err = add_name(redact, name, (size_t)(dot - name));
	if (!err && dot && strchr(dot + 1, '.'))
		err = add_name(redact, dot + 1, strlen(dot + 1));
	return err;
}

// ---- Forms ----

// A text and the place that is looked at.
struct place {
	const struct gg_redact *redact;
	const char *text;
	size_t size, at;
};

// The part of the text at the place that is replaced: KEPT bytes, which stay, and SIZE bytes, for which
// WORD stands.
struct found {
	size_t kept, size;
	const char *word;
};

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

#define DIGITS   "0123456789"
#define HEX      DIGITS "abcdefABCDEF"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS  CAPITALS "abcdefghijklmnopqrstuvwxyz"
#define WORD     LETTERS DIGITS "_"

static char before(const struct place *place)
{
	return place->at ? place->text[place->at - 1] : 0;
}

static char next(const struct place *place, size_t offset)
{
	return offset < place->size - place->at ? place->text[place->at + offset] : 0;
}

// Returns the number of bytes from OFFSET on that are of SET.
static size_t run(const struct place *place, size_t offset, const char *set)
{
	size_t size = 0;
	while (is_one_of(next(place, offset + size), set))
		size++;
	return size;
}

// Returns the number of bytes from OFFSET on up to one of SET or the line's end.
static size_t run_up_to(const struct place *place, size_t offset, const char *set)
{
	const size_t left = place->size - place->at;
	size_t size = 0;
	while (offset + size < left && next(place, offset + size) != '\n' &&
	       !is_one_of(next(place, offset + size), set))
		size++;
	return size;
}

// Tests whether TEXT stands at the place.
static bool has(const struct place *place, const char *text)
{
	const size_t size = strlen(text);
	return size <= place->size - place->at && !memcmp(place->text + place->at, text, size);
}

// A MAC address has six bytes or more (InfiniBand's has 20), two digits each.
static bool find_mac(const struct place *place, struct found *ret)
{
	enum { LEAST = 6, BYTE = 2 };
	const char separator = next(place, BYTE);
	size_t size = 0, count = 0;
	if (is_one_of(before(place), WORD ":-") || !is_one_of(separator, ":-"))
		return false;
	while (run(place, size, HEX) == BYTE) {
		count++;
		size += BYTE;
		if (next(place, size) != separator || run(place, size + 1, HEX) != BYTE)
			break;
		size++;
	}
	*ret = (struct found){ .size = size, .word = "[MAC]" };
	return count >= LEAST && !is_one_of(next(place, size), WORD);
}

// Tests whether the SIZE bytes at the place are an address of FAMILY.
static bool is_address(const struct place *place, size_t size, int family)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	if (!size || size >= sizeof(text))
		return false;
	memcpy(text, place->text + place->at, size);
	text[size] = 0;
	return inet_pton(family, text, &address) == 1;
}

static bool find_ipv6(const struct place *place, struct found *ret)
{
	enum { SHORTEST = 3 };
	size_t size = run(place, 0, HEX ":.");
	if (is_one_of(before(place), WORD ":."))
		return false;
	// The end of a sentence, or of a field, is no part of the address.
	while (size && !is_address(place, size, AF_INET6) && is_one_of(next(place, size - 1), ":."))
		size--;
	*ret = (struct found){ .size = size, .word = "[IPv6]" };
	return size >= SHORTEST && is_address(place, size, AF_INET6) &&
	       !is_one_of(next(place, size), WORD);
}

static bool find_ipv4(const struct place *place, struct found *ret)
{
	size_t size = run(place, 0, DIGITS ".");
	if (is_one_of(before(place), DIGITS "."))
		return false;
	while (size && next(place, size - 1) == '.')
		size--;
	*ret = (struct found){ .size = size, .word = "[IPv4]" };
	return is_address(place, size, AF_INET);
}

static bool find_host(const struct place *place, struct found *ret)
{
	const size_t left = place->size - place->at;
	if (is_one_of(before(place), WORD))
		return false;
	for (size_t i = 0; i < place->redact->count; i++) {
		const char *name = place->redact->names[i];
		const size_t size = strlen(name);
		*ret = (struct found){ .size = size, .word = "[host]" };
		if (size <= left && !strncasecmp(place->text + place->at, name, size) &&
		    !is_one_of(next(place, size), WORD))
			return true;
	}
	return false;
}

// Finds the host of USER@HOST and of SCHEME://HOST.
static bool find_named_host(const struct place *place, struct found *ret)
{
	static const char name[] = WORD ".-";
	const bool is_user = next(place, 0) == '@' && is_one_of(before(place), WORD ".-+");
	const bool is_url = has(place, "://") && is_one_of(before(place), WORD);
	const size_t kept = is_url ? strlen("://") : 1;
	*ret = (struct found){ .kept = kept, .size = run(place, kept, name), .word = "[host]" };
	// GDB shows an argument's value at the entry of a function as NAME@entry=VALUE.
	return (is_user || is_url) && ret->size && is_one_of(next(place, kept), WORD) &&
	       next(place, kept + ret->size) != '=';
}

// Finds a name behind the words that announce it: of a user in a path, in the records of the audit and of
// systemd; of a host in the messages of NFS (fs/nfs, fs/lockd), of CIFS and of the audit.
static bool find_announced_name(const struct place *place, struct found *ret)
{
	static const struct {
		const char *head, *word;
	} heads[] = {
		{ "/home/", "[user]" },           { "acct=\"", "[user]" },
		{ " of user ", "[user]" },        { " for user ", "[user]" },
		{ "nfs: server ", "[host]" },     { "NFSv4 server ", "[host]" },
		{ "lockd: server ", "[host]" },   { "hostname=", "[host]" },
		{ "ostname set to <", "[host]" }, { " \\\\", "[host]" },
	};
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		if (!has(place, heads[i].head))
			continue;
		ret->kept = strlen(heads[i].head);
		ret->kept += run(place, ret->kept, "\\");
		ret->size = run(place, ret->kept, WORD ".-");
		ret->word = heads[i].word;
		return ret->size;
	}
	return false;
}

// Finds the value of NAME=VALUE, NAME being in capitals as variables of an environment are.
static bool find_variable(const struct place *place, struct found *ret)
{
	enum { SHORTEST = 2 };
	const size_t size = run(place, 0, CAPITALS DIGITS "_"), start = size + 1;
	if (is_one_of(before(place), WORD) || size < SHORTEST ||
	    !is_one_of(next(place, 0), CAPITALS "_") || next(place, size) != '=')
		return false;
	const char quote = next(place, start);
	const bool is_quoted = is_one_of(quote, "\"'");
	ret->kept = start;
	ret->size = is_quoted ? 1 + run_up_to(place, start + 1, (const char[]){ quote, 0 })
			      : run_up_to(place, start, " \t\"',;)]}");
	ret->size += is_quoted && next(place, start + ret->size) == quote;
	ret->word = "[redacted]";
	return ret->size;
}

// Finds the rest of a line behind words that announce a command line: of the kernel's log (init/main.c)
// and of the audit's records.
static bool find_command_line(const struct place *place, struct found *ret)
{
	static const char *const heads[] = { "ommand line: ", "ommand line parameters ",
					     "cmdline=",      "proctitle=",
					     "cmdline: ",     NULL };
	for (const char *const *head = heads; *head; head++) {
		if (!has(place, *head))
			continue;
		ret->kept = strlen(*head);
		ret->size = run_up_to(place, ret->kept, "");
		ret->word = "[redacted]";
		return ret->size;
	}
	return false;
}

// Finds an argument of the first program, which the kernel's log has as a word alone behind four spaces
// (init/main.c, run_init_process()).
static bool find_init_argument(const struct place *place, struct found *ret)
{
	static const char head[] = "]     ";
	const size_t size = strlen(head);
	if (place->at < size || memcmp(place->text + place->at - size, head, size))
		return false;
	*ret = (struct found){ .size = run_up_to(place, 0, " \t"), .word = "[redacted]" };
	return ret->size && !is_one_of(next(place, ret->size), " \t");
}

// ---- All ----

void gg_redact_append(const struct gg_redact *redact, struct gg_buffer *out, const char *text,
		      size_t size)
{
	static bool (*const forms[])(const struct place *place, struct found *ret) = {
		find_command_line,   find_mac,      find_ipv6,       find_ipv4,          find_host,
		find_announced_name, find_variable, find_named_host, find_init_argument, NULL
	};
	struct place place = { redact, text, size, 0 };
	while (place.at < size) {
		struct found found = { 0 };
		size_t form = 0;
		while (forms[form] && !forms[form](&place, &found))
			form++;
		if (!forms[form])
			found = (struct found){ .kept = 1, .word = "" };
		gg_buffer_append(out, text + place.at, found.kept);
		gg_buffer_append(out, found.word, strlen(found.word));
		place.at += found.kept + found.size;
	}
}
