/* What monitoring asks and is told, as text: requests, addresses, and the two formats. */
#include "server/exposition.h"
#include "server/scrape_address.h"
#include "server/scrape_request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Requests ---- */

static const struct {
	const char *request;
	unsigned status;
} requests[] = {
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200 },
	{ "\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200 },
	{ "HEAD /metrics?a=b HTTP/1.1\r\nhost:\r\n\r\n", 200 },
	{ "GET http://x:1/metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200 },
	{ "GET /metrics HTTP/1.0\r\n\r\n", 200 },
	{ "GET /metrics HTTP/1.9\r\nHost: x\r\n\r\n", 200 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 200 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nX: \xc3\xa4\ty\r\n\r\nmore", 200 },
	/* Not whole. */
	{ "", 0 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n", 0 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r", 0 },
	/* Elsewhere. */
	{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
	{ "GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
	{ "GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
	{ "GET /%6detrics HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
	{ "GET /../metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404 },
	/* Otherwise. */
	{ "POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405 },
	{ "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405 },
	{ "get /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 501 },
	{ "BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 501 },
	{ "GET /metrics HTTP/2.0\r\nHost: x\r\n\r\n", 505 },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
	/* Malformed. */
	{ "GET /metrics\r\n\r\n", 400 },
	{ "\r\n\r\n", 400 },
	{ "GET  /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1 \r\nHost: x\r\n\r\n", 400 },
	{ "GET /metrics http/1.1\r\nHost: x\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.10\r\nHost: x\r\n\r\n", 400 },
	{ "GET metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
	{ "GET /met\rrics HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
	{ "G\tT /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\nHost: x\n\n", 400 },
	{ "GET /metrics HTTP/1.1\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nX: \x7f\x01\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "\x16\x03\x01\x02\x01\n", 400 },
};

static void
requests_get_the_status_that_the_rfc_names(void **state)
{
	struct scrape_request request;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		unsigned status = scrape_request_read(slice_of(requests[i].request), &request);

		if (status != requests[i].status)
			fail_msg("%u, not %u: %s", status, requests[i].status, requests[i].request);
		if (status != 0)
			assert_non_null(scrape_reason(status));
	}
}

/* However a request is cut, it is whole at its end and not before. */
static void
a_part_of_a_request_waits_for_the_rest(void **state)
{
	struct slice whole = SLICE("HEAD /metrics HTTP/1.1\r\nHost: x\r\nAccept: a/b;q=0\r\n\r\n");
	struct scrape_request request;

	(void)state;
	for (size_t len = 0; len < whole.len; len++)
		assert_int_equal(scrape_request_read(slice_make(whole.p, len), &request), 0);
	assert_int_equal(scrape_request_read(whole, &request), 200);
	assert_true(request.is_head);
}

static void
a_nul_is_no_part_of_a_request(void **state)
{
	struct slice name = SLICE("GET /metrics HTTP/1.1\r\nHost: x\r\nX\0: y\r\n\r\n");
	struct slice value = SLICE("GET /metrics HTTP/1.1\r\nHost: x\r\nX: \0y\r\n\r\n");
	struct scrape_request request;

	(void)state;
	assert_int_equal(scrape_request_read(name, &request), 400);
	assert_int_equal(scrape_request_read(value, &request), 400);
}

static void
a_request_without_end_is_refused(void **state)
{
	static char bytes[SCRAPE_REQUEST_MOST + 64];
	struct scrape_request request;
	size_t length;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	assert_int_equal(
		scrape_request_read(slice_make(bytes, SCRAPE_REQUEST_MOST - 1), &request), 0);
	assert_int_equal(
		scrape_request_read(slice_make(bytes, SCRAPE_REQUEST_MOST), &request), 414);
	memcpy(bytes, "GET /metrics HTTP/1.1\r\n", 23);
	assert_int_equal(
		scrape_request_read(slice_make(bytes, SCRAPE_REQUEST_MOST), &request), 431);
	/* Whole, but too long. */
	length = sizeof(bytes);
	memcpy(bytes + 23, "Host: ", 6);
	memcpy(bytes + length - 4, "\r\n\r\n", 4);
	assert_int_equal(scrape_request_read(slice_make(bytes, length), &request), 431);
}

static const struct {
	const char *accept;
	bool wants_open;
} choices[] = {
	{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
	  "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		true },
	{ "Application/OpenMetrics-Text ; version=\"1.0.0\" ; charset=utf-8", true },
	{ "application/openmetrics-text", true },
	{ "text/plain, application/openmetrics-text", true },
	{ "text/plain;q=0.5, application/openmetrics-text;q=0.4", false },
	{ "application/openmetrics-text;q=0", false },
	{ "application/openmetrics-text;q=0.000, text/plain;q=0.001", false },
	{ "application/openmetrics-text;version=0.0.1", false },
	{ "application/openmetrics-text;q=2", false },
	{ "application/openmetrics-text;q=1.1", false },
	{ "*/*", false },
	{ "text/html", false },
	{ ",;,q=;=,", false },
	{ "", false },
};

static void
the_format_is_what_the_client_likes_more(void **state)
{
	struct scrape_request request;
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(choices); i++) {
		(void)snprintf(text, sizeof(text),
			"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n\r\n",
			choices[i].accept);
		assert_int_equal(scrape_request_read(slice_of(text), &request), 200);
		if (request.wants_open != choices[i].wants_open)
			fail_msg("%s", choices[i].accept);
	}
}

/* ---- Addresses ---- */

static const struct {
	const char *text, *host;
	unsigned port;
	bool is_good, is_local;
} addresses[] = {
	{ "127.0.0.1:9469", "127.0.0.1", 9469, true, true },
	{ "127.9.8.7:0", "127.9.8.7", 0, true, true },
	{ "[::1]:65535", "::1", 65535, true, true },
	{ "/run/kith/metrics", "/run/kith/metrics", 0, true, true },
	{ "0.0.0.0:1", "0.0.0.0", 1, true, false },
	{ "[::]:1", "::", 1, true, false },
	{ "192.0.2.1:1", "192.0.2.1", 1, true, false },
	{ "[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1, true, false },
	{ "", "", 0, false, false },
	{ "127.0.0.1", "", 0, false, false },
	{ "127.0.0.1:", "", 0, false, false },
	{ "127.0.0.1:65536", "", 0, false, false },
	{ "127.0.0.1:-1", "", 0, false, false },
	{ "localhost:1", "", 0, false, false },
	{ "::1:1", "", 0, false, false },
	{ "[::1]", "", 0, false, false },
	{ "[::1", "", 0, false, false },
	{ "[127.0.0.1]:1", "", 0, false, false },
	{ "9469", "", 0, false, false },
};

static void
addresses_are_read_and_the_local_ones_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(addresses); i++) {
		struct scrape_address address;
		int r = scrape_address_read(addresses[i].text, &address);

		if ((r == 0) != addresses[i].is_good)
			fail_msg("%s", addresses[i].text);
		if (r < 0)
			continue;
		assert_string_equal(address.host, addresses[i].host);
		assert_int_equal(address.port, addresses[i].port);
		assert_int_equal(address.is_local, addresses[i].is_local);
	}
}

/* ---- Texts ---- */

static const struct label odd_labels[] = {
	{ "host", { "a\"b\\c\nd", 7 } },
	{ "more", { "", 0 } },
	{ 0 },
};

static void
write_all(struct exposition *e)
{
	static const struct family counter = { "k_", "cpu_seconds_total", FAMILY_COUNTER, "seconds",
		6, "One \"thing\"\n\\." };
	static const struct family gauge = { "", "left", FAMILY_GAUGE, NULL, 0, "What is left." };
	static const struct family info = { "k_", "build", FAMILY_INFO, NULL, 0, "What it is." };

	exposition_begin(e, &counter);
	exposition_sample(e, &counter, NULL, 1000002);
	exposition_sample(e, &counter, odd_labels, -1);
	exposition_begin(e, &gauge);
	exposition_sample(e, &gauge, NULL, INT64_MIN);
	exposition_begin(e, &info);
	exposition_info(e, &info, odd_labels);
	exposition_end(e);
}

static void
assert_written(bool is_open, const char *text)
{
	struct buffer out;
	struct exposition e = { &out, is_open };

	buffer_init(&out, 4096);
	write_all(&e);
	assert_false(out.overflowed);
	(void)buffer_append(&out, slice_make("", 1));
	assert_string_equal(out.data, text);
	buffer_finish(&out);
}

static void
openmetrics_has_units_escapes_and_an_end(void **state)
{
	(void)state;
	assert_written(true, "# TYPE k_cpu_seconds counter\n"
			     "# UNIT k_cpu_seconds seconds\n"
			     "# HELP k_cpu_seconds One \\\"thing\\\"\\n\\\\.\n"
			     "k_cpu_seconds_total 1.000002\n"
			     "k_cpu_seconds_total{host=\"a\\\"b\\\\c\\nd\",more=\"\"} -0.000001\n"
			     "# TYPE left gauge\n"
			     "# HELP left What is left.\n"
			     "left -9223372036854775808\n"
			     "# TYPE k_build info\n"
			     "# HELP k_build What it is.\n"
			     "k_build_info{host=\"a\\\"b\\\\c\\nd\",more=\"\"} 1\n"
			     "# EOF\n");
}

static void
the_older_text_names_families_as_samples(void **state)
{
	(void)state;
	assert_written(false, "# TYPE k_cpu_seconds_total counter\n"
			      "# HELP k_cpu_seconds_total One \"thing\"\\n\\\\.\n"
			      "k_cpu_seconds_total 1.000002\n"
			      "k_cpu_seconds_total{host=\"a\\\"b\\\\c\\nd\",more=\"\"} -0.000001\n"
			      "# TYPE left gauge\n"
			      "# HELP left What is left.\n"
			      "left -9223372036854775808\n"
			      "# TYPE k_build_info gauge\n"
			      "# HELP k_build_info What it is.\n"
			      "k_build_info{host=\"a\\\"b\\\\c\\nd\",more=\"\"} 1\n");
}

/* ---- Histograms ---- */

static void
a_value_is_counted_at_the_first_bound_that_holds_it(void **state)
{
	struct histogram h = { 0 };

	(void)state;
	histogram_add(&h, 6, 0);
	histogram_add(&h, 6, 64);
	assert_int_equal(h.counts[0], 2);
	histogram_add(&h, 6, 65);
	histogram_add(&h, 6, 128);
	assert_int_equal(h.counts[1], 2);
	histogram_add(&h, 6, 129);
	assert_int_equal(h.counts[2], 1);
	histogram_add(&h, 6, 64 << 15);
	assert_int_equal(h.counts[15], 1);
	histogram_add(&h, 6, (64 << 15) + 1);
	histogram_add(&h, 6, UINT64_MAX / 2);
	assert_int_equal(h.counts[HISTOGRAM_BOUNDS], 2);
	memset(&h, 0, sizeof(h));
	histogram_add(&h, 0, 1);
	histogram_add(&h, 0, 2);
	histogram_add(&h, 0, 3);
	assert_int_equal(h.counts[0], 1);
	assert_int_equal(h.counts[1], 1);
	assert_int_equal(h.counts[2], 1);
	assert_int_equal(h.sum, 6);
}

static void
buckets_add_up_and_bounds_are_floats(void **state)
{
	static const struct family family = { "", "rows", FAMILY_HISTOGRAM, NULL, 0, "Rows." };
	struct histogram h = { 0 };
	struct buffer out;
	struct exposition e = { &out, true };

	(void)state;
	histogram_add(&h, 0, 1);
	histogram_add(&h, 0, 2);
	histogram_add(&h, 0, 100000);
	buffer_init(&out, 8192);
	exposition_histogram(&e, &family, NULL, &h, 0);
	(void)buffer_append(&out, slice_make("", 1));
	assert_non_null(strstr(out.data, "rows_bucket{le=\"1.0\"} 1\nrows_bucket{le=\"2.0\"} 2\n"));
	assert_non_null(
		strstr(out.data, "rows_bucket{le=\"32768.0\"} 2\nrows_bucket{le=\"+Inf\"} 3\n"
				 "rows_sum 100003\nrows_count 3\n"));
	buffer_finish(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_get_the_status_that_the_rfc_names),
		cmocka_unit_test(a_part_of_a_request_waits_for_the_rest),
		cmocka_unit_test(a_nul_is_no_part_of_a_request),
		cmocka_unit_test(a_request_without_end_is_refused),
		cmocka_unit_test(the_format_is_what_the_client_likes_more),
		cmocka_unit_test(addresses_are_read_and_the_local_ones_known),
		cmocka_unit_test(openmetrics_has_units_escapes_and_an_end),
		cmocka_unit_test(the_older_text_names_families_as_samples),
		cmocka_unit_test(a_value_is_counted_at_the_first_bound_that_holds_it),
		cmocka_unit_test(buckets_add_up_and_bounds_are_floats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
