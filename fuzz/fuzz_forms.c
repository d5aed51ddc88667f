/*
 * Any element as a submitted data form. What was read is shown as a form again and, handed in
 * unchanged, is read to the same: all but the secrets, which are not shown.
 */
#include "fuzz.h"

#include "proto/forms.h"

#include <assert.h>

struct answer {
	struct slice name, secret, choice;
	bool is_public;
	uint32_t port;
	struct jid owner;
	struct jid_list people;
	struct slice_list lines, choices;
};

static const struct form_choice choices[] = { { "a", "A" }, { "b", "B" }, { NULL, NULL } };
static const struct form_entry entries[] = {
	ENTRY_TEXT(struct answer, name, "name", "Name", true, 100),
	ENTRY_PRIVATE(struct answer, secret, "secret", "Secret", false, 100),
	ENTRY_BOOL(struct answer, is_public, "public", "Public"),
	ENTRY_UINT(struct answer, port, "port", "Port", false, 0, 65535),
	ENTRY_JID(struct answer, owner, "owner", "Owner", false),
	ENTRY_JIDS(struct answer, people, "people", "People", false, 100),
	ENTRY_LINES(struct answer, lines, "lines", "Lines", false, 100),
	ENTRY_CHOICE(struct answer, choice, "choice", "Choice", false, choices),
	ENTRY_CHOICES(struct answer, choices, "choices", "Choices", false, choices),
	ENTRIES_END(struct answer),
};
static const struct form_spec spec = { "Title", "Instructions", "urn:kith:fuzz", entries };

/* The bytes of the form that shows the answer; with another type it could be handed in. */
static struct slice
show(const struct answer *answer, struct arena *arena)
{
	struct form form = form_ask(&spec, answer, arena);
	struct buffer out;
	struct slice text;

	buffer_init(&out, (size_t)1 << 20);
	form.type = SLICE("submit");
	codec_encode(&out, &form_payload, &form);
	assert(!out.overflowed);
	text = arena_copy(arena, buffer_slice(&out));
	buffer_finish(&out);
	return text;
}

/* 0: it is a form that says something. */
static int
read_answer(const struct names *names, const struct codec_type *type, struct slice text,
	struct arena *arena, struct answer *answer)
{
	struct xml_tokens tokens;
	const char *why = NULL;
	void *form;
	int r = -1;

	xml_tokens_init(&tokens);
	if (xml_read(names, &xml_limits_client, NAME_UNKNOWN, text, &tokens, arena, &why) == 0 &&
		codec_matches(type, tokens.v) &&
		codec_decode(type, tokens.v, arena, &form, &why) == 0) {
		why = NULL;
		r = form_read(&spec, form, arena, answer, &why);
		assert((r == 0) == (why == NULL));
	}
	xml_tokens_finish(&tokens);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names *names = names_create();
	struct codec *codec = codec_create(names);
	const struct codec_type *type = codec_add(codec, &form_payload);
	struct answer first = { 0 }, second = { 0 };
	struct arena arena;

	arena_init(&arena, 0);
	if (read_answer(names, type, slice_make((const char *)data, size), &arena, &first) == 0) {
		struct slice shown = show(&first, &arena);

		assert(read_answer(names, type, shown, &arena, &second) == 0);
		assert(slice_is(shown, show(&second, &arena)));
	}
	arena_finish(&arena);
	codec_destroy(&codec);
	names_destroy(&names);
	return 0;
}
