/*
 * The derived property of each code point (RFC 8264, section 8), for both string classes at once.
 * The table is written by tools/precis-tables while building.
 */
#ifndef PROTO_PRECIS_TABLE_H
#define PROTO_PRECIS_TABLE_H

#include "base/base.h"

enum precis_class {
	PRECIS_UNASSIGNED,
	PRECIS_DISALLOWED,
	PRECIS_CONTEXTJ, /* joiners: valid where their rule holds */
	PRECIS_CONTEXTO, /* others of that kind */
	PRECIS_FREE,     /* valid in free text, not in identifiers */
	PRECIS_VALID,
};

/* Ranges by their first code point, ascending from 0: code << 3 | class. */
extern const uint32_t precis_table[];
extern const size_t precis_table_count;

#endif
