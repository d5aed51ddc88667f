/*
 * systemd's journal by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): an entry is one
 * datagram of fields, so that `journalctl KITH_JID=…` finds what a line of text would hide. Spoken
 * by us, since libsystemd would bring several libraries and their memory for these hundred lines.
 */
#ifndef BASE_JOURNAL_H
#define BASE_JOURNAL_H

#include "base/buffer.h"

struct journal;

/* The socket at path (NULL: systemd's); NULL when nobody listens there. */
struct journal *journal_open(const char *path);
void journal_close(struct journal **journal);

/*
 * Adds a field to an entry. Names are letters, digits and underscores, in any case; a value may
 * hold any bytes. 0, or -ENOBUFS and nothing added.
 */
int journal_add(struct buffer *entry, const char *name, struct slice value);

/* Sends an entry and never waits: 0, or a negative errno when the journal did not take it. */
int journal_send(struct journal *journal, struct slice entry);

#endif
