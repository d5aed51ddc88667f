/* Reading one request; what is answered is in scrape.c. */
#include "server/scrape_request.h"

#include <string.h>
#include <strings.h>

struct reader {
	struct slice rest; /* of the head */
	struct scrape_request *out;
	unsigned hosts;
	unsigned open_q, text_q; /* in thousandths, of Accept */
	bool is_1_0;
};

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 414, "URI Too Long" },
	{ 431, "Request Header Fields Too Large" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

const char *
scrape_reason(unsigned status)
{
	size_t i = 0;

	while (reasons[i].status != status)
		i++;
	return reasons[i].reason;
}

/* ---- Pieces of text ---- */

static bool
is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* RFC 9110, 5.6.2 */
static bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_token_char(s.p[i]))
			return false;
	}
	return s.len > 0;
}

static bool
is_same(struct slice s, const char *text)
{
	return s.len == strlen(text) && strncasecmp(s.p, text, s.len) == 0;
}

static struct slice
trimmed(struct slice s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = slice_from(s, 1);
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* What is before the first c; rest becomes what is behind it, p NULL when there was none. */
static struct slice
cut(struct slice *rest, char c)
{
	size_t at = slice_find(*rest, c);
	struct slice piece = slice_make(rest->p, at);

	*rest = at < rest->len ? slice_from(*rest, at + 1) : NO_SLICE;
	return piece;
}

/* ---- The request line ---- */

static unsigned
read_method(struct reader *r, struct slice method)
{
	static const char *const others[] = { "POST", "PUT", "DELETE", "CONNECT", "OPTIONS",
		"TRACE", "PATCH", NULL };

	if (!is_token(method))
		return 400;
	r->out->is_head = slice_is_text(method, "HEAD");
	if (r->out->is_head || slice_is_text(method, "GET"))
		return 0;
	for (size_t i = 0; others[i] != NULL; i++) {
		if (slice_is_text(method, others[i]))
			return 405;
	}
	return 501;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9112, 2.3: HTTP, with case, and two digits. */
static unsigned
read_version(struct reader *r, struct slice version)
{
	if (version.len != 8 || !slice_starts(version, SLICE("HTTP/")) || !is_digit(version.p[5]) ||
		version.p[6] != '.' || !is_digit(version.p[7]))
		return 400;
	r->is_1_0 = version.p[7] == '0';
	return version.p[5] == '1' ? 0 : 505;
}

/* RFC 9112, 3.2: a path, or a whole URI, as it is sent to proxies and must be understood. */
static unsigned
read_target(struct slice target)
{
	for (size_t i = 0; i < target.len; i++) {
		if (target.p[i] <= ' ' || target.p[i] > '~')
			return 400;
	}
	if (target.len >= 7 && strncasecmp(target.p, "http://", 7) == 0) {
		target = slice_from(target, 7);
		target = slice_from(target, slice_find(target, '/'));
	} else if (target.len == 0 || target.p[0] != '/') {
		return target.len == 1 && target.p[0] == '*' ? 404 : 400;
	}
	return slice_is_text(cut(&target, '?'), "/metrics") ? 0 : 404;
}

/* A wrong version or method tells more than a wrong path. */
static unsigned
read_request_line(struct reader *r, struct slice line)
{
	struct slice method = cut(&line, ' '), target = cut(&line, ' '), version = line;
	unsigned status = version.p == NULL ? 400 : read_version(r, version), path;

	if (status == 0)
		status = read_method(r, method);
	path = read_target(target);
	if (status == 0 || path == 400)
		status = path;
	return status;
}

/* ---- Fields ---- */

/* "0.5" as 500; RFC 9110, 12.4.2. What is none counts as 0. */
static unsigned
read_weight(struct slice text)
{
	unsigned unit = 1000, q;

	if (text.len == 0 || text.len > 5 || (text.p[0] != '0' && text.p[0] != '1') ||
		(text.len > 1 && text.p[1] != '.'))
		return 0;
	q = text.p[0] == '1' ? 1000 : 0;
	for (size_t i = 2; i < text.len; i++) {
		if (!is_digit(text.p[i]))
			return 0;
		unit /= 10;
		q += unit * (unsigned)(text.p[i] - '0');
	}
	return q > 1000 ? 0 : q;
}

/* One media range with its parameters. */
static void
read_range(struct reader *r, struct slice range)
{
	struct slice type = trimmed(cut(&range, ';'));
	bool is_known = true;
	unsigned q = 1000;

	while (range.p != NULL) {
		struct slice value = trimmed(cut(&range, ';')), name = trimmed(cut(&value, '='));

		value = trimmed(value);
		if (is_same(name, "q"))
			q = read_weight(value);
		else if (is_same(name, "version") && is_same(type, "application/openmetrics-text"))
			is_known = slice_is_text(value, "1.0.0") ||
				   slice_is_text(value, "\"1.0.0\"");
	}
	if (is_same(type, "application/openmetrics-text") && is_known && q > r->open_q)
		r->open_q = q;
	else if ((is_same(type, "text/plain") || is_same(type, "text/*") || is_same(type, "*/*")) &&
		 q > r->text_q)
		r->text_q = q;
}

/* RFC 9112, 6: a request with content has no meaning here, and is not read. */
static unsigned
read_length(struct slice value)
{
	uint64_t length;

	return slice_to_uint(value, UINT64_MAX, &length) < 0 || length > 0 ? 400 : 0;
}

static unsigned
read_field(struct reader *r, struct slice line)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_make(line.p, colon), value;

	if (colon == line.len || !is_token(name))
		return 400;
	value = trimmed(slice_from(line, colon + 1));
	for (size_t i = 0; i < value.len; i++) {
		if ((unsigned char)value.p[i] < ' ' && value.p[i] != '\t')
			return 400;
	}
	if (is_same(name, "host"))
		r->hosts++;
	else if (is_same(name, "transfer-encoding"))
		return 400;
	else if (is_same(name, "content-length"))
		return read_length(value);
	else if (is_same(name, "accept"))
		while (value.p != NULL)
			read_range(r, cut(&value, ','));
	return 0;
}

/* ---- The whole ---- */

/* The line without its end. */
static struct slice
next_line(struct reader *r)
{
	struct slice line = cut(&r->rest, '\n');

	line.len -= line.len > 0;
	return line;
}

static unsigned
read_head(struct reader *r)
{
	unsigned status = read_request_line(r, next_line(r));

	while (status == 0 && r->rest.len > 0)
		status = read_field(r, next_line(r));
	/* RFC 9112, 3.2: exactly one, but older clients have none. */
	if (status == 0 && (r->hosts > 1 || (r->hosts == 0 && !r->is_1_0)))
		status = 400;
	r->out->wants_open = r->open_q > 0 && r->open_q >= r->text_q;
	return status == 0 ? 200 : status;
}

static unsigned
too_long(struct slice bytes)
{
	return slice_find(bytes, '\n') >= SCRAPE_REQUEST_MOST ? 414 : 431;
}

/* The bytes of the head, without the empty line; 0: it has no end yet. Lines end in CRLF. */
static unsigned
find_head(struct slice bytes, size_t *length_out)
{
	size_t start = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.p[i] != '\n')
			continue;
		if (i == 0 || bytes.p[i - 1] != '\r')
			return 400;
		if (i - start == 1) {
			*length_out = start;
			return 200;
		}
		start = i + 1;
	}
	return bytes.len < SCRAPE_REQUEST_MOST ? 0 : too_long(bytes);
}

unsigned
scrape_request_read(struct slice bytes, struct scrape_request *out)
{
	struct reader r = { .out = out };
	size_t length = 0;
	unsigned status;

	*out = (struct scrape_request){ 0 };
	/* RFC 9112, 2.2: an empty line before the request is let pass. */
	if (slice_starts(bytes, SLICE("\r\n")))
		bytes = slice_from(bytes, 2);
	status = find_head(bytes, &length);
	if (status != 200)
		return status;
	if (length == 0)
		return 400;
	if (length > SCRAPE_REQUEST_MOST)
		return too_long(bytes);
	r.rest = slice_make(bytes.p, length);
	return read_head(&r);
}
