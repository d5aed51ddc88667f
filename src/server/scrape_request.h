/*
 * The one request that monitoring makes: GET or HEAD of /metrics by HTTP/1.x (RFC 9112), read
 * strictly. Whatever two readers could understand differently is refused: nobody who asks for
 * numbers needs it.
 */
#ifndef SERVER_SCRAPE_REQUEST_H
#define SERVER_SCRAPE_REQUEST_H

#include "base/slice.h"

enum { SCRAPE_REQUEST_MOST = 8192 }; /* bytes of a request with its fields */

struct scrape_request {
	bool is_head;
	bool wants_open; /* rather OpenMetrics than the older text */
};

/*
 * The bytes from the start of the connection so far. 0: the request is not whole yet; 200: it is;
 * else the status (RFC 9110, 15) to refuse it with.
 */
unsigned scrape_request_read(struct slice bytes, struct scrape_request *out);

/* "Not Found" for 404. Of the statuses that are in use here only. */
const char *scrape_reason(unsigned status);

#endif
