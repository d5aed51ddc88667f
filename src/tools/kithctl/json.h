/* JSON for programs: RFC 8259, one line for each record. */
#ifndef KITHCTL_JSON_H
#define KITHCTL_JSON_H

#include "tools/kithctl/control_client.h"

/* A string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void json_string(struct buffer *out, struct slice text);

/* An object; fields of a list become one array. */
void json_record(struct buffer *out, const struct record *record);

/* An array of objects, each on a line of its own. */
void json_records(struct buffer *out, const struct answer *answer);

#endif
