// SPDX-License-Identifier: GPL-3.0-or-later
//
// An array that grows by one element at a time. Its owner keeps the pointer and the count, no
// capacity: the memory's size follows from the count.
//
//     struct gg_error *err = gg_vector_grow(&list->items, list->count, sizeof(*list->items));
//     if (err)
//             return err;
//     list->items[list->count++] = item;
#ifndef GG_VECTOR_H
#define GG_VECTOR_H

#include "error.h"

// Makes room for an element of SIZE bytes behind COUNT elements. ARRAY is the address of the
// array's pointer, which is NULL without elements and has only ever been set by this function.
struct gg_error *gg_vector_grow(void *array, size_t count, size_t size);

#endif
