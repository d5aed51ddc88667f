/* HT-SHA-256-*: against values from another implementation of HMAC, and what is malformed. */
#include "proto/sasl_ht.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define TOKEN SLICE("c2VjcmV0")
#define BINDING SLICE("bound to this")

/* hmac.new(b"c2VjcmV0", b"Initiator" + b"bound to this", "sha256") in Python, and so on. */
static const unsigned char initiator_bound[HT_PROOF] = { 0xa5, 0x89, 0xd2, 0xd5, 0xaf, 0x97, 0x5d,
	0xb1, 0x62, 0x42, 0x99, 0x84, 0xd4, 0x2c, 0x3f, 0x82, 0xc0, 0x34, 0x6f, 0x9f, 0x93, 0x1d,
	0xcc, 0xee, 0x17, 0x58, 0x49, 0xa5, 0x2c, 0xf3, 0xa0, 0x34 };
static const unsigned char initiator_none[HT_PROOF] = { 0x20, 0x8d, 0xcc, 0x6d, 0xf2, 0xef, 0x5a,
	0xa0, 0x99, 0x92, 0xaf, 0x1d, 0xd5, 0x7b, 0xf4, 0xcf, 0x5d, 0x63, 0x55, 0x53, 0xae, 0xf0,
	0xa4, 0x3a, 0x1f, 0x1b, 0x37, 0x0f, 0x92, 0xa3, 0x86, 0x88 };
static const unsigned char responder_bound[HT_PROOF] = { 0xab, 0x0e, 0xee, 0xd4, 0x5c, 0xc4, 0xb5,
	0x05, 0x90, 0x52, 0x12, 0x61, 0x8b, 0xa3, 0xb7, 0x52, 0xe9, 0xa4, 0x10, 0x42, 0xb7, 0xd4,
	0x0c, 0x9d, 0x66, 0xfc, 0x7c, 0x29, 0x3b, 0x31, 0xa1, 0xe8 };

static struct slice
bytes(const unsigned char *p)
{
	return slice_make((const char *)p, HT_PROOF);
}

static void
proofs_are_those_of_others(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_true(ht_fits(TOKEN, BINDING, bytes(initiator_bound)));
	assert_true(ht_fits(TOKEN, NO_SLICE, bytes(initiator_none)));
	assert_true(slice_is(ht_answer(TOKEN, BINDING, &arena), bytes(responder_bound)));
	arena_finish(&arena);
}

static void
nothing_else_fits(void **state)
{
	unsigned char wrong[HT_PROOF];

	(void)state;
	assert_false(ht_fits(TOKEN, NO_SLICE, bytes(initiator_bound)));
	assert_false(ht_fits(TOKEN, BINDING, bytes(responder_bound)));
	assert_false(ht_fits(SLICE("c2VjcmV1"), BINDING, bytes(initiator_bound)));
	assert_false(ht_fits(TOKEN, BINDING, slice_make((const char *)initiator_bound, 31)));
	assert_false(ht_fits(TOKEN, BINDING, SLICE("")));
	for (size_t i = 0; i < HT_PROOF; i++) {
		memcpy(wrong, initiator_bound, sizeof(wrong));
		wrong[i] ^= 1;
		assert_false(ht_fits(TOKEN, BINDING, bytes(wrong)));
	}
}

static void
a_message_is_a_name_and_a_proof(void **state)
{
	static const char message[] = "juliet\0"
				      "0123456789abcdef0123456789abcdef";
	struct slice whole = slice_make(message, sizeof(message) - 1), user, proof;

	(void)state;
	assert_int_equal(ht_parse(whole, &user, &proof), 0);
	assert_true(slice_is_text(user, "juliet"));
	assert_true(slice_is_text(proof, "0123456789abcdef0123456789abcdef"));
	for (size_t len = 0; len < whole.len; len++)
		assert_true(ht_parse(slice_make(message, len), &user, &proof) < 0);
	assert_true(ht_parse(slice_from(whole, 6), &user, &proof) < 0);
	assert_true(ht_parse(NO_SLICE, &user, &proof) < 0);
}

static void
mechanisms_have_names(void **state)
{
	(void)state;
	for (enum ht_kind kind = 0; kind < HT_KINDS; kind++)
		assert_int_equal(ht_find(slice_of(ht_name(kind))), kind);
	assert_int_equal(ht_find(SLICE("HT-SHA-256-UNIQ")), HT_KINDS);
	assert_int_equal(ht_find(SLICE("HT-SHA-256-")), HT_KINDS);
	assert_int_equal(ht_find(NO_SLICE), HT_KINDS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proofs_are_those_of_others),
		cmocka_unit_test(nothing_else_fits),
		cmocka_unit_test(a_message_is_a_name_and_a_proof),
		cmocka_unit_test(mechanisms_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
