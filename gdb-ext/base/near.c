// SPDX-License-Identifier: GPL-3.0-or-later
//
// Distances are the number of characters to insert, drop or change (Levenshtein).
#include "near.h"

#include <stdio.h>
#include <string.h>

enum {
	CONTAINED = 100
}; // the distance of a name that has the wanted name in it, before its length

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

// Returns the distance of A and B, of less than GG_NEAR_NAME characters each.
static unsigned int distance_of(const char *a, const char *b)
{
	unsigned int row[GG_NEAR_NAME];
	const size_t a_size = strlen(a), b_size = strlen(b);
	for (unsigned int i = 0; i <= b_size; i++)
		row[i] = i;
	for (size_t i = 0; i < a_size; i++) {
		unsigned int diagonal = row[0]++;
		for (size_t j = 0; j < b_size; j++) {
			const unsigned int change = diagonal + (a[i] != b[j]);
			diagonal = row[j + 1];
			row[j + 1] = smaller(change, smaller(diagonal, row[j]) + 1);
		}
	}
	return row[b_size];
}

// Returns how far NAME is away, 0 where it is nothing like the wanted name.
static unsigned int rate(const char *wanted, const char *name)
{
	const size_t wanted_size = strlen(wanted), size = strlen(name);
	if (!wanted_size || !size || wanted_size >= GG_NEAR_NAME || size >= GG_NEAR_NAME)
		return 0;
	const size_t most = wanted_size / 4 + 1;
	const size_t apart = size > wanted_size ? size - wanted_size : wanted_size - size;
	const unsigned int distance = apart <= most ? distance_of(wanted, name) : 0;
	if (distance && distance <= most && distance < wanted_size)
		return distance;
	return wanted_size > 2 && strstr(name, wanted) ? CONTAINED + (unsigned int)size : 0;
}

void gg_near_add(struct gg_near *near, const char *name)
{
	const unsigned int distance = rate(near->wanted, name);
	unsigned int at = near->count;
	for (unsigned int i = 0; i < near->count; i++)
		if (!strcmp(near->names[i], name))
			return;
	while (at && near->distances[at - 1] > distance)
		at--;
	if (!distance || at == GG_NEAR_MOST)
		return;
	near->count += near->count < GG_NEAR_MOST;
	for (unsigned int i = near->count - 1; i > at; i--) {
		near->distances[i] = near->distances[i - 1];
		strcpy(near->names[i], near->names[i - 1]);
	}
	near->distances[at] = distance;
	strcpy(near->names[at], name);
}

struct gg_error *gg_near_error(const struct gg_near *near, struct gg_error *err)
{
	char names[GG_NEAR_MOST * (GG_NEAR_NAME + 2)] = "";
	for (unsigned int i = 0; i < near->count; i++) {
		strcat(names, i ? ", " : "");
		strcat(names, near->names[i]);
	}
	if (!near->count)
		return err;
	struct gg_error *longer = gg_error_create(gg_error_kind(err), "%s; there is %s",
						  gg_error_message(err), names);
	gg_error_destroy(err);
	return longer;
}
