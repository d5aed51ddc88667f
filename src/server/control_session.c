/* Who is signed in, and what can be done about it. */
#include "server/admin.h"
#include "server/control_internal.h"
#include "server/server_internal.h"

static void
tell_session(struct control_request *request, const struct admin_session *s)
{
	struct slice show = s->is_available ? SLICE("available") : SLICE("unavailable");

	control_record(request);
	control_text(request, "session", s->jid.full);
	control_text(request, "peer", s->is_lost ? SLICE("lost") : s->peer);
	control_text(request, "tls", s->tls[0] == '\0' ? NO_SLICE : slice_of(s->tls));
	control_text(request, "cipher", s->cipher[0] == '\0' ? NO_SLICE : slice_of(s->cipher));
	control_time(request, "since", s->since_ms);
	control_time(request, "heard", s->heard_ms);
	control_text(request, "show", s->show.p == NULL ? show : s->show);
	control_number(request, "priority", s->priority);
	control_number(request, "queue_bytes", (int64_t)s->queue_bytes);
	control_number(request, "shard", s->shard);
}

/* Of all, or of the one account or session that was asked for. */
static void
got_sessions(void *arg, const struct admin_sessions *found)
{
	struct control_request *request = arg;

	for (size_t i = 0; i < found->count; i++) {
		const struct admin_session *s = &found->v[i];

		if (!jid_is_full(&request->jid) || jid_is(&request->jid, &s->jid))
			tell_session(request, s);
	}
	control_ok(request);
}

void
control_sessions(struct control_request *request)
{
	struct jid bare;

	if (request->count == 1) {
		admin_list_sessions(request->shard, NO_SLICE, UINT32_MAX, got_sessions, request);
		return;
	}
	if (!control_read_any_jid(request, request->words[1]))
		return;
	bare = jid_to_bare(&request->jid);
	admin_find_sessions(request->shard, &bare, got_sessions, request);
}

static void
kicked(void *arg, uint64_t count)
{
	struct control_request *request = arg;

	if (count == 0) {
		control_error(request, "there is no such session; sessions lists all");
		return;
	}
	control_record(request);
	control_number(request, "sessions", (int64_t)count);
	control_ok(request);
}

void
control_kick(struct control_request *request)
{
	const char *why = request->count > 2 ? request->words[2].p
					     : "An administrator ended this session";

	if (control_read_any_jid(request, request->words[1]))
		admin_kick(request->shard, &request->jid, why, kicked, request);
}

enum { TEXT_MOST = 16 * 1024 };

static void
announced(void *arg, uint64_t count)
{
	struct control_request *request = arg;

	control_record(request);
	control_number(request, "sessions", (int64_t)count);
	control_ok(request);
}

/* NULL: it is none of ours. */
static const struct host *
read_host(struct control_request *request, struct slice word)
{
	if (jid_parse(word, &request->arena, &request->jid) < 0)
		return NULL;
	return server_host(request->shard->server, request->jid.full);
}

void
control_announce(struct control_request *request)
{
	struct slice domain = NO_SLICE;

	if (request->words[1].len == 0 || request->words[1].len > TEXT_MOST) {
		control_error(request, request->words[1].len == 0
					       ? "there is nothing to announce; give a text"
					       : "this text is too long; 16 KiB is the most");
		return;
	}
	if (request->count > 2) {
		const struct host *host = read_host(request, request->words[2]);

		if (host == NULL) {
			control_error(request,
				"this server does not have that domain; see its configuration");
			return;
		}
		domain = host_domain(host);
	}
	admin_announce(request->shard, domain, request->words[1], announced, request);
}
