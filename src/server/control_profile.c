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

/* Elements do not nest deeper than the scanner's limit, so neither does this. */
static void
tell_below(struct control_request *request, const struct xml_token *element, struct buffer *path)
{
	const struct xml_token *child = xml_first_child(element);
	size_t len = path->len;

	if (child == NULL)
		tell_leaf(request, buffer_slice(path), xml_text(element, &request->arena));
	for (; child != NULL; child = xml_next_sibling(child)) {
		if (len > 0)
			(void)buffer_text(path, "/");
		(void)buffer_append(path, child->local);
		tell_below(request, child, path);
		path->len = len;
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
	if (r == 0 && xml_first_child(tokens.v) != NULL)
		tell_below(request, tokens.v, &path);
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
