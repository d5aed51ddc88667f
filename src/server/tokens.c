/*
 * A line each: "current HT-SHA-256-NONE 1790000000 secret", "software Balcony". Behind a secret
 * there may be the count of its last use.
 */
#include "server/tokens.h"

static void
read_token(struct slice text, struct token *out)
{
	size_t name = slice_find(text, ' '), until;
	struct slice rest = slice_from(text, name < text.len ? name + 1 : name), secret;
	uint64_t seconds, count = 0;
	size_t end;

	until = slice_find(rest, ' ');
	secret = slice_from(rest, until < rest.len ? until + 1 : until);
	if (slice_to_uint(slice_make(rest.p, until), INT32_MAX * UINT64_C(4), &seconds) < 0)
		return;
	end = slice_find(secret, ' ');
	if (end < secret.len && slice_to_uint(slice_from(secret, end + 1), UINT64_MAX, &count) < 0)
		return;
	secret = slice_make(secret.p, end);
	out->count = count;
	out->kind = ht_find(slice_make(text.p, name));
	out->until_s = (int64_t)seconds;
	out->secret = out->kind == HT_KINDS || secret.len == 0 ? NO_SLICE : secret;
}

static void
read_line(struct slice line, struct client_tokens *out)
{
	size_t end = slice_find(line, ' ');
	struct slice name = slice_make(line.p, end);
	struct slice rest = slice_from(line, end < line.len ? end + 1 : end);

	if (slice_is_text(name, "current"))
		read_token(rest, &out->current);
	else if (slice_is_text(name, "fresh"))
		read_token(rest, &out->fresh);
	else if (slice_is_text(name, "software"))
		out->software = rest;
	else if (slice_is_text(name, "device"))
		out->device = rest;
}

void
tokens_read(struct slice text, struct client_tokens *out)
{
	*out = (struct client_tokens){ 0 };
	while (text.len > 0) {
		size_t end = slice_find(text, '\n');

		read_line(slice_make(text.p, end), out);
		text = slice_from(text, end < text.len ? end + 1 : end);
	}
}

static void
write_token(struct buffer *out, const char *slot, const struct token *token)
{
	if (token->secret.p == NULL)
		return;
	(void)buffer_printf(out, "%s %s %lld %.*s", slot, ht_name(token->kind),
		(long long)token->until_s, SLICE_ARG(token->secret));
	if (token->count > 0)
		(void)buffer_printf(out, " %llu", (unsigned long long)token->count);
	(void)buffer_text(out, "\n");
}

/* A client's own words, on one line. */
static void
write_words(struct buffer *out, const char *name, struct slice words)
{
	if (words.len == 0)
		return;
	(void)buffer_printf(out, "%s ", name);
	for (size_t i = 0; i < words.len; i++) {
		char c = (unsigned char)words.p[i] < ' ' ? ' ' : words.p[i];

		(void)buffer_append(out, slice_make(&c, 1));
	}
	(void)buffer_text(out, "\n");
}

void
tokens_write(const struct client_tokens *tokens, struct buffer *out)
{
	write_token(out, "current", &tokens->current);
	write_token(out, "fresh", &tokens->fresh);
	write_words(out, "software", tokens->software);
	write_words(out, "device", tokens->device);
}

int64_t
tokens_until(const struct client_tokens *tokens)
{
	int64_t current = tokens->current.secret.p == NULL ? 0 : tokens->current.until_s;
	int64_t fresh = tokens->fresh.secret.p == NULL ? 0 : tokens->fresh.until_s;

	return current > fresh ? current : fresh;
}
