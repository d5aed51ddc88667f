/*
 * The way of an export: one batch reads all tables of the account, so that what is told is of one
 * moment. The way of an import: <user/> is read as a whole, each child adds to one transaction
 * whose condition is that there is no such account, and what is wrong stops it before that is sent.
 */
#include "server/transfer_internal.h"

#include "server/registrar.h"
#include "server/server_internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

/* What an administrator brings may be more than what a peer sends at once. */
static const struct xml_limits limits = {
	.stanza_bytes = LIMIT_TRANSFER,
	.elements = 500000,
	.depth = XML_DEPTH_MOST,
	.attributes = XML_ATTRIBUTES_MOST,
	.declarations = 32,
	.name_bytes = 256,
	.ns_bytes = 1024,
};

const struct jid *
transfer_jid(const struct transfer *transfer)
{
	return &transfer->jid;
}

const struct host *
transfer_host(const struct transfer *transfer)
{
	return transfer->host;
}

struct arena *
transfer_arena(struct transfer *transfer)
{
	return &transfer->shard->scratch;
}

struct store_txn *
transfer_txn(struct transfer *transfer)
{
	return transfer->txn;
}

unsigned
transfer_table(const struct transfer *transfer, const struct module *module, unsigned store)
{
	return server_module(transfer->shard->server, module)->first_table + store;
}

int64_t
transfer_wall_ms(const struct transfer *transfer)
{
	return loop_wall_ms(transfer->shard->loop);
}

static struct transfer *
begin(struct shard *shard, struct host *host, void (*done)(struct transfer *transfer, int error),
	void *arg)
{
	struct transfer *transfer = xcalloc(1, sizeof(*transfer));

	transfer->shard = shard;
	transfer->host = host;
	transfer->done = done;
	transfer->arg = arg;
	arena_init(&transfer->arena, 0);
	xml_tokens_init(&transfer->tokens);
	roster_init(&transfer->roster);
	list_init(&transfer->losses);
	return transfer;
}

static void
end(struct transfer *transfer, int error)
{
	OPENSSL_cleanse((void *)(uintptr_t)transfer->text.p, transfer->text.len);
	OPENSSL_cleanse((void *)(uintptr_t)transfer->password.p, transfer->password.len);
	transfer->done(transfer, error);
	store_txn_destroy(&transfer->txn);
	roster_finish(&transfer->roster);
	xml_tokens_finish(&transfer->tokens);
	arena_finish(&transfer->arena);
	free(transfer);
}

/* ---- The table ---- */

static void
add_entries(struct server *server, const struct transfer_entry *entry, const struct module *module)
{
	for (; entry != NULL && entry->payload != NULL; entry++) {
		server->transfers = xrealloc(server->transfers,
			size_mul(server->transfer_count + 1, sizeof(*server->transfers)));
		server->transfers[server->transfer_count++] = (struct transfer_type){ entry,
			codec_add(server->codec, entry->payload), module };
	}
}

int
transfer_settle(struct server *server, struct config_error *error)
{
	add_entries(server, transfer_core, NULL);
	for (size_t i = 0; i < server->module_count; i++) {
		const struct module *module = server->modules[i].module;

		if (module->stores != NULL && module->transfers == NULL) {
			(void)snprintf(error->text, sizeof(error->text),
				"the module %s keeps something and does not say how it is "
				"exported; "
				"this is a bug of it",
				module->name);
			return -EINVAL;
		}
		add_entries(server, module->transfers, module);
	}
	return 0;
}

/* ---- Export ---- */

static void
hand_out(struct transfer *transfer)
{
	if (transfer->out->overflowed)
		log_error(transfer->shard->server->log,
			"something is too large to be exported and is left out",
			F_TEXT("account", transfer->jid.full));
	else if (transfer->out->len > 0)
		transfer->element(transfer, buffer_slice(transfer->out));
	buffer_clear(transfer->out);
}

void
transfer_put(struct transfer *transfer, const struct payload *payload, const void *data)
{
	codec_encode(transfer->out, payload, data);
	hand_out(transfer);
}

void
transfer_put_xml(struct transfer *transfer, struct slice xml)
{
	(void)buffer_append(transfer->out, xml);
	hand_out(transfer);
}

static void
read_store(struct store_batch *batch, enum store_kind kind, unsigned table)
{
	static const struct store_range all;

	if (kind == STORE_VALUE)
		(void)store_read_value(batch, table);
	else if (kind == STORE_SET)
		(void)store_read_set(batch, table);
	else if (kind == STORE_MAP)
		(void)store_read_map(batch, table);
	else
		(void)store_read_log(batch, table, &all);
}

static size_t
count_stores(const struct module *module)
{
	size_t count = 0;

	while (module->stores != NULL && module->stores[count].name != NULL)
		count++;
	return count;
}

/* The results of the entry's owner, in the order in which they were asked for. */
static const struct store_result *
stores_of(const struct server *server, struct store_batch *batch, const struct module *module,
	struct arena *arena)
{
	size_t first = module == NULL ? 0 : CORE_TABLES, count = CORE_TABLES;
	struct store_result *stores;

	for (size_t i = 0; module != NULL && server->modules[i].module != module; i++)
		first += count_stores(server->modules[i].module);
	if (module != NULL)
		count = count_stores(module);
	stores = arena_array(arena, count + 1, struct store_result);
	for (size_t i = 0; i < count; i++)
		stores[i] = *store_result(batch, (unsigned)(first + i));
	return stores;
}

static void
write_all(struct transfer *transfer, struct store_batch *batch)
{
	const struct server *server = transfer->shard->server;
	struct buffer out;

	buffer_init(&out, LIMIT_TRANSFER);
	transfer->out = &out;
	for (size_t i = 0; i < server->transfer_count; i++) {
		const struct transfer_type *type = &server->transfers[i];

		if (type->entry->write != NULL)
			type->entry->write(transfer,
				stores_of(server, batch, type->module, transfer_arena(transfer)));
		arena_reset(transfer_arena(transfer));
	}
	buffer_finish(&out);
}

static void
got_all(struct store_request *request)
{
	struct transfer *transfer = request->arg;
	struct store_batch *batch = store_batch_of(request);
	int error = request->error;

	if (error == 0 && store_result(batch, CORE_CREDENTIALS)->count == 0)
		error = -ENOENT;
	if (error == 0)
		write_all(transfer, batch);
	end(transfer, error);
}

void
transfer_export(struct shard *shard, const struct jid *jid,
	void (*element)(struct transfer *transfer, struct slice xml),
	void (*done)(struct transfer *transfer, int error), void *arg)
{
	static const enum store_kind kinds[CORE_TABLES] = {
		[CORE_CREDENTIALS] = STORE_VALUE,
		[CORE_ROSTER] = STORE_MAP,
		[CORE_REQUESTS] = STORE_MAP,
		[CORE_DISABLED] = STORE_VALUE,
		[CORE_FAREWELL] = STORE_VALUE,
		[CORE_TOKENS] = STORE_MAP, /* not exported: they are for this server */
		[CORE_KEPT] = STORE_MAP,
		[CORE_SESSIONS] = STORE_MAP,
		[CORE_COUNTS] = STORE_MAP,
		[CORE_OUTBOX] = STORE_LOG,
	};
	struct server *server = shard->server;
	struct transfer *transfer = begin(shard, server_host(server, jid_domain(jid)), done, arg);
	struct store_batch *batch;

	transfer->jid = jid_to_bare(jid);
	transfer->jid = jid_copy(&transfer->jid, &transfer->arena);
	transfer->element = element;
	batch = store_batch_create(server->store, transfer->jid.full);
	for (size_t i = 0; i < CORE_TABLES; i++)
		read_store(batch, kinds[i], server->tables[i]);
	for (size_t i = 0; i < server->module_count; i++) {
		const struct module_slot *slot = &server->modules[i];

		for (size_t j = 0; j < count_stores(slot->module); j++)
			read_store(batch, slot->module->stores[j].kind,
				slot->first_table + (unsigned)j);
	}
	store_fetch(batch, shard->number, got_all, transfer);
}

/* ---- Import ---- */

static struct transfer_note
note_of(struct transfer *transfer, size_t number, const char *text)
{
	const struct xml_token *child = transfer->child;
	struct transfer_note note = { .number = number, .text = text };

	note.child = child == NULL ? 0 : transfer->child_number;
	note.element = child == NULL ? SLICE("<user xmlns='" NS_PIE "'>")
				     : arena_printf(&transfer->arena, "<%.*s xmlns='%.*s'>",
					       SLICE_ARG(child->local), SLICE_ARG(child->uri));
	return note;
}

void
transfer_mistake(struct transfer *transfer, size_t number, const char *text)
{
	if (transfer->has_failed)
		return;
	transfer->has_failed = true;
	transfer->mistake = note_of(transfer, number, text);
}

void
transfer_loss(struct transfer *transfer, size_t number, const char *text)
{
	struct transfer_note *note = arena_new(&transfer->arena, struct transfer_note);

	*note = note_of(transfer, number, text);
	list_append(&transfer->losses, &note->link);
}

static void
read_child(struct transfer *transfer, const struct xml_token *child)
{
	const struct server *server = transfer->shard->server;
	struct arena *arena = transfer_arena(transfer);
	const char *why;
	void *data;

	for (size_t i = 0; i < server->transfer_count; i++) {
		const struct transfer_type *type = &server->transfers[i];

		if (!codec_matches(type->type, child))
			continue;
		if (codec_decode(type->type, child, arena, &data, &why) < 0)
			transfer_mistake(transfer, 0, why);
		else
			type->entry->read(transfer, data);
		return;
	}
	transfer_loss(transfer, 0, "this server does not know it and leaves it out");
}

static struct slice
attribute(const struct xml_token *element, const char *name)
{
	for (unsigned i = 1; i <= element->attributes; i++) {
		if (element[i].uri.len == 0 && slice_is_text(element[i].local, name))
			return element[i].value;
	}
	return NO_SLICE;
}

static bool
read_user(struct transfer *transfer, const struct xml_token *user)
{
	struct slice name = attribute(user, "name");

	if (!slice_is_text(user->local, "user") || !slice_is_text(user->uri, NS_PIE))
		transfer_mistake(transfer, 0, "this is no <user/> of " NS_PIE);
	else if (name.len == 0 || jid_make(name, host_domain(transfer->host), NO_SLICE,
					  &transfer->arena, &transfer->jid) < 0)
		transfer_mistake(transfer, 0, "its name is missing, or is no user's name");
	transfer->password = attribute(user, "password");
	if (transfer->password.len == 0 || transfer_take_keys(transfer, transfer->password))
		transfer->password = NO_SLICE;
	return !transfer->has_failed;
}

static void
read_children(struct transfer *transfer, const struct xml_token *user)
{
	const struct xml_token *child = xml_first_child(user);

	for (; child != NULL && !transfer->has_failed; child = xml_next_sibling(child)) {
		transfer->child = child;
		transfer->child_number++;
		read_child(transfer, child);
		arena_reset(transfer_arena(transfer));
	}
	transfer->child = NULL;
	if (!transfer->has_failed && !transfer->has_keys && transfer->password.p == NULL)
		transfer_mistake(transfer, 0, "it has neither a password nor keys to sign in by");
}

static void
imported(void *arg, int error)
{
	end(arg, error);
}

/* With the password there are keys for all hashes, so it comes before keys for some. */
static void
send_away(struct transfer *transfer)
{
	struct store_txn *txn = transfer->txn;
	int r;

	transfer->txn = NULL;
	r = registrar_import(transfer->shard, &transfer->jid, transfer->password, &transfer->keys,
		txn, imported, transfer);
	if (r == -EINVAL)
		transfer_mistake(transfer, 0, "its password is none");
	if (r < 0)
		end(transfer, r);
}

void
transfer_import(struct shard *shard, struct host *host, struct slice user,
	void (*done)(struct transfer *transfer, int error), void *arg)
{
	struct transfer *transfer = begin(shard, host, done, arg);
	const char *why = NULL;

	transfer->text = user;
	if (xml_read(shard->server->names, &limits, 0, transfer->text, &transfer->tokens,
		    &transfer->arena, &why) < 0)
		transfer_mistake(transfer, 0, why);
	else if (read_user(transfer, transfer->tokens.v)) {
		transfer->txn = store_txn_create(shard->server->store, transfer->jid.full);
		read_children(transfer, transfer->tokens.v);
	}
	if (transfer->has_failed)
		end(transfer, -EINVAL);
	else
		send_away(transfer);
}
