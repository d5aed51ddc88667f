/* kithctl admin: the admins of the configuration, and those on the lists of the hosts. */
#include "server/admin.h"
#include "server/control_internal.h"
#include "server/host_keep.h"
#include "server/option.h"
#include "server/server_internal.h"

#include <errno.h>

static void
tell_admin(struct control_request *request, struct slice address, struct slice domain)
{
	control_record(request);
	control_text(request, "address", address);
	control_text(request, "of", domain);
}

/* Those of the configuration are for all domains, and are told as that. */
void
control_admin_list(struct control_request *request)
{
	const struct server *server = request->shard->server;
	const struct text_list *fixed = admin_configured(server);

	for (size_t i = 0; i < fixed->count; i++)
		tell_admin(request, slice_of(fixed->v[i]), SLICE("the whole server"));
	for (size_t i = 0; i < server->host_count; i++) {
		const struct host *host = server->hosts[i];
		const struct jid_set *own = host_kept_jids(
			request->shard, host, NULL, CORE_KEPT_ADMINS);

		for (size_t j = 0; j < jid_set_count(own); j++)
			tell_admin(request, own->v[j].full, host_domain(host));
	}
	control_ok(request);
}

static void
add(void *arg, int error, const struct admin_facts *account)
{
	struct control_request *request = arg;
	const struct server *server = request->shard->server;

	(void)account;
	if (error < 0)
		control_answer_done(request, error);
	else
		admin_change_list(request->shard, server_host(server, jid_domain(&request->jid)),
			&request->jid, true, control_answer_done, request);
}

/* Who is to be one must be there: nobody else shall take the name. */
void
control_admin_add(struct control_request *request)
{
	if (control_read_jid(request, request->words[1]))
		admin_read_facts(request->shard, &request->jid, add, request);
}

void
control_admin_remove(struct control_request *request)
{
	const struct server *server = request->shard->server;
	const struct host *host;

	if (!control_read_jid(request, request->words[1]))
		return;
	host = server_host(server, jid_domain(&request->jid));
	if (admin_is_configured(server, request->jid.full))
		control_error(request,
			"this is an admin by the configuration; take it from server.admins there");
	else if (!jid_set_has(host_kept_jids(request->shard, host, NULL, CORE_KEPT_ADMINS),
			 &request->jid))
		control_error(request, "this is no admin of its domain; see kithctl admin list");
	else
		admin_change_list(
			request->shard, host, &request->jid, false, control_answer_done, request);
}
