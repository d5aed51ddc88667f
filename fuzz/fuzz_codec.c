/*
 * The codec with a table of all kinds of field, from any element. What was decoded is encoded,
 * and what that says is decoded and encoded again: the second writing equals the first.
 */
#include "fuzz.h"

#include "proto/codec.h"
#include "proto/stanza.h"

#include <assert.h>

struct item {
	struct slice name;
	uint32_t count;
	struct slice_list groups;
};

struct item_list {
	struct item *v;
	size_t count;
};

struct all {
	struct slice id, lang, own, title;
	struct jid owner;
	uint32_t size;
	bool is_good, has_flag;
	struct slice_list lines;
	struct jid_list members;
	struct item_list items;
};

static const struct field item_fields[] = {
	ATTR_TEXT(struct item, name, "name"),
	ATTR_UINT(struct item, count, "count"),
	CHILD_TEXTS(struct item, groups, "group"),
	FIELDS_END(struct item),
};
static const struct field fields[] = {
	ATTR_TEXT(struct all, id, "id"),
	ATTR_LANG(struct all, lang),
	ATTR_JID(struct all, owner, "owner"),
	ATTR_UINT(struct all, size, "size"),
	ATTR_BOOL(struct all, is_good, "good"),
	CHILD_TEXT(struct all, title, "title"),
	CHILD_TEXTS(struct all, lines, "line"),
	CHILD_FLAG(struct all, has_flag, "flag"),
	CHILD_JIDS(struct all, members, "member", "jid"),
	CHILD_LIST(struct all, items, "item", item_fields),
	FIELDS_END(struct all),
};
static const struct payload all_payload = { "all", "urn:kith:all", fields };

struct box {
	struct slice id;
	struct foreign_list content;
};

static const struct field box_fields[] = {
	ATTR_TEXT(struct box, id, "id"),
	CHILDREN(struct box, content),
	FIELDS_END(struct box),
};
static const struct payload box_payload = { "box", "urn:kith:box", box_fields };

static const struct payload *const payloads[] = { &all_payload, &box_payload };

/* Reads the text and writes what it says. False when it is refused. */
static bool
write_again(const struct names *names, const struct codec_type *type, struct slice text,
	struct buffer *out)
{
	struct xml_tokens tokens;
	struct arena arena;
	const char *why;
	void *data;
	bool good = false;

	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	if (xml_read(names, &xml_limits_client, NAME_UNKNOWN, text, &tokens, &arena, &why) == 0 &&
		codec_matches(type, tokens.v) &&
		codec_decode(type, tokens.v, &arena, &data, &why) == 0) {
		codec_encode(out, codec_payload(type), data);
		good = !out->overflowed;
	}
	arena_finish(&arena);
	xml_tokens_finish(&tokens);
	return good;
}

static void
write_twice(const struct names *names, const struct codec_type *type, struct slice text)
{
	struct buffer once, twice;

	buffer_init(&once, (size_t)1 << 18);
	buffer_init(&twice, (size_t)1 << 20);
	if (write_again(names, type, text, &once)) {
		assert(write_again(names, type, buffer_slice(&once), &twice));
		assert(slice_is(buffer_slice(&once), buffer_slice(&twice)));
	}
	buffer_finish(&once);
	buffer_finish(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names *names = names_create();
	struct codec *codec = codec_create(names);

	for (size_t i = 0; i < COUNT_OF(payloads); i++)
		write_twice(
			names, codec_add(codec, payloads[i]), slice_make((const char *)data, size));
	codec_destroy(&codec);
	names_destroy(&names);
	return 0;
}
