/* Declared fields against forms as they come. */
#include "proto/forms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct bot {
	struct slice name, secret, maximum;
	bool is_public;
	uint32_t port;
	struct jid owner;
	struct jid_list people;
	struct slice_list about, features;
};

static const struct form_choice maxima[] = { { "10", "Ten" }, { "none", "None" }, { NULL, NULL } };
static const struct form_choice features[] = { { "news", "News" }, { "polls", "Polls" },
	{ NULL, NULL } };
static const struct form_entry entries[] = {
	ENTRY_TEXT(struct bot, name, "botname", "Name of your bot", true, 20),
	ENTRY_PRIVATE(struct bot, secret, "password", "Password", false, 20),
	ENTRY_BOOL(struct bot, is_public, "public", "Public bot?"),
	ENTRY_UINT(struct bot, port, "port", "Port", false, 1, 65535),
	ENTRY_JID(struct bot, owner, "owner", "Owner", false),
	ENTRY_JIDS(struct bot, people, "invitelist", "People to invite", false, 3),
	ENTRY_LINES(struct bot, about, "description", "Description", false, 2),
	ENTRY_CHOICE(struct bot, maximum, "maxsubs", "Most subscribers", false, maxima),
	ENTRY_CHOICES(struct bot, features, "features", "Features", false, features),
	ENTRIES_END(struct bot),
};
static const struct form_spec spec = { "A bot", "Fill it in.", "jabber:bot", entries };

struct fixture {
	struct names *names;
	struct codec *codec;
	const struct codec_type *type;
	struct xml_tokens tokens;
	struct arena arena;
	struct bot bot;
	const char *why;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->names = names_create();
	f->codec = codec_create(f->names);
	f->type = codec_add(f->codec, &form_payload);
	xml_tokens_init(&f->tokens);
	arena_init(&f->arena, 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	codec_destroy(&f->codec);
	names_destroy(&f->names);
	xml_tokens_finish(&f->tokens);
	arena_finish(&f->arena);
	free(f);
	return 0;
}

/* Reads <x/> with that type and those fields into f->bot. */
static int
submit(struct fixture *f, const char *type, const char *fields)
{
	struct slice xml = arena_printf(
		&f->arena, "<x xmlns='jabber:x:data' type='%s'>%s</x>", type, fields);
	void *form;

	assert_int_equal(xml_read(f->names, &xml_limits_server, NS_ID_CLIENT, xml, &f->tokens,
				 &f->arena, &f->why),
		0);
	assert_int_equal(codec_decode(f->type, f->tokens.v, &f->arena, &form, &f->why), 0);
	return form_read(&spec, form, &f->arena, &f->bot, &f->why);
}

#define NAME "<field var='botname'><value>b</value></field>"

static void
a_whole_form_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		submit(f, "submit",
			"<field var='FORM_TYPE' "
			"type='hidden'><value>jabber:bot</value></field>" NAME
			"<field var='password'><value>v3r0na</value></field>"
			"<field var='public'><value>1</value></field>"
			"<field var='port'><value>5222</value></field>"
			"<field var='owner'><value>Juliet@example.org</value></field>"
			"<field var='invitelist'><value>a@b</value><value>A@b</value>"
			"<value>c@d</value></field>"
			"<field var='description'><value>x</value><value/></field>"
			"<field var='maxsubs'><value>none</value></field>"
			"<field var='features'><value>polls</value><value>news</value></field>"),
		0);
	assert_true(slice_is_text(f->bot.name, "b"));
	assert_true(slice_is_text(f->bot.secret, "v3r0na"));
	assert_true(f->bot.is_public);
	assert_int_equal(f->bot.port, 5222);
	assert_true(slice_is_text(f->bot.owner.full, "juliet@example.org"));
	assert_int_equal(f->bot.people.count, 2);
	assert_int_equal(f->bot.about.count, 2);
	assert_true(slice_is_text(f->bot.maximum, "none"));
	assert_int_equal(f->bot.features.count, 2);
}

static void
what_is_not_submitted_stays(void **state)
{
	struct fixture *f = *state;

	f->bot.port = 7;
	f->bot.maximum = SLICE("10");
	assert_int_equal(submit(f, "submit", NAME "<field var='maxsubs'/>"), 0);
	assert_int_equal(f->bot.port, 7);
	assert_null(f->bot.maximum.p);
}

static void
what_nobody_declared_is_ignored(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(submit(f, "submit",
				 NAME "<field var='more'><value>1</value><value>2</value></field>"
				      "<field><value>fixed</value></field>"),
		0);
}

static void
a_wrong_field_is_named_and_changes_nothing(void **state)
{
	static const struct {
		const char *fields, *why;
	} rows[] = {
		{ "", "The field botname (Name of your bot) is required" },
		{ "<field var='botname'/>", "The field botname (Name of your bot) is required" },
		{ "<field var='botname'><value/></field>",
			"The field botname (Name of your bot) is required" },
		{ NAME NAME, "The field botname (Name of your bot) is there twice" },
		{ "<field var='botname'><value>a</value><value>b</value></field>",
			"The field botname (Name of your bot) has more than one value" },
		{ "<field var='botname'><value>123456789012345678901</value></field>",
			"The field botname (Name of your bot) is too long" },
		{ "<field var='botname'><value>a&#10;b</value></field>",
			"The field botname (Name of your bot) has a line break within a line" },
		{ NAME "<field var='public'><value>yes</value></field>",
			"The field public (Public bot?) is neither true nor false" },
		{ NAME "<field var='port'><value>-1</value></field>",
			"The field port (Port) is not a number" },
		{ NAME "<field var='port'><value>99999999999999999999</value></field>",
			"The field port (Port) is not a number" },
		{ NAME "<field var='port'><value>0</value></field>",
			"The field port (Port) is not between 1 and 65535" },
		{ NAME "<field var='owner'><value>@</value></field>",
			"The field owner (Owner) is not an XMPP address" },
		{ NAME "<field var='invitelist'><value>a</value><value>@</value></field>",
			"The field invitelist (People to invite) is not an XMPP address" },
		{ NAME "<field var='invitelist'><value>a</value><value>b</value><value>c</value>"
		       "<value>d</value></field>",
			"The field invitelist (People to invite) has too many values" },
		{ NAME "<field var='description'><value>a</value><value>b</value><value>c</value>"
		       "</field>",
			"The field description (Description) has too many values" },
		{ NAME "<field var='description'><value>a</value><value>b&#13;c</value></field>",
			"The field description (Description) has a line break within a line" },
		{ NAME "<field var='maxsubs'><value>11</value></field>",
			"The field maxsubs (Most subscribers) is none of the choices" },
		{ NAME "<field var='features'><value>news</value><value>fun</value></field>",
			"The field features (Features) is none of the choices" },
		{ NAME "<field var='features'><value>news</value><value>news</value></field>",
			"The field features (Features) has one choice twice" },
		{ "<field var='FORM_TYPE'><value>other</value></field>" NAME,
			"The form's FORM_TYPE is another one" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_not_equal(submit(f, "submit", rows[i].fields), 0);
		assert_string_equal(f->why, rows[i].why);
		assert_null(f->bot.name.p);
	}
}

static void
only_a_submitted_form_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_not_equal(submit(f, "form", NAME), 0);
	assert_int_not_equal(submit(f, "cancel", NAME), 0);
	assert_string_equal(f->why, "The form is not of type submit");
}

static void
assert_written(const struct form *form, const char *expected)
{
	struct buffer out;

	buffer_init(&out, 65536);
	codec_encode(&out, &form_payload, form);
	(void)buffer_append(&out, slice_make("", 1));
	assert_string_equal(out.data, expected);
	buffer_finish(&out);
}

static const struct form_entry few[] = {
	ENTRY_TEXT(struct bot, name, "botname", "Name", true, 20),
	ENTRY_PRIVATE(struct bot, secret, "password", "Password", false, 20),
	ENTRY_UINT(struct bot, port, "port", NULL, false, 1, 65535),
	ENTRY_CHOICE(struct bot, maximum, "maxsubs", "Most", false, maxima),
	ENTRIES_END(struct bot),
};
static const struct form_spec few_spec = { "T", "I", "jabber:bot", few };

#define HIDDEN "<field var='FORM_TYPE' type='hidden'><value>jabber:bot</value></field>"

static void
a_form_to_fill_in_shows_all_but_secrets(void **state)
{
	struct fixture *f = *state;
	struct bot bot = { .name = SLICE("<b>"), .secret = SLICE("v3r0na"), .port = 9 };
	struct form form = form_ask(&few_spec, &bot, &f->arena);

	assert_written(&form, "<x xmlns='jabber:x:data' type='form'><title>T</title>"
			      "<instructions>I</instructions>" HIDDEN
			      "<field var='botname' type='text-single' label='Name'><required/>"
			      "<value>&lt;b&gt;</value></field>"
			      "<field var='password' type='text-private' label='Password'/>"
			      "<field var='port' type='text-single'><value>9</value></field>"
			      "<field var='maxsubs' type='list-single' label='Most'>"
			      "<option label='Ten'><value>10</value></option>"
			      "<option label='None'><value>none</value></option></field></x>");
}

static void
a_result_has_values_and_no_secrets(void **state)
{
	struct fixture *f = *state;
	struct bot bot = { .name = SLICE("b"), .secret = SLICE("v3r0na") };
	struct form form = form_tell(&few_spec, &bot, &f->arena);

	assert_written(&form,
		"<x xmlns='jabber:x:data' type='result'><title>T</title>" HIDDEN
		"<field var='botname' type='text-single' label='Name'><value>b</value></field>"
		"<field var='port' type='text-single'><value>0</value></field>"
		"<field var='maxsubs' type='list-single' label='Most'/></x>");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_whole_form_is_read),
		TEST(what_is_not_submitted_stays),
		TEST(what_nobody_declared_is_ignored),
		TEST(a_wrong_field_is_named_and_changes_nothing),
		TEST(only_a_submitted_form_is_read),
		TEST(a_form_to_fill_in_shows_all_but_secrets),
		TEST(a_result_has_values_and_no_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
