/* Addresses only, no names: what a name stands for may change, and may be more than one thinks. */
#include "server/scrape_address.h"

#include "base/slice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

static bool
is_local(const char *host, bool is_v6, bool *local_out)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (is_v6) {
		if (inet_pton(AF_INET6, host, &v6) != 1)
			return false;
		*local_out = IN6_IS_ADDR_LOOPBACK(&v6);
		return true;
	}
	if (inet_pton(AF_INET, host, &v4) != 1)
		return false;
	*local_out = ntohl(v4.s_addr) >> 24 == 127;
	return true;
}

static int
read_port(struct slice text, uint16_t *port_out)
{
	uint64_t port;

	if (slice_to_uint(text, UINT16_MAX, &port) < 0)
		return -EINVAL;
	*port_out = (uint16_t)port;
	return 0;
}

int
scrape_address_read(const char *text, struct scrape_address *out)
{
	struct slice host = slice_of(text), port;
	bool is_v6 = text[0] == '[';
	size_t end;

	*out = (struct scrape_address){ 0 };
	if (host.len == 0 || host.len >= sizeof(out->host))
		return -EINVAL;
	if (text[0] == '/') {
		(void)snprintf(out->host, sizeof(out->host), "%s", text);
		out->is_local = true;
		return 0;
	}
	if (is_v6)
		host = slice_from(host, 1);
	end = slice_find(host, is_v6 ? ']' : ':');
	port = slice_from(host, end);
	if (!slice_starts(port, is_v6 ? SLICE("]:") : SLICE(":")))
		return -EINVAL;
	port = slice_from(port, is_v6 ? 2 : 1);
	(void)snprintf(out->host, sizeof(out->host), "%.*s", (int)end, host.p);
	if (read_port(port, &out->port) < 0 || !is_local(out->host, is_v6, &out->is_local))
		return -EINVAL;
	return 0;
}
