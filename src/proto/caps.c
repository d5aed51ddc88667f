/*
 * The verification string: everything that is told, sorted and run together, then hashed. It is
 * sorted by bytes, as i;octet wants, in copies of the lists.
 */
#include "proto/caps.h"

#include "proto/base64.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { TOLD_MOST = 4 << 20 };

static const struct field fields[] = {
	ATTR_TEXT(struct caps, hash, "hash"),
	ATTR_TEXT(struct caps, node, "node"),
	ATTR_TEXT(struct caps, ver, "ver"),
	FIELDS_END(struct caps),
};
const struct payload caps_payload = { "c", NS_CAPS, fields };

static void *
copy_array(struct arena *arena, const void *v, size_t count, size_t size)
{
	void *copy = arena_alloc(arena, size_mul(count + 1, size));

	if (count > 0)
		memcpy(copy, v, count * size);
	return copy;
}

static int
compare_identities(const void *a, const void *b)
{
	const struct disco_identity *one = a, *other = b;
	int order = slice_compare(one->category, other->category);

	if (order == 0)
		order = slice_compare(one->type, other->type);
	return order != 0 ? order : slice_compare(one->lang, other->lang);
}

static int
compare_features(const void *a, const void *b)
{
	const struct disco_feature *one = a, *other = b;

	return slice_compare(one->var, other->var);
}

static int
compare_fields(const void *a, const void *b)
{
	const struct form_field *one = a, *other = b;

	return slice_compare(one->var, other->var);
}

static int
compare_texts(const void *a, const void *b)
{
	const struct slice *one = a, *other = b;

	return slice_compare(*one, *other);
}

/* The value of FORM_TYPE (XEP-0068); p NULL: the form has none. */
static struct slice
type_of(const struct form *form)
{
	for (size_t i = 0; i < form->fields.count; i++) {
		const struct form_field *f = &form->fields.v[i];

		if (slice_is_text(f->var, "FORM_TYPE") && f->values.count > 0)
			return f->values.v[0];
	}
	return NO_SLICE;
}

static int
compare_forms(const void *a, const void *b)
{
	return slice_compare(type_of(a), type_of(b));
}

static void
tell(struct buffer *out, struct slice text, char end)
{
	(void)buffer_append(out, text);
	(void)buffer_append(out, slice_make(&end, 1));
}

static void
tell_identities(struct buffer *out, const struct disco_identity_list *list, struct arena *arena)
{
	struct disco_identity *v = copy_array(arena, list->v, list->count, sizeof(*v));

	qsort(v, list->count, sizeof(*v), compare_identities);
	for (size_t i = 0; i < list->count; i++) {
		tell(out, v[i].category, '/');
		tell(out, v[i].type, '/');
		tell(out, v[i].lang, '/');
		tell(out, v[i].name, '<');
	}
}

static void
tell_features(struct buffer *out, const struct disco_feature_list *list, struct arena *arena)
{
	struct disco_feature *v = copy_array(arena, list->v, list->count, sizeof(*v));

	qsort(v, list->count, sizeof(*v), compare_features);
	for (size_t i = 0; i < list->count; i++)
		tell(out, v[i].var, '<');
}

static void
tell_field(struct buffer *out, const struct form_field *field, struct arena *arena)
{
	size_t count = field->values.count;
	struct slice *v = copy_array(arena, field->values.v, count, sizeof(*v));

	tell(out, field->var, '<');
	qsort(v, count, sizeof(*v), compare_texts);
	for (size_t i = 0; i < count; i++)
		tell(out, v[i], '<');
}

static void
tell_form(struct buffer *out, const struct form *form, struct arena *arena)
{
	size_t count = form->fields.count;
	struct form_field *v = copy_array(arena, form->fields.v, count, sizeof(*v));

	tell(out, type_of(form), '<');
	qsort(v, count, sizeof(*v), compare_fields);
	for (size_t i = 0; i < count; i++) {
		if (!slice_is_text(v[i].var, "FORM_TYPE"))
			tell_field(out, &v[i], arena);
	}
}

static void
tell_forms(struct buffer *out, const struct form_list *list, struct arena *arena)
{
	struct form *v = copy_array(arena, list->v, list->count, sizeof(*v));

	qsort(v, list->count, sizeof(*v), compare_forms);
	for (size_t i = 0; i < list->count; i++) {
		/* 5.4, 3.6: a form without a type does not count */
		if (type_of(&v[i]).p != NULL)
			tell_form(out, &v[i], arena);
	}
}

struct slice
caps_ver(const struct disco_info *info, struct arena *arena)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buffer told;
	unsigned len = 0;

	buffer_init(&told, TOLD_MOST);
	tell_identities(&told, &info->identities, arena);
	tell_features(&told, &info->features, arena);
	tell_forms(&told, &info->forms, arena);
	if (EVP_Digest(told.data, told.len, digest, &len, EVP_sha1(), NULL) != 1)
		die("OpenSSL has no SHA-1, which XEP-0115 needs; check its configuration.");
	buffer_finish(&told);
	return base64_encode(slice_make((const char *)digest, len), arena);
}
