/* What a user keeps: contacts, and what the world may know of them. */
#include "server/admin.h"
#include "server/control_internal.h"
#include "server/server_internal.h"

#include <errno.h>

static void
got_roster(void *arg, int error, const struct roster_item_list *items)
{
	struct control_request *request = arg;

	for (size_t i = 0; i < items->count; i++) {
		const struct roster_item *item = &items->v[i];

		control_record(request);
		control_text(request, "contact", item->jid.full);
		control_text(request, "name", item->name);
		control_text(request, "subscription", item->subscription);
		control_text(request, "ask", item->ask);
		control_flag(request, "approved", item->approved);
		control_list(request, "groups", &item->groups);
	}
	control_answer_done(request, error);
}

void
control_roster(struct control_request *request)
{
	if (control_read_jid(request, request->words[1]))
		admin_read_roster(request->shard, &request->jid, got_roster, request);
}

/*
 * A vCard is a tree of any elements, so what is told are its leaves that have a text, each with the
 * way to it: "N/FAMILY". Those that are only there, as <HOME/>, are told without one.
 */
static void
tell_leaf(struct control_request *request, struct slice path, struct slice text)
{
	control_record(request);
	control_text(request, "property", path);
	control_text(request, "value", text);
}

enum { PATH_MOST = 512 };

/* Steps into an element that has others in it; tells one that has none. Where to go on. */
static uint32_t
enter(struct control_request *request, const struct xml_token *element, struct buffer *path,
	size_t **lengths)
{
	size_t len = path->len;

	(void)buffer_text(path, len > 0 ? "/" : "");
	(void)buffer_append(path, element->local);
	if (xml_first_child(element) != NULL) {
		*(*lengths)++ = len;
		return 1U + element->attributes;
	}
	tell_leaf(request, buffer_slice(path), xml_text(element, &request->arena));
	path->len = len;
	return element->span;
}

static void
tell_leaves(struct control_request *request, const struct xml_token *card, struct buffer *path)
{
	size_t lengths[XML_DEPTH_MOST] = { 0 },
	       *top = lengths; /* of the path, before each that is open */

	for (uint32_t i = 1U + card->attributes; i + 1 < card->span;) {
		if (card[i].kind == XML_ELEMENT) {
			i += enter(request, &card[i], path, &top);
			continue;
		}
		if (card[i].kind == XML_END)
			path->len = *--top;
		i++;
	}
}

static int
tell_card(struct control_request *request, struct slice xml)
{
	struct xml_tokens tokens;
	struct buffer path;
	const char *why;
	int r;

	xml_tokens_init(&tokens);
	buffer_init(&path, PATH_MOST);
	r = xml_read(request->shard->server->names, &xml_limits_own, 0, xml, &tokens,
		&request->arena, &why);
	if (r == 0)
		tell_leaves(request, tokens.v, &path);
	buffer_finish(&path);
	xml_tokens_finish(&tokens);
	return r;
}

static void
got_card(void *arg, int error, const struct store_result *card)
{
	struct control_request *request = arg;

	if (error == -ENOTSUP)
		control_error(request, "this server keeps no vCards");
	else if (error < 0)
		control_answer_done(request, error);
	else if (card->count > 0 && tell_card(request, card->rows[0].value) < 0)
		control_error(
			request, "the stored vCard cannot be read; its owner can set it anew");
	else
		control_ok(request);
}

void
control_vcard(struct control_request *request)
{
	if (control_read_jid(request, request->words[1]))
		admin_read_named(request->shard, &request->jid, "vcard", "card", got_card, request);
}
