/*
 * A file is scanned as one element, by the scanner that reads what peers send: no document type, no
 * entities of its own, no processing instruction, no comment. Only an XML declaration may stand
 * before it.
 */
#include "tools/kithctl/pie_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { FILE_MOST = 256 * 1024 * 1024, CHUNK = 64 * 1024 };

/* A whole server's accounts may be in one file; what is one account's, its server limits. */
static const struct xml_limits limits = {
	.stanza_bytes = FILE_MOST,
	.elements = 10000000,
	.depth = XML_DEPTH_MOST,
	.attributes = XML_ATTRIBUTES_MOST,
	.declarations = 32,
	.name_bytes = 256,
	.ns_bytes = 1024,
};

static int
read_all(struct pie_file *file)
{
	bool standard = strcmp(file->path, "-") == 0;
	FILE *in = standard ? stdin : fopen(file->path, "re");
	size_t n = 1;

	if (in == NULL) {
		(void)fprintf(stderr, "kithctl: %s: %s\n", file->path, strerror(errno));
		return -1;
	}
	while (n > 0 && buffer_reserve(&file->bytes, CHUNK) == 0) {
		n = fread(file->bytes.data + file->bytes.len, 1, CHUNK, in);
		file->bytes.len += n;
	}
	if (ferror(in) != 0 || n > 0)
		(void)fprintf(stderr, "kithctl: %s: %s\n", file->path,
			n > 0 ? "this file is larger than 256 MiB" : strerror(errno));
	n += (size_t)(ferror(in) != 0);
	if (!standard)
		(void)fclose(in);
	return n > 0 ? -1 : 0;
}

static struct slice
skip_blank(struct slice text)
{
	while (text.len > 0 && strchr(" \t\r\n", text.p[0]) != NULL)
		text = slice_from(text, 1);
	return text;
}

/* Behind the byte order mark and the declaration, as far as they are there. */
static struct slice
element_in(struct slice text)
{
	size_t end;

	if (slice_starts(text, SLICE("\xef\xbb\xbf")))
		text = slice_from(text, 3);
	text = skip_blank(text);
	if (!slice_starts(text, SLICE("<?xml ")))
		return text;
	end = slice_find(text, '>');
	return end == text.len ? text : skip_blank(slice_from(text, end + 1));
}

static unsigned long
line_at(const struct pie_file *file, const char *place)
{
	unsigned long line = 1;

	for (const char *at = file->bytes.data; at < place; at++)
		line += *at == '\n';
	return line;
}

/* Whether that much of the element has the mistake already. */
static bool
is_wrong_before(const struct pie_file *file, size_t length)
{
	struct slice header = SLICE("<stream:stream xmlns='jabber:client' "
				    "xmlns:stream='http://etherx.jabber.org/streams'>");
	struct slice part = slice_make(file->text.p, length);
	struct scanner scanner;
	struct xml_tokens tokens;
	struct arena arena;
	size_t used;
	bool wrong;

	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	scanner_init(&scanner, file->names, &limits);
	(void)scanner_next(&scanner, header, &tokens, &arena, &used);
	wrong = scanner_next(&scanner, part, &tokens, &arena, &used) == XML_FAILED;
	scanner_finish(&scanner);
	xml_tokens_finish(&tokens);
	arena_finish(&arena);
	return wrong;
}

/* By halves: the shortest beginning that cannot become right any more. */
static unsigned long
line_of_mistake(const struct pie_file *file)
{
	size_t good = 0, bad = file->text.len;

	while (bad - good > 1) {
		size_t middle = good + (bad - good) / 2;

		if (is_wrong_before(file, middle))
			bad = middle;
		else
			good = middle;
	}
	return line_at(file, file->text.p + bad);
}

int
pie_file_open(struct pie_file *file, const char *path)
{
	const char *why = "it is empty";

	*file = (struct pie_file){ .path = path, .names = names_create() };
	arena_init(&file->arena, 0);
	xml_tokens_init(&file->tokens);
	buffer_init(&file->bytes, FILE_MOST);
	if (read_all(file) < 0)
		return -1;
	file->text = element_in(buffer_slice(&file->bytes));
	if (file->text.len > 0 && xml_read(file->names, &limits, 0, file->text, &file->tokens,
					  &file->arena, &why) == 0)
		return 0;
	(void)fprintf(stderr, "kithctl: %s:%lu: %s\n", file->path, line_of_mistake(file), why);
	return -1;
}

void
pie_file_finish(struct pie_file *file)
{
	xml_tokens_finish(&file->tokens);
	arena_finish(&file->arena);
	buffer_finish(&file->bytes);
	names_destroy(&file->names);
}

unsigned long
pie_file_line(const struct pie_file *file, const struct xml_token *element)
{
	return line_at(file, xml_raw(element).p);
}

void
pie_file_complain(const struct pie_file *file, const struct xml_token *element, const char *text)
{
	(void)fprintf(stderr, "kithctl: %s:%lu: <%.*s>: %s\n", file->path,
		pie_file_line(file, element), SLICE_ARG(element->local), text);
}

struct slice
pie_attribute(const struct xml_token *element, const char *name)
{
	for (unsigned i = 1; i <= element->attributes; i++) {
		if (element[i].uri.len == 0 && slice_is_text(element[i].local, name))
			return element[i].value;
	}
	return NO_SLICE;
}

bool
pie_is(const struct xml_token *element, const char *name, const char *ns)
{
	return slice_is_text(element->local, name) && slice_is_text(element->uri, ns);
}
