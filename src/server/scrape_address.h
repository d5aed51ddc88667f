/* Where numbers are told: "127.0.0.1:9469", "[::1]:9469", or the path of a Unix socket. */
#ifndef SERVER_SCRAPE_ADDRESS_H
#define SERVER_SCRAPE_ADDRESS_H

#include "base/base.h"

struct scrape_address {
	char host[108]; /* without brackets; a path when it begins with '/' */
	uint16_t port;
	bool is_local; /* no other machine reaches it */
};

/* 0, or -EINVAL. */
int scrape_address_read(const char *text, struct scrape_address *out);

#endif
