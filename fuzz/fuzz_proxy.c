/*
 * PROXY headers from any bytes. A header is no longer than what came and than the limit, is found
 * in all longer inputs as well, and every shorter input only asks for more.
 */
#include "fuzz.h"

#include "io/proxy_header.h"

#include <assert.h>
#include <errno.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_make((const char *)data, size);
	struct peer peer = { .port = 0 }, again = { .port = 0 };
	ssize_t n = proxy_parse(bytes, &peer);

	assert(n == -EAGAIN || n == -EPROTO || (n > 0 && (size_t)n <= size && n <= PROXY_MOST));
	if (n <= 0)
		return 0;
	assert(proxy_parse(slice_make(bytes.p, (size_t)n), &again) == n);
	assert(peer.port == again.port);
	for (size_t i = 0; i < (size_t)n; i++)
		assert(proxy_parse(slice_make(bytes.p, i), &again) == -EAGAIN);
	return 0;
}
