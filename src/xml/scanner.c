/*
 * Which event comes next. A whole element costs one pass of the parser. An incomplete one is
 * framed, and parsed again when framing finds its end; to find mistakes in it early without
 * quadratic work, it is also parsed when it is small or has doubled, and a tag just ended.
 */
#include "xml/scanner.h"

#include "xml/chars.h"
#include "xml/declaration.h"
#include "xml/frame.h"
#include "xml/parse.h"

#include <stdlib.h>

enum { SMALL = 4096 };

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

/*
 * RFC 6120, 11.6 and row 4 of the checklist: a stream in UTF-8 begins with '<' or white space, no
 * NUL follows, and there is no byte order mark.
 */
static bool
is_other_encoding(struct slice input)
{
	unsigned char first = (unsigned char)input.p[0];

	if (first == '<' || xml_is_space(input.p[0]))
		return input.len > 1 && input.p[1] == 0;
	return first == 0xff || first == 0xfe || first == 0xef || first == 0;
}

static struct parser
parser_for(struct scanner *s, struct slice input, struct xml_tokens *tokens, struct arena *arena)
{
	return (struct parser){
		.names = s->names,
		.limits = s->limits,
		.context = s->context,
		.content_ns = s->content_ns,
		.in_stream = s->state == XML_IN_STREAM,
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
		return fail(s, XML_BAD_FORMAT, "The first element is no stream");
	}
	if (!slice_is_text(qname, "stream:stream"))
		return fail(s, XML_BAD_NAMESPACE_PREFIX, "The stream's prefix is not 'stream'");
	keep_context(s, p);
	s->state = XML_IN_STREAM;
	return XML_HEADER;
}

/* The XML declaration, white space and the start tag. */
static enum parse_result
read_header(struct parser *p, struct slice input)
{
	size_t declaration;
	enum parse_result r = declaration_read(p, input, &declaration);

	if (r != PARSE_DONE)
		return r;
	p->at = input.p + declaration;
	p->at += xml_count_space(slice_from(input, declaration));
	if (p->at == p->end)
		return PARSE_MORE;
	if (*p->at != '<')
		return parse_malformed(p, "A stream begins with its header");
	return parse_header(p);
}

static enum xml_event
next_header(struct scanner *s, struct slice input, struct xml_tokens *tokens, struct arena *arena,
	size_t *used_out)
{
	struct parser p = parser_for(s, input, tokens, arena);
	enum parse_result r;

	if (is_other_encoding(input))
		return fail(s, XML_UNSUPPORTED_ENCODING, "XMPP is written in UTF-8");
	r = read_header(&p, input);
	if (r == PARSE_FAILED)
		return fail(s, p.error, p.why);
	/* Behind a header stanzas may already wait; before its end there is nothing but it. */
	if ((r == PARSE_MORE ? p.end : p.at) - input.p > XML_HEADER_BYTES)
		return fail(s, XML_LIMIT, "The stream's header is too long");
	if (r == PARSE_MORE)
		return XML_NEED_MORE;
	*used_out = (size_t)(p.at - input.p);
	return check_header(s, &p);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
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
	struct slice within = slice_make(input.p, least(input.len, s->limits->stanza_bytes));
	struct parser p = parser_for(s, within, tokens, arena);
	bool complete = s->looked > 0 && frame_advance(s, within);
	enum parse_result r = PARSE_MORE;

	if (complete || is_worth_parsing(s, within)) {
		s->parsed = (uint32_t)within.len;
		r = parse_element(&p);
	}
	if (r == PARSE_FAILED)
		return fail(s, p.error, p.why);
	if (r == PARSE_DONE) {
		*used_out = (size_t)(p.at - input.p);
		frame_reset(s);
		return XML_STANZA;
	}
	if (input.len > within.len)
		return fail(s, XML_LIMIT, "A stanza is too long");
	if (complete)
		return fail(s, XML_NOT_WELL_FORMED, "Tags do not match");
	if (s->looked == 0)
		(void)frame_advance(s, within);
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
	space = xml_count_space(slice_from(input, n));
	if (n + space == input.len)
		return PARSE_MORE;
	if (input.p[n + space] != '>')
		return PARSE_FAILED;
	*used_out = n + space + 1;
	return PARSE_DONE;
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
		return fail(s, XML_RESTRICTED, XML_WHY_RESTRICTED);
	if (input.p[1] != '/')
		return next_element(s, input, tokens, arena, used_out);
	r = read_close(input, used_out);
	if (r == PARSE_FAILED)
		return fail(s, XML_NOT_WELL_FORMED, "An end tag has no start tag");
	if (r == PARSE_MORE)
		return input.len > XML_CLOSE_BYTES ? fail(s, XML_LIMIT, "A tag is too long")
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
	if (input.len == 0)
		return XML_NEED_MORE;
	if (s->state == XML_AT_END) {
		*used_out = input.len; /* what follows the end means nothing */
		return XML_NEED_MORE;
	}
	if (s->state == XML_IN_STREAM && s->looked == 0)
		space = xml_count_space(input);
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
	struct scanner s = { .names = names, .limits = limits, .content_ns = content_ns };
	struct slice input = text.len == 0 ? SLICE("") : text;
	struct parser p = parser_for(&s, input, tokens, arena);
	enum parse_result r;

	if (input.len > limits->stanza_bytes)
		r = parse_fail(&p, XML_LIMIT, "The element is too long");
	else if (input.len == 0 || input.p[0] != '<')
		r = parse_malformed(&p, "This is no element");
	else
		r = parse_element(&p);
	if (r == PARSE_DONE)
		p.at += xml_count_space(slice_make(p.at, (size_t)(p.end - p.at)));
	if (r == PARSE_MORE)
		r = parse_malformed(&p, "The element is incomplete");
	else if (r == PARSE_DONE && p.at < p.end)
		r = parse_malformed(&p, "Something follows the element");
	if (r == PARSE_DONE)
		return 0;
	*why_out = p.why;
	return -(int)p.error;
}
