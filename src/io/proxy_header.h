/* The PROXY protocol, versions 1 and 2: a proxy in front tells who the client is. */
#ifndef IO_PROXY_HEADER_H
#define IO_PROXY_HEADER_H

#include "base/slice.h"
#include "io/conn.h"

enum { PROXY_MOST = 536 }; /* bytes of a header that we read */

/*
 * Reads a header at the beginning of the bytes: its length, with *peer_out set if it names a
 * client (LOCAL and UNKNOWN do not). -EAGAIN: more is needed. -EPROTO: it is no header.
 */
ssize_t proxy_parse(struct slice bytes, struct peer *peer_out);

/* Takes the header off a connection. 0, -EAGAIN, or a negative error. */
int proxy_take(struct conn *conn);

#endif
