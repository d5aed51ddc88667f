/*
 * Monitoring's request from any bytes. However they are cut, the answer is the same one, and it
 * never comes back from "whole" or "refused" to "not yet"; what is served has what a request needs.
 */
#include "fuzz.h"

#include "server/scrape_request.h"

#include <assert.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_make((const char *)data, size);
	struct scrape_request request, again;
	unsigned status = scrape_request_read(bytes, &request);

	assert(status == 0 || scrape_reason(status) != NULL);
	assert(status != 0 || size <= SCRAPE_REQUEST_MOST + 2);
	if (status == 200)
		assert(memmem(bytes.p, bytes.len, "/metrics", 8) != NULL &&
			memmem(bytes.p, bytes.len, "\r\n\r\n", 4) != NULL);
	for (size_t len = 0; len < size && size <= SCRAPE_REQUEST_MOST; len++) {
		unsigned early = scrape_request_read(slice_make(bytes.p, len), &again);

		if (early == 0)
			continue;
		assert(early == status && again.is_head == request.is_head &&
			again.wants_open == request.wants_open);
		break;
	}
	return 0;
}
