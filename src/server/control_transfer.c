/*
 * kithctl user export and user import-xml. Files are kithctl's: here an account is told element by
 * element, and read from one <user/>. What is to be said about one of its children has the numbers
 * of that, by which kithctl finds the line.
 */
#include "server/control_internal.h"
#include "server/registrar.h"
#include "server/server_internal.h"
#include "server/transfer_internal.h"

#include <errno.h>

static void
tell_element(struct transfer *transfer, struct slice xml)
{
	struct control_request *request = transfer->arg;

	control_record(request);
	control_text(request, "host", host_domain(transfer->host));
	control_text(request, "name", jid_local(&transfer->jid));
	control_text(request, "element", xml);
}

static void
exported(struct transfer *transfer, int error)
{
	control_answer_done(transfer->arg, error);
}

void
control_user_export(struct control_request *request)
{
	if (control_read_jid(request, request->words[1]))
		transfer_export(request->shard, &request->jid, tell_element, exported, request);
}

static void
tell_loss(struct control_request *request, const struct transfer_note *loss)
{
	control_record(request);
	control_number(request, "child", (int64_t)loss->child);
	control_number(request, "item", (int64_t)loss->number);
	control_text(request, "element", loss->element);
	control_text(request, "text", slice_of(loss->text));
}

/* It could sign in, but hardly anywhere. */
static void
tell_few_keys(struct control_request *request, const struct transfer *transfer)
{
	struct transfer_note note = {
		.element = SLICE("<user>"),
		.text = "it has no password and not the keys of all mechanisms: some clients "
			"cannot sign in before its password is set anew",
	};

	for (size_t i = 0; i < SCRAM_HASHES; i++) {
		if (transfer->password.p != NULL || transfer->keys.keys[i].iterations > 0)
			continue;
		tell_loss(request, &note);
		return;
	}
}

static void
imported(struct transfer *transfer, int error)
{
	struct control_request *request = transfer->arg;
	const struct transfer_note *mistake = &transfer->mistake;
	struct transfer_note *loss;

	if (error == -EEXIST) {
		control_error(request,
			"this account exists already, and nothing of it was changed; to "
			"replace it delete it first, which ends its subscriptions");
	} else if (transfer->has_failed) {
		control_error(request,
			arena_printf(&request->arena, "at %zu %zu %.*s: %s", mistake->child,
				mistake->number, SLICE_ARG(mistake->element), mistake->text)
				.p);
	} else if (error < 0) {
		control_answer_done(request, error);
	} else {
		log_info(request->shard->server->log, "an account was imported",
			F_TEXT("account", transfer->jid.full));
		LIST_EACH (loss, &transfer->losses, struct transfer_note, link)
			tell_loss(request, loss);
		tell_few_keys(request, transfer);
		control_ok(request);
	}
}

void
control_user_import_xml(struct control_request *request)
{
	struct host *host = server_host(request->shard->server, request->words[1]);

	if (host == NULL)
		control_error(request, "this server does not have that domain; add it to the "
				       "configuration, or change the file");
	else
		transfer_import(request->shard, host, request->words[2], imported, request);
}
