/*
 * Which event comes next. A whole element costs one pass of the parser. An incomplete one is
 * framed, and parsed again when framing finds its end; to find mistakes in it early without
 * quadratic work, it is also parsed when it is small or has doubled, and a tag just ended.
 */
#include "xml/scanner.h"

#include "xml/frame.h"
#include "xml/parse.h"

#include <stdlib.h>

enum { SMALL = 4096, SPACE_AT_ONCE = 4096 };

const struct xml_limits xml_limits_before_auth = { 10000, 50, 64, 64, 32, 256 };
const struct xml_limits xml_limits_client = { 256 * 1024, 25000, 64, 64, 32, 256 };
const struct xml_limits xml_limits_server = { 512 * 1024, 25000, 64, 64, 32, 256 };
const struct xml_limits xml_limits_own = { 1024 * 1024, 50000, 64, 64, 32, 256 };

void
scanner_init(struct scanner *scanner, const struct names *names, const struct xml_limits *limits)
{
	*scanner = (struct scanner){ .names = names, .limits = limits };
	frame_reset(scanner);
}

void
scanner_finish(struct scanner *scanner)
{
	free(scanner->context);
	scanner->context = NULL;
}

void
scanner_restart(struct scanner *scanner)
{
	scanner_finish(scanner);
	scanner_init(scanner, scanner->names, scanner->limits);
}

static enum xml_event
fail(struct scanner *s, enum xml_error error, const char *why)
{
	s->state = XML_AT_END;
	s->error = (uint8_t)error;
	s->why = why;
	return XML_FAILED;
}

static size_t
count_space(struct slice input)
{
	size_t n = 0;

	while (n < input.len && (input.p[n] == ' ' || input.p[n] == '\n' || input.p[n] == '\r' ||
					input.p[n] == '\t'))
		n++;
	return n;
}

/* RFC 6120 11.5 and row 4: the first byte of a stream in UTF-8 is '<', or white space. */
static bool
is_other_encoding(struct slice input)
{
	unsigned char first = (unsigned char)input.p[0];

	return first == 0xff || first == 0xfe || first == 0xef || first == 0 ||
	       (input.len > 1 && input.p[1] == 0);
}

/* The value of name='value' in an XML declaration; p NULL: it is not there. */
static struct slice
declared(struct slice declaration, const char *name)
{
	const char *at = memmem(declaration.p, declaration.len, name, strlen(name));
	struct slice rest;
	size_t n;

	if (at == NULL)
		return NO_SLICE;
	rest = slice_from(declaration, (size_t)(at - declaration.p) + strlen(name));
	rest = slice_from(rest, count_space(rest));
	if (rest.len == 0 || rest.p[0] != '=')
		return NO_SLICE;
	rest = slice_from(rest, 1);
	rest = slice_from(rest, count_space(rest));
	if (rest.len == 0 || (rest.p[0] != '\'' && rest.p[0] != '"'))
		return NO_SLICE;
	n = slice_find(slice_from(rest, 1), rest.p[0]);
	return slice_make(rest.p + 1, n);
}

static bool
is_utf8_name(struct slice name)
{
	return name.len == 5 && strncasecmp(name.p, "utf-8", 5) == 0;
}

/* A byte that no XML declaration has. */
static bool
has_odd_byte(struct slice declaration)
{
	for (size_t i = 0; i < declaration.len; i++) {
		char c = declaration.p[i];

		if (c == '<' || c == '&' || c == '>' || (unsigned char)c >= 0x80 ||
			((unsigned char)c < 0x20 && c != '\n' && c != '\r' && c != '\t'))
			return true;
	}
	return false;
}

/* The words of a declaration, in their order, and nothing between them. */
static bool
is_declaration(struct slice d)
{
	static const char *const words[] = { "version", "encoding", "standalone" };
	size_t word = 0;

	for (;;) {
		size_t space = count_space(d), len;
		struct slice value;

		d = slice_from(d, space);
		if (d.len == 0)
			return true;
		while (word < COUNT_OF(words) && !slice_starts(d, slice_of(words[word])))
			word++;
		if (word == COUNT_OF(words) || space == 0)
			return false;
		value = declared(d, words[word]);
		if (value.p == NULL)
			return false;
		len = (size_t)(value.p + value.len - d.p);
		if (len >= d.len || memchr(d.p, '?', len) != NULL)
			return false;
		d = slice_from(d, len + 1);
		word++;
	}
}

/* An XML declaration at the beginning: *len_out bytes, 0 when there is none. */
static enum parse_result
read_declaration(struct scanner *s, struct slice input, size_t *len_out)
{
	static const char opening[] = "<?xml";
	const char *end;
	struct slice d, version, encoding;

	*len_out = 0;
	if (memcmp(input.p, opening, input.len < 5 ? input.len : 5) != 0)
		return PARSE_DONE;
	if (input.len < 6)
		return PARSE_MORE;
	if (count_space(slice_from(input, 5)) == 0)
		return PARSE_DONE;
	end = memmem(input.p, input.len, "?>", 2);
	d = slice_make(input.p + 5, end == NULL ? input.len - 5 : (size_t)(end - input.p) - 5);
	if (has_odd_byte(d)) {
		(void)fail(s, XML_NOT_WELL_FORMED, "The XML declaration is malformed");
		return PARSE_FAILED;
	}
	if (end == NULL)
		return PARSE_MORE;
	version = declared(d, "version");
	encoding = declared(d, "encoding");
	if (encoding.p != NULL && !is_utf8_name(encoding))
		(void)fail(s, XML_UNSUPPORTED_ENCODING, NULL);
	else if (version.p == NULL || !is_declaration(d))
		(void)fail(s, XML_NOT_WELL_FORMED, "The XML declaration is malformed");
	else if (!slice_is_text(version, "1.0"))
		(void)fail(s, XML_UNSUPPORTED_VERSION, "XMPP is XML 1.0");
	*len_out = (size_t)(end - input.p) + 2;
	return s->error == XML_NO_ERROR ? PARSE_DONE : PARSE_FAILED;
}

static struct parser
parser_for(struct scanner *s, struct slice input, struct xml_tokens *tokens, struct arena *arena)
{
	return (struct parser){
		.names = s->names,
		.limits = s->limits,
		.context = s->context,
		.content_ns = s->content_ns,
		.at = input.p,
		.end = input.p + input.len,
		.tokens = tokens,
		.arena = arena,
	};
}

static struct slice
put_text(char **at, struct slice text)
{
	struct slice copy = slice_make(*at, text.len);

	memcpy(*at, text.p, text.len);
	*at += text.len;
	return copy;
}

/* Keeps the prefixes that the header declared beyond `stream` and the default. */
static void
keep_context(struct scanner *s, const struct parser *p)
{
	size_t size = sizeof(struct xml_context);
	unsigned count = 0;
	char *texts;

	for (unsigned i = 0; i < p->binding_count; i++) {
		const struct binding *b = &p->work->bindings[i];

		if (b->prefix.len == 0)
			s->content_ns = b->ns;
		if ((b->prefix.len == 0 && b->ns != 0) || slice_is_text(b->prefix, "stream"))
			continue;
		size += sizeof(struct binding) + b->prefix.len + b->uri.len;
		count++;
	}
	if (count == 0)
		return;
	s->context = xcalloc(1, size);
	texts = (char *)&s->context->bindings[count];
	for (unsigned i = 0; i < p->binding_count; i++) {
		const struct binding *b = &p->work->bindings[i];
		struct binding *kept = &s->context->bindings[s->context->count];

		if ((b->prefix.len == 0 && b->ns != 0) || slice_is_text(b->prefix, "stream"))
			continue;
		kept->prefix = put_text(&texts, b->prefix);
		kept->uri = put_text(&texts, b->uri);
		kept->ns = b->ns;
		s->context->count++;
	}
}

/* RFC 6120 4.8.5 and 4.9.3.9: the header is <stream:stream/> in the streams namespace. */
static enum xml_event
check_header(struct scanner *s, const struct parser *p)
{
	const struct xml_token *header = p->tokens->v;
	struct slice qname = p->work->open[0].qname;

	if (header->name != NAME_STREAM || header->ns != NS_ID_STREAMS) {
		if (header->name == NAME_STREAM)
			return fail(s, XML_INVALID_NAMESPACE,
				"The stream's namespace is not http://etherx.jabber.org/streams");
		return fail(s, XML_NOT_WELL_FORMED, "The first element is no stream");
	}
	if (!slice_is_text(qname, "stream:stream"))
		return fail(s, XML_BAD_NAMESPACE_PREFIX, "The stream's prefix is not 'stream'");
	keep_context(s, p);
	s->state = XML_IN_STREAM;
	return XML_HEADER;
}

static enum xml_event
next_header(struct scanner *s, struct slice input, struct xml_tokens *tokens, struct arena *arena,
	size_t *used_out)
{
	size_t declaration, space;
	enum parse_result r;
	struct parser p;

	if (is_other_encoding(input))
		return fail(s, XML_UNSUPPORTED_ENCODING, NULL);
	r = read_declaration(s, input, &declaration);
	if (r == PARSE_FAILED)
		return XML_FAILED;
	if (input.len > XML_HEADER_BYTES)
		return fail(s, XML_LIMIT, "The stream's header is too long");
	if (r == PARSE_MORE)
		return XML_NEED_MORE;
	space = count_space(slice_from(input, declaration));
	if (declaration + space == input.len)
		return XML_NEED_MORE;
	p = parser_for(s, slice_from(input, declaration + space), tokens, arena);
	if (*p.at != '<')
		return fail(s, XML_NOT_WELL_FORMED, "A stream begins with its header");
	r = parse_header(&p);
	if (r == PARSE_FAILED)
		return fail(s, p.error, p.why);
	if (r == PARSE_MORE)
		return XML_NEED_MORE;
	*used_out = (size_t)(p.at - input.p);
	return check_header(s, &p);
}

/* Whether an incomplete element that framing has not ended is worth a look for mistakes. */
static bool
is_worth_parsing(const struct scanner *s, struct slice input)
{
	return s->parsed == 0 || input.len >= 2 * (size_t)s->parsed ||
	       (input.len < SMALL && input.p[input.len - 1] == '>');
}

static enum xml_event
next_element(struct scanner *s, struct slice input, struct xml_tokens *tokens, struct arena *arena,
	size_t *used_out)
{
	struct parser p = parser_for(s, input, tokens, arena);
	bool complete = s->looked > 0 && frame_advance(s, input);
	enum parse_result r = PARSE_MORE;

	if (complete || is_worth_parsing(s, input)) {
		s->parsed = (uint32_t)input.len;
		r = parse_element(&p);
	}
	if (r == PARSE_FAILED)
		return fail(s, p.error, p.why);
	if (r == PARSE_DONE && (size_t)(p.at - input.p) <= s->limits->stanza_bytes) {
		*used_out = (size_t)(p.at - input.p);
		frame_reset(s);
		return XML_STANZA;
	}
	if (input.len > s->limits->stanza_bytes)
		return fail(s, XML_LIMIT, "A stanza is too long");
	if (complete)
		return fail(s, XML_NOT_WELL_FORMED, "Tags do not match");
	if (s->looked == 0)
		(void)frame_advance(s, input);
	return XML_NEED_MORE;
}

/* "</stream:stream>": more may be needed to tell. */
static enum parse_result
read_close(struct slice input, size_t *used_out)
{
	static const char tag[] = "</stream:stream";
	size_t n = sizeof(tag) - 1, space;

	if (memcmp(input.p, tag, input.len < n ? input.len : n) != 0)
		return PARSE_FAILED;
	if (input.len <= n)
		return PARSE_MORE;
	space = count_space(slice_from(input, n));
	if (n + space == input.len)
		return PARSE_MORE;
	*used_out = n + space + 1;
	return input.p[n + space] == '>' ? PARSE_DONE : PARSE_FAILED;
}

static enum xml_event
next_in_stream(struct scanner *s, struct slice input, struct xml_tokens *tokens,
	struct arena *arena, size_t *used_out)
{
	enum parse_result r;

	if (input.p[0] != '<')
		return fail(s, XML_NOT_WELL_FORMED, "Text stands between stanzas");
	if (input.len == 1)
		return XML_NEED_MORE;
	if (input.p[1] == '!' || input.p[1] == '?')
		return fail(s, XML_RESTRICTED, NULL);
	if (input.p[1] != '/')
		return next_element(s, input, tokens, arena, used_out);
	r = read_close(input, used_out);
	if (r == PARSE_FAILED)
		return fail(s, XML_NOT_WELL_FORMED, "An end tag has no start tag");
	if (r == PARSE_MORE)
		return input.len > XML_HEADER_BYTES ? fail(s, XML_LIMIT, "A tag is too long")
						    : XML_NEED_MORE;
	s->state = XML_AT_END;
	return XML_CLOSE;
}

enum xml_event
scanner_next(struct scanner *s, struct slice input, struct xml_tokens *tokens, struct arena *arena,
	size_t *used_out)
{
	size_t space = 0, used = 0;
	enum xml_event event;

	*used_out = 0;
	if (s->error != XML_NO_ERROR)
		return XML_FAILED;
	if (s->state == XML_AT_END) {
		*used_out = input.len; /* what follows the end means nothing */
		return XML_NEED_MORE;
	}
	if (s->state == XML_IN_STREAM && s->looked == 0)
		space = count_space(input);
	input = slice_from(input, space);
	*used_out = space;
	if (input.len == 0)
		return XML_NEED_MORE;
	event = s->state == XML_AT_START ? next_header(s, input, tokens, arena, &used)
					 : next_in_stream(s, input, tokens, arena, &used);
	*used_out += used;
	return event;
}

int
xml_read(const struct names *names, const struct xml_limits *limits, xml_name content_ns,
	struct slice text, struct xml_tokens *tokens, struct arena *arena, const char **why_out)
{
	struct parser p = {
		.names = names,
		.limits = limits,
		.content_ns = content_ns,
		.at = text.p,
		.end = text.p + text.len,
		.tokens = tokens,
		.arena = arena,
	};
	enum parse_result r = PARSE_FAILED;

	p.error = XML_NOT_WELL_FORMED;
	p.why = "This is no element";
	if (text.len > limits->stanza_bytes) {
		p.error = XML_LIMIT;
		p.why = "The element is too long";
	} else if (text.len > 0 && text.p[0] == '<') {
		r = parse_element(&p);
	}
	if (r == PARSE_DONE && p.at == p.end)
		return 0;
	*why_out = r == PARSE_FAILED ? p.why : "The element is incomplete, or something follows it";
	return -(int)(r == PARSE_FAILED ? p.error : XML_NOT_WELL_FORMED);
}
